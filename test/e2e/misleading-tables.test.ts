/**
 * Tables about which Debezium misleads: keys that tell no row from every other, snapshots that hold what the stream never updates. By default
 * it is matched and each is said once with table and reason, by a run and by `check`; slotline.values.corrections gives what is right.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FreshDatabase, freshDatabase, sharedKafka, uniqueName } from '../harness/shared.ts';
import { type ConnectorConfig, connectorConfig, type LogLine, type Slotline, startStreaming } from '../harness/slotline.ts';
import { readEvents } from './topic-events.ts';

const SETUP = `
create table nulls (id int, v text); create unique index nulls_id on nulls (id); alter table nulls replica identity full;
create table part (id int not null, v text); create unique index part_id on part (id) where v = 'x'; alter table part replica identity full;
create table incl (id int not null, v text); create unique index incl_id on incl (id) include (v); alter table incl replica identity full;
create table later (id int not null unique deferrable, v text); alter table later replica identity full;
create table ident (id int primary key, code int not null unique); alter table ident replica identity using index ident_code_key;
create table custom (id int primary key, region text);
create unlogged table fleeting (id int primary key);
create table gen (id int primary key, twice int generated always as (id * 2) stored);
create table listed (id int primary key, secret text);
create table filtered (id int primary key);
create table parent (id int primary key); create table child (extra text) inherits (parent);
create table parted (id int primary key) partition by range (id);
create table parted_low partition of parted for values from (0) to (10); create table parted_high partition of parted for values from (10) to (20);
create table sound (id int primary key, v text);
create type mood as enum ('sad'); create table moody (id int primary key, m mood);
insert into nulls values (1, 'a'); insert into part values (1, 'a'); insert into incl values (1, 'a'); insert into later values (1, 'a');
insert into ident values (1, 7); insert into custom values (1, 'eu'); insert into fleeting values (1); insert into gen values (1);
insert into listed values (1, 's'); insert into filtered values (1), (2); insert into parent values (1); insert into child values (2, 'x');
insert into parted values (1), (11); insert into sound values (1, 'a');
create publication by_hand for table nulls, part, incl, later, ident, custom, gen, only parent, child, parted, sound, moody, listed (id), filtered where (id > 1)`;

const CHANGES = `
delete from nulls; delete from part; delete from incl; delete from later; delete from ident; delete from custom;
update only parent set id = id + 10; alter type mood add value 'glad'; insert into moody values (1, 'sad');
insert into sound values (2, 'b')`;

const { bootstrapServers } = sharedKafka();

describe('tables that mislead', () => {
  let db: FreshDatabase;
  const started: Slotline[] = [];
  const run = async (suffix: string, more: ConnectorConfig): Promise<{ slotline: Slotline; name: string }> => {
    const name = `${db.database}_${suffix}`;
    const place = { server: db.server, database: db.database, bootstrapServers, name };
    const own = { 'publication.name': 'by_hand', 'publication.autocreate.mode': 'disabled', 'table.include.list': '', ...more };
    const slotline = await startStreaming(connectorConfig(place, own), { timeoutMs: 50_000 });
    started.push(slotline);
    return { slotline, name };
  };
  const told = (lines: readonly LogLine[], event: string): string[] =>
    lines.filter((line) => line.event === event).map(({ table, reason }) => `${String(table)}: ${String(reason)}`);

  beforeAll(async () => {
    db = await freshDatabase(18, uniqueName('lead'));
    await db.client.query(SETUP);
  });
  afterAll(async () => {
    for (const slotline of started) await slotline[Symbol.asyncDispose]();
    await db?.drop();
  });

  it('are read as Debezium reads them by default, and as they are by slotline.values.corrections', { timeout: 120_000 }, async () => {
    const plain = await run('plain', { 'message.key.columns': 'public.custom:region' });
    const mended = await run('mended', { 'slotline.values.corrections': 'keys,snapshots,enums' });
    await db.client.query(CHANGES);
    const read = async (name: string, table: string, count: number): Promise<string[]> => {
      const events = await readEvents(bootstrapServers, `${name}.public.${table}`, (all) => all.length >= count);
      return events.map(({ key, value }) => `${value?.op ?? 'tombstone'} ${JSON.stringify(key)} ${JSON.stringify(value?.after ?? null)}`);
    };
    const both = async (table: string, count: number): Promise<string[][]> => [
      await read(plain.name, table, count),
      await read(mended.name, table, count),
    ];
    const keyed = (key: string): string[] => [`r ${key} {"id":1,"v":"a"}`, `d ${key} null`, `tombstone ${key} null`];
    await both('sound', 2);
    expect(await both('nulls', 3)).toEqual([keyed('{"id":1}'), keyed('null')]);
    expect(await both('part', 3)).toEqual([keyed('{"id":1}'), keyed('null')]);
    expect(await both('incl', 3)).toEqual([keyed('{"id":1,"v":"a"}'), keyed('{"id":1}')]);
    expect(await both('later', 3)).toEqual([keyed('{"id":1}'), keyed('null')]);
    expect(await both('ident', 3)).toEqual([
      ['r {"id":1} {"id":1,"code":7}', 'd {"id":0} null', 'tombstone {"id":0} null'],
      ['r {"code":7} {"id":1,"code":7}', 'd {"code":7} null', 'tombstone {"code":7} null'],
    ]);
    expect(await read(plain.name, 'gen', 1)).toEqual(['r {"id":1} {"id":1,"twice":2}']);
    expect(await read(mended.name, 'gen', 1)).toEqual(['r {"id":1} {"id":1}']);
    expect(await read(mended.name, 'listed', 1)).toEqual(['r {"id":1} {"id":1}']);
    expect(await read(mended.name, 'filtered', 1)).toEqual(['r {"id":2} {"id":2}']);
    expect((await read(plain.name, 'parent', 2)).slice(0, 2)).toEqual(['r {"id":1} {"id":1}', 'r {"id":2} {"id":2}']);
    expect((await read(mended.name, 'parent', 4))[1]).toMatch(/^d /);
    const snapshotRows = (slotline: Slotline): unknown => slotline.lines.find(({ event }) => event === 'snapshot.completed')?.['rows'];
    // Of the partitioned table, the parent, the filtered and the unlogged one: five rows fewer.
    expect([snapshotRows(plain.slotline), snapshotRows(mended.slotline)]).toEqual([19, 14]);
  });

  it('are told once each, with table, reason and remedy', async () => {
    const [plain, mended] = started;
    if (plain === undefined || mended === undefined) throw new Error('nothing was started');
    const keys = [
      'public.custom: A delete does not know region of the key',
      'public.ident: A delete does not know id of the key',
      'public.incl: The key is the unique index incl_id, which has v beside what is unique (INCLUDE)',
      'public.later: The key is the unique index later_id_key, which is deferrable',
      'public.nulls: The key is the unique index nulls_id, which may hold null',
      'public.part: The key is the unique index part_id, which has a WHERE',
    ];
    expect(told(plain.lines, 'table.key_misleading').toSorted()).toEqual(keys.map((start) => expect.stringContaining(start)));
    const snapshots = [
      'public.filtered: The publication leaves rows out by a WHERE',
      'public.fleeting: It is unlogged',
      'public.gen: The publication does not send twice',
      'public.listed: The publication does not send secret',
      'public.parent: A snapshot of it has the rows of the tables that inherit from it too',
      'public.parted: Changes come under the names of its partitions',
    ];
    expect(told(plain.lines, 'table.snapshot_misleading').toSorted()).toEqual(snapshots.map((start) => expect.stringContaining(start)));
    expect(told(plain.lines, 'table.enum_misleading')).toEqual([
      expect.stringMatching(/^public\.moody: .*public\.mood .* new labels 1, gone 0$/),
    ]);
    for (const line of plain.lines.filter(({ event }) => /misleading$/.test(event)))
      expect(line['remedy']).toMatch(/slotline\.values\.corrections|identity/);
    expect(mended.lines.filter(({ event }) => /misleading$/.test(event))).toEqual([]);
    expect(mended.lines.filter(({ event }) => event === 'snapshot.table_left_out').map(({ table }) => table)).toEqual([
      'public.fleeting',
      'public.parted',
    ]);
  });
});
