/**
 * Owns replaying the recorded cases of the JSON corpus with JSON Schema converters and a real registry: what was registered must have the
 * payload as valid, an independent decoder must read it, and it must be the recorded JSON text but for masks.ts and replay-differences.ts.
 * That the schemas are Confluent's is src/serde/json-schema/schema-text.test.ts.
 */
import { isDeepStrictEqual } from 'node:util';
import { SchemaRegistry as RegistryClient, SchemaType } from '@kafkajs/confluent-schema-registry';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { differences } from '../golden/compare.ts';
import { type CaseGroup, type GoldenCase, type GoldenRecord, type RecordedText, SCHEMAS_SUFFIX } from '../golden/replay-cases.ts';
import { KNOWN_DIFFERENCES } from '../golden/replay-differences.ts';
import { replayGroup } from '../golden/replay-run.ts';
import { useOwnBroker } from '../harness/own-broker.ts';
import type { SomeRegistry } from '../harness/registry.ts';
import { missingPostgres } from '../harness/shared.ts';

const NO_PROPERTIES = 'a key without fields: Apicurio knows a JSON Schema by its properties, and this one has none';
const OTHER_PARTITIONS = 'partitions go by the bytes of keys, which have the ids of their schemas';
const SHOWN_MAX = 4;
const REGISTRY_START_MS = 150_000;
/** The first of a run wait for cold servers. */
const TIMEOUT_MS = 120_000;
const HEAD_BYTES = 5;
let registry: SomeRegistry;

/** What JsonConverter's replace.null.with.default says, Confluent's says the other way round. */
function converters({ settings }: GoldenCase): Record<string, string> {
  const side = (name: string): readonly (readonly [string, string])[] => [
    [name, 'io.confluent.connect.json.JsonSchemaConverter'],
    [`${name}.schema.registry.url`, registry.url],
    [`${name}.ignore.default.for.nullables`, String(settings[`${name}.replace.null.with.default`] === 'false')],
  ];
  return Object.fromEntries([...side('key.converter'), ...side('value.converter')]);
}

/** What we read of a registered schema. */
type SchemaNode = {
  readonly type?: string;
  readonly oneOf?: readonly SchemaNode[];
  readonly items?: SchemaNode;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly additionalProperties?: SchemaNode;
};

type Known = { readonly node: SchemaNode; readonly subjects: readonly string[] };

class Reader {
  readonly #client = new RegistryClient({ host: registry.url }, { [SchemaType.JSON]: { strict: false } });
  readonly #known = new Map<number, Known>();

  async read(records: readonly GoldenRecord[]): Promise<GoldenRecord[]> {
    return await Promise.all(
      records.map(async (record) => ({
        ...record,
        key: await this.#half(record.key, `${record.topic}-key`),
        value: await this.#half(record.value, `${record.topic}-value`),
      })),
    );
  }

  async #half(half: RecordedText, subject: string): Promise<string | null> {
    if (half === null) return null;
    const bytes = typeof half === 'string' ? Buffer.from(half) : Buffer.from(half.base64, 'base64');
    if (bytes[0] !== 0) throw new Error(`${subject}: the magic byte is missing`);
    const { node, subjects } = await this.#schemaOf(bytes.readUInt32BE(1));
    if (!subjects.includes(subject)) throw new Error(`${subject} does not have the record's schema`);
    const text = bytes.subarray(HEAD_BYTES).toString('utf8');
    const value: unknown = JSON.parse(text);
    const valid = JSON.stringify(withZeros(value, node));
    const decoded: unknown = await this.#client.decode(Buffer.concat([bytes.subarray(0, HEAD_BYTES), Buffer.from(valid)]));
    if (!isDeepStrictEqual(decoded, JSON.parse(valid))) throw new Error(`${subject}: the decoder reads something else`);
    return asPairs(text, node);
  }

  async #schemaOf(id: number): Promise<Known> {
    const known = this.#known.get(id);
    if (known !== undefined) return known;
    const { schema, schemaType } = await ask<{ schema: string; schemaType: string }>(`/schemas/ids/${id}`);
    if (schemaType !== 'JSON') throw new Error(`schema ${id} is of type ${schemaType}`);
    const versions = await ask<{ subject: string }[]>(`/schemas/ids/${id}/versions`);
    const found = { node: JSON.parse(schema) as SchemaNode, subjects: versions.map(({ subject }) => subject) };
    this.#known.set(id, found);
    return found;
  }
}

