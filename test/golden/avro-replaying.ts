/**
 * Owns replaying the cases that a real Debezium wrote in Avro through the real Slotline and a real schema registry: the same schemas under
 * the same subjects, the same values but for masks.ts and replay-differences.ts, and what independent decoders (avro-decoders.ts) read of
 * them are the values of the case recorded in JSON.
 */
import { afterAll, beforeAll, describe, it } from 'vitest';
import { itemAt } from '../../src/core/byte-reader.ts';
import type { SomeRegistry } from '../harness/registry.ts';
import { missingPostgres } from '../harness/shared.ts';
import { type AvroCase, asJsonRecords, avroForm, hasValidNamespaces, readJsonTwin, withoutNaN } from './avro-cases.ts';
import { type AvroDecoders, startDecoders, UNREADABLE } from './avro-decoders.ts';
import { AvroRegistry, bytesOf } from './avro-registry.ts';
import { differences, type Side } from './compare.ts';
import { expectedRecords, RecordSchemas } from './corpus-values.ts';
import { maskedAvroSchema } from './masks.ts';
import { type GoldenCase, type GoldenRecord, type RecordedText, withoutEnd } from './replay-cases.ts';
import { KNOWN_DIFFERENCES } from './replay-differences.ts';
import { replayGroup } from './replay-run.ts';

const INVALID_NAMESPACE = 'the Confluent API of the registry takes no such namespace; Debezium registered it through its other API';
const SHOWN_MAX = 4;
const SHOWN_BEFORE = 80;
const SHOWN_BEHIND = 200;
const REGISTRY_START_MS = 150_000;
let registry: SomeRegistry;
let schemas: AvroRegistry;
let decoders: AvroDecoders;

function converters(): Record<string, string> {
  return Object.fromEntries(
    ['key.converter', 'value.converter'].flatMap((name) => [
      [name, 'io.confluent.connect.avro.AvroConverter'],
      [`${name}.schema.registry.url`, registry.url],
    ]),
  );
}

/** What was published as JSON text, and the schemas that it was written with, by the subject. */
class Reading {
  readonly written = new Map<string, Set<string>>();
  /** As it came, without what the closing message brought. */
  published: readonly GoldenRecord[] = [];

  async read(records: readonly GoldenRecord[]): Promise<GoldenRecord[]> {
    for (const { topic, key, value } of records) {
      await this.#see(key, `${topic}-key`);
      await this.#see(value, `${topic}-value`);
    }
    const texts = await schemas.textRecords(records);
    const kept = new Set(withoutEnd(texts));
    this.published = records.filter((_, i) => kept.has(itemAt(texts, i)));
    return texts;
  }

  async #see(half: RecordedText, subject: string): Promise<void> {
    const bytes = bytesOf(half);
    if (bytes === null) return;
    const { id, text } = await schemas.schemaOf(bytes);
    if (!(await schemas.isRegistered(id, subject))) throw new Error(`schema ${id} is not registered as ${subject}`);
    this.written.set(subject, (this.written.get(subject) ?? new Set()).add(text));
  }
}

type Replayed = { readonly reading: Reading; readonly records: readonly GoldenRecord[] };

async function replay(golden: GoldenCase): Promise<Replayed> {
  const reading = new Reading();
  const group = { name: golden.name, cases: [golden] };
  const place = converters();
  const [replayed] = await replayGroup(group, golden.server ?? 18, { place, read: (records) => reading.read(records) });
  return { reading, records: replayed?.records ?? [] };
}

function compare(name: string, expected: Side, actual: Side): string[] {
  const known = KNOWN_DIFFERENCES.filter(({ cases }) => cases.includes(name));
  const adjust = (line: string): string => known.reduce((text, { debezium, slotline }) => text.replaceAll(debezium, slotline), line);
  return differences({ group: name, expected, actual, adjust });
}

/** What differs from Debezium's own records in Avro, and what the decoders read otherwise. */
async function differencesFromAvro(golden: AvroCase, o: { readonly hasTwin: boolean }): Promise<string> {
  const expected = asJsonRecords(golden.records, golden.schemas);
  const { reading, records } = await replay({ ...golden, records: expected });
  const found = schemaFaults(golden, reading.written);
  found.push(...compare(golden.name, { name: 'debezium', records: expected }, { name: 'slotline', records }));
  if (o.hasTwin) found.push(...(await decodedDifferences(golden, reading)));
  return found.slice(0, SHOWN_MAX).join('\n');
}

