/** What becomes of a table whose schema the registry refuses, with slotline.schema.incompatible.action=dlq and with fail; what `check` says before. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CHECK_DEPS, runCheck } from '../../src/cli/check/check.ts';
import type { CheckReport } from '../../src/cli/check/report.ts';
import { formatProblems } from '../../src/config/problems.ts';
import { resolveConfig } from '../../src/config/resolve/resolve.ts';
import type { Judgement } from '../../src/pipeline/judgements/judgement.ts';
import { sharedRegistry } from '../harness/registry.ts';
import { type FreshDatabase, freshDatabase, sharedKafka, uniqueName } from '../harness/shared.ts';
import { type ConnectorConfig, connectorConfig, type Slotline, startStreaming } from '../harness/slotline.ts';
import {
  type Decode,
  independentDecoder,
  readTopics,
  setCompatibility,
  type TopicRecord,
  untilConfirmed,
  versionsOf,
} from './schema-evolution-run.ts';

const START_MS = 150_000;
const TEST_MS = 120_000;
const WAIT = { timeoutMs: 40_000 };
const { bootstrapServers } = sharedKafka();

let registry: Awaited<ReturnType<typeof sharedRegistry>>;
let decode: Decode;
let db: FreshDatabase;
let name = '';
const running: Slotline[] = [];

beforeAll(async () => {
  registry = await sharedRegistry();
  decode = independentDecoder(registry.url);
}, START_MS);
afterAll(async () => {
  await registry[Symbol.asyncDispose]();
});
beforeEach(async () => {
  name = uniqueName('refused');
  db = await freshDatabase(18);
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((slotline) => slotline[Symbol.asyncDispose]()));
  await db.drop();
});

function config(more: ConnectorConfig): ConnectorConfig {
  const { server, database } = db;
  const urls = { 'key.converter.schema.registry.url': registry.url, 'value.converter.schema.registry.url': registry.url };
  const avro = { 'key.converter': 'avro', 'value.converter': 'avro', ...urls, 'status.update.interval.ms': '500' };
  return connectorConfig({ server, database, bootstrapServers, name }, { ...avro, ...more });
}

async function start(overrides: ConnectorConfig): Promise<Slotline> {
  const slotline = await startStreaming(config(overrides), WAIT);
  running.push(slotline);
  return slotline;
}

const confirmed = (): Promise<void> => untilConfirmed(db.client, name, WAIT);

/** In one transaction, so that NOT NULL is in force when the change is read. */
async function run(...statements: readonly string[]): Promise<void> {
  await db.client.query(['begin', ...statements, 'commit'].join(';'));
}

const payload = (bytes: Buffer | null): Payload => JSON.parse(String(bytes)).payload;
type Payload = { readonly op?: string; readonly before?: unknown; readonly after?: unknown };

const inShort = ({ key, value }: TopicRecord): unknown[] =>
  value === null ? [payload(key), null] : [payload(key), payload(value).op, payload(value).before, payload(value).after];

const inAvro = async ({ key, value }: TopicRecord): Promise<unknown[]> => [await decode(key), ((await decode(value)) as Payload).after];

/** The registry lists what differs in another order from one answer to the next. */
function inOrder(message: unknown): string {
  const sorted = (list: string): string => list.split(', ').sort().join(', ');
  return String(message).replace(/(?<=list of diff types: \[)[^\]]*/, sorted);
}

