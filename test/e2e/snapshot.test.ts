/**
 * The initial snapshot end to end: markers and table order, its place in the stream (D8), what each snapshot.mode does at each start, and
 * what is remembered of it. A crash in the middle of one: test/faults/kill-moments.test.ts.
 */
import type pg from 'pg';
import { describe, expect, it } from 'vitest';
import { readTopic } from '../harness/consume.ts';
import { createLoadTable, startLoad, writeBigTransaction, writeLoad } from '../harness/load.ts';
import { type PostgresHandle, startPostgres } from '../harness/postgres.ts';
import { type FreshDatabase, freshDatabase, sharedKafka, uniqueName } from '../harness/shared.ts';
import { type ConnectorConfig, connectorConfig, type LogLine, type Slotline, startSlotline, startStreaming } from '../harness/slotline.ts';
import { dropSlot } from '../harness/slots.ts';
import { createTruthSlot, lsnNumber } from '../harness/truth.ts';
import { confirmedLsn, type DeliveryReport, untilAllConfirmed, verifyDelivery } from '../harness/verify.ts';
import { exitCodeOf, failedRun } from './endings.ts';
import { LOSING_SETTINGS, loseSlot } from './lost-slot.ts';
import { operations, type Row, readEvents, type TopicRecord } from './topic-events.ts';

const START_TIMEOUT_MS = 45_000;

type Place = { readonly client: pg.Client; readonly name: string; config(overrides?: ConnectorConfig): ConnectorConfig };

function placeOn(server: PostgresHandle, database: string, client: pg.Client): Place {
  const name = uniqueName('snapshot');
  const { bootstrapServers } = sharedKafka();
  return { client, name, config: (overrides) => connectorConfig({ server, database, bootstrapServers, name }, overrides) };
}

async function freshPlace(major: 14 | 18): Promise<Place & FreshDatabase & AsyncDisposable> {
  const db = await freshDatabase(major);
  return { ...db, ...placeOn(db.server, db.database, db.client), [Symbol.asyncDispose]: () => db.drop() };
}

/** Place with the table item and two rows. */
async function itemPlace(): Promise<Place & AsyncDisposable> {
  const place = await freshPlace(18);
  await place.client.query("create table item (id int primary key, note text); insert into item values (1, 'one'), (2, 'two')");
  return place;
}

async function readItems(place: Place, isComplete: (events: readonly TopicRecord[]) => boolean): Promise<TopicRecord[]> {
  return await readEvents(sharedKafka().bootstrapServers, `${place.name}.public.item`, isComplete);
}

/** Inserts a row, waits until it arrives, and gives all events up to then. */
async function eventsUpTo(place: Place, id: number): Promise<string[]> {
  await place.client.query(`insert into item values (${id})`);
  return operations(await readItems(place, (all) => all.some(({ key, value }) => key?.['id'] === id && value?.op === 'c')));
}

function decisionOf(slotline: Slotline): LogLine | undefined {
  return slotline.lines.find(({ event }) => event === 'task.start');
}

async function streaming(place: Place, overrides: ConnectorConfig = {}): Promise<Slotline> {
  return await startStreaming(place.config(overrides), { timeoutMs: START_TIMEOUT_MS });
}

async function slotExists(place: Place): Promise<boolean> {
  return (await place.client.query('select 1 from pg_replication_slots where slot_name = $1', [place.name])).rowCount === 1;
}

/** D8, key by key: no position is lower than the one before it. */
function expectNoKeyGoesBack(report: DeliveryReport): void {
  const positions = new Map<number, number>();
  for (const { key, lsn, kind } of report.events) {
    const before = positions.get(key) ?? 0;
    if (lsn < before) expect.fail(`${kind} of key ${key} at ${lsn} stands behind ${before}`);
    positions.set(key, lsn);
  }
}

type LoadedPlace = Place & Pick<FreshDatabase, 'server' | 'database'>;

/** The table with a past: what the truth slot knows, and rows that are old. */
async function prepareLoad(place: LoadedPlace): Promise<string> {
  const { client, name } = place;
  const truthSlot = `${name}_truth`;
  await createLoadTable(client);
  await client.query(`create publication ${name} for table load`);
  await createTruthSlot(client, truthSlot);
  await writeLoad(client, 40);
  await writeBigTransaction(client, { rows: 6_000, noteLength: 40 });
  return truthSlot;
}

