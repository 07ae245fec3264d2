/**
 * Events in Protobuf end to end: the real program, real servers, a real registry, read back by a decoder that shares no code with the
 * program. The type corpus is protobuf-replay.test.ts's.
 */
import { SchemaRegistry as IndependentDecoder } from '@kafkajs/confluent-schema-registry';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readTopic } from '../harness/consume.ts';
import { sharedRegistry } from '../harness/registry.ts';
import { type FreshDatabase, freshDatabase, sharedKafka, uniqueName } from '../harness/shared.ts';
import { type ConnectorConfig, connectorConfig, type Slotline, startStreaming } from '../harness/slotline.ts';
import { until } from '../harness/until.ts';
import { protobufReader } from './protobuf-decoder.ts';
import { documentedChanges, triedChanges } from './protobuf-evolution.ts';

const REGISTRY_START_MS = 150_000;
const TEST_MS = 120_000;
const WAIT = { timeoutMs: 40_000 };
const HEAD_BYTES = 6;
const { bootstrapServers } = sharedKafka();

let registry: Awaited<ReturnType<typeof sharedRegistry>>;
let db: FreshDatabase;
let name = '';
const running: Slotline[] = [];

beforeAll(async () => {
  registry = await sharedRegistry();
}, REGISTRY_START_MS);
afterAll(async () => {
  await registry[Symbol.asyncDispose]();
});
beforeEach(async () => {
  name = uniqueName('protobuf');
  db = await freshDatabase(18);
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((slotline) => slotline[Symbol.asyncDispose]()));
  await db.drop();
});

function side(half: 'key' | 'value', more: ConnectorConfig = {}): ConnectorConfig {
  const options = { 'schema.registry.url': registry.url, 'optional.for.nullables': 'true', ...more };
  return Object.fromEntries([
    [`${half}.converter`, 'io.confluent.connect.protobuf.ProtobufConverter'],
    ...Object.entries(options).map(([key, value]) => [`${half}.converter.${key}`, value]),
  ]);
}

async function start(overrides: ConnectorConfig): Promise<Slotline> {
  const { server, database } = db;
  const own = { 'status.update.interval.ms': '500', ...overrides };
  const slotline = await startStreaming(connectorConfig({ server, database, bootstrapServers, name }, own), WAIT);
  running.push(slotline);
  return slotline;
}

/** Everything so far is in Kafka, and the server knows it. */
async function untilConfirmed(): Promise<void> {
  const { rows } = await db.client.query<{ lsn: string }>('select pg_current_wal_insert_lsn()::text as lsn');
  const sql = 'select from pg_replication_slots where slot_name = $1 and confirmed_flush_lsn >= $2::pg_lsn';
  await until('everything is confirmed', async () => (await db.client.query(sql, [name, rows[0]?.lsn])).rowCount === 1, WAIT);
}

type Half = Buffer | null;

/** What `@kafkajs/confluent-schema-registry` gives to a consumer; protobufjs's longs as text. */
async function decoded(half: Half): Promise<unknown> {
  const independent = new IndependentDecoder({ host: registry.url });
  return half === null ? null : JSON.parse(JSON.stringify(await independent.decode(half), longsAsText));
}

function longsAsText(_: string, value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'low' in value ? BigInt(String(value)).toString() : value;
}

/** With the types that schemas import, which that decoder does not know. */
async function readWithImports(half: Half): Promise<Readonly<Record<string, unknown>>> {
  if (half === null) throw new Error('nothing to read');
  const answer = await (await fetch(`${registry.url}/schemas/ids/${half.readUInt32BE(1)}`)).json();
  return protobufReader((answer as { schema: string }).schema).read(half.subarray(HEAD_BYTES));
}

