/**
 * Events in Avro end to end: the real program, real servers, a real registry, read back by a decoder that shares no code with the program.
 * Byte-exact comparisons with a recorded Debezium are test/golden/avro-replay.test.ts.
 */
import { SchemaRegistry as IndependentDecoder, SchemaType } from '@kafkajs/confluent-schema-registry';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readTopic } from '../harness/consume.ts';
import { type RegistryServer, startRegistry } from '../harness/registry.ts';
import { type FreshDatabase, freshDatabase, sharedKafka, uniqueName } from '../harness/shared.ts';
import { type ConnectorConfig, connectorConfig, type Slotline, startSlotline, startStreaming } from '../harness/slotline.ts';
import { until } from '../harness/until.ts';
import { longsAsBigints } from '../oracles/avsc.ts';
import { setCompatibility } from './schema-evolution-run.ts';

const REGISTRY_START_MS = 150_000;
const TEST_MS = 120_000;
const WAIT = { timeoutMs: 40_000 };
const AVRO = 'io.confluent.connect.avro.AvroConverter';
const { bootstrapServers } = sharedKafka();

let registry: RegistryServer;
let db: FreshDatabase;
let name = '';
const running: Slotline[] = [];

beforeAll(async () => {
  registry = await startRegistry();
}, REGISTRY_START_MS);
afterAll(async () => {
  await registry[Symbol.asyncDispose]();
});
beforeEach(async () => {
  name = uniqueName('avro');
  db = await freshDatabase(18);
});
afterEach(async () => {
  registry.resume();
  await Promise.all(running.splice(0).map((slotline) => slotline[Symbol.asyncDispose]()));
  await db.drop();
});

function config(overrides: ConnectorConfig): ConnectorConfig {
  const { server, database } = db;
  return connectorConfig({ server, database, bootstrapServers, name }, { 'status.update.interval.ms': '500', ...overrides });
}

function avroSide(side: 'key' | 'value', more: ConnectorConfig = {}): ConnectorConfig {
  const options = { 'schema.registry.url': registry.url, 'http.read.timeout.ms': '1000', ...more };
  return Object.fromEntries([
    [`${side}.converter`, AVRO],
    ...Object.entries(options).map(([key, value]) => [`${side}.converter.${key}`, value]),
  ]);
}

async function start(overrides: ConnectorConfig): Promise<Slotline> {
  const slotline = await startStreaming(config(overrides), WAIT);
  running.push(slotline);
  return slotline;
}

/** Everything so far is in Kafka, and the server knows it. */
async function untilConfirmed(): Promise<void> {
  const { rows } = await db.client.query<{ lsn: string }>('select pg_current_wal_insert_lsn()::text as lsn');
  const sql = 'select from pg_replication_slots where slot_name = $1 and confirmed_flush_lsn >= $2::pg_lsn';
  await until('everything is confirmed', async () => (await db.client.query(sql, [name, rows[0]?.lsn])).rowCount === 1, WAIT);
}

type Envelope = {
  readonly op: string;
  readonly before: Readonly<Record<string, unknown>> | null;
  readonly after: Readonly<Record<string, unknown>> | null;
  readonly source: Readonly<Record<string, unknown>>;
};
type Event = { readonly key: Readonly<Record<string, unknown>>; readonly value: Envelope };

function decoder(): (bytes: Buffer | null) => Promise<unknown> {
  const independent = new IndependentDecoder({ host: registry.url }, { [SchemaType.AVRO]: { typeHook: longsAsBigints } });
  return (bytes) => (bytes === null ? Promise.resolve(null) : independent.decode(bytes));
}

async function readEvents(topic: string): Promise<Event[]> {
  const decode = decoder();
  const records = await readTopic(bootstrapServers, topic);
  return await Promise.all(records.map(async ({ key, value }) => ({ key: await decode(key), value: await decode(value) }) as Event));
}

