/**
 * Other hands on the source while it is read: the publication, its tables, their names. Each is noticed within seconds, said with the WAL and
 * the tables whose rows are missing, and what is said to heal it does.
 */
import { describe, expect, it } from 'vitest';
import { failedRun, failureOf } from '../e2e/endings.ts';
import { operations, readEvents } from '../e2e/topic-events.ts';
import { type FreshDatabase, freshDatabase, sharedKafka, uniqueName } from '../harness/shared.ts';
import { type ConnectorConfig, connectorConfig, type LogLine, type Slotline, startStreaming } from '../harness/slotline.ts';
import { dropSlot } from '../harness/slots.ts';
import { lsnNumber } from '../harness/truth.ts';
import { until } from '../harness/until.ts';

const WAIT = { timeoutMs: 45_000 };
const BULK = { 'slotline.catchup.threshold.bytes': '65536' };
const NOTICED = { timeoutMs: 25_000 };
const { bootstrapServers } = sharedKafka();

type Scene = FreshDatabase & { readonly name: string; readonly config: ConnectorConfig } & AsyncDisposable;

async function scene(major: 14 | 18, setup: string, overrides: ConnectorConfig = {}): Promise<Scene> {
  const db = await freshDatabase(major);
  await db.client.query(setup);
  const name = uniqueName('src');
  const config = connectorConfig({ ...db, bootstrapServers, name }, { 'status.update.interval.ms': '200', ...overrides });
  return { ...db, name, config, [Symbol.asyncDispose]: () => db.drop() };
}

function told(slotline: Slotline, change: string, table?: string): Promise<LogLine> {
  const names = (line: LogLine): boolean => table === undefined || (Array.isArray(line['tables']) && line['tables'].includes(table));
  return slotline.waitFor((line) => line.event === 'source.changed' && line['change'] === change && names(line), NOTICED);
}

async function health(
  slotline: Slotline,
): Promise<{ status: string; http: number; reasons: readonly { message: string; remedy: string }[] }> {
  const { port } = await slotline.waitFor('http.listening', WAIT);
  const answer = await fetch(`http://127.0.0.1:${String(port)}/health`);
  return { ...(JSON.parse(await answer.text()) as { status: string; reasons: [] }), http: answer.status };
}

/** The publication `mine` of `plain` goes and comes back while nothing runs: the backlog, read in bulk, says where that began and ended. */
async function expectBulkToTell(s: Scene): Promise<void> {
  const { client } = s;
  const slots = 'select confirmed_flush_lsn::text as lsn from pg_replication_slots where slot_name = $1';
  const stopped = await client.query<{ lsn: string }>(slots, [s.name]);
  await client.query('drop publication mine');
  await client.query("insert into plain select n, repeat('x', 100) from generate_series(10, 1500) as n");
  await client.query('create publication mine for table plain');
  await using later = await startStreaming({ ...s.config, ...BULK, 'table.include.list': 'public.plain' }, WAIT);
  const behind = await told(later, 'publication_skipped');
  expect(lsnNumber(String(behind['fromLsn']))).toBeGreaterThanOrEqual(lsnNumber(stopped.rows[0]?.lsn ?? ''));
  expect(lsnNumber(String(behind['toLsn']))).toBeGreaterThan(lsnNumber(String(behind['fromLsn'])));
}

