/** How real statements look to the comparison of two looks at the source: which are harmless, and which lose rows. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { databaseOptions } from '../../../test/harness/database-options.ts';
import { type FreshDatabase, freshDatabase } from '../../../test/harness/shared.ts';
import { compileFilter } from '../../events/filter.ts';
import { glanceAtSource, loadSourceFacts } from '../../postgres/catalog/source-facts.ts';
import { openSession, type PgSession } from '../../postgres/session/open-session.ts';
import { judgeSource } from './judgement.ts';

const SETUP = `
create table items (id int primary key, v text);
create table other (id int primary key, v text);
create table days (id int, day int) partition by range (day);
create table days_1 partition of days for values from (1) to (2);
create publication named for table items, other, days;
create publication every for all tables`;

/** Statements between two looks after which there is no log line above level info. */
const HARMLESS: Readonly<Record<string, readonly string[]>> = {
  'an unrelated table': ['create table foreign_to_us (id int)'],
  'VACUUM FULL, which swaps files as pg_repack does': ['vacuum full items'],
  'VACUUM and ANALYZE': ['vacuum analyze'],
  'a column': ['alter table items add column w int not null default 7'],
  'an index': ['create index on items (v)'],
  TRUNCATE: ['truncate items'],
  'a temporary table': ['create temporary table passing (id int)'],
  'a materialized view': ['create materialized view seen as select * from items', 'refresh materialized view seen'],
  'the next partition': ['create table days_2 partition of days for values from (2) to (3)'],
  'a partition that is detached and dropped': ['alter table days detach partition days_1', 'drop table days_1'],
  'another owner of the publication': [
    'do $$ begin create role publication_owner; exception when duplicate_object then null; end $$',
    'alter publication named owner to publication_owner',
    'alter publication every owner to postgres',
  ],
  'a grant': ['grant select on items to public'],
  'a trigger, a rule of the planner, a comment': ['alter table items alter column v set statistics 200', "comment on table items is 'x'"],
  'a table made again at once': [
    'begin; drop table other; create table other (id int primary key); alter publication named add table other; commit',
  ],
  'a publication of another name': ['create publication unread for table items', 'drop publication unread'],
};

const LOSING: Readonly<Record<string, readonly [sql: readonly string[], named: string, every: string]>> = {
  'the swap of a table for a new one': [
    [
      'create table items_new (like items including all); insert into items_new values (1)',
      'begin; drop table items; alter table items_new rename to items; alter publication named add table items; commit',
    ],
    'loss table_replaced',
    'loss table_replaced',
  ],
  'a member that leaves and is back': [
    ['alter publication named drop table other', 'alter publication named add table other'],
    'loss table_left_and_back',
    '',
  ],
  'a publication that is dropped and made again': [
    [
      'drop publication named',
      'create publication named for table items, other, days',
      'drop publication every',
      'create publication every for all tables',
    ],
    'loss publication_replaced',
    'loss publication_replaced',
  ],
  'fewer operations': [
    ["alter publication named set (publish = 'insert')", "alter publication every set (publish = 'update')"],
    'loss operations_left',
    'loss operations_left',
  ],
  'a member that is narrow in between': [
    ['begin; alter publication named drop table other; alter publication named add table other; commit'],
    'warning table_member_replaced',
    '',
  ],
  'a partition that is filled before it is attached': [
    [
      'begin; create table days_3 (like days); insert into days_3 values (1, 3)',
      'alter table days attach partition days_3 for values from (3) to (4); commit',
    ],
    'warning table_joined',
    'warning table_joined',
  ],
  'an unlogged table': [
    ['alter publication named drop table other', 'alter table other set unlogged'],
    'loss table_unlogged',
    'loss table_unlogged',
  ],
};

for (const major of [14, 18] as const) {
  describe(`looks at PostgreSQL ${major}`, () => {
    let db: FreshDatabase;
    let session: PgSession;
    const filter = compileFilter({
      schemaInclude: [],
      schemaExclude: [],
      tableInclude: ['public\\.(items|other|days.*)'],
      tableExclude: [],
      columnInclude: [],
      columnExclude: [],
      tableIgnoreBuiltin: true,
    });
    const rules = { filter, skipped: new Set(['t'] as const), readsTables: false };

    beforeAll(async () => {
      db = await freshDatabase(major);
      session = await openSession(databaseOptions(db.server, db.database), { applicationName: 'looks' });
    });
    afterAll(async () => {
      await session?.close();
      await db?.drop();
    });

    /** The worst change for each publication; '' if that is an info, or there is none. */
    async function judged(statements: readonly string[]): Promise<readonly [string, string]> {
      await db.client.query(
        'drop schema public cascade; create schema public; drop publication if exists named; drop publication if exists every',
      );
      await db.client.query(SETUP);
      const look = async () => [await loadSourceFacts(session, 'named'), await loadSourceFacts(session, 'every')] as const;
      const before = await look();
      for (const sql of statements) await db.client.query(sql);
      const after = await look();
      expect((await glanceAtSource(session, 'named')).fingerprint).toBe(after[0].fingerprint);
      const worst = (index: 0 | 1): string => {
        const [first] = judgeSource(before[index], after[index], rules).filter(({ severity }) => severity !== 'info');
        return first === undefined ? '' : `${first.severity} ${first.kind}`;
      };
      return [worst(0), worst(1)];
    }

    it.each(Object.entries(HARMLESS))('see no harm in %s', async (_, statements) => {
      expect(await judged(statements)).toEqual(['', '']);
    });

    it.each(Object.entries(LOSING))('see what is lost by %s', async (_, [statements, named, every]) => {
      expect(await judged(statements)).toEqual([named, every]);
    });
  });
}
