/** Two connectors in one process: what is done with one leaves the other alone, and nothing is lost in either. */
import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { resolveConfig } from '../../src/config/resolve/resolve.ts';
import { SILENT_LOG } from '../../src/core/log.ts';
import { SYSTEM_CLOCK } from '../../src/core/time.ts';
import { connectorHealth } from '../../src/ops/health.ts';
import type { Connector } from '../../src/pipeline/life/connector.ts';
import { createConnector } from '../../src/pipeline/life/create-connector.ts';
import { LiveState } from '../../src/pipeline/life/live-state.ts';
import { type FreshDatabase, freshDatabase, sharedKafka, uniqueName } from '../harness/shared.ts';
import { connectorConfig } from '../harness/slotline.ts';
import { until } from '../harness/until.ts';
import { readEvents, type TopicRecord } from './topic-events.ts';

const WAIT = { timeoutMs: 45_000 };
const { bootstrapServers } = sharedKafka();

type Running = { readonly name: string; readonly table: string; readonly connector: Connector; readonly live: LiveState };

function made(db: FreshDatabase, table: string, overrides: Readonly<Record<string, string>>): Running {
  const name = uniqueName(table);
  const config = connectorConfig({ ...db, bootstrapServers, name }, { 'table.include.list': `public.${table}`, ...overrides });
  const result = resolveConfig(config, { variables: {}, readFile: () => '' });
  if (result.tag === 'refused') throw new Error(JSON.stringify(result.problems));
  const live = new LiveState(result.options);
  const connector = createConnector({
    options: result.options,
    log: SILENT_LOG,
    clock: SYSTEM_CLOCK,
    random: Math.random,
    version: 'test',
    runId: randomUUID(),
    pid: process.pid,
    live,
    onProgress: () => {},
  });
  return { name, table, connector, live };
}

/** Writes row after row to both tables until it is stopped; numbers, times and intervals pass the space that all connectors share. */
function writeRows(db: FreshDatabase, tables: readonly string[]): { readonly written: () => number; stop(): Promise<number> } {
  let isStopping = false;
  let id = 0;
  const run = async (): Promise<number> => {
    const client = await db.server.connect(db.database);
    while (!isStopping) {
      id++;
      for (const table of tables)
        await client.query(`insert into ${table} values ($1::int, $1::int + 0.25, make_interval(days => $1::int), $1::int::text)`, [id]);
    }
    await client.end();
    return id;
  };
  const running = run();
  return {
    written: () => id,
    stop: () => {
      isStopping = true;
      return running;
    },
  };
}

async function slotsHeld(db: FreshDatabase, { name }: Running): Promise<boolean | undefined> {
  const { rows } = await db.client.query<{ active: boolean }>('select active from pg_replication_slots where slot_name = $1', [name]);
  return rows[0]?.active;
}

async function untilConfirmed(db: FreshDatabase, running: readonly Running[]): Promise<void> {
  const { rows } = await db.client.query<{ lsn: string }>('select pg_current_wal_lsn()::text as lsn');
  const sql = 'select 1 from pg_replication_slots where slot_name = any($1) and confirmed_flush_lsn >= $2::pg_lsn';
  const names = running.map(({ name }) => name);
  await until('all is confirmed', async () => (await db.client.query(sql, [names, rows[0]?.lsn])).rowCount === names.length, WAIT);
}

function rowOf({ text }: TopicRecord): { id: number; amount: string; span: string; word: string } {
  const { after }: { after: { id: number; amount: string; span: string; word: string } } = JSON.parse(text);
  return after;
}

test('one is paused, resumed and restarted while the other streams, and every row is in its topic, whole', async () => {
  const db = await freshDatabase(18);
  const tables = ['apples', 'pears'];
  for (const table of tables) await db.client.query(`create table ${table} (id int primary key, amount numeric, span interval, word text)`);
  const formats = { 'decimal.handling.mode': 'string', 'interval.handling.mode': 'string' };
  // A pause and a restart keep the slot all the same.
  const apples = made(db, 'apples', { ...formats, 'slot.drop.on.stop': 'true' });
  const pears = made(db, 'pears', formats);
  const streams = ({ connector }: Running): Promise<unknown> => until('it streams', async () => connector.state.tag === 'running', WAIT);
  await Promise.all([apples.connector.start(), pears.connector.start()]);
  await Promise.all([streams(apples), streams(pears)]);
  const writer = writeRows(db, tables);
  const more = async ({ live, name }: Running): Promise<void> => {
    const before = live.view().recordsAcknowledged;
    await until(`${name} goes on`, async () => live.view().recordsAcknowledged > before + 50, WAIT);
  };
  await Promise.all([more(apples), more(pears)]);

  await apples.connector.pause();
  expect([apples.connector.state, pears.connector.state]).toMatchObject([{ tag: 'paused', error: undefined }, { tag: 'running' }]);
  expect([connectorHealth(apples.live.view()).status, connectorHealth(pears.live.view()).status]).toEqual(['paused', 'ok']);
  expect(await until('nobody reads the slot', async () => (await slotsHeld(db, apples)) === false, WAIT)).toBe(true);
  const acknowledged = apples.live.view().recordsAcknowledged;
  await more(pears);
  expect(apples.live.view().recordsAcknowledged).toBe(acknowledged);

  await apples.connector.resume();
  await more(apples);
  await apples.connector.restart();
  await more(apples);
  expect(apples.live.view().attempts).toBe(3);
  await Promise.all([apples.connector.restart(), apples.connector.pause(), apples.connector.resume()]);
  await Promise.all([more(apples), more(pears)]);
  expect([apples.live.view().attempts, pears.live.view().attempts]).toEqual([4, 1]);

  const count = await writer.stop();
  await untilConfirmed(db, [apples, pears]);
  await apples.connector.pause();
  expect(apples.connector.state).toMatchObject({ tag: 'paused', error: undefined });
  await Promise.all([apples.connector.stop(), pears.connector.stop()]);
  expect(await Promise.all([apples.connector.untilStopped(), pears.connector.untilStopped()])).toEqual([undefined, undefined]);
  expect([await slotsHeld(db, apples), await slotsHeld(db, pears)]).toEqual([false, false]);

  const wanted = Array.from({ length: count }, (_, index) => index + 1);
  for (const { name, table } of [apples, pears]) {
    const topic = `${name}.public.${table}`;
    const rows = (await readEvents(bootstrapServers, topic, (all) => new Set(all.map((event) => rowOf(event).id)).size >= count)).map(
      rowOf,
    );
    const ids = [...new Set(rows.map(({ id }) => id))];
    expect(ids).toEqual(wanted);
    expect(rows).toEqual(rows.map(({ id }) => ({ id, amount: `${id}.25`, span: `P0Y0M${id}DT0H0M0S`, word: String(id) })));
    if (table === 'pears') expect(rows).toHaveLength(count);
  }
  await db.drop();
});
