/**
 * What committed changes become, end to end: the real program, real servers, topics read back by another client. Holds D7, D9 and D10
 * of docs/delivery.md. Byte-exact comparisons with recorded events are test/golden/replay.test.ts.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FreshDatabase, freshDatabase, sharedKafka, uniqueName } from '../harness/shared.ts';
import { type ConnectorConfig, connectorConfig, type Slotline, startStreaming } from '../harness/slotline.ts';
import { afterBytes, operations, readEvents, type TopicRecord } from './topic-events.ts';
import { fillTypedRows, TYPED_TABLE_SQL } from './typed-rows.ts';

const PASSWORD = 'role-secret';
const TYPED_ROWS = 150;
const SEED = Date.now() % 100_000;
/** Chosen so that EXTERNAL storage puts it out of line. */
const BIG = 'x'.repeat(20_000);

const SCHEMA_SQL = `
create table item (id int primary key, name text not null, price numeric(10,2));
create table cleared (id int primary key);
create table undone (id int primary key, note text);
create table story (id int primary key, counter int, body text);
alter table story alter body set storage external;
create table story_full (id int primary key, counter int, body text);
alter table story_full alter body set storage external;
alter table story_full replica identity full;
create table picky (id int primary key, note text);
${TYPED_TABLE_SQL}`;

const HOSTILE_SETTINGS = {
  datestyle: 'SQL, DMY',
  intervalstyle: 'sql_standard',
  bytea_output: 'escape',
  timezone: 'Asia/Tokyo',
  extra_float_digits: '-3',
};

console.info(`typed rows: seed ${SEED}`);

