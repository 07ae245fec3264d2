/**
 * D6: a capture that has nothing to do still lets the server forget WAL, whatever else the server is busy with; but nothing is confirmed
 * beyond a change whose records Kafka has not acknowledged.
 */
import type pg from 'pg';
import { describe, expect, it } from 'vitest';
import { startKafka } from '../harness/kafka.ts';
import { type FreshDatabase, freshDatabase, sharedKafka, uniqueName } from '../harness/shared.ts';
import { type ConnectorConfig, connectorConfig, startStreaming } from '../harness/slotline.ts';
import { lsnNumber } from '../harness/truth.ts';
import { until } from '../harness/until.ts';
import { confirmedLsn } from '../harness/verify.ts';
import { operations, readCurrentEvents, readEvents } from './topic-events.ts';

/** The server is asked where it stands this often, so that a test need not wait for Debezium's ten seconds. */
const OFTEN: ConnectorConfig = { 'status.update.interval.ms': '100' };
const ADVANCE_TIMEOUT_MS = 15_000;
const STATUS_ROUNDS = 10;

/** Dropped behind the programs that use it. */
async function disposableDatabase(major: 14 | 18): Promise<FreshDatabase & AsyncDisposable> {
  const db = await freshDatabase(major);
  return { ...db, [Symbol.asyncDispose]: () => db.drop() };
}

async function currentLsn(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ lsn: string }>('select pg_current_wal_insert_lsn()::text as lsn');
  return lsnNumber(rows[0]?.lsn ?? '0/0');
}

/** Writes a few MB of WAL in the database that the client is connected to. */
async function keepBusy(client: pg.Client): Promise<number> {
  await client.query('create table if not exists busy (id serial primary key, note text)');
  for (let round = 0; round < 5; round++) {
    await client.query("insert into busy (note) select repeat('b', 200) from generate_series(1, 1000)");
    await client.query('begin; delete from busy; rollback');
  }
  return await currentLsn(client);
}

async function untilConfirmed(client: pg.Client, slot: string, lsn: number): Promise<void> {
  await until(`slot ${slot} is confirmed up to ${lsn}`, async () => (await confirmedLsn(client, slot)) >= lsn, {
    timeoutMs: ADVANCE_TIMEOUT_MS,
  });
}

/** End LSNs of the commits that touch table item, by a slot of another plugin. */
async function itemCommits(client: pg.Client, slot: string): Promise<number[]> {
  const { rows } = await client.query<{ lsn: string; xid: string; data: string }>(
    `select lsn::text, xid::text, data from pg_logical_slot_peek_changes('${slot}', null, null)`,
  );
  const ours = new Set(rows.filter(({ data }) => data.startsWith('table public.item:')).map(({ xid }) => xid));
  return rows.filter(({ data, xid }) => data.startsWith('COMMIT') && ours.has(xid)).map(({ lsn }) => lsnNumber(lsn));
}

/** What the walsender says of its reader; write_lsn is what the reader has received. */
async function replyOf(client: pg.Client, slot: string): Promise<{ writtenLsn: number; replyTime: string }> {
  const { rows } = await client.query<{ written: string; reply: Date }>(
    `select r.write_lsn::text as written, r.reply_time as reply from pg_stat_replication r
       join pg_replication_slots s on s.active_pid = r.pid where s.slot_name = '${slot}'`,
  );
  return { writtenLsn: lsnNumber(rows[0]?.written ?? '0/0'), replyTime: rows[0]?.reply.toISOString() ?? '' };
}

describe.concurrent('D6: an idle capture', () => {
  it.for([18, 14] as const)('on PostgreSQL %i advances the slot while another table, then another database is busy', async (major) => {
    await using db = await disposableDatabase(major);
    await using other = await disposableDatabase(major);
    const name = uniqueName('idle');
    const { bootstrapServers } = sharedKafka();
    await db.client.query('create table item (id int primary key)');
    const config = connectorConfig({ ...db, bootstrapServers, name }, { 'table.include.list': 'public.item', ...OFTEN });
    await using slotline = await startStreaming(config, { timeoutMs: 45_000 });
    const before = await confirmedLsn(db.client, name);
    const afterTable = await keepBusy(db.client);
    await untilConfirmed(db.client, name, afterTable);
    const afterDatabase = await keepBusy(other.client);
    expect(afterDatabase).toBeGreaterThan(afterTable);
    await untilConfirmed(db.client, name, afterDatabase);
    expect(before).toBeLessThan(afterTable);
    expect(slotline.lines.filter(({ level }) => level === 'error' || level === 'warn')).toEqual([]);

    // What was confirmed without a change loses none: the next one arrives.
    await slotline.kill();
    await db.client.query('insert into item values (1)');
    await using _successor = await startStreaming(config, { timeoutMs: 45_000 });
    const events = await readEvents(bootstrapServers, `${name}.public.item`, (all) => all.length > 0);
    expect(operations(events)).toEqual(['c 1']);
  });

  it('confirms nothing beyond a change that Kafka has not acknowledged, however far the server is', async () => {
    await using kafka = await startKafka();
    const [broker] = kafka.brokers;
    await using db = await disposableDatabase(18);
    const { client } = db;
    const name = uniqueName('idle');
    const { bootstrapServers } = kafka;
    await client.query('create table item (id int primary key)');
    await client.query(`select pg_create_logical_replication_slot('${name}_truth', 'test_decoding')`);
    const config = connectorConfig({ ...db, bootstrapServers, name }, { 'table.include.list': 'public.item', ...OFTEN });
    await using slotline = await startStreaming(config, { timeoutMs: 45_000 });
    await client.query('insert into item values (1)');
    await untilConfirmed(client, name, await currentLsn(client));

    broker?.pause();
    await client.query('insert into item values (2)');
    const [, inFlight = 0] = await itemCommits(client, `${name}_truth`);
    expect(inFlight).toBeGreaterThan(await confirmedLsn(client, name));
    const busyLsn = await keepBusy(client);
    // The program has read past the change, and goes on telling the server how far it is.
    await until('positions behind the change are received', async () => (await replyOf(client, name)).writtenLsn >= busyLsn, {
      timeoutMs: ADVANCE_TIMEOUT_MS,
    });
    let last = (await replyOf(client, name)).replyTime;
    for (let round = 0; round < STATUS_ROUNDS; round++) {
      last = await until(
        'another status update',
        async () => {
          const { replyTime } = await replyOf(client, name);
          return replyTime > last && replyTime;
        },
        { timeoutMs: ADVANCE_TIMEOUT_MS },
      );
      expect(await confirmedLsn(client, name)).toBeLessThan(inFlight);
    }

    broker?.resume();
    await untilConfirmed(client, name, busyLsn);
    expect(operations(await readCurrentEvents(bootstrapServers, `${name}.public.item`))).toEqual(['c 1', 'c 2']);
    expect(slotline.hasExited()).toBe(false);
  });
});
