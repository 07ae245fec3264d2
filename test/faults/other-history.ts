/** Owns making a server go on with another history than the one that was read, and what the next start says to it. */
import { execFileSync } from 'node:child_process';
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { failedRun } from '../e2e/endings.ts';
import { deliver, expectWhole, insert, type Place, placeOn, streaming, WAIT } from '../e2e/slot-place.ts';
import { type PostgresServer, startPostgres } from '../harness/postgres.ts';
import { freshDatabase, uniqueName } from '../harness/shared.ts';
import type { LogLine } from '../harness/slotline.ts';
import { dropSlot } from '../harness/slots.ts';
import { lsnNumber } from '../harness/truth.ts';
import { until } from '../harness/until.ts';
import { confirmedLsn } from '../harness/verify.ts';

/** One server and one connector through all of them, or those that need the fewest starts. */
export async function throughOtherHistories(major: 14 | 18, o: { readonly all: boolean }): Promise<void> {
  await using server = await startPostgres({ major });
  const database = uniqueName('history');
  const name = uniqueName('past');
  await server.createDatabase(database);
  const open = async (): Promise<Place> => {
    const client = await server.connect(database);
    const isPrimary = async (): Promise<boolean> => (await client.query('select where not pg_is_in_recovery()')).rowCount === 1;
    await until('the server takes writes', isPrimary, WAIT);
    return await placeOn(server, database, client, name);
  };
  const first = await open();
  await run(first, 1);

  await withoutLoss(server, open);
  await toAnEarlierPoint(server, open);
  if (o.all) await toAnEarlierCopy(server, open);
  if (o.all) await databaseMadeAnew(server, { database, open });
  await anotherServer(major, { database, place: await open() });
}

/** A run that delivers a row; gives what is confirmed then. */
async function run(place: Place, id: number, overrides: Record<string, string> = {}): Promise<{ lsn: number; events: string[] }> {
  await using slotline = await streaming(place, overrides);
  await deliver(place, id);
  await expectWhole(place);
  expect((await slotline.stop()).exitCode).toBe(0);
  return { lsn: await confirmedLsn(place.client, place.name), events: slotline.lines.map(({ event }) => event) };
}

/** A promotion that has everything that was delivered. */
async function withoutLoss(server: PostgresServer, open: () => Promise<Place>): Promise<void> {
  await server.stop();
  recoverToTheEnd(server);
  await server.start();
  const { events } = await run(await open(), 2);
  expect(events).toContain('timeline.changed');
}

/** The new timeline forks before what was delivered. */
async function toAnEarlierPoint(server: PostgresServer, open: () => Promise<Place>): Promise<void> {
  await server.stop();
  copy(server.dataDir, `${server.dataDir}.copy`);
  await server.start();
  const { lsn } = await run(await open(), 3);
  await server.stop();
  copy(`${server.dataDir}.copy`, server.dataDir);
  recoverToTheEnd(server);
  await server.start();
  const place = await open();
  const found = numbersOf(await failedRun(place.config(), 'server_changed'), 'forkLsn');
  expect(found.deliveredLsn).toBe(lsn);
  expect(found.bytes).toBe(lsn - found.otherLsn);
  await run(place, 4, { 'snapshot.mode': 'when_needed' });
}

/** The same timeline, written anew: its end lies before what was delivered. */
async function toAnEarlierCopy(server: PostgresServer, open: () => Promise<Place>): Promise<void> {
  await server.stop();
  copy(server.dataDir, `${server.dataDir}.copy`);
  await server.start();
  const before = await open();
  await before.client.query("create schema other; create table other.filler as select repeat('x', 1000) from generate_series(1, 4000)");
  const { lsn } = await run(before, 5);
  await server.stop();
  copy(`${server.dataDir}.copy`, server.dataDir);
  await server.start();
  const place = await open();
  const found = numbersOf(await failedRun(place.config(), 'server_changed'), 'walEndLsn');
  expect(found.deliveredLsn).toBe(lsn);
  expect(found.bytes).toBe(lsn - found.otherLsn);
  await run(place, 6, { 'snapshot.mode': 'when_needed' });
}

async function databaseMadeAnew(server: PostgresServer, o: { database: string; open: () => Promise<Place> }): Promise<void> {
  const before = await o.open();
  await dropSlot(before.client, before.name);
  await server.query('postgres', `drop database ${o.database} with (force)`);
  await server.createDatabase(o.database);
  const place = await o.open();
  await insert(place.client, 7);
  await place.client.query("select pg_create_logical_replication_slot($1, 'pgoutput')", [place.name]);
  const error = await failedRun(place.config(), 'server_changed');
  expect(error['message']).toContain('the database was made anew');
  await run(place, 8, { 'snapshot.mode': 'when_needed' });
}

/** A restored dump under the same name. */
async function anotherServer(major: 14 | 18, { database, place }: { database: string; place: Place }): Promise<void> {
  const other = await freshDatabase(major, database);
  const restored = await placeOn(other.server, database, other.client, place.name);
  await insert(other.client, 9);
  await other.client.query("select pg_create_logical_replication_slot($1, 'pgoutput')", [place.name]);
  const error = await failedRun(restored.config(), 'server_changed');
  expect(error['message']).toContain('the system identifier is another one');
  const accept = /accept=(\S+)/.exec(String(error['message']))?.[1] ?? '';
  await using slotline = await streaming(restored, { 'slotline.slot.accept': accept });
  await deliver(restored, 10);
  await slotline.kill();
  await other.drop();
}

function copy(from: string, to: string): void {
  execFileSync('rm', ['-rf', to]);
  execFileSync('cp', ['-a', from, to]);
}

/** At its next start the server replays what WAL it has and begins a new timeline. */
function recoverToTheEnd(server: PostgresServer): void {
  appendFileSync(join(server.dataDir, 'postgresql.auto.conf'), "restore_command = 'false'\n");
  writeFileSync(join(server.dataDir, 'recovery.signal'), '');
}

function numbersOf(error: LogLine, other: string): { bytes: number; deliveredLsn: number; otherLsn: number } {
  const message = String(error['message']);
  const text = (field: string): string => new RegExp(`${field}=([^,]+)`).exec(message)?.[1] ?? '';
  return { bytes: Number(text('bytes')), deliveredLsn: lsnNumber(text('deliveredLsn')), otherLsn: lsnNumber(text(other)) };
}