for (const major of [18, 14] as const) {
  describe(`events from PostgreSQL ${major}`, () => {
    const name = uniqueName(`events${major}`);
    const role = `${name}_role`;
    const running: Slotline[] = [];
    let db: FreshDatabase;

    const { bootstrapServers } = sharedKafka();
    const start = async (suffix: string, overrides: ConnectorConfig): Promise<void> => {
      const place = { server: db.server, database: db.database, bootstrapServers, name: `${name}_${suffix}` };
      running.push(await startStreaming(connectorConfig(place, overrides), { timeoutMs: 50_000 }));
    };
    const query = async (...statements: readonly string[]): Promise<void> => {
      for (const statement of statements) await db.client.query(statement);
    };
    const readTable = (connector: string, table: string, isComplete: (events: readonly TopicRecord[]) => boolean): Promise<TopicRecord[]> =>
      readEvents(bootstrapServers, `${name}_${connector}.public.${table}`, isComplete);
    const count = (wanted: number) => (events: readonly TopicRecord[]) => events.length >= wanted;

    beforeAll(async () => {
      db = await freshDatabase(major);
      await query(SCHEMA_SQL);
      await fillTypedRows(db.client, { rows: TYPED_ROWS, seed: SEED });
      await makeHostile();
      await query(`create publication ${name}_picky for table picky`);
      await Promise.all([
        start('plain', { 'skipped.operations': 'none' }),
        start('schemas', {
          'table.include.list': 'public.item',
          'key.converter.schemas.enable': 'true',
          'value.converter.schemas.enable': 'true',
        }),
        start('picky', { 'table.include.list': 'public.picky', 'skipped.operations': 'u,t', 'publication.autocreate.mode': 'disabled' }),
        start('hostile', { 'table.include.list': 'public.typed', 'database.user': role, 'database.password': PASSWORD }),
      ]);
    });

    afterAll(async () => {
      await Promise.all(running.map((slotline) => slotline[Symbol.asyncDispose]()));
      await db.drop();
      await db.server.query('postgres', `drop role if exists ${role}`);
    });

    /** What a role is given in a database beats every other default; only the connector of this role has it. */
    async function makeHostile(): Promise<void> {
      await query(`create role ${role} superuser replication login password '${PASSWORD}'`);
      for (const [setting, value] of Object.entries(HOSTILE_SETTINGS)) {
        await query(`alter role ${role} in database ${db.database} set ${setting} = '${value}'`);
      }
    }

    it('an insert, an update and a delete are c, u, d and a tombstone, with their rows', async () => {
      await query(
        "insert into item values (1, 'tea', 2.50)",
        "update item set name = 'green tea' where id = 1",
        'delete from item where id = 1',
      );
      const events = (await readTable('plain', 'item', count(4))).slice(0, 4);
      expect(operations(events)).toEqual(['c 1', 'u 1', 'd 1', 'tombstone 1']);
      expect(events.map(({ value }) => value?.after?.['name'])).toEqual(['tea', 'green tea', undefined, undefined]);
      expect(events[2]?.value?.before).toEqual({ id: 1, name: '', price: null });
      const lsns = events.slice(0, 3).map(({ value }) => value?.source.lsn ?? 0);
      expect(lsns).toEqual(lsns.toSorted((a, b) => a - b));
    });

    it('D9: a key change is delete, tombstone, create, each saying the other key in a header', async () => {
      await query("insert into item values (10, 'moves', 1)", 'update item set id = 11 where id = 10');
      const of = (events: readonly TopicRecord[]): TopicRecord[] => events.filter(({ key }) => key?.['id'] === 10 || key?.['id'] === 11);
      const events = of(await readTable('plain', 'item', (all) => of(all).length >= 4));
      expect(operations(events)).toEqual(['c 10', 'd 10', 'tombstone 10', 'c 11']);
      const header = (which: string): (string | undefined)[] => events.map(({ headers }) => headers[`__debezium.${which}`]);
      expect(header('newkey')).toEqual([undefined, '{"id":11}', '{"id":11}', undefined]);
      expect(header('oldkey')).toEqual([undefined, undefined, undefined, '{"id":10}']);
    });

    it('with schemas.enable each key and value carries its schema, and the same payload', async () => {
      await query("insert into item values (20, 'described', 1.25)");
      const of = (events: readonly TopicRecord[]): TopicRecord[] => events.filter(({ key }) => key?.['id'] === 20);
      const [described, plain] = await Promise.all([
        readTable('schemas', 'item', (all) => of(all).length > 0),
        readTable('plain', 'item', (all) => of(all).length > 0),
      ]).then((both) => both.map((events) => of(events)[0]));
      const value: { schema: { name: string; fields: { field: string }[] } } = JSON.parse(described?.text ?? '');
      expect(value.schema.name).toBe(`${name}_schemas.public.item.Envelope`);
      expect(value.schema.fields.map(({ field }) => field)).toEqual([
        'before',
        'after',
        'source',
        'transaction',
        'op',
        'ts_ms',
        'ts_us',
        'ts_ns',
      ]);
      expect(described?.value?.after).toEqual(plain?.value?.after);
      expect(JSON.parse(plain?.text ?? '')).not.toHaveProperty('schema');
    });

    it('a truncate is a t without key', async () => {
      await query('insert into cleared values (1)', 'truncate cleared');
      const events = await readTable('plain', 'cleared', count(2));
      expect(operations(events)).toEqual(['c 1', 't null']);
      expect(events[1]?.value).toMatchObject({ before: null, after: null });
    });

    it('logical messages arrive, transactional ones only if their transaction commits', async () => {
      await query(
        "select pg_logical_emit_message(true, 'kept', 'one')",
        'begin',
        "select pg_logical_emit_message(true, 'undone', 'two')",
        "select pg_logical_emit_message(false, 'kept', 'three')",
        'rollback',
        "select pg_logical_emit_message(true, 'last', 'four')",
      );
      const events = await readEvents(bootstrapServers, `${name}_plain.message`, (all) =>
        all.some(({ value }) => value?.message?.prefix === 'last'),
      );
      const texts = events.map(({ value }) => [value?.message?.prefix, Buffer.from(value?.message?.content ?? '', 'base64').toString()]);
      expect(texts).toEqual([
        ['kept', 'one'],
        ['kept', 'three'],
        ['last', 'four'],
      ]);
      expect(events.map(({ key }) => key?.['prefix'])).toEqual(['kept', 'kept', 'last']);
      expect(events.map(({ value }) => value?.source.txId === null)).toEqual([false, true, false]);
    });

    it('an unchanged TOASTed value is the placeholder, and whole under REPLICA IDENTITY FULL', async () => {
      for (const table of ['story', 'story_full'])
        await query(`insert into ${table} values (1, 1, '${BIG}')`, `update ${table} set counter = 2`);
      const [byKey, full] = await Promise.all([readTable('plain', 'story', count(2)), readTable('plain', 'story_full', count(2))]);
      expect(byKey[1]?.value).toMatchObject({ op: 'u', before: null, after: { id: 1, counter: 2, body: '__debezium_unavailable_value' } });
      expect(full[1]?.value?.after).toEqual({ id: 1, counter: 2, body: BIG });
      expect(full[1]?.value?.before).toEqual({ id: 1, counter: 1, body: BIG });
    });

    it('D7: a transaction or a savepoint that was rolled back leaves no trace', async () => {
      await query(
        "insert into undone values (1, 'kept')",
        'begin',
        "insert into undone values (2, 'transaction rolled back')",
        "update undone set note = 'never' where id = 1",
        'rollback',
        'begin',
        'insert into undone values (3)',
        'savepoint s',
        "insert into undone values (4, 'savepoint rolled back')",
        'delete from undone where id = 1',
        'savepoint inner_one',
        'insert into undone values (5)',
        'release inner_one',
        'rollback to s',
        'insert into undone values (6)',
        'commit',
        'insert into undone select i from generate_series(100, 4000) i',
        'begin',
        'insert into undone select i from generate_series(5000, 25000) i',
        'rollback',
        'insert into undone values (99)',
      );
      const events = await readTable('plain', 'undone', (all) => all.some(({ key }) => key?.['id'] === 99));
      const expected = [1, 3, 6, ...Array.from({ length: 3901 }, (_, index) => 100 + index), 99].map((id) => `c ${id}`);
      expect(operations(events)).toEqual(expected);
    });

    it('D10: skipped.operations drops what it names and nothing else', async () => {
      await query(
        "insert into picky values (1, 'a'), (2, 'b')",
        "update picky set note = 'skipped'",
        'delete from picky where id = 1',
        'update picky set id = 3 where id = 2',
        'insert into picky values (4)',
        'truncate picky',
        'insert into picky values (5)',
      );
      const events = await readTable('picky', 'picky', (all) => all.some(({ key }) => key?.['id'] === 5));
      // A key change is an update first: Debezium skips all three records of it.
      expect(operations(events)).toEqual(['c 1', 'c 2', 'd 1', 'tombstone 1', 'c 4', 'c 5']);
      const whole = await readTable('plain', 'picky', (all) => all.some(({ key }) => key?.['id'] === 5));
      expect(operations(whole)).toEqual([
        'c 1',
        'c 2',
        'u 1',
        'u 2',
        'd 1',
        'tombstone 1',
        'd 2',
        'tombstone 2',
        'c 3',
        'c 4',
        't null',
        'c 5',
      ]);
    });

    it('a row gives the same bytes snapshotted and streamed, under sane and hostile defaults', async () => {
      await query('update typed set id = id');
      const read = (connector: string): Promise<TopicRecord[]> => readTable(connector, 'typed', count(2 * TYPED_ROWS));
      const [sane, hostile] = await Promise.all([read('plain'), read('hostile')]);
      const bytesOf = (events: readonly TopicRecord[], op: string): Map<unknown, string> =>
        new Map(events.filter(({ value }) => value?.op === op).map((event) => [event.key?.['id'], afterBytes(event)]));
      const snapshotted = bytesOf(sane, 'r');
      expect(snapshotted.size).toBe(TYPED_ROWS);
      const others = { 'sane u': bytesOf(sane, 'u'), 'hostile r': bytesOf(hostile, 'r'), 'hostile u': bytesOf(hostile, 'u') };
      for (const [which, bytes] of Object.entries(others)) {
        for (const [id, text] of snapshotted) expect(bytes.get(id), `${which} of row ${id}, seed ${SEED}`).toBe(text);
      }
    });
  });
}
