/** Tables that a publication makes unwritable: what is listed before it is made is what the server refuses once it is there. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { databaseOptions } from '../../../test/harness/database-options.ts';
import { type FreshDatabase, freshDatabase } from '../../../test/harness/shared.ts';
import { openSession, type PgSession } from '../session/open-session.ts';
import { loadBlockedTables, type PlannedPublication, unblockingSql } from './blocked-writes.ts';

const TABLES = `
create table keyed (id int primary key, v text);
create table keyless (id int, v text);
create table full_keyless (id int, v text); alter table full_keyless replica identity full;
create table nothing (id int primary key, v text); alter table nothing replica identity nothing;
create table by_index (id int not null, v text); create unique index by_index_id on by_index (id); alter table by_index replica identity using index by_index_id;
create table index_gone (id int not null, v text); create unique index index_gone_id on index_gone (id); alter table index_gone replica identity using index index_gone_id; drop index index_gone_id;
create table unique_only (id int not null unique, v text);
create table deferrable_key (id int primary key deferrable, v text);
create table key_elsewhere (id int primary key, v text not null); create unique index key_elsewhere_v on key_elsewhere (v); alter table key_elsewhere replica identity using index key_elsewhere_v;
create unlogged table fleeting (id int, v text);
create table generated_full (id int primary key, v text, twice int generated always as (id * 2) stored); alter table generated_full replica identity full;
create table generated_default (id int primary key, v text, twice int generated always as (id * 2) stored);
create table generated_index (id int primary key, v text, twice int generated always as (id * 2) stored not null); create unique index generated_index_twice on generated_index (twice); alter table generated_index replica identity using index generated_index_twice;
create table parted (id int, v text) partition by range (id);
create table parted_keyless partition of parted for values from (0) to (10);
create table parted_keyed partition of parted (primary key (id)) for values from (10) to (20);
create table grand (id int, v text, primary key (id)) partition by range (id);
create table grand_mid partition of grand for values from (0) to (100) partition by range (id);
create table grand_leaf (v text, id int not null); alter table grand_mid attach partition grand_leaf for values from (0) to (10);
alter table grand_leaf replica identity nothing;
create schema other; create table other.stranger (v text);
create table parent_of_children (id int, v text); create table child () inherits (parent_of_children); alter table child add primary key (id);
`;
/** Any other refusal than these two (object_not_in_prerequisite_state, invalid_column_reference) fails. */
const TRY_WRITES = `
create function try_writes() returns setof text language plpgsql as $$
declare item record;
begin
  for item in select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
               where c.relkind = 'r' and c.oid >= 16384 and n.nspname in ('public', 'other') loop
    begin
      execute format('update %I.%I set v = v where false', item.nspname, item.relname);
      execute format('delete from %I.%I where false', item.nspname, item.relname);
    exception when sqlstate '55000' or sqlstate '42P10' then
      return next item.nspname || '.' || item.relname;
    end;
  end loop;
end $$`;
const VIRTUAL =
  'create table virtual_full (id int primary key, v text, twice int generated always as (id * 2)); alter table virtual_full replica identity full';

const ALL: PlannedPublication = {
  allTables: true,
  viaPartitionRoot: false,
  publishesUpdates: true,
  publishesDeletes: true,
  publishesGenerated: false,
  members: [],
};

