/** What `slotline check` says of the tables' schemas, against a real registry; and that it registers none. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CHECK_DEPS, runCheck } from '../../src/cli/check.ts';
import type { CheckItem, CheckReport } from '../../src/cli/check-report.ts';
import { formatProblems } from '../../src/config/problems.ts';
import { resolveConfig } from '../../src/config/resolve.ts';
import { anyRegistry } from '../harness/registry.ts';
import { type FreshDatabase, freshDatabase, sharedKafka, uniqueName } from '../harness/shared.ts';
import { type ConnectorConfig, connectorConfig, startStreaming } from '../harness/slotline.ts';
import { until } from '../harness/until.ts';
import { setCompatibility, versionsOf } from './schema-evolution-run.ts';

const START_MS = 150_000;
const WAIT = { timeoutMs: 40_000 };
const { bootstrapServers } = sharedKafka();

let registry: Awaited<ReturnType<typeof anyRegistry>>;
let db: FreshDatabase;
let name = '';

beforeAll(async () => {
  registry = await anyRegistry();
}, START_MS);
afterAll(async () => {
  await registry[Symbol.asyncDispose]();
});
beforeEach(async () => {
  name = uniqueName('trial');
  db = await freshDatabase(18);
});
afterEach(() => db.drop());

function config(more: ConnectorConfig): ConnectorConfig {
  const { server, database } = db;
  const urls = { 'key.converter.schema.registry.url': registry.url, 'value.converter.schema.registry.url': registry.url };
  const avro = { 'key.converter': 'avro', 'value.converter': 'avro', ...urls };
  return connectorConfig({ server, database, bootstrapServers, name }, { ...avro, ...more });
}

async function check(more: ConnectorConfig = {}): Promise<CheckReport & { readonly schemas: readonly CheckItem[] }> {
  const result = resolveConfig(config(more), { variables: {}, readFile: () => '' });
  if (result.tag === 'refused') throw new Error(formatProblems(result.problems));
  const report = await runCheck(result.options, CHECK_DEPS);
  return { ...report, schemas: report.items.filter((item) => item.check === 'registry.schemas') };
}

/** Starts a connector, inserts a row into each table, waits until they are confirmed, and stops it. */
async function stream(statements: readonly string[]): Promise<void> {
  await using slotline = await startStreaming(config({ 'status.update.interval.ms': '500' }), WAIT);
  for (const statement of statements) await db.client.query(statement);
  const { rows } = await db.client.query<{ lsn: string }>('select pg_current_wal_insert_lsn()::text as lsn');
  const sql = 'select from pg_replication_slots where slot_name = $1 and confirmed_flush_lsn >= $2::pg_lsn';
  await until('everything is confirmed', async () => (await db.client.query(sql, [name, rows[0]?.lsn])).rowCount === 1, WAIT);
  await slotline.stop();
}

const STRICT = { 'key.converter.auto.register.schemas': 'false', 'value.converter.auto.register.schemas': 'false' };

describe('the check of schemas', () => {
  it('plans tables as they are streamed: what a connector has registered is found again', async () => {
    await db.client.query(`create type mood as enum ('good')`);
    await db.client.query(`create domain price as numeric(10,2) not null default 1`);
    const columns = `id int, code text default 'c', made timestamptz default now(), mood mood, price price, tags text[]`;
    await db.client.query(`create table item (${columns}, twice int generated always as (id * 2) stored, primary key (code, id))`);
    await db.client.query('create table "Odd" (id bigint primary key, "A b" int not null default 5)');
    await db.client.query('create table part (id int primary key, hidden text)');
    await db.client.query(`create publication ${name} for table item, "Odd", part (id)`);
    const ready = { 'publication.autocreate.mode': 'disabled' };
    expect((await check({ ...ready, ...STRICT })).schemas.map(({ code }) => code)).toEqual(
      Array.from({ length: 6 }, () => 'registry_schema_missing'),
    );
    expect((await check(ready)).schemas).toMatchObject([{ status: 'ok', what: 'The schemas of 3 of 3 tables fit' }]);
    expect(await versionsOf(registry.url, `${name}.public.item-value`)).toBe(0);
    await stream(['insert into item (id) values (1)', 'insert into "Odd" (id) values (1)', 'insert into part (id) values (1)']);
    expect((await check({ ...ready, ...STRICT })).schemas).toMatchObject([{ status: 'ok', what: 'The schemas of 3 of 3 tables fit' }]);
  });

  it('names what the registry would refuse, key and value, before anything is sent', async () => {
    await db.client.query('create table item (id int primary key, code text not null); create table other (id int primary key)');
    await stream([`insert into item values (1, 'a')`, 'insert into other values (1)']);
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