/** Starts under a running load, which ends after the snapshot; then the topic is compared with what happened. */
async function snapshotUnderLoad(place: LoadedPlace, o: { truthSlot: string; slotStartLsn: number | undefined }): Promise<DeliveryReport> {
  const { client, name, server, database } = place;
  await using slotline = startSlotline(place.config());
  await slotline.waitFor('connector.start', { timeoutMs: START_TIMEOUT_MS });
  const load = await startLoad(server, database);
  await slotline.waitFor('snapshot.completed', { timeoutMs: START_TIMEOUT_MS });
  await slotline.waitFor('stream.started');
  await load.stop();
  await writeLoad(client, 40);
  await untilAllConfirmed(client, name, { timeoutMs: 30_000 });
  const created = slotline.lines.find(({ event }) => event === 'slot.created');
  const slotStartLsn = o.slotStartLsn ?? lsnNumber(String(created?.['lsn']));
  const { bootstrapServers } = sharedKafka();
  return await verifyDelivery({ client, bootstrapServers, topic: `${name}.public.load`, truthSlot: o.truthSlot, slotStartLsn });
}

// One after the other: each writes as fast as it may.
describe('the initial snapshot under load', () => {
  it.for([18, 14] as const)(
    'D8 on PostgreSQL %i: an existing slot with waiting changes is streamed up to the snapshot first',
    async (major) => {
      await using place = await freshPlace(major);
      const truthSlot = await prepareLoad(place);
      await place.client.query(`select pg_create_logical_replication_slot('${place.name}', 'pgoutput')`);
      const slotStartLsn = await confirmedLsn(place.client, place.name);
      // Updates and deletes that wait in the slot when the snapshot begins.
      await writeLoad(place.client, 60);
      const report = await snapshotUnderLoad(place, { truthSlot, slotStartLsn });
      expectNoKeyGoesBack(report);
      expect(report).toMatchObject({ repeated: 0, replays: 0 });
      const firstRead = report.events.findIndex(({ kind }) => kind === 'r');
      expect(report.events.slice(0, firstRead).filter(({ kind }) => kind === 'd').length).toBeGreaterThan(0);
      expect(report.snapshotRecords).toBeGreaterThan(6_000);
    },
  );

  it('D8: a new slot sends exactly what its snapshot does not hold', async () => {
    await using place = await freshPlace(18);
    const truthSlot = await prepareLoad(place);
    const report = await snapshotUnderLoad(place, { truthSlot, slotStartLsn: undefined });
    expectNoKeyGoesBack(report);
    expect(report).toMatchObject({ repeated: 0, replays: 0 });
    expect(report.events[0]?.kind).toBe('r');
  });
});

