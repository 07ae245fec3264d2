/**
 * Topics and schemas are made by the first record that needs them, key and value each by itself: what no record needs is neither in Kafka
 * nor in the registry. Avro and JSON side by side on one stream of changes. The rule without servers:
 * src/pipeline/loop/change-writer.test.ts.
 */
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sharedRegistry } from '../harness/registry.ts';
import { type FreshDatabase, freshDatabase, sharedKafka, uniqueName } from '../harness/shared.ts';
import { type ConnectorConfig, connectorConfig, type Slotline, startStreaming } from '../harness/slotline.ts';
import { independentDecoder, readTopics, schemaIdOf, setCompatibility, untilConfirmed, versionsOf } from './schema-evolution-run.ts';

const START_MS = 150_000;
const TEST_MS = 120_000;
const WAIT = { timeoutMs: 60_000 };
const { bootstrapServers } = sharedKafka();
const AVRO = uniqueName('first');
const PLAIN = uniqueName('plain');
/** It publishes truncates too. */
const WIDE = uniqueName('wide');

let registry: Awaited<ReturnType<typeof sharedRegistry>>;
let db: FreshDatabase;
const running: Slotline[] = [];

async function start(name: string, more: ConnectorConfig): Promise<void> {
  const { server, database } = db;
  const common = { 'snapshot.mode': 'no_data', 'status.update.interval.ms': '500' };
  running.push(await startStreaming(connectorConfig({ server, database, bootstrapServers, name }, { ...common, ...more }), WAIT));
}

function avro(): ConnectorConfig {
  const urls = { 'key.converter.schema.registry.url': registry.url, 'value.converter.schema.registry.url': registry.url };
  return { 'key.converter': 'avro', 'value.converter': 'avro', ...urls };
}

const confirmed = (name: string): Promise<void> => untilConfirmed(db.client, name, WAIT);
const versions = (subject: string): Promise<number> => versionsOf(registry.url, subject);

/** What exists of a table: its topic under each connector, its subjects. */
async function madeFor(table: string): Promise<string[]> {
  const admin = new Kafka({ brokers: bootstrapServers.split(','), logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  const topics = await admin.listTopics().finally(() => admin.disconnect());
  const answer = await fetch(`${registry.url}/subjects`);
  const subjects: string[] = JSON.parse(await answer.text());
  const names = [AVRO, PLAIN, WIDE].map((name) => `${name}.public.${table}`);
  const isOfTable = (one: string): boolean => names.some((name) => [name, `${name}-key`, `${name}-value`].includes(one));
  return [
    ...topics.filter(isOfTable).map((topic) => `topic ${topic}`),
    ...subjects.filter(isOfTable).map((one) => `subject ${one}`),
  ].sort();
}

beforeAll(async () => {
  registry = await sharedRegistry();
  db = await freshDatabase(18);
  await db.client.query(`
    create table back (id int primary key);
    create table three (id int primary key);
    create table emptied (id int primary key);
    create table cut (id int primary key);
    create table m (id int, primary key (id)) partition by range (id)`);
  const viaRoot = { 'publish.via.partition.root': 'true' };
  await start(AVRO, { ...avro(), 'table.include.list': 'public\\.(back|three|emptied)' });
  await start(PLAIN, { ...viaRoot, 'table.include.list': 'public\\.(emptied|m.*)' });
  await start(WIDE, { ...avro(), ...viaRoot, 'skipped.operations': 'none', 'table.include.list': 'public\\.(cut|m.*)' });
}, START_MS);
afterAll(async () => {
  await Promise.all(running.map((slotline) => slotline[Symbol.asyncDispose]()));
  await db?.drop();
  await registry?.[Symbol.asyncDispose]();
});

describe('a topic and its schemas are made by the first record that needs them', () => {
  it('a version of a table that only skipped truncates have is not registered, so nothing is refused for it', {
    timeout: TEST_MS,
  }, async () => {
    const topic = `${AVRO}.public.back`;
    await db.client.query('insert into back values (1)');
    await confirmed(AVRO);
    for (const half of ['key', 'value']) await setCompatibility(registry.url, `${topic}-${half}`, 'BACKWARD');
    await db.client.query('begin; truncate back; alter table back add column v int not null; truncate back; commit');
    await confirmed(AVRO);
    await db.client.query('begin; alter table back drop column v; insert into back values (3); commit');
    await confirmed(AVRO);
    const records = (await readTopics(bootstrapServers, [topic])).get(topic) ?? [];
    const decode = independentDecoder(registry.url);
    expect(await Promise.all(records.map(({ key }) => decode(key)))).toEqual([{ id: 1 }, { id: 3 }]);
    expect(new Set(records.map(({ value }) => schemaIdOf(value))).size).toBe(1);
    expect(await versions(`${topic}-value`)).toBe(1);
  });

  it('registers the versions that rows have, not those between', { timeout: TEST_MS }, async () => {
    await db.client.query('insert into three values (1)');
    await db.client.query('begin; alter table three add column v int; truncate three; commit');
    await db.client.query('begin; alter table three add column w int; insert into three values (2); commit');
    await confirmed(AVRO);
    expect(await versions(`${AVRO}.public.three-value`)).toBe(2);
    expect(await versions(`${AVRO}.public.three-key`)).toBe(1);
  });

  it('makes nothing for a partition whose rows carry the name of the root', { timeout: TEST_MS }, async () => {
    await db.client.query('create table m1 partition of m for values from (0) to (10)');
    await db.client.query('insert into m values (1)');
    for (const name of [PLAIN, WIDE]) await confirmed(name);
    expect(await madeFor('m1')).toEqual([]);
    const root = `${WIDE}.public.m`;
    expect(await madeFor('m')).toEqual([`subject ${root}-key`, `subject ${root}-value`, `topic ${PLAIN}.public.m`, `topic ${root}`]);
  });

  it('registers the value alone for a truncate, and the key with the first row', { timeout: TEST_MS }, async () => {
    await db.client.query('truncate cut');
    await confirmed(WIDE);
    const topic = `${WIDE}.public.cut`;
    expect(await madeFor('cut')).toEqual([`subject ${topic}-value`, `topic ${topic}`]);
    await db.client.query('insert into cut values (1)');
    await confirmed(WIDE);
    expect(await madeFor('cut')).toEqual([`subject ${topic}-key`, `subject ${topic}-value`, `topic ${topic}`]);
    expect(await versions(`${topic}-value`)).toBe(1);
  });

  it('makes nothing for what is skipped, changes nothing or is an empty table', { timeout: TEST_MS }, async () => {
    await db.client.query('truncate emptied');
    for (const name of [AVRO, PLAIN]) await confirmed(name);
    expect(await madeFor('emptied')).toEqual([]);
  });
});
