/**
 * Owns the scene of a process that is frozen in its snapshot, loses its sessions, and wakes when a standby has taken its own snapshot and
 * streams: at which moment it is frozen, and what it writes behind its waking. With the standby frozen in turn whatever is written then is
 * the first's, and must be nothing.
 */

import { type Admin, Kafka, logLevel } from 'kafkajs';
import type pg from 'pg';
import { type Broker, type KafkaCluster, startKafka } from '../harness/kafka.ts';
import { type PostgresServer, startPostgres } from '../harness/postgres.ts';
import { uniqueName } from '../harness/shared.ts';
import { type ConnectorConfig, connectorConfig, type Slotline, startSlotline } from '../harness/slotline.ts';
import { until } from '../harness/until.ts';

type FrozenMoment =
  | 'before the slot is made'
  | 'in the middle of rows'
  | 'in the middle of rows beside a slot that exists'
  | 'with records unacknowledged'
  | 'with the last record unacknowledged, just before "complete" is stored';

const WAIT = { timeoutMs: 30_000 };
const ROWS = 20_000;
/** Small batches one at a time: at any moment most of two megabytes are not sent. */
const MANY_UNSENT: ConnectorConfig = {
  'producer.buffer.memory': '2097152',
  'producer.batch.size': '16384',
  'producer.max.in.flight.requests.per.connection': '1',
};

/** No row of it comes, and that only once a lock is free. */
const WAITING_TABLE: ConnectorConfig = {
  'snapshot.lock.timeout.ms': '60000',
  'snapshot.select.statement.overrides': 'public.zeta',
  'snapshot.select.statement.overrides.public.zeta': "select 1 as id from pg_advisory_lock_shared(4711) as l where l::text = 'x'",
};

export type Servers = { readonly postgres: PostgresServer; readonly kafka: KafkaCluster; readonly broker: Broker; readonly admin: Admin };

