/** Owns the tests of lazily resolved types. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { databaseOptions } from '../../../test/harness/database-options.ts';
import { type FreshDatabase, freshDatabase } from '../../../test/harness/shared.ts';
import { openSession, type PgSession } from '../session/open-session.ts';
import { TypeRegistry } from './type-registry.ts';

const TYPES = `
create type mood as enum ('sad', 'ok');
alter type mood add value 'furious' before 'sad';
create domain feeling as mood;
create domain price as numeric(10,2);
create domain retail as price check (value > 0);
create domain tags as text[];
create type pair as (a int, b text);
create type span as range (subtype = float8);
create table probe (id int primary key, feeling feeling, feelings feeling[], retail retail, tags tags, pair pair, span span,
  moods mood[], vector int2vector, built_in int4range, stamps timestamptz[]);
`;

for (const major of [14, 18] as const) {
  describe(`type registry on PostgreSQL ${major}`, () => {
    let fresh: FreshDatabase;
    let session: PgSession;

    beforeAll(async () => {
      fresh = await freshDatabase(major);
      await fresh.client.query(TYPES);
      session = await openSession(databaseOptions(fresh.server, fresh.database), { applicationName: 'types test' });
    });
    afterAll(async () => {
      await session?.close();
      await fresh?.drop();
    });

    const columnTypes = async (): Promise<Map<string, number>> => {
      const { rows } = await fresh.client.query<{ attname: string; atttypid: number }>(
        `select attname, atttypid from pg_attribute where attrelid = 'probe'::regclass and attnum > 0`,
      );
      return new Map(rows.map(({ attname, atttypid }) => [attname, atttypid]));
    };
    const oidOf = async (column: string): Promise<number> => (await columnTypes()).get(column) ?? 0;

    it('knows the labels of the start, also of types that no table had shown then', async () => {
      const registry = new TypeRegistry(session);
      await fresh.client.query(`create type primed as enum ('a'); create table primed_table (p primed)`);
      await registry.prime();
      await fresh.client.query(`alter type primed add value 'b'`);
      const { rows } = await fresh.client.query<{ oid: number }>(`select 'primed'::regtype::oid as oid`);
      await registry.resolve([rows[0]?.oid ?? 0]);
      expect(registry.get(rows[0]?.oid ?? 0).enumLabels).toEqual(['a']);
    });

    it('finds the types that a table of the same name hides', async () => {
      await fresh.client.query(`
        create schema kinds; create schema app;
        create type kinds.status as enum ('on'); create table status (id int);
        create table level (id int); create type kinds.level as enum ('low');
        create table amount (id int); create domain kinds.amount as int`);
      const registry = new TypeRegistry(session);
      await registry.prime();
      const { rows } = await fresh.client.query<{ name: string; oid: number }>(
        `select typname as name, oid from pg_type where typnamespace = 'kinds'::regnamespace and typtype in ('d', 'e')`,
      );
      const hidden = (schema: string): string[] =>
        rows
          .filter(({ oid }) => registry.typeIn(schema, oid).isHidden)
          .map(({ name }) => name)
          .sort();
      expect(hidden('public')).toEqual(['amount', 'level', 'status']);
      // Found by the bare name: what was made first, and domains last.
      expect(hidden('app')).toEqual(['amount', 'level']);
      expect(hidden('kinds')).toEqual([]);
      expect(
        rows
          .filter(({ oid }) => registry.typeIn('kinds', oid).hidesDefault)
          .map(({ name }) => name)
          .sort(),
      ).toEqual(['amount', 'level']);
    });

    it('resolves arrays, nested domains, enums in label order, ranges and composites', async () => {
      const types = await columnTypes();
      const registry = new TypeRegistry(session);
      await registry.resolve([...types.values()]);
      const of = (column: string) => registry.get(types.get(column) ?? 0);
      expect(of('id')).toEqual({ oid: 23, name: 'int4', schema: 'pg_catalog', kind: 'base' });
      const mood = { name: 'mood', schema: 'public', kind: 'enum', enumLabels: ['furious', 'sad', 'ok'] };
      expect(of('feeling')).toMatchObject({ kind: 'domain', name: 'feeling', base: mood, baseTypmod: -1 });
      expect(of('feelings')).toMatchObject({ kind: 'array', element: { kind: 'domain', base: mood } });
      expect(of('moods')).toMatchObject({ kind: 'array', name: '_mood', element: mood });
      expect(of('retail')).toMatchObject({
        kind: 'domain',
        baseTypmod: -1,
        base: { kind: 'domain', name: 'price', baseTypmod: 655366, base: { name: 'numeric', kind: 'base' } },
      });
      expect(of('tags')).toMatchObject({ kind: 'domain', base: { kind: 'array', element: { name: 'text' } } });
      expect(of('pair').kind).toBe('composite');
      expect(of('span').kind).toBe('range');
      expect(of('built_in')).toMatchObject({ kind: 'range', name: 'int4range' });
      expect(of('stamps')).toMatchObject({ kind: 'array', element: { name: 'timestamptz' } });
      expect(of('vector')).toEqual({ oid: 22, name: 'int2vector', schema: 'pg_catalog', kind: 'base' });
    });

    it('runs no query for types that it knows', async () => {
      let queries = 0;
      const counting = {
        query: (...call: Parameters<PgSession['query']>) => {
          queries += 1;
          return session.query(...call);
        },
      };
      const registry = new TypeRegistry(counting as Pick<PgSession, 'query'>);
      await registry.resolve([23, 25, 1007]);
      const afterFirst = queries;
      await registry.resolve([23, 25, 1007]);
      expect(queries).toBe(afterFirst);
    });

    it('keeps the labels that it has seen, and another registry sees those added later, also through a domain', async () => {
      const registry = new TypeRegistry(session);
      const oid = await oidOf('feeling');
      await registry.resolve([oid]);
      const before = registry.get(oid).base?.enumLabels;
      await fresh.client.query(`alter type mood add value 'over_the_moon_${before?.length}'`);
      await registry.resolve([oid]);
      expect(registry.get(oid).base?.enumLabels).toEqual(before);
      const later = new TypeRegistry(session);
      await later.resolve([oid]);
      expect(later.get(oid).base?.enumLabels).toEqual([...(before ?? []), `over_the_moon_${before?.length}`]);
    });

    it('names a type that the catalog does not have unknown instead of failing', async () => {
      const registry = new TypeRegistry(session);
      await registry.resolve([4_000_000_000]);
      expect(registry.get(4_000_000_000)).toEqual({ oid: 4_000_000_000, name: 'unknown', schema: 'pg_catalog', kind: 'pseudo' });
    });
  });
}