describe('a table whose schema the registry refuses', () => {
  it('goes to the dead-letter topic, every kind of record in order, until another version fits', { timeout: TEST_MS }, async () => {
    const topic = `${name}.public.item`;
    await db.client.query('create table item (id int primary key, note text default $$none$$)');
    const dead = { 'slotline.schema.incompatible.action': 'dlq', 'slotline.schema.incompatible.dlq.topic': `${name}.letters` };
    const slotline = await start(dead);
    await db.client.query(`insert into item values (1, 'a')`);
    await confirmed();
    await setCompatibility(registry.url, `${topic}-value`, 'BACKWARD');
    await run('alter table item add column total int not null default 0', 'alter table item alter column total drop default');
    await db.client.query('insert into item values (2, null, 20)');
    // The catalog says NOT NULL only until the column is dropped below.
    const refused = await slotline.waitFor('schema.incompatible', WAIT);
    await db.client.query('update item set total = 21 where id = 2');
    await db.client.query('update item set id = 3 where id = 2');
    await db.client.query('delete from item where id = 3');
    await db.client.query('truncate item');
    // The server describes the table anew when it notices the change, which may be in front of rows that wait; the catalog has it then.
    await confirmed();
    await db.client.query('alter table item drop column total');
    await db.client.query(`insert into item values (4, 'd')`);
    await confirmed();
    const read = await readTopics(bootstrapServers, [topic, `${name}.letters`]);
    const letters = read.get(`${name}.letters`) ?? [];
    // A null stays one beside a default: nothing of the row is lost.
    expect(letters.map(inShort)).toEqual([
      [{ id: 2 }, 'c', null, { id: 2, note: null, total: 20 }],
      [{ id: 2 }, 'u', null, { id: 2, note: null, total: 21 }],
      [{ id: 2 }, 'd', { id: 2, note: null, total: 0 }, null],
      [{ id: 2 }, null],
      [{ id: 3 }, 'c', null, { id: 3, note: null, total: 21 }],
      [{ id: 3 }, 'd', { id: 3, note: null, total: 0 }, null],
      [{ id: 3 }, null],
    ]);
    for (const { headers } of letters) {
      expect({ ...headers, '__connect.errors.exception.message': inOrder(headers['__connect.errors.exception.message']) }).toMatchObject({
        '__debezium.context.connectorLogicalName': name,
        '__connect.errors.topic': topic,
        '__connect.errors.connector.name': name,
        '__connect.errors.task.id': '0',
        '__connect.errors.stage': 'VALUE_CONVERTER',
        '__connect.errors.class.name': 'io.confluent.connect.avro.AvroConverter',
        '__connect.errors.exception.class.name': 'registry_incompatible',
        '__connect.errors.exception.message': inOrder(refused['message']),
      });
    }
    expect(letters.map(({ headers }) => [headers['__debezium.newkey'], headers['__debezium.oldkey']])[3]).toEqual(['{"id":3}', undefined]);
    const own = read.get(topic) ?? [];
    expect(await Promise.all(own.map(inAvro))).toEqual([
      [{ id: 1 }, { id: 1, note: 'a' }],
      [{ id: 4 }, { id: 4, note: 'd' }],
    ]);
  });

  it('goes there in the snapshot too, and to its own topic after a start with another level', { timeout: TEST_MS }, async () => {
    const topic = `${name}.public.item`;
    await register(`${topic}-key`, { type: 'record', name: 'Other', fields: [{ name: 'code', type: 'string' }] });
    await setCompatibility(registry.url, `${topic}-key`, 'BACKWARD');
    await db.client.query('create table item (id int primary key); insert into item values (1), (2)');
    const dead = { 'slotline.schema.incompatible.action': 'dlq' };
    const first = await start(dead);
    await db.client.query('insert into item values (3)');
    await confirmed();
    expect(first.lines.filter(({ event }) => event === 'schema.incompatible')).toHaveLength(1);
    expect(await first.stop()).toMatchObject({ exitCode: 0 });
    await setCompatibility(registry.url, `${topic}-key`, 'NONE');
    await start(dead);
    await db.client.query('insert into item values (4)');
    await confirmed();
    const read = await readTopics(bootstrapServers, [topic, `${name}.dlq`]);
    const letters = read.get(`${name}.dlq`) ?? [];
    expect(letters.map(({ key, value }) => [payload(key), payload(value).op])).toEqual([
      [{ id: 1 }, 'r'],
      [{ id: 2 }, 'r'],
      [{ id: 3 }, 'c'],
    ]);
    expect(letters.map(({ headers }) => headers['__connect.errors.stage'])).toEqual(Array.from({ length: 3 }, () => 'KEY_CONVERTER'));
    expect(await Promise.all((read.get(topic) ?? []).map(inAvro))).toEqual([[{ id: 4 }, { id: 4 }]]);
    expect(await versionsOf(registry.url, `${topic}-value`)).toBe(1);
  });

  it('stops the connector where nothing else is asked for, also for its key, and goes on once it is allowed', {
    timeout: TEST_MS,
  }, async () => {
    const topic = `${name}.public.item`;
    await db.client.query('create table item (id int primary key, code text not null)');
    const slotline = await start({});
    await db.client.query(`insert into item values (1, 'a')`);
    await confirmed();
    await setCompatibility(registry.url, `${topic}-key`, 'FULL');
    await run('alter table item drop constraint item_pkey', 'alter table item add primary key (code)');
    await db.client.query(`insert into item values (2, 'b')`);
    const refused = await slotline.waitFor(({ event, code }) => event === 'connector.retrying' && code === 'registry_incompatible', WAIT);
    expect(refused['message']).toContain(`subject=${topic}-key, version=1, fields=code added without default, id removed`);
    await setCompatibility(registry.url, `${topic}-key`, 'NONE');
    await confirmed();
    const own = (await readTopics(bootstrapServers, [topic])).get(topic) ?? [];
    expect(await Promise.all(own.map(inAvro))).toEqual([
      [{ id: 1 }, { id: 1, code: 'a' }],
      [{ code: 'b' }, { id: 2, code: 'b' }],
    ]);
  });
});

