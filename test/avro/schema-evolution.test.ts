/**
 * Schema changes while streaming: what a real registry says of each under BACKWARD, FORWARD and FULL, that records before and after are
 * read with their own schema, and that a refused table does not stop the others. The page docs/schema-evolution.md has the same rows.
 */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sharedRegistry } from '../harness/registry.ts';
import { type FreshDatabase, freshDatabase, sharedKafka, uniqueName } from '../harness/shared.ts';
import { connectorConfig, type Slotline, startStreaming } from '../harness/slotline.ts';
import { EVOLUTION_CASES, type EvolutionCase, evolutionRows, LEVELS, type Level } from './schema-evolution-cases.ts';
import {
  type Decode,
  independentDecoder,
  readTopics,
  refusalOf,
  schemaIdOf,
  setCompatibility,
  type TopicRecord,
  untilConfirmed,
  versionsOf,
} from './schema-evolution-run.ts';

const START_MS = 150_000;
const WAIT = { timeoutMs: 60_000 };
const { bootstrapServers } = sharedKafka();

type Tried = { readonly level: Level; readonly evolution: EvolutionCase; readonly table: string; readonly topic: string };

const name = uniqueName('evolution');
const tried: readonly Tried[] = LEVELS.flatMap((level) =>
  EVOLUTION_CASES.map((evolution, index) => {
    const table = `${level.toLowerCase()}_${index}`;
    return { level, evolution, table, topic: `${name}.public.${table}` };
  }),
);

/** All tables change under one connector: a refused one must not hold up the others. */
describe('a schema change while streaming', () => {
  let registry: Awaited<ReturnType<typeof sharedRegistry>>;
  let db: FreshDatabase;
  let slotline: Slotline;
  let decode: Decode;
  let records: Map<string, TopicRecord[]>;
  let letters: readonly TopicRecord[];

  const run = async (statements: (one: Tried) => readonly string[]): Promise<void> => {
    const transactions = tried.map((one) => {
      const sql = statements(one).map((statement) => statement.replaceAll(/\bT(?=\b|_)/g, one.table));
      return ['begin', ...sql, 'commit'].join(';');
    });
    await db.client.query(transactions.join(';'));
  };

  beforeAll(async () => {
    registry = await sharedRegistry();
    db = await freshDatabase(18);
    await db.client.query(`create type mood as enum ('good')`);
    await run(({ evolution }) => [evolution.create]);
    const converter = { 'key.converter': 'avro', 'value.converter': 'avro' };
    const urls = { 'key.converter.schema.registry.url': registry.url, 'value.converter.schema.registry.url': registry.url };
    const more = { 'slotline.schema.incompatible.action': 'dlq', 'status.update.interval.ms': '500' };
    const place = { server: db.server, database: db.database, bootstrapServers, name };
    slotline = await startStreaming(connectorConfig(place, { ...converter, ...urls, ...more }), WAIT);
    await run(({ evolution }) => [`insert into T values (${evolution.before[0]})`]);
    await untilConfirmed(db.client, name, WAIT);
    await Promise.all(tried.map(fixLevels));
    await db.client.query(`alter type mood add value 'new'`);
    await run(({ evolution }) => evolution.statements);
    await run(({ evolution }) => [`insert into T values (${evolution.after[0]})`]);
    await untilConfirmed(db.client, name, WAIT);
    decode = independentDecoder(registry.url);
    records = await readTopics(bootstrapServers, [...tried.map(({ topic }) => topic), `${name}.dlq`]);
    letters = records.get(`${name}.dlq`) ?? [];
  }, START_MS);

  afterAll(async () => {
    await slotline[Symbol.asyncDispose]();
    await db.drop();
    await registry[Symbol.asyncDispose]();
  });

  async function fixLevels({ topic, level }: Tried): Promise<void> {
    await setCompatibility(registry.url, `${topic}-value`, level);
    if ((await versionsOf(registry.url, `${topic}-key`)) > 0) await setCompatibility(registry.url, `${topic}-key`, level);
  }

  function letterOf({ topic }: Tried): TopicRecord | undefined {
    return letters.find(({ headers }) => headers['__connect.errors.topic'] === topic);
  }

  async function verdictOf(one: Tried): Promise<string> {
    const letter = letterOf(one);
    if (letter !== undefined) return refusalOf(letter);
    const [first, second] = records.get(one.topic) ?? [];
    const isSame = schemaIdOf(first?.value ?? null) === schemaIdOf(second?.value ?? null);
    const keys = await versionsOf(registry.url, `${one.topic}-key`);
    const hadKey = first?.key !== null;
    return isSame && keys === (hadKey ? 1 : 0) ? 'same schema' : 'accepted';
  }

  it.each(EVOLUTION_CASES.map((evolution) => [evolution.change, evolution] as const))('%s', async (_change, evolution) => {
    const ones = tried.filter((one) => one.evolution === evolution);
    const verdicts = await Promise.all(ones.map(async (one) => [one.level, await verdictOf(one)] as const));
    expect(Object.fromEntries(verdicts)).toEqual(evolution.verdicts);
    for (const one of ones) {
      const own = records.get(one.topic) ?? [];
      const read = await Promise.all(own.map(async ({ key, value }) => [await decode(key), await decode(value)]));
      const [before, after] = expectedOf(evolution);
      const letter = letterOf(one);
      expect(read).toMatchObject(letter === undefined ? [before, after] : [before]);
      if (letter === undefined) continue;
      expect([payloadOf(letter.key), payloadOf(letter.value)]).toMatchObject([
        asJson(after[0]),
        { op: 'c', after: asJson(after[1].after) },
      ]);
    }
  });

  it('is told once for each table that is refused, and every such row is counted', async () => {
    const refused = tried.filter(({ evolution, level }) => evolution.verdicts[level].includes('refused'));
    const told = slotline.lines.filter(({ event }) => event === 'schema.incompatible');
    expect(told.map(({ table }) => table).toSorted()).toEqual(refused.map(({ table }) => `public.${table}`).toSorted());
    expect(letters).toHaveLength(refused.length);
    await slotline.stop();
    expect(slotline.lines.find(({ event }) => event === 'task.ended')).toMatchObject({
      created: tried.length * 2,
      deadLettered: refused.length,
    });
  });
});

describe('the page on schema changes', () => {
  it('says what the registry says', () => {
    const page = readFileSync(new URL('../../docs/schema-evolution.md', import.meta.url), 'utf8');
    const table = /<!-- evolution:start -->\n([\s\S]*?)<!-- evolution:end -->/.exec(page)?.[1];
    expect(table?.trim().split('\n')).toEqual(evolutionRows());
  });
});

/** Of each record. Columns that are not named are not there: avsc gives no more than the schema has. */
function expectedOf({ keys, before, after }: EvolutionCase): [ExpectedRecord, ExpectedRecord] {
  const [first, second] = keys ?? [{ id: before[1]['id'] }, { id: after[1]['id'] }];
  return [
    [first, { op: 'c', after: before[1] }],
    [second, { op: 'c', after: after[1] }],
  ];
}

type Row = Readonly<Record<string, unknown>>;
type ExpectedRecord = readonly [key: Row | null, value: { readonly op: 'c'; readonly after: Row }];

function payloadOf(bytes: Buffer | null): unknown {
  return bytes === null ? null : JSON.parse(String(bytes)).payload;
}

/** Decimals are base64 there, and a long is a number. */
function asJson(row: Row | null): unknown {
  if (row === null) return null;
  return Object.fromEntries(Object.entries(row).map(([field, value]) => [field, typeof value === 'bigint' ? Number(value) : value]));
}
