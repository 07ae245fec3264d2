/** What a chain of transforms makes of committed changes: the real program, real servers, topics read back by another client. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CHECK_DEPS, runCheck } from '../../src/cli/check/check.ts';
import { readTopic } from '../harness/consume.ts';
import { type FreshDatabase, freshDatabase, sharedKafka, uniqueName } from '../harness/shared.ts';
import { type ConnectorConfig, connectorConfig, type Slotline, startStreaming } from '../harness/slotline.ts';
import { until } from '../harness/until.ts';
import { resolved } from './agreement.ts';

const { bootstrapServers } = sharedKafka();
const WAIT = { timeoutMs: 60_000 };
const UNWRAP = 'io.debezium.transforms.ExtractNewRecordState';
const REGEX_ROUTER = 'org.apache.kafka.connect.transforms.RegexRouter';

let db: FreshDatabase;
let name = '';
let slotline: Slotline | undefined;

beforeEach(async () => {
  name = uniqueName('smt');
  db = await freshDatabase(18);
});
afterEach(async () => {
  await slotline?.[Symbol.asyncDispose]();
  await db.drop();
});

async function start(config: ConnectorConfig): Promise<Slotline> {
  const { server, database } = db;
  slotline = await startStreaming(connectorConfig({ server, database, bootstrapServers, name }, config), WAIT);
  return slotline;
}

type Seen = { readonly key: unknown; readonly value: unknown; readonly headers: readonly string[] };

async function seen(topic: string, count: number): Promise<readonly Seen[]> {
  let records: Awaited<ReturnType<typeof readTopic>> = [];
  await until(
    `${count} records in ${topic}`,
    async () => {
      records = await readTopic(bootstrapServers, topic);
      return records.length >= count;
    },
    WAIT,
  );
  const parsed = (bytes: Buffer | null): unknown => (bytes === null ? null : JSON.parse(String(bytes)));
  return records.map(({ key, value, headers }) => ({
    key: parsed(key),
    value: parsed(value),
    headers: Object.entries(headers ?? {})
      .filter(([header]) => header.startsWith('__') && !header.startsWith('__debezium'))
      .map(([header, text]) => `${header}=${String(text)}`),
  }));
}

test('rows leave their envelopes, topics lose their prefix, and a delete is rewritten with its tombstone', async () => {
  await db.client.query(
    "create table item (id int primary key, name text, price numeric(6,2) default 1.5); insert into item values (1, 'a')",
  );
  await start({
    'value.converter.schemas.enable': 'false',
    'key.converter.schemas.enable': 'false',
    transforms: 'unwrap,route',
    'transforms.unwrap.type': UNWRAP,
    'transforms.unwrap.delete.tombstone.handling.mode': 'rewrite-with-tombstone',
    'transforms.unwrap.add.fields': 'op,table,source.snapshot:snap,before.name:old',
    'transforms.unwrap.add.headers': 'op',
    'transforms.route.type': REGEX_ROUTER,
    'transforms.route.regex': `${name}\\.([^.]+)\\.([^.]+)`,
    'transforms.route.replacement': `${name}-$2`,
  });
  await db.client.query(
    "insert into item values (2, 'b'); update item set name = 'c' where id = 2; delete from item where id = 2; update item set id = 3 where id = 1",
  );
  const records = await seen(`${name}-item`, 8);
  expect(records).toEqual([
    {
      key: { id: 1 },
      value: { id: 1, name: 'a', price: 'AJY=', __deleted: 'false', __op: 'r', __table: 'item', __snap: 'last', __old: null },
      headers: ['__op=r'],
    },
    {
      key: { id: 2 },
      value: { id: 2, name: 'b', price: 'AJY=', __deleted: 'false', __op: 'c', __table: 'item', __snap: null, __old: null },
      headers: ['__op=c'],
    },
    {
      key: { id: 2 },
      value: { id: 2, name: 'c', price: 'AJY=', __deleted: 'false', __op: 'u', __table: 'item', __snap: null, __old: null },
      headers: ['__op=u'],
    },
    {
      key: { id: 2 },
      value: { id: 2, name: null, price: 'AJY=', __deleted: 'true', __op: 'd', __table: 'item', __snap: null, __old: null },
      headers: ['__op=d'],
    },
    { key: { id: 2 }, value: null, headers: ['__op=d'] },
    {
      key: { id: 1 },
      value: { id: 1, name: null, price: 'AJY=', __deleted: 'true', __op: 'd', __table: 'item', __snap: null, __old: null },
      headers: ['__op=d'],
    },
    { key: { id: 1 }, value: null, headers: ['__op=d'] },
    {
      key: { id: 3 },
      value: { id: 3, name: 'a', price: 'AJY=', __deleted: 'false', __op: 'c', __table: 'item', __snap: null, __old: null },
      headers: ['__op=c'],
    },
  ]);
});

test('a table whose rows choose their topic: rows wait for a topic that is new, in the snapshot and in the stream', async () => {
  await db.client.query('create table note (id int primary key, place text); alter table note replica identity full');
  await db.client.query("insert into note select i, 'area' || i % 3 from generate_series(1, 9) as i");
  await start({
    'value.converter.schemas.enable': 'false',
    'key.converter.schemas.enable': 'false',
    transforms: 'unwrap',
    'transforms.unwrap.type': UNWRAP,
    'transforms.unwrap.delete.tombstone.handling.mode': 'drop',
    'transforms.unwrap.route.by.field': 'place',
  });
  await db.client.query("insert into note values (10, 'area0'), (11, 'area9'), (12, null); delete from note where id = 10");
  const places = await Promise.all(['area0', 'area1', 'area2', 'area9'].map((topic) => seen(topic, topic === 'area9' ? 1 : 3)));
  const ids = places.map((records) => records.map(({ key }) => (key as { id: number }).id));
  expect(ids).toEqual([[3, 6, 9, 10], [1, 4, 7], [2, 5, 8], [11]]);
  expect((await seen(`${name}.public.note`, 1)).map(({ value }) => value)).toEqual([{ id: 12, place: null }]);
});

test('check tells what the transforms make of each table, and which they refuse', async () => {
  await db.client.query('create table item (id int primary key, name text)');
  const { server, database } = db;
  const report = await runCheck(
    resolved(
      connectorConfig(
        { server, database, bootstrapServers, name },
        {
          transforms: 'unwrap,route',
          'transforms.unwrap.type': UNWRAP,
          'transforms.unwrap.add.fields': 'op',
          'transforms.unwrap.add.headers': 'table',
          'transforms.route.type': REGEX_ROUTER,
          'transforms.route.regex': '.*\\.(.*)',
          'transforms.route.replacement': `${name}.$1`,
        },
      ),
    ),
    CHECK_DEPS,
  );
  const items = report.items.filter(({ check }) => check === 'tables.transforms');
  expect(items.map(({ what, where }) => `${where} ${what}`)).toEqual([
    `public.item create, update: to ${name}.item, key {id}, value {id name __op}, headers __table; delete: to ${name}.item, key {id}, value null, headers __table; tombstone: no record`,
  ]);
  expect(JSON.stringify(report.items)).toContain(`${name}.item`);
});
