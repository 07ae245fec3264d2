/** Owns a table, its slot and its topic for tests that start a connector again and again; what the topic must hold is asked of the table by SQL. */
import type pg from 'pg';
import type { PostgresHandle } from '../harness/postgres.ts';
import { freshDatabase, sharedKafka, uniqueName } from '../harness/shared.ts';
import { type ConnectorConfig, connectorConfig, type Slotline, startStreaming } from '../harness/slotline.ts';
import { lsnNumber } from '../harness/truth.ts';
import { until } from '../harness/until.ts';
import { confirmedLsn } from '../harness/verify.ts';
import { operations, readCurrentEvents, readEvents } from './topic-events.ts';

export const WAIT = { timeoutMs: 45_000 };

export type Place = {
  readonly client: pg.Client;
  readonly name: string;
  config(overrides?: ConnectorConfig): ConnectorConfig;
};

export async function openPlace(major: 14 | 18): Promise<Place & AsyncDisposable> {
  const db = await freshDatabase(major);
  return { ...(await placeOn(db.server, db.database, db.client)), [Symbol.asyncDispose]: () => db.drop() };
}

/** With the table item. */
export async function placeOn(server: PostgresHandle, database: string, client: pg.Client, name = uniqueName('past')): Promise<Place> {
  const { bootstrapServers } = sharedKafka();
  await client.query('create table if not exists item (id int primary key)');
  return { client, name, config: (overrides) => connectorConfig({ server, database, bootstrapServers, name }, overrides) };
}

export async function streaming(place: Place, overrides: ConnectorConfig = {}): Promise<Slotline> {
  return await startStreaming(place.config(overrides), WAIT);
}

export async function insert(client: pg.Client, ...ids: number[]): Promise<void> {
  for (const id of ids) await client.query('insert into item values ($1)', [id]);
}

/** The rows are in the topic, and the slot is told so. */
export async function deliver(place: Place, ...ids: number[]): Promise<void> {
  await insert(place.client, ...ids);
  const { rows } = await place.client.query<{ lsn: string }>('select pg_current_wal_lsn()::text as lsn');
  await until('the rows are confirmed', async () => (await confirmedLsn(place.client, place.name)) >= lsnNumber(rows[0]?.lsn ?? ''), WAIT);
}

/** Every row of the table is in the topic. */
export async function expectWhole(place: Place, prefix: string = place.name): Promise<void> {
  const { rows } = await place.client.query<{ id: number }>('select id from item order by id');
  const wanted = rows.map(({ id }) => id);
  const holds = (ids: readonly unknown[]): boolean => wanted.every((id) => ids.includes(id));
  await readEvents(sharedKafka().bootstrapServers, `${prefix}.public.item`, (all) => holds(all.map(({ key }) => key?.['id'])));
}

export async function published(place: Place): Promise<string[]> {
  return operations(await readCurrentEvents(sharedKafka().bootstrapServers, `${place.name}.public.item`));
}
