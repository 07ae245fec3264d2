/** What a publication sends of each table, and whose rows a SELECT gives, as real servers tell it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { databaseOptions } from '../../../test/harness/database-options.ts';
import { type FreshDatabase, freshDatabase } from '../../../test/harness/shared.ts';
import { openSession, type PgSession } from '../session/open-session.ts';
import { loadForeignRows, loadPublishedTables } from './published-tables.ts';

const SETUP = `
create table plain (id int primary key, twice int generated always as (id * 2) stored);
create table parent (id int primary key); create table child () inherits (parent);
create table parted (id int primary key) partition by range (id);
create table low partition of parted for values from (0) to (10);
create unlogged table high partition of parted for values from (10) to (20);
create extension postgres_fdw; create server elsewhere foreign data wrapper postgres_fdw;
create table mixed (id int) partition by range (id);
create foreign table far partition of mixed for values from (0) to (10) server elsewhere;
create publication p for table plain, only parent, low;
create publication rooted for table parted with (publish_via_partition_root = true)`;

describe.each([{ server: 14 as const }, { server: 18 as const }])('on PostgreSQL $server', ({ server }) => {
  let db: FreshDatabase;
  let session: PgSession;
  const oidsOf = async (...tables: readonly string[]): Promise<number[]> => {
    const { rows } = await db.client.query<{ oid: number }>('select t::regclass::oid as oid from unnest($1::text[]) t', [tables]);
    return rows.map(({ oid }) => oid);
  };

  beforeAll(async () => {
    db = await freshDatabase(server);
    await db.client.query(SETUP);
    session = await openSession(databaseOptions(db.server, db.database), { applicationName: 'published tables' });
  });
  afterAll(async () => {
    await session?.close();
    await db?.drop();
  });

  it('lists tables under the name that changes have, with columns since version 15', async () => {
    const published = await loadPublishedTables(session, 'p');
    const wanted = await oidsOf('plain', 'parent', 'low');
    expect([...published.keys()].toSorted()).toEqual(wanted.toSorted());
    const columns = published.get(wanted[0] ?? 0)?.columns;
    expect(columns).toEqual(server === 14 ? undefined : new Set(['id']));
    expect([...(await loadPublishedTables(session, 'rooted')).keys()]).toEqual(await oidsOf('parted'));
    expect((await loadPublishedTables(session, 'none')).size).toBe(0);
  });

  it('finds children, and partitions whose changes are in no WAL', async () => {
    const oids = await oidsOf('plain', 'parent', 'parted', 'mixed', 'low');
    const found = await loadForeignRows(session, oids);
    const told = oids.map((oid) => found.get(oid)).map((rows) => [rows?.hasChildren, rows?.silentPartitions]);
    const [high, far] = await oidsOf('high', 'far');
    expect(told).toEqual([
      [false, []],
      [true, []],
      [false, [high]],
      [false, [far]],
      [false, []],
    ]);
  });

  it('reads the row filter and the column list of the publication', async () => {
    if (server === 14) return;
    await db.client.query('create publication narrow for table plain (id) where (id > 1)');
    const [narrow] = (await loadPublishedTables(session, 'narrow')).values();
    expect(narrow).toEqual({ columns: new Set(['id']), rowFilter: '(id > 1)' });
    await db.client.query('drop publication narrow');
  });
});
