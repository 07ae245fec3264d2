/** Owns the tests of publication.autocreate.mode, coverage of captured tables, and the errors with their SQL. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { databaseOptions } from '../../../test/harness/database-options.ts';
import { type FreshDatabase, freshDatabase, uniqueName } from '../../../test/harness/shared.ts';
import { SlotlineError } from '../../core/errors.ts';
import { openSession, type PgSession } from '../session/open-session.ts';
import { type ListedTable, listTables } from './catalog.ts';
import {
  ensurePublication,
  foreignMembers,
  loadPublication,
  loadUncovered,
  type PublicationRequest,
  requireCovered,
} from './publication.ts';

const TABLES = `
create table a (id int primary key);
create table "B b" (id int primary key);
create table c (id int primary key);
create unlogged table fleeting (id int primary key);
create table parted (id int primary key) partition by range (id);
create table parted_low partition of parted for values from (0) to (10);
create table parted_high partition of parted for values from (10) to (20);
`;

async function thrown(promise: Promise<unknown>): Promise<SlotlineError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof SlotlineError) return error;
  throw new Error(`expected a SlotlineError, got ${error}`);
}

for (const major of [14, 18] as const) {
  describe(`publication on PostgreSQL ${major}`, () => {
    let fresh: FreshDatabase;
    let session: PgSession;
    let tables: ListedTable[];

    beforeEach(async () => {
      fresh = await freshDatabase(major);
      await fresh.client.query(TABLES);
      session = await openSession(databaseOptions(fresh.server, fresh.database), { applicationName: 'publication test' });
      tables = await listTables(session);
    });
    afterEach(async () => {
      await session?.close();
      await fresh?.drop();
    });

    const named = (...names: string[]): ListedTable[] => tables.filter(({ table }) => names.includes(table));
    const oids = (...names: string[]): Set<number> => new Set(named(...names).map(({ oid }) => oid));
    const request = (
      autocreateMode: PublicationRequest['publication']['autocreateMode'],
      captured: ListedTable[],
      more: { viaPartitionRoot?: boolean; skipped?: readonly ('c' | 'u' | 'd' | 't')[]; inRecovery?: boolean } = {},
    ): PublicationRequest => ({
      publication: { name: 'My "pub', autocreateMode, viaPartitionRoot: more.viaPartitionRoot ?? false, replicaIdentities: [] },
      captured,
      events: { skippedOperations: new Set(more.skipped ?? ['t']), skippedOperationsGiven: more.skipped !== undefined },
      inRecovery: more.inRecovery ?? false,
    });

    it('all_tables creates one for all tables with every operation, and later uses the existing one', async () => {
      const created = await ensurePublication(session, request('all_tables', named('a')));
      expect(created.change).toBe('created');
      expect(created.publication).toMatchObject({ allTables: true, viaPartitionRoot: false, namesSchemas: false });
      expect([...created.publication.operations]).toEqual(['c', 'u', 'd', 't']);
      const again = await ensurePublication(session, request('all_tables', named('a'), { viaPartitionRoot: true }));
      expect(again).toEqual({ change: 'none', publication: created.publication });
    });

    it('filtered names the captured tables, and adds those that are missing, but takes none out', async () => {
      const first = await ensurePublication(session, request('filtered', named('a', 'B b', 'fleeting')));
      expect(first.change).toBe('created');
      expect(first.publication.publishedOids).toEqual(oids('a', 'B b'));
      expect((await ensurePublication(session, request('filtered', named('B b', 'a')))).change).toBe('none');
      const other = await ensurePublication(session, request('filtered', named('a', 'c')));
      expect(other.change).toBe('altered');
      expect(other.publication.publishedOids).toEqual(oids('a', 'B b', 'c'));
      expect(foreignMembers(other.publication, named('a', 'c'))).toEqual([...oids('B b')]);
      expect((await ensurePublication(session, request('filtered', named('a')))).change).toBe('none');
    });

    it('filtered leaves a publication alone that covers the captured partitions by their root', async () => {
      await fresh.client.query('create publication "My ""pub" for table parted');
      const partitions = request('filtered', named('parted', 'parted_low', 'parted_high'));
      expect((await ensurePublication(session, partitions)).change).toBe('none');
    });

    it('filtered refuses to narrow a publication for all tables', async () => {
      await fresh.client.query('create publication "My ""pub" for all tables');
      const error = await thrown(ensurePublication(session, request('filtered', named('a'))));
      expect(error.code).toBe('publication_unsuitable');
    });

    it('filtered refuses with table_none_captured where no table is captured', async () => {
      expect((await thrown(ensurePublication(session, request('filtered', named('fleeting'))))).code).toBe('table_none_captured');
    });

    it('no_tables creates an empty one', async () => {
      const { publication } = await ensurePublication(session, request('no_tables', named('a')));
      expect(publication.publishedOids.size).toBe(0);
      expect(await loadUncovered(session, publication, named('a', 'fleeting'))).toEqual(named('a'));
    });

    it('disabled, or a standby, needs an existing one, else names the SQL that creates it', async () => {
      for (const one of [request('disabled', named('a')), request('all_tables', named('a'), { inRecovery: true })]) {
        const error = await thrown(ensurePublication(session, one));
        expect(error.code).toBe('publication_missing');
        await fresh.client.query(String(error.details.sql));
        expect((await ensurePublication(session, one)).change).toBe('none');
        await fresh.client.query('drop publication "My ""pub"');
      }
    });

    it('limits the operations only when skipped.operations was given, and sets via_partition_root', async () => {
      const some = await ensurePublication(session, request('all_tables', [], { skipped: ['t', 'd'], viaPartitionRoot: true }));
      expect([...some.publication.operations]).toEqual(['c', 'u']);
      expect(some.publication.viaPartitionRoot).toBe(true);
      await fresh.client.query('drop publication "My ""pub"');
      const none = await ensurePublication(session, request('all_tables', [], { skipped: ['c', 'u', 'd', 't'] }));
      expect(none.publication.operations.size).toBe(0);
    });

    it('knows that a root covers its partitions, and the partitions their root', async () => {
      const uncovered = async (sql: string): Promise<string[]> => {
        await fresh.client.query(`drop publication if exists p; create publication p ${sql}`);
        const publication = await loadPublication(session, 'p');
        if (publication === undefined) throw new Error('no publication');
        const missing = await loadUncovered(session, publication, named('parted', 'parted_low', 'parted_high'));
        return missing.map(({ table }) => table).sort();
      };
      expect(await uncovered('for table parted')).toEqual([]);
      expect(await uncovered('for table parted with (publish_via_partition_root = true)')).toEqual([]);
      expect(await uncovered('for table parted_low, parted_high')).toEqual([]);
      expect(await uncovered('for table parted_low')).toEqual(['parted', 'parted_high']);
      expect(await uncovered('for table parted_low with (publish_via_partition_root = true)')).toEqual(['parted', 'parted_high']);
    });

    it('a partitioned table without partitions is covered by a publication that names it, or all tables', async () => {
      await fresh.client.query('create table hollow (id int) partition by range (id)');
      const hollow = (await listTables(session)).filter(({ table }) => table === 'hollow');
      for (const what of ['for table hollow', 'for all tables']) {
        await fresh.client.query(`drop publication if exists p; create publication p ${what}`);
        const publication = await loadPublication(session, 'p');
        if (publication === undefined) throw new Error('no publication');
        expect(await loadUncovered(session, publication, hollow)).toEqual([]);
      }
    });

    it('names the tables that are missing with SQL that adds them', async () => {
      await fresh.client.query('create publication "My ""pub" for table a');
      const { publication } = await ensurePublication(session, request('disabled', named('a', 'B b')));
      const error = await thrown(requireCovered(session, publication, named('a', 'B b')));
      expect(error.code).toBe('publication_incomplete');
      expect(error.details.tables).toEqual(['public.B b']);
      await fresh.client.query(String(error.details.sql));
      const mended = await loadPublication(session, 'My "pub');
      if (mended !== undefined) await requireCovered(session, mended, named('a', 'B b'));
      expect(mended?.publishedOids).toEqual(oids('a', 'B b'));
    });

    it('maps a missing privilege, with the SQL that was refused', async () => {
      const role = uniqueName('r');
      await fresh.client.query(`create role ${role} login password 'x'`);
      const options = databaseOptions(fresh.server, fresh.database, { user: role, password: 'x' });
      const poor = await openSession(options, { applicationName: 'publication test' });
      const error = await thrown(ensurePublication(poor, request('filtered', named('a'))));
      expect(error.code).toBe('pg_privilege_missing');
      expect(error.details.sql).toBe('create publication "My ""pub" for table "public"."a"');
      await poor.close();
      await fresh.client.query(`drop role ${role}`);
    });

    if (major >= 15) {
      it('keeps row filters, column lists and tables of others when it adds a table', async () => {
        await fresh.client.query('create publication "My ""pub" for table a (id) where (id > 5), "B b"');
        const same = await ensurePublication(session, request('filtered', named('a', 'B b')));
        expect(same.change).toBe('none');
        const { change, publication } = await ensurePublication(session, request('filtered', named('a', 'c')));
        expect(change).toBe('altered');
        expect(publication.publishedOids).toEqual(oids('a', 'B b', 'c'));
        const [a] = named('a');
        expect(publication.members.find(({ oid }) => oid === a?.oid)).toMatchObject({ filtersRows: true, listsColumns: true });
      });

      it('leaves a publication for schemas alone that covers the captured tables when filtered', async () => {
        await fresh.client.query('create publication "My ""pub" for tables in schema public');
        const { change, publication } = await ensurePublication(session, request('filtered', named('a')));
        expect(change).toBe('none');
        expect(publication.namesSchemas).toBe(true);
      });
    }
  });
}