describe.concurrent('the initial snapshot', () => {
  it('goes through the tables as the include list orders them, and marks first and last of each and of all', async () => {
    await using place = await freshPlace(18);
    await place.client.query(`
      create table zebra (id int primary key); create table ant_b (id int primary key); create table ant_a (id int primary key);
      create table empty_one (id int primary key);
      insert into zebra values (1), (2), (3); insert into ant_a values (1); insert into ant_b values (1), (2)`);
    await using slotline = await streaming(place, { 'table.include.list': 'public\\.zebra,public\\.ant_.*,public\\.empty_one' });
    await place.client.query('insert into ant_b values (3)');
    const markers = async (table: string, count: number): Promise<(string | undefined)[]> => {
      const events = await readEvents(sharedKafka().bootstrapServers, `${place.name}.public.${table}`, (all) => all.length >= count);
      return events.map(({ value }) => value?.source.snapshot);
    };
    expect(await markers('zebra', 3)).toEqual(['first', 'true', 'last_in_data_collection']);
    expect(await markers('ant_a', 1)).toEqual(['last_in_data_collection']);
    expect(await markers('ant_b', 3)).toEqual(['first_in_data_collection', 'last', 'false']);
    expect(slotline.lines.find(({ event }) => event === 'snapshot.completed')).toMatchObject({ rows: 6, tables: 4 });
  });

  it('is taken once: the offset topic remembers it as Connect does; a slot that is gone is refused, or mended by when_needed', async () => {
    await using place = await itemPlace();
    await using first = await streaming(place);
    expect(decisionOf(first)).toMatchObject({ decision: 'snapshotNewSlot', offset: 'none' });
    expect(await eventsUpTo(place, 3)).toEqual(['r 1', 'r 2', 'c 3']);
    expect((await first.stop()).exitCode).toBe(0);
    await expectConnectOffset(place, lsnNumber(String(first.lines.find(({ event }) => event === 'slot.created')?.['lsn'])));

    await using second = await streaming(place);
    expect(decisionOf(second)).toMatchObject({ decision: 'stream', offset: 'complete' });
    expect(await eventsUpTo(place, 4)).toEqual(['r 1', 'r 2', 'c 3', 'c 4']);
    await second.stop();

    await dropSlot(place.client, place.name);
    const error = await failedRun(place.config(), 'slot_missing');
    expect(error['remedy']).toContain('when_needed');
    expect(await slotExists(place)).toBe(false);
    await using mended = await streaming(place, { 'snapshot.mode': 'when_needed' });
    expect(decisionOf(mended)).toMatchObject({ decision: 'snapshotNewSlot', offset: 'complete' });
    expect((await eventsUpTo(place, 5)).slice(4)).toEqual(['r 1', 'r 2', 'r 3', 'r 4', 'c 5']);
  });

  it('is taken again, and said so, where the slot is known and the offset is not', async () => {
    await using place = await itemPlace();
    await using first = await streaming(place);
    expect(await eventsUpTo(place, 3)).toEqual(['r 1', 'r 2', 'c 3']);
    await first.stop();
    await place.client.query('delete from item where id = 1');
    await using second = await streaming(place, { 'offset.storage.topic': `${place.name}.other-offsets` });
    expect(decisionOf(second)).toMatchObject({ level: 'info', decision: 'snapshotExistingSlot', offset: 'none', slot: place.name });
    expect((await eventsUpTo(place, 4)).slice(3)).toEqual(['d 1', 'tombstone 1', 'r 2', 'r 3', 'c 4']);
  });

  it('always takes one at each start', async () => {
    await using place = await itemPlace();
    await using first = await streaming(place, { 'snapshot.mode': 'always' });
    expect(await eventsUpTo(place, 3)).toEqual(['r 1', 'r 2', 'c 3']);
    await first.stop();
    await using second = await streaming(place, { 'snapshot.mode': 'always' });
    expect(decisionOf(second)).toMatchObject({ decision: 'snapshotExistingSlot', offset: 'complete' });
    expect((await eventsUpTo(place, 4)).slice(3)).toEqual(['r 1', 'r 2', 'r 3', 'c 4']);
  });

  it('initial_only ends with exit code 0, without a slot, and takes none the second time', async () => {
    await using place = await itemPlace();
    await using first = startSlotline(place.config({ 'snapshot.mode': 'initial_only' }));
    expect(await exitCodeOf(first)).toBe(0);
    expect(operations(await readItems(place, (all) => all.length >= 2))).toEqual(['r 1', 'r 2']);
    expect(await slotExists(place)).toBe(false);
    await using second = startSlotline(place.config({ 'snapshot.mode': 'initial_only' }));
    expect(await exitCodeOf(second)).toBe(0);
    expect(decisionOf(second)).toMatchObject({ decision: 'nothing' });
  });

  it('no_data takes none and streams from a new slot', async () => {
    await using place = await itemPlace();
    await using first = await streaming(place, { 'snapshot.mode': 'no_data' });
    expect(await eventsUpTo(place, 3)).toEqual(['c 3']);
    await first.stop();
    await place.client.query('insert into item values (4)');
    await using second = await streaming(place, { 'snapshot.mode': 'no_data' });
    expect(await eventsUpTo(place, 5)).toEqual(['c 3', 'c 4', 'c 5']);
    expect(second.lines.filter(({ event }) => event.startsWith('snapshot.'))).toEqual([]);
  });

  it('when_needed replaces a slot that is lost and takes a new one', async () => {
    await using server = await startPostgres({ major: 14, settings: LOSING_SETTINGS });
    const client = await server.connect('postgres');
    const place = placeOn(server, 'postgres', client);
    await client.query('create table item (id int primary key, note text); insert into item values (1)');
    await using first = await streaming(place, { 'snapshot.mode': 'when_needed' });
    expect(await eventsUpTo(place, 2)).toEqual(['r 1', 'c 2']);
    await first.stop();
    await client.query('insert into item values (3)');
    await loseSlot(client, place.name);
    await using second = await streaming(place, { 'snapshot.mode': 'when_needed' });
    expect(second.lines.map(({ event }) => event)).toContain('slot.dropped');
    expect((await eventsUpTo(place, 4)).slice(2)).toEqual(['r 1', 'r 2', 'r 3', 'c 4']);
    await client.end();
  });
});

/** Two records: the snapshot is on its way, the snapshot is complete at this position. */
async function expectConnectOffset(place: Place, lsn: number): Promise<void> {
  const own = `["${place.name}",{"server":"${place.name}"}]`;
  const memory = `["${place.name}",{"server":"${place.name}","slotline":"source"}]`;
  const all = await readTopic(sharedKafka().bootstrapServers, `${place.name}.offsets`);
  expect(all.map(({ key }) => String(key)).filter((key) => key !== own && key !== memory)).toEqual([]);
  const records = all.filter(({ key }) => String(key) === own);
  const values = records.map(({ value }): Row => JSON.parse(String(value)));
  expect(values[0]).toMatchObject({ snapshot: 'INITIAL', snapshot_completed: false });
  expect(values[1]).toMatchObject({ lsn, txId: expect.any(Number), ts_usec: expect.any(Number) });
  // Connect takes texts, numbers and flags only, and Debezium goes on at lsn_proc, behind what the slot was told.
  for (const value of values) expect(Object.values(value).every((field) => typeof field !== 'object' || field === null)).toBe(true);
  const confirmed = await confirmedLsn(place.client, place.name);
  expect(values.at(-1)).toMatchObject({ lsn: confirmed, lsn_proc: confirmed, lsn_commit: confirmed, slotline_confirmed_lsn: confirmed });
}