for (const major of [14, 18] as const) {
  describe(`writes that a publication blocks on PostgreSQL ${major}`, () => {
    let fresh: FreshDatabase;
    let session: PgSession;

    beforeAll(async () => {
      fresh = await freshDatabase(major);
      await fresh.client.query(`${TABLES}${TRY_WRITES}`);
      if (major >= 18) await fresh.client.query(VIRTUAL);
      session = await openSession(databaseOptions(fresh.server, fresh.database), { applicationName: 'blocked writes test' });
    });
    afterEach(() => fresh.client.query('drop publication if exists p'));
    afterAll(async () => {
      await session?.close();
      await fresh?.drop();
    });

    const listed = async (publication: string | PlannedPublication): Promise<string[]> =>
      (await loadBlockedTables(session, publication)).map(({ schema, table }) => `${schema}.${table}`);
    /** As tried: UPDATE and DELETE of every ordinary table. */
    const refused = async (): Promise<string[]> => {
      const { rows } = await fresh.client.query<{ name: string }>('select tried as name from try_writes() as tried order by 1');
      return rows.map(({ name }) => name);
    };
    const oids = async (...names: string[]): Promise<number[]> => {
      const { rows } = await fresh.client.query<{ oid: number }>('select oid::regclass::oid from unnest($1::text[]) as t(oid)', [names]);
      return rows.map(({ oid }) => oid);
    };
    const makes = async (sql: string, planned: PlannedPublication): Promise<string[]> => {
      const before = await listed(planned);
      await fresh.client.query(`create publication p ${sql}`);
      expect(await refused()).toEqual(before);
      expect(await listed('p')).toEqual(before);
      return before;
    };

    it('are those to the named tables and their partitions, and no others', async () => {
      const names = ['keyless', 'keyed', 'parted', 'grand', 'index_gone'];
      const planned = { ...ALL, allTables: false, members: await oids(...names) };
      const blocked = await makes(`for table ${names.join(', ')}`, planned);
      expect(blocked).toEqual(['public.grand_leaf', 'public.index_gone', 'public.keyless', 'public.parted_keyless']);
    });

    it('are none where neither updates nor deletes are sent, and both where one of them is', async () => {
      await makes(`for all tables with (publish = 'insert, truncate')`, { ...ALL, publishesUpdates: false, publishesDeletes: false });
      await fresh.client.query('drop publication p');
      await makes(`for all tables with (publish = 'delete')`, { ...ALL, publishesUpdates: false });
    });

    it.runIf(major >= 18)('not for generated columns that are published', async () => {
      await makes(`for all tables with (publish_generated_columns = stored)`, { ...ALL, publishesGenerated: true });
    });

    it.runIf(major >= 15)('by a WHERE or a column list that lacks columns of the replica identity, partitions by their root', async () => {
      for (const viaRoot of [false, true]) {
        await fresh.client.query(`create publication p for table keyed where (v = 'x'), key_elsewhere where (id > 1 and v > 'a'), by_index where (id > 0),
          full_keyless where (v = 'x'), generated_default (id, v), generated_full (id, v), unique_only (id)${viaRoot ? ', grand (id)' : ''}, keyless where (id > 1)
          with (publish_via_partition_root = ${viaRoot})`);
        const blocked = await listed('p');
        expect(await refused()).toEqual(blocked);
        expect(blocked).toEqual(expect.arrayContaining(['public.key_elsewhere', 'public.keyed', 'public.generated_full']));
        await fresh.client.query('drop publication p; create publication p for tables in schema other, table key_elsewhere');
        expect(await listed('p')).toEqual(await refused());
        await fresh.client.query('drop publication p');
      }
      await fresh.client.query(
        'alter table grand_leaf replica identity default; create publication p for table grand (v) with (publish_via_partition_root)',
      );
      expect(await listed('p')).toEqual(['public.grand_leaf']);
      expect(await refused()).toEqual(['public.grand_leaf']);
      await fresh.client.query('alter table grand_leaf replica identity nothing');
    });

    it('are, for all tables, exactly those that the server refuses then, and the offered statements mend them', async () => {
      const before = await makes('for all tables', ALL);
      expect(before).toEqual(
        expect.arrayContaining(['other.stranger', 'public.deferrable_key', 'public.index_gone', 'public.parted_keyless']),
      );
      expect(before.includes('public.generated_full')).toBe(major >= 18);
      expect(before.includes('public.generated_index')).toBe(major >= 18);
      for (const table of await loadBlockedTables(session, 'p')) await fresh.client.query(unblockingSql(table, 'p') ?? '');
      expect(await refused()).toEqual([]);
      expect(await listed('p')).toEqual([]);
    });
  });
}