describe('events in Protobuf', () => {
  it('are read by an independent decoder in keys, values and every topic of control records', { timeout: TEST_MS }, async () => {
    await db.client.query('create table item (id bigint primary key, n int, name text, list int[], big bigint)');
    await db.client.query('alter table item replica identity full');
    const common = { 'provide.transaction.metadata': 'true', 'heartbeat.interval.ms': '200' };
    await start({ ...side('key'), ...side('value'), ...common });
    await db.client.query("insert into item values (9223372036854775807, 0, '', '{1,-2}', -9223372036854775808)");
    await db.client.query('update item set n = null, list = null');
    await db.client.query('delete from item');
    await db.client.query("select pg_logical_emit_message(true, 'note', 'content')");
    await untilConfirmed();
    const topics = { item: `${name}.public.item`, message: `${name}.message`, transaction: `${name}.transaction` };
    const records = await readTopic(bootstrapServers, topics.item);
    expect(await Promise.all(records.map(({ key }) => decoded(key)))).toEqual(records.map(() => ({ id: '9223372036854775807' })));
    const values = await Promise.all(records.map(({ value }) => decoded(value)));
    const row = { id: '9223372036854775807', n: 0, name: '', list: [1, -2], big: '-9223372036854775808' };
    const changed = { id: row.id, name: '', big: row.big };
    expect(values).toMatchObject([
      { op: 'c', after: row, transaction: { totalOrder: '1' } },
      { op: 'u', before: row, after: changed },
      { op: 'd', before: changed },
      null,
    ]);
    const [, update] = values as { after: object }[];
    expect(Object.keys(update?.after ?? {}).sort()).toEqual(['big', 'id', 'name']);
    const first = async (topic: string): Promise<{ key: unknown; value: unknown }> => {
      const all = await until(
        `${topic} has a record`,
        () => readTopic(bootstrapServers, topic).then((list) => list.length > 0 && list),
        WAIT,
      );
      return { key: await decoded(all[0]?.key ?? null), value: await decoded(all[0]?.value ?? null) };
    };
    const content = Buffer.from('content');
    expect(await first(topics.message)).toMatchObject({
      key: { prefix: 'note' },
      value: { op: 'm', message: { content: content.toString('base64') } },
    });
    expect(await first(topics.transaction)).toMatchObject({ value: { status: 'BEGIN' } });
    expect(await first(`__debezium-heartbeat.${name}`)).toMatchObject({ key: { serverName: name } });
  });

  it('show a null as a zero without optional.for.nullables, as Confluent does, and may be in values only', {
    timeout: TEST_MS,
  }, async () => {
    await db.client.query('create table item (id int primary key, n int, price numeric(10,2), day date)');
    await start({ ...side('value', { 'optional.for.nullables': 'false' }), 'time.precision.mode': 'connect' });
    await db.client.query("insert into item values (1, null, null, null), (2, 7, -12.5, '1969-12-31')");
    await untilConfirmed();
    const records = await readTopic(bootstrapServers, `${name}.public.item`);
    expect(records.map(({ key }) => String(key))).toEqual(['{"id":1}', '{"id":2}']);
    expect(await Promise.all(records.map(async ({ value }) => (await readWithImports(value))['after']))).toEqual([
      { id: 1, n: 0, price: null, day: null },
      { id: 2, n: 7, price: Buffer.from([0xfb, 0x1e]), day: -1 },
    ]);
  });

  it('take what is registered with use.latest.version, and name what differs from it', { timeout: TEST_MS }, async () => {
    const latest = { 'auto.register.schemas': 'false', 'use.latest.version': 'true' };
    await db.client.query('create table item (id int primary key)');
    await db.client.query('insert into item values (1)');
    await (await start({ ...side('key'), ...side('value') })).stop();
    running.splice(0);
    const slotline = await start({ ...side('key', latest), ...side('value', latest) });
    await db.client.query('insert into item values (2)');
    await untilConfirmed();
    const keys = await Promise.all((await readTopic(bootstrapServers, `${name}.public.item`)).map(({ key }) => decoded(key)));
    expect(keys).toEqual([{ id: 1 }, { id: 2 }]);
    await db.client.query('alter table item add column note text');
    await db.client.query('insert into item values (3)');
    const refused = await slotline.waitFor((line) => line['code'] === 'registry_incompatible', WAIT);
    expect(String(refused['message'])).toContain('Envelope.Value.note added');
  });

  it('stop at a null in an array, which Protobuf does not have: nothing may stand for it', { timeout: TEST_MS }, async () => {
    await db.client.query('create table item (id int primary key, list int[])');
    const slotline = await start({ ...side('key'), ...side('value') });
    await db.client.query("insert into item values (1, '{1,null}')");
    const refused = await slotline.waitFor((line) => line['code'] === 'value_not_convertible', WAIT);
    expect(String(refused['message'])).toContain('a null in an array, which Protobuf does not have');
  });

  it('have schemas whose changes a registry judges as docs/schema-evolution.md says', { timeout: TEST_MS }, async () => {
    expect(documentedChanges()).toEqual(await triedChanges(registry.url));
  });
});
