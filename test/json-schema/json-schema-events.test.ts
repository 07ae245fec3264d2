/**
 * Events as text and in JSON Schema end to end: the real program, real servers, a real registry, read back by another registry client. The
 * corpus is json-schema-replay.test.ts.
 */
import { SchemaRegistry as IndependentDecoder, SchemaType } from '@kafkajs/confluent-schema-registry';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readTopic } from '../harness/consume.ts';
import { type RegistryServer, sharedRegistry } from '../harness/registry.ts';
import { type FreshDatabase, freshDatabase, sharedKafka, uniqueName } from '../harness/shared.ts';
import { type ConnectorConfig, connectorConfig, type Slotline, startSlotline, startStreaming } from '../harness/slotline.ts';
import { until } from '../harness/until.ts';

const REGISTRY_START_MS = 150_000;
const TEST_MS = 120_000;
const WAIT = { timeoutMs: 40_000 };
const JSON_SCHEMA = 'io.confluent.connect.json.JsonSchemaConverter';
const STRING = 'org.apache.kafka.connect.storage.StringConverter';
const { bootstrapServers } = sharedKafka();

let registry: Pick<RegistryServer, 'url'> & AsyncDisposable;
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
  name = uniqueName('jsonschema');
  db = await freshDatabase(18);
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((slotline) => slotline[Symbol.asyncDispose]()));
  await db.drop();
});

function config(overrides: ConnectorConfig): ConnectorConfig {
  const { server, database } = db;
  return connectorConfig({ server, database, bootstrapServers, name }, { 'status.update.interval.ms': '500', ...overrides });
}