async function ask<T>(path: string): Promise<T> {
  return (await (await fetch(registry.url + path)).json()) as T;
}

/** JSON has no NaN and no infinities: as Jackson, we write them as text, which is no number for a validator. */
function withZeros(value: unknown, node: SchemaNode | undefined): unknown {
  const inner = node?.oneOf?.find(({ type }) => type !== 'null') ?? node;
  if (typeof value === 'string') return inner?.type === 'number' && /^(NaN|-?Infinity)$/.test(value) ? 0 : value;
  if (Array.isArray(value)) return value.map((item: unknown) => withZeros(item, inner?.items));
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).map(([name, item]: [string, unknown]) => [
    name,
    withZeros(item, inner?.properties?.[name] ?? inner?.additionalProperties),
  ]);
  return Object.fromEntries(members);
}

/** Maps whose keys are no text: entries here, pairs in the recorded JSON. */
function asPairs(text: string, node: SchemaNode): string {
  if (!JSON.stringify(node).includes('"items":{"type":"object","properties":{"value"')) return text;
  return text.replace(/\{"key":(-?\d+),"value":([^{}]*?)\}/g, '[$1,$2]');
}

function reasonToSkip({ cases }: CaseGroup, { server = 18 }: GoldenCase): string | undefined {
  const isEmpty = ({ key, value }: GoldenRecord): boolean => /^\{"schema":\{"type":"struct","fields":\[\]/.test(String(key ?? value));
  if (cases.some(({ records }) => records.some(isEmpty))) return NO_PROPERTIES;
  if (cases.some(({ records }) => records.some(({ partition }) => partition > 0))) return OTHER_PARTITIONS;
  return missingPostgres(server);
}

/** Where a connector writes to the database itself, its twin sees it: both run. */
function runOf({ name, cases }: CaseGroup): { readonly group: CaseGroup; readonly plain: GoldenCase } | undefined {
  const plain = cases.find((golden) => !golden.name.endsWith(SCHEMAS_SUFFIX));
  if (plain === undefined) return undefined;
  const writes = cases.some(({ settings }) => settings['heartbeat.action.query'] !== undefined);
  return { group: { name, cases: writes ? cases : [plain] }, plain };
}

async function replayedDifferences({ group, plain }: { readonly group: CaseGroup; readonly plain: GoldenCase }): Promise<string> {
  const reader = new Reader();
  const replays = await replayGroup(group, plain.server ?? 18, { place: converters(plain), read: (records) => reader.read(records) });
  const known = KNOWN_DIFFERENCES.filter(({ cases }) => cases.includes(plain.name));
  const found = differences({
    group: group.name,
    expected: { name: 'debezium', records: plain.records },
    actual: { name: 'slotline', records: replays.find(({ golden }) => golden === plain)?.records ?? [] },
    adjust: (line) => known.reduce((text, { debezium, slotline }) => text.replaceAll(debezium, slotline), line),
  });
  return found.slice(0, SHOWN_MAX).join('\n');
}

/** One test for each case, against one registry. */
export function testReplays(groups: readonly CaseGroup[], { openRegistry }: { readonly openRegistry: () => Promise<SomeRegistry> }): void {
  describe('the recorded JSON with JSON Schema converters', () => {
    useOwnBroker();
    beforeAll(async () => {
      registry = await openRegistry();
    }, REGISTRY_START_MS);
    afterAll(async () => {
      await registry[Symbol.asyncDispose]();
    });
    for (const group of groups) {
      const run = runOf(group);
      if (run === undefined) continue;
      const reason = reasonToSkip(group, run.plain);
      if (reason !== undefined) it.skip(`${group.name}: ${reason}`, () => {});
      else it.concurrent(group.name, { timeout: TIMEOUT_MS }, async ({ expect }) => expect(await replayedDifferences(run)).toBe(''));
    }
  });
}