export async function startServers(): Promise<Servers & AsyncDisposable> {
  const [postgres, kafka] = await Promise.all([startPostgres({ major: 18 }), startKafka()]);
  const [broker] = kafka.brokers;
  if (broker === undefined) throw new Error('no broker');
  const admin = new Kafka({ brokers: kafka.bootstrapServers.split(','), logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  return {
    postgres,
    kafka,
    broker,
    admin,
    async [Symbol.asyncDispose]() {
      await admin.disconnect();
      await Promise.all([postgres[Symbol.asyncDispose](), kafka[Symbol.asyncDispose]()]);
    },
  };
}

type Scene = Servers & { readonly name: string; readonly client: pg.Client; readonly topic: string };

/** Freezes the first at the moment, lets the second take over and stream, wakes the first, and gives what it wrote then. */
export async function wakeBehindSuccessor(servers: Servers, moment: FrozenMoment): Promise<{ records: number; offsets: number }> {
  const { postgres, kafka } = servers;
  const { bootstrapServers } = kafka;
  const name = uniqueName('frozen');
  await postgres.createDatabase(name);
  const client = await postgres.connect(name);
  const scene = { ...servers, name, client, topic: `${name}.public.item` };
  await client.query('create table item (id int primary key, note text); create table zeta (id int primary key)');
  const rows = moment.startsWith('with the last') ? 10 : ROWS;
  await client.query(`insert into item select i, repeat('n', 100) from generate_series(1, ${rows}) as i`);
  if (moment.includes('beside')) await client.query(`select pg_create_logical_replication_slot('${name}', 'pgoutput')`);
  const config = connectorConfig({ server: postgres, database: name, bootstrapServers, name }, MANY_UNSENT);
  const locking = moment === 'before the slot is made' ? await lockBefore(scene) : undefined;
  if (moment.startsWith('with the last')) await client.query('select pg_advisory_lock(4711)');
  await using first = startSlotline(moment.startsWith('with the last') ? { ...config, ...WAITING_TABLE } : config);
  await freezeAt(scene, moment, { first, locking });
  await using second = startSlotline(config);
  await second.waitFor('standby.waiting', WAIT);
  await endSessions(scene);
  await second.waitFor('stream.started', WAIT);
  await client.query("update item set note = 'new' where id <= 5");
  await second.waitFor('lsn.confirmed', { ...WAIT, from: second.lines.findIndex(({ event }) => event === 'stream.started') });
  second.pause();
  const written = await untilQuiet(scene);
  const from = first.lines.length;
  first.resume();
  await first.waitFor('standby.waiting', { ...WAIT, from });
  const after = await untilQuiet(scene);
  second.resume();
  await client.end();
  return { records: after.records - written.records, offsets: after.offsets - written.offsets };
}

/** A transaction with an id: a slot is made only when it has ended. */
async function lockBefore({ postgres, name }: Scene): Promise<pg.Client> {
  const locking = await postgres.connect(name);
  await locking.query('begin; select pg_current_xact_id()');
  return locking;
}

/** The server has sent all rows, or cannot send more. */
const READ_TO_END =
  "application_name = 'Slotline Snapshot' and query like '%item%' and (state = 'idle in transaction' or wait_event = 'ClientWrite')";

type Freezing = { readonly first: Slotline; readonly locking: pg.Client | undefined };

async function freezeAt(scene: Scene, moment: FrozenMoment, { first, locking }: Freezing): Promise<void> {
  const { topic, broker } = scene;
  const hasRows = async (): Promise<boolean> => (await countOf(scene, topic)) > 500;
  switch (moment) {
    case 'before the slot is made':
      await until('the slot is being made', () => hasSession(scene, "query like 'CREATE_REPLICATION_SLOT%'"), WAIT);
      first.pause();
      await locking?.query('rollback');
      await locking?.end();
      return;
    case 'in the middle of rows':
    case 'in the middle of rows beside a slot that exists':
      await until('a part of the rows is in the topic', hasRows, WAIT);
      first.pause();
      return;
    case 'with records unacknowledged':
      await until('a part of the rows is in the topic', hasRows, WAIT);
      broker.pause();
      await until('the publisher is full', () => hasSession(scene, READ_TO_END), WAIT);
      first.pause();
      broker.resume();
      return;
    default:
      await freezeBeforeLast(scene, first);
  }
}

/** The last row is held back until it is known to be the last, which the second table puts off. */
async function freezeBeforeLast(scene: Scene, first: Slotline): Promise<void> {
  const { topic, broker, client } = scene;
  await first.waitFor('snapshot.started', WAIT);
  await until('all rows but the last are in the topic', async () => (await countOf(scene, topic)) >= 9, WAIT);
  broker.pause();
  await client.query('select pg_advisory_unlock(4711)');
  await until('everything is read', () => hasSession(scene, "query like '%4711%' and state = 'idle in transaction'"), WAIT);
  first.pause();
  broker.resume();
}

async function hasSession({ postgres, name }: Scene, condition: string): Promise<boolean> {
  const sql = `select 1 from pg_stat_activity where datname = '${name}' and application_name like 'Slotline%' and ${condition}`;
  return (await postgres.query('postgres', sql)).rowCount !== 0;
}

/** As a server does that restarts, or an operator: every session of the frozen process. The standby's are opened anew. */
async function endSessions({ postgres, name }: Scene): Promise<void> {
  const sql = `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}' and application_name like 'Slotline%'`;
  await postgres.query('postgres', sql);
}

/** What the topics hold once nothing comes any more. */
async function untilQuiet(scene: Scene): Promise<{ records: number; offsets: number }> {
  const count = async (): Promise<{ records: number; offsets: number }> => ({
    records: await countOf(scene, scene.topic),
    offsets: await countOf(scene, `${scene.name}.offsets`),
  });
  let last = await count();
  let sameMs = performance.now();
  await until(
    'nothing more is written',
    async () => {
      const now = await count();
      if (now.records !== last.records || now.offsets !== last.offsets) sameMs = performance.now();
      last = now;
      return performance.now() - sameMs > 300;
    },
    WAIT,
  );
  return last;
}

/** 0: there is no such topic yet, which the client would ask for again and again. */
async function countOf({ admin }: Scene, topic: string): Promise<number> {
  if (!(await admin.listTopics()).includes(topic)) return 0;
  const ends = await admin.fetchTopicOffsets(topic);
  return ends.reduce((sum, { high, low }) => sum + Number(high) - Number(low), 0);
}