function jsonSchemaSide(side: 'key' | 'value', more: ConnectorConfig = {}): ConnectorConfig {
  const options = Object.entries({ 'schema.registry.url': registry.url, ...more });
  return { [`${side}.converter`]: JSON_SCHEMA, ...Object.fromEntries(options.map(([key, value]) => [`${side}.converter.${key}`, value])) };
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

async function firstOf(topic: string): Promise<{ readonly key: string; readonly value: Buffer | null }> {
  const read = async (): Promise<Awaited<ReturnType<typeof readTopic>>[number] | undefined> =>
    (await readTopic(bootstrapServers, topic))[0];
  const record = await until(`${topic} has a record`, read, WAIT);
  return { key: String(record?.key), value: record?.value ?? null };
}

function decoder(): (bytes: Buffer | null) => Promise<unknown> {
  // The converter's own properties are none that a validator knows.
  const independent = new IndependentDecoder({ host: registry.url }, { [SchemaType.JSON]: { strict: false } });
  return (bytes) => (bytes === null ? Promise.resolve(null) : independent.decode(bytes));
}

async function subjects(): Promise<readonly string[]> {
  const all = (await (await fetch(`${registry.url}/subjects`)).json()) as readonly string[];
  return all.filter((subject) => subject.includes(name)).sort();
}

describe('events as text and in JSON Schema', () => {
  it('may have keys as text and values in JSON Schema, in every topic', { timeout: TEST_MS }, async () => {
    await db.client.query('create table item (id bigint, lang text, price numeric(10,2), primary key (id, lang))');
    await start({
      'key.converter': STRING,
      ...jsonSchemaSide('value', { 'decimal.format': 'NUMERIC' }),
      'provide.transaction.metadata': 'true',
      'heartbeat.interval.ms': '200',
    });
    await db.client.query(`insert into item values (9007199254740993, 'zürich, {a=b}', 1.50)`);
    await db.client.query(`select pg_logical_emit_message(true, 'note', 'content')`);
    await untilConfirmed();
    const decode = decoder();
    const item = await firstOf(`${name}.public.item`);
    expect(item.key).toBe('Struct{id=9007199254740993,lang=zürich, {a=b}}');
    expect(String(item.value)).toContain('"after":{"id":9007199254740993,"lang":"zürich, {a=b}","price":1.50}');
    expect(await decode(item.value)).toMatchObject({ op: 'c', after: { price: 1.5 }, source: { snapshot: 'false' } });
    const message = await firstOf(`${name}.message`);
    expect(message.key).toBe('Struct{prefix=note}');
    expect(await decode(message.value)).toMatchObject({ op: 'm', message: { content: Buffer.from('content').toString('base64') } });
    const begin = await firstOf(`${name}.transaction`);
    expect(begin.key).toMatch(/^Struct\{id=\d+:\d+\}$/);
    expect(await decode(begin.value)).toMatchObject({ status: 'BEGIN', event_count: null });
    const heartbeat = await firstOf(`__debezium-heartbeat.${name}`);
    expect(heartbeat.key).toBe(`Struct{serverName=${name}}`);
    expect(await decode(heartbeat.value)).toEqual({ ts_ms: expect.any(Number) });
    expect(await subjects()).toEqual([
      `__debezium-heartbeat.${name}-value`,
      `${name}.message-value`,
      `${name}.public.item-value`,
      `${name}.transaction-value`,
    ]);
  });

  it('may have values as text and keys in JSON Schema: nulls are left out, and a subject may be named by the record', {
    timeout: TEST_MS,
  }, async () => {
    await db.client.query('create table item (id int primary key, note text, tags text[], at date, body bytea)');
    await db.client.query('alter table item replica identity full');
    const strategy = 'io.confluent.kafka.serializers.subject.RecordNameStrategy';
    await start({ ...jsonSchemaSide('key', { 'key.subject.name.strategy': strategy }), 'value.converter': STRING });
    await db.client.query(`insert into item values (1, null, array['a', null], '2026-01-02', '\\x00ff')`);
    await db.client.query('delete from item');
    await untilConfirmed();
    const records = await readTopic(bootstrapServers, `${name}.public.item`);
    const row = 'Struct{id=1,tags=[a, null],at=20455,body=java.nio.HeapByteBuffer[pos=0 lim=2 cap=2]}';
    const [inserted = '', deleted = '', tombstone] = records.map(({ value }) => value?.toString('utf8'));
    expect(inserted).toMatch(/^Struct\{after=.*,op=c,ts_ms=\d+,ts_us=\d+,ts_ns=\d+\}$/);
    expect(inserted).toContain(`Struct{after=${row},source=Struct{version=`);
    expect(inserted).toContain(`,connector=postgresql,name=${name},ts_ms=`);
    expect(inserted).not.toMatch(/null[^\],"]|snapshot=|xmin=/);
    expect(deleted).toContain(`Struct{before=${row},source=`);
    expect(tombstone).toBeUndefined();
    expect(await decoder()(records[0]?.key ?? null)).toEqual({ id: 1 });
    expect(await subjects()).toEqual([`${name}.public.item.Key`]);
  });

  it('take the latest version only where it has the same fields', { timeout: TEST_MS }, async () => {
    await db.client.query('create table item (id int primary key)');
    await db.client.query('insert into item values (1)');
    await (await start({ ...jsonSchemaSide('key'), ...jsonSchemaSide('value') })).stop();
    running.splice(0);
    const latest = { 'auto.register.schemas': 'false', 'use.latest.version': 'true' };
    const slotline = await start({ ...jsonSchemaSide('key', latest), ...jsonSchemaSide('value', latest) });
    await db.client.query('insert into item values (2)');
    await untilConfirmed();
    await db.client.query('alter table item add column note text');
    await db.client.query('insert into item values (3)');
    const refused = await slotline.waitFor((line) => line['code'] === 'registry_incompatible', WAIT);
    expect(String(refused['message'])).toContain('after.note added');
    expect(await readTopic(bootstrapServers, `${name}.public.item`)).toHaveLength(2);
  });

  it('cannot be keys of text where a key has bytes, which Java does not show', { timeout: TEST_MS }, async () => {
    await db.client.query('create table item (id bytea primary key)');
    const slotline = startSlotline(config({ 'key.converter': STRING }));
    running.push(slotline);
    await db.client.query(`insert into item values ('\\x00ff')`);
    const failed = await slotline.waitFor((line) => line['code'] === 'string_key_bytes', WAIT);
    expect(String(failed['message'])).toContain('column=id');
  });
});