describe.concurrent('the source is changed while it is read', () => {
  it('tells each change that loses rows, with WAL, tables and remedy, and goes on where it was asked to', async () => {
    const names = ['plain', 'leaves', 'back', 'filtered', 'listed', 'swapped', 'fleeting', 'renamed'];
    const tables = names.map((one) => `create table ${one} (id int primary key, v text)`).join(';');
    await using s = await scene(
      18,
      `${tables}; create table staged (id int primary key, v text); insert into staged values (1); create publication mine for table ${names.join()}`,
      {
        'publication.name': 'mine',
        'publication.autocreate.mode': 'disabled',
        'table.include.list': names.map((one) => `public.${one}`).join(),
        'slotline.source.changed.action': 'warn',
        'slotline.http.port': '0',
      },
    );
    const { client } = s;
    await using slotline = await startStreaming(s.config, WAIT);
    expect((await health(slotline)).status).toBe('ok');
    await client.query('alter publication mine drop table leaves');
    const left = await told(slotline, 'table_left', 'public.leaves');
    expect(left).toMatchObject({ level: 'warn', code: 'source_changed', tables: ['public.leaves'] });
    expect(`${String(left['fromLsn'])} ${String(left['toLsn'])}`).toMatch(/^[0-9A-F]+\/[0-9A-F]+ [0-9A-F]+\/[0-9A-F]+$/);
    expect(left['remedy']).toContain('snapshot.include.collection.list=public\\.leaves');
    const shown = await until(
      'health tells it',
      async () => {
        const found = await health(slotline);
        return found.status === 'degraded' && found;
      },
      NOTICED,
    );
    expect(shown).toMatchObject({
      http: 200,
      reasons: expect.arrayContaining([expect.objectContaining({ message: expect.stringContaining('public.leaves') })]),
    });

    await client.query('alter publication mine drop table back');
    await client.query('alter publication mine add table back');
    await client.query('alter publication mine add table leaves');
    await client.query(
      'alter publication mine set table plain, leaves, back, filtered where (id > 5), listed (id), swapped, renamed, fleeting',
    );
    await client.query('begin; drop table swapped; alter table staged rename to swapped; alter publication mine add table swapped; commit');
    await client.query('alter publication mine drop table fleeting; alter table fleeting set unlogged');
    await client.query('alter table renamed rename to gone');
    await told(slotline, 'table_left_and_back', 'public.back');
    await told(slotline, 'row_filter_changed', 'public.filtered');
    await told(slotline, 'columns_left', 'public.listed');
    await told(slotline, 'table_replaced', 'public.swapped');
    await told(slotline, 'table_unlogged', 'public.fleeting');
    await told(slotline, 'table_renamed_away', 'public.renamed');
    await client.query("alter publication mine set (publish = 'insert')");
    await told(slotline, 'operations_left');
    await client.query("alter publication mine set (publish = 'insert, update, delete')");
    expect(await told(slotline, 'operations_added')).toMatchObject({ level: 'info' });
    await client.query('drop publication mine');
    await told(slotline, 'publication_dropped', 'public.plain');
    await client.query("insert into plain values (1, 'never sent')");
    const notice = await slotline.waitFor((line) => line.event === 'server.notice' && line['sqlState'] === '55000', NOTICED);
    const skipped = await told(slotline, 'publication_skipped');
    expect([skipped['fromLsn'], skipped['toLsn']]).toEqual([notice['lsn'], undefined]);
    await client.query('create publication mine for table plain');
    await client.query("insert into plain values (2, 'sent')");
    expect(operations(await readEvents(bootstrapServers, `${s.name}.public.plain`, (all) => all.length > 0))).toEqual(['c 2']);
    expect(slotline.lines.filter(({ level }) => level === 'error')).toEqual([]);
    expect((await slotline.stop()).exitCode).toBe(0);
    await expectBulkToTell(s);
  });

  it('ends with one error where rows are lost, and a snapshot of that table alone brings them', async () => {
    await using s = await scene(18, 'create table a (id int primary key); create table b (id int primary key)');
    const { client } = s;
    {
      await using slotline = await startStreaming(s.config, WAIT);
      await client.query(`alter publication ${s.name} drop table b`);
      await client.query('insert into b values (1)');
      const error = await failureOf(slotline, 'source_changed');
      expect(String(error['message'])).toMatch(/change=table_left.*tables=public\.b, fromLsn=.*, toLsn=/);
      expect(error['remedy']).toContain('snapshot.include.collection.list=public\\.b');
    }
    // A start that finds the publication put right does not forget.
    await client.query(`alter publication ${s.name} add table b`);
    await failedRun(s.config, 'source_changed');
    {
      const healing = { ...s.config, 'snapshot.mode': 'always', 'snapshot.include.collection.list': 'public\\.b' };
      await using slotline = await startStreaming(healing, WAIT);
      await client.query('insert into b values (2)');
      expect(operations(await readEvents(bootstrapServers, `${s.name}.public.b`, (all) => all.length >= 2))).toEqual(['r 1', 'c 2']);
      expect((await slotline.stop()).exitCode).toBe(0);
    }
    await using slotline = await startStreaming(s.config, WAIT);
    expect(slotline.lines.filter(({ event }) => event === 'source.changed')).toEqual([]);
  }, 150_000);

  it('says the way out where PostgreSQL 14 cannot read past a missing publication, and that is one', async () => {
    await using s = await scene(14, 'create table a (id int primary key); create publication ours for all tables', {
      'publication.name': 'ours',
      'publication.autocreate.mode': 'disabled',
      'slotline.source.changed.action': 'warn',
    });
    const { client } = s;
    {
      await using slotline = await startStreaming(s.config, WAIT);
      await client.query('drop publication ours');
      await client.query('insert into a values (1)');
      await client.query('create publication ours for all tables');
      const error = await failureOf(slotline, 'publication_gap');
      expect(error['remedy']).toContain("select pg_drop_replication_slot('");
    }
    await dropSlot(client, s.name);
    await using _healed = await startStreaming({ ...s.config, 'snapshot.mode': 'when_needed' }, WAIT);
    expect(operations(await readEvents(bootstrapServers, `${s.name}.public.a`, (all) => all.length > 0))).toEqual(['r 1']);
  });

  it('adds a new captured table to a filtered publication at once, and says whether rows were before', async () => {
    await using s = await scene(18, 'create table a (id int primary key); create table other (id int primary key)', {
      'table.include.list': 'public.a,public.new.*',
    });
    const { client } = s;
    await client.query(`create publication ${s.name} for table a, other`);
    await using slotline = await startStreaming(s.config, WAIT);
    await client.query('create table new_empty (id int primary key)');
    await client.query('create table new_full (id int primary key); insert into new_full values (1)');
    const written = await client.query<{ lsn: string }>('select pg_current_wal_insert_lsn()::text as lsn');
    const added = (table: string): Promise<LogLine> =>
      slotline.waitFor((line) => line.event === 'source.table_added' && line['table'] === table, NOTICED);
    expect(await added('public.new_empty')).toMatchObject({ level: 'info' });
    const full = await added('public.new_full');
    expect(full).toMatchObject({ level: 'warn', remedy: expect.stringContaining('public\\.new_full') });
    expect(`${String(full['fromLsn'])} ${String(full['toLsn'])}`).toMatch(/^[0-9A-F]+\/[0-9A-F]+ [0-9A-F]+\/[0-9A-F]+$/);
    expect(lsnNumber(String(full['fromLsn']))).toBeLessThanOrEqual(lsnNumber(written.rows[0]?.lsn ?? ''));
    await client.query('insert into new_empty values (1); insert into new_full values (2)');
    expect(operations(await readEvents(bootstrapServers, `${s.name}.public.new_empty`, (all) => all.length > 0))).toEqual(['c 1']);
    expect(operations(await readEvents(bootstrapServers, `${s.name}.public.new_full`, (all) => all.length > 0))).toEqual(['c 2']);
    const { rows } = await client.query<{ tables: string[] }>(
      `select array_agg(tablename::text order by tablename) as tables from pg_publication_tables where pubname = '${s.name}'`,
    );
    expect(rows[0]?.tables).toEqual(['a', 'new_empty', 'new_full', 'other']);
    // What was told when they were added is not told again by the next look.
    await client.query('alter table a replica identity full');
    await told(slotline, 'replica_identity_full');
    expect(slotline.lines.filter((line) => line.event === 'source.changed' && line.level !== 'info')).toEqual([]);
    // One that takes the name of another and holds rows is a loss, as in a publication that names it at once.
    await client.query('begin; drop table a; create table a (id int primary key); insert into a values (1); commit');
    expect((await failureOf(slotline, 'source_changed'))['message']).toMatch(/change=table_replaced.*tables=public\.a,/);
  });
});
