import { existsSync } from 'node:fs';
import { Kafka, logLevel } from 'kafkajs';
import { expect, test } from 'vitest';
import { readTopic } from './consume.ts';
import { startKafka } from './kafka.ts';
import { startPostgres } from './postgres.ts';
import { freshDatabase, sharedKafka, sharedPostgres, uniqueName } from './shared.ts';

test.each([14, 18] as const)('the shared PostgreSQL %i is that version, decodes logically and gives a fresh database', async (major) => {
  const { client, database, server, drop } = await freshDatabase(major);
  const { rows } = await client.query(
    `select current_setting('server_version_num')::int / 10000 as major, current_setting('wal_level') as wal`,
  );
  expect(rows).toEqual([{ major, wal: 'logical' }]);
  await client.query(`select pg_create_logical_replication_slot('${database}', 'pgoutput')`);
  await drop();
  const left = await server.query('postgres', `select 1 from pg_database where datname = '${database}'`);
  expect(left.rowCount).toBe(0);
});

test('a wrong password is refused over TCP', async () => {
  const { host, port } = sharedPostgres(18);
  const { default: pg } = await import('pg');
  const client = new pg.Client({ host, port, user: 'postgres', password: 'wrong', database: 'postgres' });
  await expect(client.connect()).rejects.toThrow(/password authentication failed/);
});

test('a private PostgreSQL survives an immediate stop and leaves no folder behind', async () => {
  const server = await startPostgres({ major: 18, settings: { max_replication_slots: '3' } });
  await server.query('postgres', 'create table t (id int); insert into t values (1)');
  await server.stop('immediate');
  await server.start();
  expect((await server.query('postgres', 'select id from t')).rows).toEqual([{ id: 1 }]);
  expect((await server.query('postgres', 'show max_replication_slots')).rows).toEqual([{ max_replication_slots: '3' }]);
  await server[Symbol.asyncDispose]();
  expect(existsSync(server.dataDir)).toBe(false);
});

test('readTopic gives what was produced, to the current end or to a count', async () => {
  const { bootstrapServers } = sharedKafka();
  const topic = uniqueName('harness');
  const kafka = new Kafka({ brokers: [bootstrapServers], logLevel: logLevel.NOTHING });
  const producer = kafka.producer({ allowAutoTopicCreation: true });
  await producer.connect();
  const messages = [
    { key: 'a', value: '1', headers: { h: 'x' } },
    { key: 'a', value: null },
  ];
  await producer.send({ topic, messages });
  await producer.disconnect();
  for (const options of [{}, { count: 2 }, { until: (records: readonly unknown[]) => records.length === 2 }]) {
    const records = await readTopic(bootstrapServers, topic, options);
    expect(records.map(({ key, value }) => [key?.toString(), value?.toString()])).toEqual([
      ['a', '1'],
      ['a', undefined],
    ]);
    expect(records[0]?.headers['h']?.toString()).toBe('x');
  }
  await expect(readTopic(bootstrapServers, topic, { count: 3, timeoutMs: 2_000 })).rejects.toThrow(/gave 2 records/);
});

test('a broker of three is killed and comes back', async () => {
  const cluster = await startKafka({ brokers: 3 });
  const [first] = cluster.brokers;
  await first?.kill();
  expect(first?.pid()).toBeUndefined();
  await first?.start();
  expect(first?.pid()).toBeGreaterThan(0);
  await cluster[Symbol.asyncDispose]();
}, 90_000);
