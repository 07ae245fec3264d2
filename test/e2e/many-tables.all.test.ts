/** Many captured tables, and a table that is dropped and made again for each job: memory, and that every row comes. Unit form: src/pipeline/loop/table-memory.test.ts. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readTopic } from '../harness/consume.ts';
import { type FreshDatabase, freshDatabase, sharedKafka, uniqueName } from '../harness/shared.ts';
import { connectorConfig, type Slotline, startStreaming } from '../harness/slotline.ts';
import { until } from '../harness/until.ts';

const { bootstrapServers } = sharedKafka();
const WAIT = { timeoutMs: 120_000 };
const TABLES = 5_000;
/** A transaction may hold so many locks and some more. */
const BATCH = 500;
/** At its peak, garbage and all: 140 MB are there with one table, and plans are 15 MB. With a writer for each table it would be 300 MB more. */
const MEMORY_MAX_MB = 200;
const JOBS = 1_000;
const JOBS_FIRST = 200;
/** A plan takes about 10 kB; with none of them dropped there would be 8 MB and more. Young objects make up the rest. */
const GROWTH_MAX_MB = 30;

let db: FreshDatabase;
let name = '';
let slotline: Slotline | undefined;

beforeEach(async () => {
  name = uniqueName('many');
  db = await freshDatabase(18);
});
afterEach(async () => {
  await slotline?.[Symbol.asyncDispose]();
  await db.drop();
});

async function start(): Promise<Slotline> {
  const { server, database } = db;
  const config = connectorConfig(
    { server, database, bootstrapServers, name },
    { 'publication.autocreate.mode': 'all_tables', 'snapshot.mode': 'no_data', 'status.update.interval.ms': '500' },
  );
  slotline = await startStreaming(config, WAIT);
  return slotline;
}

async function untilConfirmed(): Promise<void> {
  const { rows } = await db.client.query<{ lsn: string }>('select pg_current_wal_insert_lsn()::text as lsn');
  const sql = 'select from pg_replication_slots where slot_name = $1 and confirmed_flush_lsn >= $2::pg_lsn';
  await until('everything is confirmed', async () => (await db.client.query(sql, [name, rows[0]?.lsn])).rowCount === 1, WAIT);
}

async function inBatches(statement: (from: number, to: number) => string): Promise<void> {
  for (let from = 1; from <= TABLES; from += BATCH) await db.client.query(statement(from, from + BATCH - 1));
}

test(`${TABLES} tables that the stream describes, few of which have rows, fit into ${MEMORY_MAX_MB} MB`, async () => {
  await inBatches(
    (from, to) => `do $$ begin for i in ${from}..${to} loop
      execute format('create table t%s (id bigint primary key, a text, b varchar(40), c numeric(10,2), d timestamptz, e jsonb, f bool, g uuid)', i);
    end loop; end $$`,
  );
  const running = await start();
  // A truncate that is skipped makes the server describe the tables, and needs no topic.
  await inBatches((from, to) => `truncate ${Array.from({ length: to - from + 1 }, (_, i) => `t${from + i}`).join(', ')}`);
  for (let i = 1; i <= TABLES; i += BATCH) await db.client.query(`insert into t${i} values (1, 'a')`);
  await untilConfirmed();
  console.log(`[memory] ${TABLES} tables: ${running.peakMemoryMb()} MB`);
  expect(await readTopic(bootstrapServers, `${name}.public.t1`)).toHaveLength(1);
  expect(running.peakMemoryMb()).toBeLessThan(MEMORY_MAX_MB);
});

test(`a table that is dropped and made again ${JOBS} times leaves nothing behind, and no row is lost`, async () => {
  const running = await start();
  const runJob = (job: number): Promise<unknown> =>
    db.client.query(
      `begin; drop table if exists job; create table job (id int primary key, n text); insert into job values (${job}); commit`,
    );
  for (let job = 1; job <= JOBS_FIRST; job++) await runJob(job);
  await untilConfirmed();
  const first = running.peakMemoryMb();
  for (let job = JOBS_FIRST + 1; job <= JOBS; job++) await runJob(job);
  await untilConfirmed();
  console.log(`[memory] ${JOBS_FIRST} jobs: ${first} MB, ${JOBS} jobs: ${running.peakMemoryMb()} MB`);
  const records = await readTopic(bootstrapServers, `${name}.public.job`);
  expect(records.map(({ key }) => JSON.parse(String(key)).id)).toEqual(Array.from({ length: JOBS }, (_, index) => index + 1));
  expect(running.peakMemoryMb() - first).toBeLessThan(GROWTH_MAX_MB);
});
