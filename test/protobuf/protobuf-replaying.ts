/**
 * Owns replaying the cases of the type corpus through the real Slotline and a real schema registry in Protobuf: what an independent decoder
 * reads by the text that the registry gives back is what Debezium wrote of the same statements in JSON. Of a case that Protobuf cannot
 * hold it is the error that is compared.
 */
import { afterAll, beforeAll, describe, it } from 'vitest';
import { SlotlineError } from '../../src/core/errors.ts';
import { AVRO_LEFT_OUT } from '../golden/avro-cases.ts';
import { readGroups } from '../golden/case-store.ts';
import { differences } from '../golden/compare.ts';
import { type DecodedRecord, expectedRecords, printRecords, RecordSchemas } from '../golden/corpus-values.ts';
import { type GoldenCase, type GoldenRecord, type RecordedText, SCHEMAS_SUFFIX } from '../golden/replay-cases.ts';
import { KNOWN_DIFFERENCES } from '../golden/replay-differences.ts';
import { replayGroup } from '../golden/replay-run.ts';
import { useOwnBroker } from '../harness/own-broker.ts';
import type { SomeRegistry } from '../harness/registry.ts';
import { missingPostgres } from '../harness/shared.ts';
import { asProtobufHolds, refusalOf } from './corpus-in-protobuf.ts';
import { type ProtobufReader, protobufReader } from './protobuf-decoder.ts';

const SHOWN_MAX = 4;
const REGISTRY_START_MS = 150_000;
const HEAD_BYTES = 6;
let registry: SomeRegistry;

/** Cases that two connectors of one recording were needed for. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  'heartbeat-action': 'the heartbeat of the one connector writes rows that the other one reads',
  'heartbeat-action-failing': 'the same',
};

export type NullOption = 'optional.for.nullables' | 'wrapper.for.nullables';

/** Recorded with schemas: they tell the types of what is decoded. */
export function readTwins(): GoldenCase[] {
  return readGroups()
    .filter(({ name }) => !(name in AVRO_LEFT_OUT || name in LEFT_OUT))
    .flatMap(({ cases }) => cases.filter(({ name }) => name.endsWith(SCHEMAS_SUFFIX)));
}

function converters(nulls: NullOption): Record<string, string> {
  return Object.fromEntries(
    ['key.converter', 'value.converter'].flatMap((name) => [
      [name, 'io.confluent.connect.protobuf.ProtobufConverter'],
      [`${name}.schema.registry.url`, registry.url],
      [`${name}.${nulls}`, 'true'],
    ]),
  );
}

class Decoder {
  readonly #readers = new Map<number, ProtobufReader>();
  readonly #schemas: RecordSchemas;

  constructor(schemas: RecordSchemas) {
    this.#schemas = schemas;
  }

  async read(records: readonly GoldenRecord[]): Promise<DecodedRecord[]> {
    const decoded: DecodedRecord[] = [];
    for (const record of records) {
      const [key, value] = [await this.#half(record.key), await this.#half(record.value)];
      decoded.push({ ...record, key, value: this.#isRecorded(record) ? value : withNumbers(value) });
    }
    return decoded;
  }

  #isRecorded({ topic, partition }: GoldenRecord): boolean {
    return this.#schemas.at(`${topic} ${partition}`, 0, 'value') !== undefined;
  }

  async #half(half: RecordedText): Promise<unknown> {
    if (half === null) return null;
    const bytes = typeof half === 'string' ? Buffer.from(half) : Buffer.from(half.base64, 'base64');
    if (bytes[0] !== 0 || bytes[HEAD_BYTES - 1] !== 0) throw new Error('the head of the record is not that of a first message');
    const id = bytes.readUInt32BE(1);
    const reader = this.#readers.get(id) ?? protobufReader(await schemaOf(id));
    this.#readers.set(id, reader);
    return reader.read(bytes.subarray(HEAD_BYTES));
  }
}

/** For what is printed without a schema: the message that closes a replay, whose xid is looked for in plain JSON. */
function withNumbers(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (_, one: unknown) => (typeof one === 'bigint' ? Number(one) : one)));
}

async function schemaOf(id: number): Promise<string> {
  const answer = await (await fetch(`${registry.url}/schemas/ids/${id}`)).json();
  const { schema, schemaType } = answer as { schema: string; schemaType: string };
  if (schemaType !== 'PROTOBUF') throw new Error(`schema ${id} is registered as ${schemaType}`);
  return schema;
}

async function replayedDifferences(twin: GoldenCase, nulls: NullOption): Promise<string> {
  const group = { name: twin.name, cases: [twin] };
  const form = { loneSurrogate: '?', rename: (golden: GoldenCase) => asProtobufHolds(golden, nulls) };
  const schemas = new RecordSchemas(twin);
  const decoder = new Decoder(schemas);
  const read = async (records: readonly GoldenRecord[]): Promise<GoldenRecord[]> => printRecords(await decoder.read(records), schemas);
  const [replay] = await replayGroup(group, twin.server ?? 18, { place: converters(nulls), read });
  const known = KNOWN_DIFFERENCES.filter(({ cases }) => cases.includes(twin.name.replace(SCHEMAS_SUFFIX, '')));
  const found = differences({
    group: twin.name.replace(SCHEMAS_SUFFIX, ''),
    expected: { name: 'debezium', records: expectedRecords(twin, form) },
    actual: { name: 'slotline', records: replay?.records ?? [] },
    adjust: (line) => known.reduce((text, { debezium, slotline }) => text.replaceAll(debezium, slotline), line),
  });
  return found.slice(0, SHOWN_MAX).join('\n');
}

/** The code of the error that ends it. */
async function refusedWith(twin: GoldenCase, nulls: NullOption): Promise<string> {
  try {
    await replayGroup({ name: twin.name, cases: [twin] }, twin.server ?? 18, { place: converters(nulls), read: () => Promise.resolve([]) });
    return 'nothing';
  } catch (error) {
    return error instanceof SlotlineError ? error.code : String(error);
  }
}

/** One test for each case, against one registry. */
export function testReplays(
  twins: readonly GoldenCase[],
  { nulls, openRegistry }: { readonly nulls: NullOption; readonly openRegistry: () => Promise<SomeRegistry> },
): void {
  describe(`Protobuf with ${nulls}`, () => {
    useOwnBroker();
    beforeAll(async () => {
      registry = await openRegistry();
    }, REGISTRY_START_MS);
    afterAll(async () => {
      await registry[Symbol.asyncDispose]();
    });
    for (const twin of twins) {
      const name = twin.name.replace(SCHEMAS_SUFFIX, '');
      const missing = missingPostgres(twin.server ?? 18);
      const refusal = refusalOf(twin, nulls);
      if (missing !== undefined) it.skip(`${name}: ${missing}`, () => {});
      else if (refusal !== undefined)
        it.concurrent(`${name} is refused: ${refusal.why}`, async ({ expect }) =>
          expect(await refusedWith(twin, nulls)).toBe(refusal.code));
      else it.concurrent(name, async ({ expect }) => expect(await replayedDifferences(twin, nulls)).toBe(''));
    }
  });
}