describe('events in Avro', () => {
  it('wait while the registry stands still in a schema change under load: nothing is lost, and it goes on by itself', {
    timeout: TEST_MS,
  }, async () => {
    await db.client.query('create table item (id int primary key, name text)');
    const slotline = await start({ ...avroSide('key'), ...avroSide('value') });
    let written = 0;
    const insert = async (columns: string, rows: number): Promise<void> => {
      for (let i = 0; i < rows; i++) await db.client.query(`insert into item ${columns}`, [++written, `n${written}`]);
    };
    await insert('values ($1, $2)', 50);
    registry.pause();
    await db.client.query('alter table item add column price numeric(10,2)');
    await insert('(id, name) values ($1, $2)', 50);
    await slotline.waitFor((line) => line.event === 'registry.retry' && line['code'] === 'registry_unreachable', WAIT);
    await insert('(id, name) values ($1, $2)', 50);
    registry.resume();
    await untilConfirmed();
    const events = await readEvents(`${name}.public.item`);
    expect(events.map(({ key }) => key['id'])).toEqual(Array.from({ length: 150 }, (_, index) => index + 1));
    expect(events.filter(({ value }) => value.after !== null && 'price' in value.after)).toHaveLength(100);
  });

  it('go on in another attempt where the registry stays away for long, and start only when it is there', { timeout: TEST_MS }, async () => {
    await db.client.query('create table item (id int primary key)');
    await db.client.query('insert into item values (1)');
    registry.pause();
    const slotline = startSlotline(config({ ...avroSide('key'), ...avroSide('value') }));
    running.push(slotline);
    await slotline.waitFor((line) => line.event === 'connector.retrying' && line['code'] === 'registry_unreachable', { timeoutMs: 60_000 });
    registry.resume();
    await slotline.waitFor('stream.started', WAIT);
    expect((await readEvents(`${name}.public.item`)).map(({ value }) => [value.op, value.after])).toEqual([['r', { id: 1 }]]);
  });

  it('may be in keys or in values only, JSON in the other half, in every topic', { timeout: TEST_MS }, async () => {
    await db.client.query('create table item (id bigint primary key, body bytea)');
    const common = { 'provide.transaction.metadata': 'true', 'heartbeat.interval.ms': '200' };
    await start({ ...avroSide('value'), ...common });
    await db.client.query(`insert into item values (9223372036854775807, '\\x00ff')`);
    await db.client.query(`select pg_logical_emit_message(true, 'note', 'content')`);
    const topics = {
      item: `${name}.public.item`,
      message: `${name}.message`,
      transaction: `${name}.transaction`,
      heartbeat: `__debezium-heartbeat.${name}`,
    };
    await untilConfirmed();
    const decode = decoder();
    const first = async (topic: string): Promise<{ key: string; value: unknown }> => {
      const [record] = await until(
        `${topic} has a record`,
        async () => readTopic(bootstrapServers, topic).then((all) => all.length > 0 && all),
        WAIT,
      );
      return { key: String(record?.key), value: await decode(record?.value ?? null) };
    };
    expect(await first(topics.item)).toMatchObject({
      key: '{"id":9223372036854775807}',
      value: { op: 'c', after: { id: 9223372036854775807n, body: Buffer.from([0, 255]) }, transaction: { total_order: 1n } },
    });
    expect(await first(topics.message)).toMatchObject({
      key: '{"prefix":"note"}',
      value: { op: 'm', message: { content: Buffer.from('content') } },
    });
    expect(await first(topics.transaction)).toMatchObject({ value: { status: 'BEGIN', event_count: null } });
    expect(await first(topics.heartbeat)).toMatchObject({ key: `{"serverName":"${name}"}` });
    await running.splice(0)[0]?.stop();
    await start({ ...avroSide('key'), ...common });
    await db.client.query('delete from item');
    await untilConfirmed();
    const deleted = (await readTopic(bootstrapServers, topics.item)).slice(1);
    expect(await Promise.all(deleted.map(async ({ key, value }) => [await decode(key), String(value).slice(0, 40)]))).toEqual([
      [{ id: 9223372036854775807n }, '{"before":{"id":9223372036854775807,"bod'],
      [{ id: 9223372036854775807n }, 'null'],
    ]);
  });

  it('stop at a schema that the registry refuses, name what differs, and go on once it is allowed', { timeout: TEST_MS }, async () => {
    const subject = `${name}.public.item-value`;
    await db.client.query('create table item (id int primary key)');
    const slotline = await start({ ...avroSide('key'), ...avroSide('value') });
    await db.client.query('insert into item values (1)');
    await untilConfirmed();
    await setCompatibility(registry.url, subject, 'BACKWARD');
    const from = slotline.lines.length;
    // In one transaction: NOT NULL is the catalog's, and in force when the change is read.
    const change = [
      'alter table item add column total int',
      'update item set total = 5',
      'alter table item alter column total set not null',
    ];
    await db.client.query(['begin', ...change, 'commit'].join(';'));
    await db.client.query('insert into item values (2, 6)');
    const refused = await slotline.waitFor((line) => line['code'] === 'registry_incompatible', { ...WAIT, from });
    expect(String(refused['message'])).toContain(`subject=${subject}`);
    expect(String(refused['message'])).toContain('before.total added without default');
    await setCompatibility(registry.url, subject, 'NONE');
    await untilConfirmed();
    const events = await readEvents(`${name}.public.item`);
    expect(events.map(({ value }) => [value.op, value.after])).toEqual([
      ['c', { id: 1 }],
      ['u', { id: 1, total: 5 }],
      ['c', { id: 2, total: 6 }],
    ]);
  });

  it('take what is registered without auto.register.schemas, and say what is missing', { timeout: TEST_MS }, async () => {
    await db.client.query('create table item (id int primary key)');
    await db.client.query('insert into item values (1)');
    await (await start({ ...avroSide('key'), ...avroSide('value') })).stop();
    running.splice(0);
    const strict = { 'auto.register.schemas': 'false' };
    const slotline = await start({ ...avroSide('key', strict), ...avroSide('value', strict) });
    await db.client.query('insert into item values (2)');
    await untilConfirmed();
    expect((await readEvents(`${name}.public.item`)).map(({ key }) => key['id'])).toEqual([1, 2]);
    await db.client.query('alter table item add column note text');
    await db.client.query('insert into item values (3)');
    const missing = await slotline.waitFor((line) => line['code'] === 'registry_schema_missing', WAIT);
    expect(missing['message']).toContain(`subject=${name}.public.item-value`);
  });
});
