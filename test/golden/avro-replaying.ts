/**
 * Owns replaying the cases that a real Debezium wrote in Avro through the real Slotline and a real schema registry: the same schemas under
 * the same subjects, and the same values but for masks.ts and replay-differences.ts.
 */
import { afterAll, beforeAll, describe, it } from 'vitest';
import { avscType } from '../../src/serde/test-avsc.ts';
import { anyRegistry } from '../harness/registry.ts';
import { missingPostgres } from '../harness/shared.ts';
import { type AvroCase, asJsonRecords } from './avro-cases.ts';
import { avroReader } from './avro-text.ts';
import { differences } from './compare.ts';
import type { GoldenCase, GoldenRecord, RecordedText } from './replay-cases.ts';
import { KNOWN_DIFFERENCES } from './replay-differences.ts';
import { replayGroup } from './replay-run.ts';

const INVALID_NAMESPACE = 'the Confluent API of the registry takes no such namespace; Debezium registered it through its other API';
const SHOWN_MAX = 4;
const REGISTRY_START_MS = 150_000;
let registry: Awaited<ReturnType<typeof anyRegistry>>;

function converters(): Record<string, string> {
  return Object.fromEntries(
    ['key.converter', 'value.converter'].flatMap((name) => [
      [name, 'io.confluent.connect.avro.AvroConverter'],
      [`${name}.schema.registry.url`, registry.url],
    ]),
  );
}

type RegistrySchema = { readonly text: string; readonly subjects: readonly string[] };

/** What Avro's specification allows; Java's library takes more. */
function hasValidNamespace(schema: string): boolean {
  return /^[\w.]*$/.test(/"namespace":"([^"]*)"/.exec(schema)?.[1] ?? '');
}

function isCanonical(schema: string, binary: Buffer): boolean {
  const type = avscType(schema);
  return type.toBuffer(type.fromBuffer(binary)).equals(binary);
}

async function schemaOf(id: number): Promise<RegistrySchema> {
  const { schema } = await ask<{ schema: string }>(`/schemas/ids/${id}`);
  const versions = await ask<{ subject: string }[]>(`/schemas/ids/${id}/versions`);
  return { text: schema, subjects: versions.map(({ subject }) => subject) };
}

async function ask<T>(path: string): Promise<T> {
  return (await (await fetch(registry.url + path)).json()) as T;
}

/** What was published as JSON text, and the schemas that it was written with, by the subject. */
class Decoder {
  readonly written = new Map<string, Set<string>>();
  readonly #schemas = new Map<number, RegistrySchema>();

  async read(records: readonly GoldenRecord[]): Promise<GoldenRecord[]> {
    const texts: GoldenRecord[] = [];
    for (const record of records) {
      const key = await this.#half(record.key, `${record.topic}-key`);
      texts.push({ ...record, key, value: await this.#half(record.value, `${record.topic}-value`) });
    }
    return texts;
  }

  async #half(half: RecordedText, subject: string): Promise<string | null> {
    if (half === null) return null;
    const bytes = typeof half === 'string' ? Buffer.from(half) : Buffer.from(half.base64, 'base64');
    if (bytes[0] !== 0) throw new Error(`${subject}: the magic byte is missing`);
    const id = bytes.readUInt32BE(1);
    const schema = this.#schemas.get(id) ?? (await schemaOf(id));
    this.#schemas.set(id, schema);
    if (!schema.subjects.includes(subject)) throw new Error(`schema ${id} is not registered as ${subject}`);
    this.written.set(subject, (this.written.get(subject) ?? new Set()).add(schema.text));
    const binary = bytes.subarray(5);
    if (!isCanonical(schema.text, binary)) throw new Error(`${subject}: avsc writes other bytes of what it reads`);
    return avroReader(schema.text)(binary);
  }
}

async function replayedDifferences(golden: AvroCase): Promise<string> {
  const expected: GoldenCase = { ...golden, records: asJsonRecords(golden.records, golden.schemas) };
  const decoder = new Decoder();
  const group = { name: golden.name, cases: [expected] };
  const [replay] = await replayGroup(group, golden.server ?? 18, { place: converters(), read: (records) => decoder.read(records) });
  const known = KNOWN_DIFFERENCES.filter(({ cases }) => cases.includes(golden.name));
  const found = differences({
    group: golden.name,
    expected: { name: 'debezium', records: expected.records },
    actual: { name: 'slotline', records: replay?.records ?? [] },
    adjust: (line) => known.reduce((text, { debezium, slotline }) => text.replaceAll(debezium, slotline), line),
  });
  return [...schemaFaults(golden, decoder.written), ...found].slice(0, SHOWN_MAX).join('\n');
}

/** Subjects whose schemas are not those that Debezium's converter registered; the closing message of a replay may have its own. */
function schemaFaults(golden: AvroCase, written: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  return Object.entries(golden.subjects).flatMap(([subject, versions]) => {
    const wanted = versions.filter((version) => version !== null).map((version) => golden.schemas[version - 1] ?? '');
    const own = [...(written.get(subject) ?? [])];
    return wanted.filter((text) => !own.includes(text)).map((text) => `${subject} lacks ${text}\n  and has ${own.join('\n  and has ')}`);
  });
}

/** One test for each case, against one registry. */
export function testReplays(cases: readonly AvroCase[]): void {
  describe('a recorded Debezium with an Avro converter', () => {
    beforeAll(async () => {
      registry = await anyRegistry();
    }, REGISTRY_START_MS);
    afterAll(async () => {
      await registry[Symbol.asyncDispose]();
    });
    for (const golden of cases) {
      const missing = missingPostgres(golden.server ?? 18);
      if (!golden.schemas.every(hasValidNamespace)) it.skip(`${golden.name}: ${INVALID_NAMESPACE}`, () => {});
      else if (missing !== undefined) it.skip(`${golden.name}: ${missing}`, () => {});
      else it.concurrent(golden.name, async ({ expect }) => expect(await replayedDifferences(golden)).toBe(''));
    }
  });
}
