/** Owns the tests of replica.identity.autoset.values against real servers: what is planned, what is set, what is refused. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { databaseOptions } from '../../../test/harness/database-options.ts';
import { type FreshDatabase, freshDatabase, uniqueName } from '../../../test/harness/shared.ts';
import type { ReplicaIdentityRule } from '../../core/options.ts';
import { openSession, type PgSession } from '../session/open-session.ts';
import { listTables, loadTables } from './catalog.ts';
import { changeIdentity, planIdentityChanges, type WantedIdentity } from './replica-identity.ts';

const TABLES = `
create table a (id int primary key, n int not null);
create unique index "a_N" on a (n);
create unique index a_low on a (n);
create table "Mixed Case" (id int primary key);
create table whole (id int); alter table whole replica identity full;
create table indexed (id int not null); create unique index indexed_id on indexed (id);
alter table indexed replica identity using index indexed_id;
`;

for (const major of [14, 18] as const) {
  describe(`replica identities on PostgreSQL ${major}`, () => {
    let fresh: FreshDatabase;
    let session: PgSession;

    beforeEach(async () => {
      fresh = await freshDatabase(major);
      await fresh.client.query(TABLES);
      session = await openSession(databaseOptions(fresh.server, fresh.database), { applicationName: 'identity test' });
    });
    afterEach(async () => {
      await session?.close();
      await fresh?.drop();
    });

    const want = async (wishes: Record<string, ReplicaIdentityRule['identity']>): Promise<WantedIdentity[]> =>
      (await listTables(session)).flatMap((table) => {
        const identity = wishes[table.table];
        return identity === undefined ? [] : [{ table, identity }];
      });
    const identityOf = async (name: string): Promise<string | undefined> => {
      const all = await listTables(session);
      const described = await loadTables(
        session,
        all.filter(({ table }) => table === name).map(({ oid }) => oid),
      );
      return [...described.values()][0]?.replicaIdentity;
    };

    it('are planned and set only where they differ', async () => {
      const wanted = await want({
        a: { tag: 'index', index: 'A_LOW' },
        'Mixed Case': { tag: 'nothing' },
        whole: { tag: 'full' },
        indexed: { tag: 'index', index: 'indexed_id' },
      });
      const changes = await planIdentityChanges(session, wanted);
      expect(changes.map(({ table, from, to, mayAlter }) => [table, from, to, mayAlter])).toEqual([
        ['public.Mixed Case', 'default', 'nothing', true],
        ['public.a', 'default', 'using index "a_low"', true],
      ]);
      for (const change of changes) expect(await changeIdentity(session, change, 1_000)).toBeUndefined();
      expect(await planIdentityChanges(session, wanted)).toEqual([]);
      expect(await identityOf('Mixed Case')).toBe('nothing');
      expect(await identityOf('a')).toBe('index');
    });

    it('take the name of an index in its own case first', async () => {
      const [change] = await planIdentityChanges(session, await want({ a: { tag: 'index', index: 'a_N' } }));
      expect(change?.to).toBe('using index "a_N"');
    });

    it('that the server refuses come back as an error with their SQL, and the session goes on', async () => {
      const [change] = await planIdentityChanges(session, await want({ a: { tag: 'index', index: 'absent' } }));
      if (change === undefined) throw new Error('no change is planned');
      const refused = await changeIdentity(session, change, 1_000);
      expect(refused?.details).toMatchObject({ sqlState: '42704', table: 'public.a', sql: change.sql });
      expect(await identityOf('a')).toBe('default');
    });

    it('of a table of another role are recognised, and refused', async () => {
      const role = uniqueName('r');
      await fresh.client.query(`create role ${role} login password 'x'`);
      const poor = await openSession(
        { ...databaseOptions(fresh.server, fresh.database), user: role, password: 'x' },
        { applicationName: 'identity test' },
      );
      try {
        const [change] = await planIdentityChanges(poor, await want({ a: { tag: 'full' } }));
        if (change === undefined) throw new Error('no change is planned');
        expect(change.mayAlter).toBe(false);
        expect((await changeIdentity(poor, change, 1_000))?.code).toBe('pg_privilege_missing');
      } finally {
        await poor.close();
        await fresh.client.query(`drop role ${role}`);
      }
    });

    it('wait for the lock of the table for the given time only, then throw what may be tried again', async () => {
      const [change] = await planIdentityChanges(session, await want({ a: { tag: 'full' } }));
      if (change === undefined) throw new Error('no change is planned');
      await fresh.client.query('begin; lock table a in access share mode');
      await expect(changeIdentity(session, change, 50)).rejects.toMatchObject({ code: 'pg_query_failed', details: { sqlState: '55P03' } });
      await fresh.client.query('commit');
      expect(await changeIdentity(session, change, 5_000)).toBeUndefined();
      expect(await identityOf('a')).toBe('full');
    });
  });
}
