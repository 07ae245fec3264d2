/** Owns the tests of relations whose transaction is not visible yet, or whose table or types do not exist any more. */

import type pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { databaseOptions } from '../../../test/harness/database-options.ts';
import { type PostgresServer, startPostgres } from '../../../test/harness/postgres.ts';
import { until } from '../../../test/harness/until.ts';
import type { SlotlineError } from '../../core/errors.ts';
import { type LogFields, SILENT_LOG } from '../../core/log.ts';
import { SYSTEM_CLOCK } from '../../core/time.ts';
import type { TypeMessage } from '../../pgoutput/messages.ts';
import { TypeRegistry } from '../../postgres/catalog/type-registry.ts';
import { openSession, type PgSession } from '../../postgres/session/open-session.ts';
import { type Moment, NOW, type Relation, RelationFacts, type RelationFactsDeps, type StaleLabels } from './relation-facts.ts';

type Line = { readonly event: string; readonly fields: LogFields };

for (const major of [14, 18] as const) {
  describe(`what is known of a relation, on PostgreSQL ${major}`, () => {
    let server: PostgresServer;
    let sql: PgSession;
    let client: pg.Client;
    let writer: pg.Client;

    beforeAll(async () => {
      server = await startPostgres({ major, settings: { max_prepared_transactions: '5' } });
      [client, writer] = await Promise.all([server.connect('postgres'), server.connect('postgres')]);
      sql = await openSession(databaseOptions(server, 'postgres'), { applicationName: 'facts test' });
    });
    afterAll(async () => {
      await sql?.close();
      await Promise.all([client?.end(), writer?.end()]);
      await server?.[Symbol.asyncDispose]();
    });

    function setUp(more: Partial<RelationFactsDeps> = {}) {
      const lines: Line[] = [];
      const troubles: (SlotlineError | undefined)[] = [];
      let questions = 0;
      const counting: PgSession = Object.create(sql, {
        query: {
          value: (...call: Parameters<PgSession['query']>) => {
            questions += 1;
            return sql.query(...call);
          },
        },
      });
      const note = (event: string, fields: LogFields = {}): void => void lines.push({ event, fields });
      const facts = new RelationFacts({
        sql: counting,
        types: new TypeRegistry(sql),
        clock: SYSTEM_CLOCK,
        log: { ...SILENT_LOG, warn: note, debug: note },
        signal: new AbortController().signal,
        onTrouble: (trouble) => void troubles.push(trouble),
        onStaleLabels: undefined,
        waitMsMax: 30_000,
        ...more,
      });
      return { facts, lines, troubles, questions: () => questions };
    }

    async function oidOf(table: string): Promise<number> {
      const { rows } = await client.query<{ oid: number }>('select $1::regclass::oid as oid', [table]);
      return rows[0]?.oid ?? 0;
    }

    function relation(oid: number, table: string, columns: readonly string[], more: Partial<Relation> = {}): Relation {
      const described = columns.map((name) => ({ name, typeOid: 23, typmod: -1, inKey: name === 'id' }));
      return { oid, schema: 'public', table, replicaIdentity: 'default', columns: described, ...more };
    }

    const at = (xid: number, types: readonly TypeMessage[] = []): Moment => ({
      phase: 'stream',
      xid,
      types: new Map(types.map((type) => [type.oid, type])),
    });

    /** Opens a transaction that stays open until `commit`. Returns its xid as the wire has it. */
    async function open(statements: string): Promise<number> {
      const results = await writer.query(`begin; ${statements}; select (pg_current_xact_id()::text::int8 & 4294967295)::int8 as xid`);
      const last = (results as unknown as pg.QueryResult<{ xid: string }>[]).at(-1);
      return Number(last?.rows[0]?.xid);
    }

    afterEach(async () => {
      await writer.query('rollback');
    });

    it('labels of an enum that have changed since the start are reported, or used', async () => {
      await client.query(`create type shade as enum ('a', 'b'); create domain tone as shade; create type flat as enum ('x');
        create table shades (id int primary key, v shade, list shade[], tone tone, flat flat)`);
      const types = new TypeRegistry(sql);
      await types.prime();
      await client.query("alter type shade add value 'c' before 'b'; alter type shade rename value 'a' to 'z'");
      const { rows } = await client.query<{ name: string; oid: number }>(
        "select attname::text as name, atttypid as oid from pg_attribute where attrelid = 'shades'::regclass and attnum > 0 order by attnum",
      );
      const columns = rows.map(({ name, oid }) => ({ name, typeOid: oid, typmod: -1, inKey: name === 'id' }));
      const shades = relation(await oidOf('shades'), 'shades', [], { columns });
      const told: StaleLabels[] = [];
      const labels = async (more: Partial<RelationFactsDeps>): Promise<unknown[]> => {
        const { typeOf } = await setUp({ types, ...more }).facts.describe(shades, NOW, undefined);
        const [v, list, tone] = rows.slice(1).map(({ oid }) => typeOf(oid));
        return [v?.enumLabels, list?.element?.enumLabels, tone?.base?.enumLabels];
      };
      expect(await labels({ onStaleLabels: (stale) => void told.push(stale) })).toEqual(Array(3).fill(['a', 'b']));
      const type = expect.objectContaining({ name: 'public.shade', added: 2, gone: 1 });
      expect(told).toEqual(['v', 'list', 'tone'].map((column) => ({ table: 'public.shades', column, type })));
      expect(await labels({})).toEqual(Array(3).fill(['z', 'c', 'b']));
    });

    it.each(['default', 'full', 'nothing'] as const)(
      'a key column that was renamed since is known by its place, identity %s',
      async (identity) => {
        const table = `renamed_${identity}`;
        await client.query(`create table ${table} (new_id int primary key, v int); alter table ${table} replica identity ${identity}`);
        const old = relation(await oidOf(table), table, ['id', 'v'], { replicaIdentity: identity });
        const { facts, lines } = setUp();
        const described = await facts.describe(old, NOW, undefined);
        expect([described.facts.primaryKey, described.facts.columns.get('id')?.notNull, lines]).toEqual([['id'], true, []]);
        await client.query(`alter table ${table} add column more int`);
        expect((await facts.describe(old, NOW, ['id'])).facts.primaryKey).toEqual(['id']);
        expect(lines.map(({ event }) => event)).toEqual(['relation.key_differs']);
      },
    );

    it('one query is enough where the transaction is visible', async () => {
      await client.query('create table seen (id int primary key, v int default 1)');
      const xid = await open('alter table seen alter column v set default 2');
      await writer.query('commit');
      const { facts, questions, lines } = setUp();
      const described = await facts.describe(relation(await oidOf('seen'), 'seen', ['id', 'v']), at(xid), undefined);
      expect(described.facts.columns.get('v')?.defaultExpression).toBe('2');
      expect([questions(), lines]).toEqual([1, []]);
    });

    it('an open transaction that changed the table is waited for, and health is told what for', async () => {
      await client.query('create table late (id int primary key, v int default 1, w int generated always as (id * 2) stored)');
      const oid = await oidOf('late');
      const xid = await open('alter table late alter column v set default 2');
      const { facts, troubles, lines } = setUp();
      const described = facts.describe(relation(oid, 'late', ['id', 'v']), at(xid), undefined);
      await until('it is told', async () => troubles.length > 0, { timeoutMs: 20_000 });
      await writer.query('commit');
      expect((await described).facts.columns.get('v')?.defaultExpression).toBe('2');
      expect(troubles.map((trouble) => trouble?.code)).toEqual(['pg_catalog_behind', undefined]);
      expect(lines.map(({ event }) => event)).toEqual(['catalog.awaited', 'catalog.behind']);
    });

    it('an open transaction that only wrote rows of the table is not waited for', async () => {
      await client.query('create table rowsonly (id int primary key)');
      const xid = await open('insert into rowsonly values (1); create table other_than_rowsonly (id int)');
      const { facts, questions } = setUp();
      await facts.describe(relation(await oidOf('rowsonly'), 'rowsonly', ['id']), at(xid), undefined);
      expect(questions()).toBe(2);
      await writer.query('commit');
    });

    it('a table with a generated column that somebody else has locked is waited for without waiting for the lock', async () => {
      await client.query('create table barred (id int primary key, twice int generated always as (id * 2) stored)');
      await open('lock table barred');
      const { facts, troubles } = setUp();
      const described = facts.describe(relation(await oidOf('barred'), 'barred', ['id', 'twice']), at(3), undefined);
      await until('it is told', async () => troubles.length > 0, { timeoutMs: 20_000 });
      expect(troubles[0]?.details['reason']).toBe('locked');
      await writer.query('commit');
      expect((await described).facts.columns.get('twice')?.defaultExpression).toBe('(id * 2)');
    });

    it('one that changed an index of the table, or a domain that it uses, is waited for', async () => {
      await client.query('create domain shifty as int not null; create table watched (id int primary key, v shifty)');
      await client.query('create table indexed (id int, v int not null); create unique index indexed_v on indexed (v)');
      for (const [table, change] of [
        ['watched', 'alter domain shifty drop not null'],
        ['indexed', 'alter index indexed_v rename to indexed_w'],
      ] as const) {
        const oid = await oidOf(table);
        const xid = await open(change);
        const { facts } = setUp();
        let isDescribed = false;
        const described = facts.describe(relation(oid, table, ['id', 'v']), at(xid), undefined).finally(() => {
          isDescribed = true;
        });
        await client.query('select pg_sleep(0.3)');
        expect(isDescribed, change).toBe(false);
        await writer.query('commit');
        const after = (await described).facts;
        expect(after.columns.get('v')?.notNull).toBe(table === 'indexed');
      }
    });

    it('a prepared transaction is waited for until it is committed', async () => {
      await client.query('create table twophase (id int primary key)');
      const oid = await oidOf('twophase');
      const xid = await open('alter table twophase add column v int not null default 3');
      await writer.query("prepare transaction 'p'");
      const { facts, lines } = setUp();
      const described = facts.describe(relation(oid, 'twophase', ['id', 'v']), at(xid), undefined);
      await until('it waits', async () => lines.length > 0, { timeoutMs: 20_000 });
      await client.query("commit prepared 'p'");
      expect((await described).facts.columns.get('v')).toMatchObject({ notNull: true, defaultExpression: '3' });
    });

    it('the wait ends with an error at its bound, and at once with the attempt', async () => {
      await client.query('create table stuck (id int primary key)');
      const oid = await oidOf('stuck');
      const xid = await open('alter table stuck add column v int');
      const bounded = setUp({ waitMsMax: 200 });
      await expect(bounded.facts.describe(relation(oid, 'stuck', ['id']), at(xid), undefined)).rejects.toMatchObject({
        code: 'pg_catalog_behind',
        details: { table: 'public.stuck', xid },
      });
      const attempt = new AbortController();
      const ended = setUp({ signal: attempt.signal });
      const described = ended.facts.describe(relation(oid, 'stuck', ['id']), at(xid), undefined);
      await until('it waits', async () => ended.lines.length > 0, { timeoutMs: 20_000 });
      attempt.abort(new Error('the attempt is over'));
      await expect(described).rejects.toThrow('the attempt is over');
    });

    it('a xid without its epoch means the one that is nearest to the present', async () => {
      const { rows } = await client.query<{ now: string }>('select pg_snapshot_xmax(pg_current_snapshot())::text as now');
      const now = Number(rows[0]?.now);
      await client.query('create table epochs (id int primary key)');
      const oid = await oidOf('epochs');
      const { facts, questions } = setUp();
      // The number of a xid half a circle ahead: it means one of the epoch before, which is long over.
      await facts.describe(relation(oid, 'epochs', ['id']), at((now + 2 ** 31 + 1000) % 2 ** 32), undefined);
      expect(questions()).toBe(1);
    });

    it('a table that was dropped since has the key that its events had, or its replica identity', async () => {
      const { facts, lines } = setUp();
      const full = relation(1, 'dropped', ['id', 'v'], { replicaIdentity: 'full' });
      const keyOf = async (one: Relation, previous?: readonly string[]): Promise<readonly string[]> =>
        (await facts.describe(one, at(3), previous)).facts.primaryKey;
      expect(await keyOf(full)).toEqual([]);
      expect(await keyOf(full, ['v'])).toEqual(['v']);
      expect(await keyOf(full, ['w'])).toEqual([]);
      expect(await keyOf({ ...full, replicaIdentity: 'index' })).toEqual(['id']);
      expect(await keyOf({ ...full, replicaIdentity: 'default' }, ['v'])).toEqual(['id']);
      expect(lines.map(({ event, fields }) => [event, fields['table']])).toEqual(Array(5).fill(['relation.gone', 'public.dropped']));
    });

    it('a key that was changed since is the one of today, as Debezium has it, unless the rows do not have it; both are told', async () => {
      await client.query('create table rekeyed (id int, code int, later int, primary key (id, code))');
      const oid = await oidOf('rekeyed');
      const { facts, lines } = setUp();
      const keyOf = async (columns: readonly string[]): Promise<readonly string[]> =>
        (await facts.describe(relation(oid, 'rekeyed', columns), at(3), undefined)).facts.primaryKey;
      expect(await keyOf(['id', 'code'])).toEqual(['id', 'code']);
      await client.query('alter table rekeyed drop constraint rekeyed_pkey; alter table rekeyed add primary key (code, later)');
      expect(await keyOf(['id', 'code'])).toEqual(['id']);
      await client.query('alter table rekeyed drop constraint rekeyed_pkey; create unique index rekeyed_code on rekeyed (code)');
      expect(await keyOf(['id', 'code'])).toEqual(['id']);
      expect(lines.map(({ event, fields }) => [event, fields['catalog'], fields['key']])).toEqual([
        ['relation.key_differs', ['id', 'code'], ['id', 'code']],
        ['relation.key_differs', ['code', 'later'], ['id']],
        ['relation.key_differs', [], ['id']],
      ]);
    });

    it('a type that was dropped since is text, or what the domain was over, and is told with column and name', async () => {
      const { facts, lines } = setUp();
      const columns = [
        { name: 'id', typeOid: 23, typmod: -1, inKey: true },
        { name: 'mood', typeOid: 4_000_000_001, typmod: -1, inKey: false },
        { name: 'price', typeOid: 4_000_000_002, typmod: -1, inKey: false },
        { name: 'tags', typeOid: 4_000_000_003, typmod: -1, inKey: false },
      ];
      const told: TypeMessage[] = [
        { tag: 'type', oid: 4_000_000_001, schema: 'public', name: 'mood' },
        { tag: 'type', oid: 4_000_000_002, schema: 'pg_catalog', name: 'numeric' },
        { tag: 'type', oid: 4_000_000_003, schema: 'pg_catalog', name: '_text' },
      ];
      const { typeOf } = await facts.describe(relation(1, 'worn', [], { columns }), at(3, told), undefined);
      expect(typeOf(4_000_000_001)).toMatchObject({ schema: 'public', name: 'mood', isGone: true });
      expect(typeOf(4_000_000_002)).toMatchObject({ kind: 'domain', base: { name: 'numeric' } });
      expect(typeOf(4_000_000_003)).toMatchObject({ kind: 'domain', base: { kind: 'array', element: { name: 'text' } } });
      expect(typeOf(23)).toMatchObject({ name: 'int4' });
      expect(lines.slice(1).map(({ event, fields }) => [event, fields['column'], fields['type'], fields['as']])).toEqual([
        ['relation.type_gone', 'mood', 'public.mood', 'text'],
        ['relation.type_gone', 'price', 'pg_catalog.numeric', 'numeric'],
        ['relation.type_gone', 'tags', 'pg_catalog._text', '_text'],
      ]);
    });
  });
}