async function differencesFromJson(golden: GoldenCase): Promise<string> {
  const { reading } = await replay(golden);
  return (await decodedDifferences(golden, reading)).slice(0, SHOWN_MAX).join('\n');
}

/** What each decoder reads otherwise than Debezium's records in JSON say. */
async function decodedDifferences(golden: AvroCase | GoldenCase, { published }: Reading): Promise<string[]> {
  const twin = readJsonTwin(golden, { schemas: true });
  const form = avroForm(golden);
  const json = { name: 'json', records: expectedRecords(twin, form, readJsonTwin(golden, { schemas: false })) };
  const found: string[] = [];
  for (const { name, print } of decoders.decoders) {
    const printed = print(published, new RecordSchemas(twin, form));
    if (!UNREADABLE.some(({ decoder, cases }) => decoder === name && cases.includes(golden.name)))
      found.push(...compare(golden.name, json, { name, records: await printed }));
    else if (await isRead(printed)) found.push(`${name} reads ${golden.name} now: it is no exception any more`);
  }
  return found;
}

async function isRead(printed: Promise<unknown>): Promise<boolean> {
  return await printed.then(
    () => true,
    () => false,
  );
}

/** An optional struct that is a whole key or value: Apicurio's converter registers the record alone, Confluent's a union with null. */
function asApicurio(schema: string): string {
  return schema.replace(/^\["null",(\{"type":"record",.*\})\]$/, '$1');
}

/** Subjects whose schemas are not those that Debezium's converter registered; the closing message of a replay may have its own. */
function schemaFaults(golden: AvroCase, written: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  return Object.entries(golden.subjects).flatMap(([subject, versions]) => {
    const masked = (text: string): string => maskedAvroSchema(golden.name, text);
    const wanted = versions.filter((version) => version !== null).map((version) => masked(withoutNaN(golden.schemas[version - 1] ?? '')));
    const own = [...(written.get(subject) ?? [])].map((text) => masked(asApicurio(text)));
    return wanted
      .filter((text) => !own.includes(text))
      .map((text) => `${subject} lacks a schema${own.map((one) => shownDifference(text, one)).join('')}`);
  });
}

function shownDifference(wanted: string, own: string): string {
  let at = 0;
  while (at < wanted.length && wanted[at] === own[at]) at++;
  const [left, right] = [wanted, own].map((text) => text.slice(Math.max(0, at - SHOWN_BEFORE), at + SHOWN_BEHIND));
  return `\n  debezium …${left}\n  slotline …${right}`;
}

type WhatToReplay = {
  readonly openRegistry: () => Promise<SomeRegistry>;
  /** Cases that are compared with what was recorded in JSON alone. */
  readonly json?: readonly GoldenCase[];
  /** False where spine/ has no such cases, which decoders are compared with. */
  readonly hasTwin?: boolean;
};

/** One test for each case, against one registry. */
export function testReplays(cases: readonly AvroCase[], { openRegistry, json = [], hasTwin = true }: WhatToReplay): void {
  describe('a recorded Debezium with an Avro converter', () => {
    beforeAll(async () => {
      registry = await openRegistry();
      schemas = new AvroRegistry(registry.url);
      decoders = await startDecoders(schemas, registry.url);
    }, REGISTRY_START_MS);
    afterAll(async () => {
      await decoders[Symbol.asyncDispose]();
      await registry[Symbol.asyncDispose]();
    });
    it('is read by a decoder in another language too', ({ skip }) => {
      if (decoders.python.tag === 'missing') skip(decoders.python.reason);
    });
    for (const golden of cases) {
      const missing = missingPostgres(golden.server ?? 18);
      if (!hasValidNamespaces(golden)) it.skip(`${golden.name}: ${INVALID_NAMESPACE}`, () => {});
      else if (missing !== undefined) it.skip(`${golden.name}: ${missing}`, () => {});
      else it.concurrent(golden.name, async ({ expect }) => expect(await differencesFromAvro(golden, { hasTwin })).toBe(''));
    }
    for (const golden of json) {
      it.concurrent(`${golden.name} in JSON`, async ({ expect }) => expect(await differencesFromJson(golden)).toBe(''));
    }
  });
}