const STRICT = { 'key.converter.auto.register.schemas': 'false', 'value.converter.auto.register.schemas': 'false' };

describe('the check of schemas', () => {
  it.each(['avro', 'json-schema', 'protobuf'])(
    'plans tables as they are streamed: what a connector has registered is found again (%s)',
    async (format) => {
      const converters = { 'key.converter': format, 'value.converter': format, 'field.name.adjustment.mode': 'avro' };
      await db.client.query(`create type mood as enum ('good')`);
      await db.client.query(`create domain price as numeric(10,2) not null default 1`);
      const columns = `id int, code text default 'c', made timestamptz default now(), mood mood, price price, tags text[]`;
      await db.client.query(`create table item (${columns}, twice int generated always as (id * 2) stored, primary key (code, id))`);
      await db.client.query('create table "Odd" (id bigint primary key, "A b" int not null default 5)');
      await db.client.query('create table part (id int primary key, hidden text)');
      await db.client.query(`create publication ${name} for table item, "Odd", part (id)`);
      const ready = { ...converters, 'publication.autocreate.mode': 'disabled' };
      expect((await check({ ...ready, ...STRICT })).schemas.map(({ code }) => code)).toEqual(
        Array.from({ length: 6 }, () => 'registry_schema_missing'),
      );
      expect((await check(ready)).schemas).toMatchObject([{ status: 'ok', what: 'The schemas of 3 of 3 tables fit' }]);
      expect(await versionsOf(registry.url, `${name}.public.item-value`)).toBe(0);
      await stream(converters, [
        'insert into item (id) values (1)',
        'insert into "Odd" (id) values (1)',
        'insert into part (id) values (1)',
      ]);
      expect((await check({ ...ready, ...STRICT })).schemas).toMatchObject([{ status: 'ok', what: 'The schemas of 3 of 3 tables fit' }]);
    },
  );

  it('names what the registry would refuse, key and value, before anything is sent', async () => {
    await db.client.query('create table item (id int primary key, code text not null); create table other (id int primary key)');
    await stream({}, [`insert into item values (1, 'a')`, 'insert into other values (1)']);
    const topic = `${name}.public.item`;
    for (const side of ['key', 'value']) await setCompatibility(registry.url, `${topic}-${side}`, 'BACKWARD');
    await db.client.query('alter table item drop constraint item_pkey, add primary key (code), add column n int not null default 0');
    await db.client.query('alter table item alter column n drop default');
    const { ok, schemas } = await check();
    expect(ok).toBe(false);
    expect(schemas).toMatchObject([
      { status: 'ok', what: 'The schemas of 1 of 2 tables fit' },
      {
        status: 'fail',
        code: 'registry_incompatible',
        where: 'public.item',
        what: expect.stringContaining(`subject=${topic}-key, version=1, fields=code added without default, id removed`),
        remedy: expect.stringContaining('compatibility level'),
      },
      {
        status: 'fail',
        code: 'registry_incompatible',
        where: 'public.item',
        what: expect.stringContaining(`subject=${topic}-value, version=1, fields=before.n added without default, after.n`),
      },
    ]);
    expect(await versionsOf(registry.url, `${topic}-key`)).toBe(1);
    const lenient = await check({ 'slotline.schema.incompatible.action': 'dlq' });
    expect(lenient.schemas.map(({ status }) => status)).toEqual(['ok', 'warn', 'warn']);
    expect(lenient.schemas[1]?.what).toContain(`its rows go to ${name}.dlq`);
    expect(lenient.ok).toBe(true);
  });
});

async function check(more: ConnectorConfig = {}): Promise<CheckReport & { readonly schemas: readonly Judgement[] }> {
  const result = resolveConfig(config(more), { variables: {}, readFile: () => '' });
  if (result.tag === 'refused') throw new Error(formatProblems(result.problems));
  const report = await runCheck(result.options, CHECK_DEPS);
  return { ...report, schemas: report.items.filter((item) => item.check === 'registry.schemas') };
}

/** Until the rows are in Kafka. */
async function stream(more: ConnectorConfig, statements: readonly string[]): Promise<void> {
  const slotline = await start(more);
  for (const statement of statements) await db.client.query(statement);
  await confirmed();
  await slotline.stop();
}

async function register(subject: string, schema: object): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const body = JSON.stringify({ schema: JSON.stringify(schema) });
  const answer = await fetch(`${registry.url}/subjects/${encodeURIComponent(subject)}/versions`, { method: 'POST', headers, body });
  expect(answer.status).toBe(200);
}
