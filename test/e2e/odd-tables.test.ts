/**
 * Owns the tests of tables that stand at the edge of what PostgreSQL takes, end to end: no column, 1600 columns, columns that differ
 * by case only, a default of many commas; and of values that have no form, which are told with table, column, type and LSN.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FreshDatabase, freshDatabase, sharedKafka, uniqueName } from '../harness/shared.ts';
import { type ConnectorConfig, connectorConfig, type Slotline, startSlotline, startStreaming } from '../harness/slotline.ts';
import { readEvents, type TopicRecord } from './topic-events.ts';

/** PostgreSQL's limit. */
const COLUMNS_MAX = 1600;
const COLUMN_NAMES = Array.from({ length: COLUMNS_MAX - 1 }, (_, i) => `c${i}`);

/** A call that is not closed on its line; an expression that backtracks tries 2^n ways to split it. */
const MANY_COMMAS = `pick('${'a, '.repeat(60)}\n')`;

const SCHEMA_SQL = `
create function pick(text) returns text language sql as $$ select 'picked' $$;
create table calls (id int primary key, t text default ${MANY_COMMAS});
insert into calls values (1, 'x');
create table nothing ();
create table twins (id int primary key, v int, "V" int);
create table wide (id int primary key, ${COLUMN_NAMES.map((column) => `${column} int`).join(', ')});
create table loose (id int primary key, n int, t text not null default 'x');
insert into nothing default values;
insert into twins values (1, 2, 3);
insert into wide (id, c0, c1598) values (1, 10, 20);
insert into loose values (1, 5);
`;

describe('odd tables', () => {
  const name = uniqueName('odd');
  const { bootstrapServers } = sharedKafka();
  let db: FreshDatabase;
  let slotline: Slotline;

  const config = (suffix: string, overrides: ConnectorConfig): ConnectorConfig =>
    connectorConfig({ server: db.server, database: db.database, bootstrapServers, name: `${name}_${suffix}` }, overrides);
  const read = (table: string, count: number): Promise<TopicRecord[]> =>
    readEvents(bootstrapServers, `${name}_all.public.${table}`, (events) => events.length >= count);

  beforeAll(async () => {
    db = await freshDatabase(18);
    await db.client.query(SCHEMA_SQL);
    slotline = await startStreaming(config('all', { 'table.exclude.list': 'public.loose', 'table.include.list': '' }), {
      timeoutMs: 50_000,
    });
  });
  afterAll(async () => {
    await slotline?.[Symbol.asyncDispose]();
    await db?.drop();
  });

  it('a row without columns is read by the snapshot, and has nothing to stream, as Debezium has it', async () => {
    await db.client.query(
      'begin; insert into nothing default values; insert into twins values (5, 6, 7); delete from twins where id = 5; commit',
    );
    await read('twins', 4);
    const events = await read('nothing', 1);
    expect(events.map(({ key, value }) => [key, value?.op, value?.after])).toEqual([[null, 'r', {}]]);
  });

  it('columns that differ by case only are fields of their own', async () => {
    await db.client.query('update twins set "V" = 4');
    const isFirst = (event: TopicRecord): boolean => event.key?.['id'] === 1;
    const events = await readEvents(bootstrapServers, `${name}_all.public.twins`, (all) => all.filter(isFirst).length >= 2);
    expect(events.filter(isFirst).map(({ value }) => value?.after)).toEqual([
      { id: 1, v: 2, V: 3 },
      { id: 1, v: 2, V: 4 },
    ]);
  });

  it('a default that calls a function with a long text of several lines holds nothing up', async () => {
    await db.client.query('insert into calls (id) values (2)');
    const events = await read('calls', 2);
    expect(events.map(({ value }) => value?.after)).toEqual([
      { id: 1, t: 'x' },
      { id: 2, t: 'picked' },
    ]);
  });

  it('a table of 1600 columns is snapshotted and streamed as any other', async () => {
    const rows = 300;
    await db.client.query(`insert into wide (id, c0, c1598) select i, i, -i from generate_series(2, ${rows}) i`);
    const events = await read('wide', rows);
    const [first, last] = [events[0]?.value?.after, events.at(-1)?.value?.after];
    expect(Object.keys(first ?? {})).toEqual(['id', ...COLUMN_NAMES]);
    expect([first?.['c0'], first?.['c1'], first?.['c1598']]).toEqual([10, null, 20]);
    expect([last?.['id'], last?.['c0'], last?.['c1598']]).toEqual([rows, rows, -rows]);
  });

  const override = (select: string, more: ConnectorConfig): ConnectorConfig => ({
    'table.include.list': 'public.loose',
    'snapshot.select.statement.overrides': 'public.loose',
    'snapshot.select.statement.overrides.public.loose': select,
    ...more,
  });

  it('a value without a form is null and told once, with table, column, type and LSN, without the value', async () => {
    const select = `select id, 'hidden' || id as n, t from loose`;
    await using lenient = await startStreaming(config('warn', override(select, {})));
    const [event] = await readEvents(bootstrapServers, `${name}_warn.public.loose`, (events) => events.length > 0);
    expect(event?.value?.after).toEqual({ id: 1, n: null, t: 'x' });
    const told = lenient.lines.filter(({ event: what }) => what === 'value.not_convertible');
    expect(told).toMatchObject([
      { level: 'warn', table: 'public.loose', column: 'n', type: 'int4', lsn: expect.stringMatching(/^[0-9A-F]+\/[0-9A-F]+$/) },
    ]);
    expect(JSON.stringify(lenient.lines)).not.toContain('hidden1');
  });

  it('with fail it stops the connector with the same words', async () => {
    const select = `select id, 'hidden' || id as n, t from loose`;
    await using strict = startSlotline(config('fail', override(select, { 'event.converting.failure.handling.mode': 'fail' })));
    expect(await strict.exited).toBe(1);
    const [line] = strict.lines.filter(({ event }) => event === 'connector.failed');
    expect(line).toMatchObject({
      code: 'value_not_convertible',
      message: expect.stringMatching(/table=public\.loose, column=n, type=int4, lsn=[0-9A-F]+\/[0-9A-F]+/),
    });
    expect(JSON.stringify(strict.lines)).not.toContain('hidden1');
  });
});
