/**
 * Owns the tests of `slotline check` and `slotline status` against real servers: each obstacle gives its code, and the SQL
 * that is printed mends it. Nothing is changed by a check.
 */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CHECK_DEPS, runCheck } from '../../src/cli/check/check.ts';
import { type CheckReport, printReport } from '../../src/cli/check/report.ts';
import { runStatus } from '../../src/cli/status.ts';
import { systemEnvironment } from '../../src/config/environment.ts';
import { loadConfig } from '../../src/config/load.ts';
import { parseLsn } from '../../src/core/lsn.ts';
import type { ResolvedOptions } from '../../src/core/options.ts';
import { prettyBytes } from '../../src/core/pretty-bytes.ts';
import type { Judgement } from '../../src/pipeline/judgements/judgement.ts';
import { openSession } from '../../src/postgres/session/open-session.ts';
import { type PostgresHandle, startPostgres } from '../harness/postgres.ts';
import { removeTemporaryFolder, temporaryFolder } from '../harness/process.ts';
import { type FreshDatabase, freshDatabase, sharedKafka, uniqueName } from '../harness/shared.ts';
import { connectorConfig } from '../harness/slotline.ts';
import { until } from '../harness/until.ts';

const MAIN = resolve(fileURLToPath(import.meta.url), '../../../src/main.ts');
const PASSWORD = 'role-secret';
const SLOT_IN_USE = 'select from pg_replication_slots where slot_name = $1 and active';
const folder = temporaryFolder('check');
afterAll(() => removeTemporaryFolder(folder));

type Overrides = Readonly<Record<string, string>>;

function configFile(server: PostgresHandle, database: string, overrides: Overrides): string {
  const name = overrides['name'] ?? uniqueName('c');
  const place = { server, database, bootstrapServers: sharedKafka().bootstrapServers, name };
  const config = connectorConfig(place, { 'table.include.list': '', ...overrides });
  const path = join(folder, `${name}.json`);
  writeFileSync(path, JSON.stringify(config));
  return path;
}

function optionsOf(server: PostgresHandle, database: string, overrides: Overrides = {}): ResolvedOptions {
  const result = loadConfig(configFile(server, database, overrides), systemEnvironment({}));
  if (result.tag !== 'resolved') throw new Error(JSON.stringify(result));
  return result.options;
}

function itemsOf(report: CheckReport, check: string): readonly Judgement[] {
  return report.items.filter((item) => item.check === check);
}

/** Every failure by check and code. */
function failuresOf(report: CheckReport): readonly string[] {
  return report.items.filter(({ status }) => status === 'fail').map(({ check, code }) => `${check} ${code}`);
}

function sqlOf(report: CheckReport): readonly string[] {
  return report.items.filter(({ status }) => status === 'fail').flatMap(({ sql }) => sql ?? []);
}

for (const major of [14, 18] as const) {
  describe(`check against PostgreSQL ${major}`, () => {
    let fresh: FreshDatabase;
    let role: string;

    beforeEach(async () => {
      fresh = await freshDatabase(major);
      role = uniqueName('r');
      await fresh.client.query(`create role ${role} login replication password '${PASSWORD}'`);
      await fresh.client.query('create table item (id int primary key, name text); create table spare (id int primary key)');
    });
    afterEach(async () => {
      await fresh.client.query(`drop owned by ${role}; drop role ${role}`);
      await fresh.drop();
    });

    const asRole = (overrides: Overrides = {}): ResolvedOptions =>
      optionsOf(fresh.server, fresh.database, { 'database.user': role, 'database.password': PASSWORD, ...overrides });
    const check = (options: ResolvedOptions): Promise<CheckReport> => runCheck(options, CHECK_DEPS);

    it('is ready for a superuser on a plain database, and changes nothing', async () => {
      const report = await check(optionsOf(fresh.server, fresh.database));
      expect(failuresOf(report)).toEqual([]);
      expect(report.ok).toBe(true);
      const left = await fresh.client.query('select pubname from pg_publication');
      expect(left.rows).toEqual([]);
      const slots = await fresh.client.query('select slot_name from pg_replication_slots where database = current_database()');
      expect(slots.rows).toEqual([]);
      expect(printReport(report)).toContain('Ready: ');
    });

    it('names what a poor role lacks, with SQL that mends it', async () => {
      await fresh.client.query(`alter role ${role} noreplication; revoke usage on schema public from public`);
      const options = asRole();
      const before = await check(options);
      expect(failuresOf(before)).toEqual([
        'postgres.replication_login pg_privilege_missing',
        'tables.grants pg_privilege_missing',
        'postgres.publication pg_privilege_missing',
      ]);
      for (const sql of sqlOf(before)) await fresh.client.query(sql);
      const after = await check(options);
      expect(failuresOf(after)).toEqual([]);
    });

    it('says that row-level security would hide rows', async () => {
      await fresh.client.query(`grant select on item, spare to ${role}; alter table item enable row level security`);
      const options = asRole({ 'publication.autocreate.mode': 'no_tables', 'table.include.list': 'public.item' });
      await fresh.client.query(`create publication ${options.publication.name} for table item`);
      const report = await check(options);
      expect(failuresOf(report)).toEqual(['tables.row_security pg_privilege_missing']);
      for (const sql of sqlOf(report)) await fresh.client.query(sql);
      expect(failuresOf(await check(options))).toEqual([]);
    });

    it('names a publication that is missing, incomplete or for all tables, with SQL that mends it', async () => {
      const overrides = { 'publication.autocreate.mode': 'disabled', 'table.include.list': 'public.item,public.spare' };
      const options = optionsOf(fresh.server, fresh.database, overrides);
      const missing = await check(options);
      expect(failuresOf(missing)).toEqual(['postgres.publication publication_missing']);
      for (const sql of sqlOf(missing)) await fresh.client.query(sql);
      expect(failuresOf(await check(options))).toEqual([]);

      await fresh.client.query(`alter publication ${options.publication.name} drop table spare`);
      const incomplete = await check(options);
      expect(failuresOf(incomplete)).toEqual(['postgres.publication publication_incomplete']);
      for (const sql of sqlOf(incomplete)) await fresh.client.query(sql);
      expect(failuresOf(await check(options))).toEqual([]);

      await fresh.client.query(
        `drop publication ${options.publication.name}; create publication ${options.publication.name} for all tables`,
      );
      const filtered = { ...options, publication: { ...options.publication, autocreateMode: 'filtered' as const } };
      const unsuitable = await check(filtered);
      expect(failuresOf(unsuitable)).toEqual(['postgres.publication publication_unsuitable']);
      for (const sql of sqlOf(unsuitable)) await fresh.client.query(sql);
      expect(failuresOf(await check(filtered))).toEqual([]);
    });

    it('warns of operations, rows and partitions that an existing publication leaves out', async () => {
      const where = major >= 15 ? ' where (id > 10)' : '';
      const overrides = {
        'publish.via.partition.root': 'true',
        'publication.autocreate.mode': 'disabled',
        'table.include.list': 'public.item',
      };
      const options = optionsOf(fresh.server, fresh.database, overrides);
      await fresh.client.query(`create publication ${options.publication.name} for table item${where} with (publish = 'insert')`);
      const report = await check(options);
      const warned = report.items.filter(({ status }) => status === 'warn').map(({ check }) => check);
      expect(warned).toEqual(expect.arrayContaining(['postgres.publication_operations', 'postgres.publication_via_root']));
      expect(warned.includes('postgres.publication_filter')).toBe(major >= 15);
      for (const item of report.items) {
        if (item.check.startsWith('postgres.publication_')) for (const sql of item.sql ?? []) await fresh.client.query(sql);
      }
      const mended = await check(options);
      expect(mended.items.filter(({ check }) => check.startsWith('postgres.publication_'))).toEqual([]);
    });

    it('explains replica identities and keys table by table', async () => {
      await fresh.client.query(`create table keyless (v text); create table whole (v text); alter table whole replica identity full;
        create table parted (id int) partition by range (id); create table parted_low partition of parted for values from (0) to (9);
        alter table spare replica identity nothing`);
      const report = await check(optionsOf(fresh.server, fresh.database, { 'table.exclude.list': 'public.parted_low' }));
      const warned = itemsOf(report, 'tables.replica_identity').filter(({ status }) => status === 'warn');
      expect(warned.map(({ where }) => where)).toEqual(['public.keyless', 'public.spare', 'public.parted_low']);
      for (const { sql } of warned) for (const statement of sql ?? []) await fresh.client.query(statement);
      const keys = itemsOf(report, 'tables.keys');
      expect(keys.map(({ what }) => what)).toEqual([
        'Records have a null key, and no order per row: public.keyless, public.parted, public.whole',
      ]);
      const again = await check(optionsOf(fresh.server, fresh.database));
      expect(itemsOf(again, 'tables.replica_identity').filter(({ status }) => status === 'warn')).toEqual([]);
    });

    it('tells that message.key.columns asks for more than a delete knows', async () => {
      const report = await check(optionsOf(fresh.server, fresh.database, { 'message.key.columns': 'public.item:name' }));
      expect(itemsOf(report, 'tables.keys')).toMatchObject([{ status: 'warn', where: 'public.item' }]);
    });

    it('names an include entry that matches nothing, and that nothing is captured', async () => {
      const some = await check(optionsOf(fresh.server, fresh.database, { 'table.include.list': 'public.item,public.itme' }));
      expect(itemsOf(some, 'tables.include').map(({ what }) => what)).toEqual([expect.stringContaining('public.itme')]);
      const none = await check(optionsOf(fresh.server, fresh.database, { 'table.include.list': 'public.itme' }));
      expect(failuresOf(none)).toContain('tables.captured table_none_captured');
    });

    it('looks at the slot: absent, in use, of another plugin', async () => {
      const options = optionsOf(fresh.server, fresh.database);
      const { name } = options.slot;
      expect(itemsOf(await check(options), 'postgres.slot')).toMatchObject([{ status: 'ok' }]);
      await fresh.client.query(`select pg_create_logical_replication_slot('${name}', 'test_decoding')`);
      const unsuitable = await check(options);
      expect(failuresOf(unsuitable)).toEqual(['postgres.slot slot_unsuitable']);
      for (const sql of sqlOf(unsuitable)) await fresh.client.query(sql);
      await fresh.client.query(`select pg_create_logical_replication_slot('${name}', 'pgoutput')`);
      expect(failuresOf(await check(options))).toEqual([]);
      const holder = await openSession(options.database, { applicationName: 'the holder', replication: true });
      await holder.simple('create publication p');
      const held = holder.simple(`START_REPLICATION SLOT "${name}" LOGICAL 0/0 (proto_version '1', publication_names 'p')`);
      held.catch(() => undefined);
      await until('the slot is in use', async () => (await fresh.client.query(SLOT_IN_USE, [name])).rows.length > 0, { timeoutMs: 5_000 });
      const inUse = await check(options);
      expect(failuresOf(inUse)).toEqual([]);
      const [owner] = itemsOf(inUse, 'postgres.slot_active');
      expect(owner).toMatchObject({ status: 'warn', what: expect.stringContaining(`pid ${holder.processId}, the holder`) });
      holder.destroy();
    });

    it('tells lost rights and a wrong password in one line each, without the password', async () => {
      const report = await check(asRole({ 'database.password': 'wrong-secret' }));
      expect(failuresOf(report)).toEqual(['postgres.login pg_authentication_failed']);
      expect(itemsOf(report, 'kafka.reachable')).toMatchObject([{ status: 'ok' }]);
      const text = printReport(report) + JSON.stringify(report);
      expect(text).not.toContain('wrong-secret');
      expect(report.items.map(({ status }) => status)).toContain('skipped');
    });

    it('looks at topics: collisions, a compacted one for a table without key, too few brokers', async () => {
      const options = optionsOf(fresh.server, fresh.database);
      const prefix = options.events.topicPrefix;
      await fresh.client.query(
        'create table keyless (v text); create table "a b" (id int primary key); create table "a?b" (id int primary key)',
      );
      const kafka = new Kafka({ brokers: sharedKafka().bootstrapServers.split(','), logLevel: logLevel.NOTHING });
      const admin = kafka.admin();
      await admin.connect();
      const policy = [{ name: 'cleanup.policy', value: 'compact' }];
      const small = [{ name: 'max.message.bytes', value: '1000' }];
      await admin.createTopics({
        topics: [
          { topic: `${prefix}.public.keyless`, configEntries: policy, numPartitions: 1 },
          { topic: `${prefix}.public.item`, configEntries: small, numPartitions: 3 },
          { topic: `${prefix}.offsets`, numPartitions: 1 },
        ],
      });
      await admin.disconnect();
      const crowded = {
        ...options,
        topicCreation: { ...options.topicCreation, default: { ...options.topicCreation.default, replicationFactor: 3 } },
      };
      const report = await check(crowded);
      expect([...failuresOf(report)].sort()).toEqual([
        'kafka.offset_topic kafka_topic_invalid',
        'kafka.replication_factor kafka_topic_invalid',
        'kafka.topic_policy kafka_record_invalid',
        'tables.topics topic_name_collision',
      ]);
      expect(itemsOf(report, 'kafka.max_message_bytes')).toMatchObject([{ status: 'warn', where: `${prefix}.public.item` }]);
      expect(itemsOf(report, 'kafka.offset_topic')).toMatchObject([{ status: 'fail', where: `${prefix}.offsets` }]);
      expect(itemsOf(report, 'kafka.replication_factor')[0]?.what).toContain(`${prefix}.public.spare`);
    });

    it('names the topics of heartbeats and transactions among those that are missing', async () => {
      const control = { 'heartbeat.interval.ms': '1000', 'provide.transaction.metadata': 'true', 'topic.transaction': 'tx' };
      const options = optionsOf(fresh.server, fresh.database, control);
      const prefix = options.events.topicPrefix;
      const missing = itemsOf(await check(options), 'kafka.topics_missing')[0]?.what;
      expect(missing).toContain(`${prefix}.tx`);
      expect(missing).toContain(`__debezium-heartbeat.${prefix}`);
      const without = itemsOf(await check(optionsOf(fresh.server, fresh.database)), 'kafka.topics_missing')[0]?.what;
      expect(without).not.toMatch(/heartbeat|transaction/);
    });

    it('shows the lag of the slot by status, and its loss of the server', async () => {
      const options = optionsOf(fresh.server, fresh.database);
      const lines: string[] = [];
      const deps = { write: (text: string) => lines.push(text), stop: new AbortController().signal };
      expect(await runStatus([options], { watch: false, intervalMs: 10, json: true }, deps)).toBe(1);
      expect(JSON.parse(lines[0] ?? '')).toMatchObject({ slot: options.slot.name, state: 'missing' });
      await fresh.client.query(`select pg_create_logical_replication_slot('${options.slot.name}', 'pgoutput')`);
      await fresh.client.query('insert into item select i, repeat(i::text, 20) from generate_series(1, 2000) i');
      expect(await runStatus([options], { watch: false, intervalMs: 10, json: true }, deps)).toBe(0);
      const report = JSON.parse(lines[1] ?? '');
      expect(report).toMatchObject({ connector: options.name, state: 'idle', walStatus: 'reserved' });
      expect(report.slotLagBytes).toBeGreaterThan(100_000);
      expect(report.confirmedFlushLsn).toMatch(/^[0-9A-F]+\/[0-9A-F]+$/);
      expect(await runStatus([options], { watch: false, intervalMs: 10, json: false }, deps)).toBe(0);
      // Others write to this server too: the lag is of this look, not of the one before.
      const shown = /slot (\S+) idle, lag (.*?), confirmed (\S+), WAL at ([0-9A-F/]+)/.exec(lines[2] ?? '') ?? [];
      const [, slot, lag, confirmed = '', end = ''] = shown;
      expect({ slot, lag }).toEqual({ slot: options.slot.name, lag: prettyBytes(Number(parseLsn(end)) - Number(parseLsn(confirmed))) });

      const unreachable = { ...options, database: { ...options.database, port: 1 } };
      expect(await runStatus([unreachable], { watch: false, intervalMs: 10, json: true }, deps)).toBe(1);
      expect(JSON.parse(lines[3] ?? '')).toMatchObject({ state: 'unreadable', error: { code: 'pg_unreachable' } });
    });

    it('repeats the status until stopped, also over a lost session', async () => {
      const options = optionsOf(fresh.server, fresh.database);
      await fresh.client.query(`select pg_create_logical_replication_slot('${options.slot.name}', 'pgoutput')`);
      const states: string[] = [];
      const stop = new AbortController();
      const write = (text: string): unknown => states.push(JSON.parse(text).state);
      const watching = runStatus([options], { watch: true, intervalMs: 20, json: true }, { write, stop: stop.signal });
      await until('two looks', async () => states.length >= 2, { timeoutMs: 10_000 });
      await fresh.client.query(`select pg_terminate_backend(pid) from pg_stat_activity
        where application_name = 'Slotline Status' and datname = current_database()`);
      await until('the loss', async () => states.includes('unreadable'), { timeoutMs: 10_000 });
      await until('the return', async () => states.at(-1) === 'idle', { timeoutMs: 10_000 });
      stop.abort();
      expect(await watching).toBe(0);
    });
  });
}

describe('check against servers that are not ready', () => {
  it('names wal_level, and a slot that is lost or about to be', async () => {
    // No checkpoint but ours: the slot is endangered first and lost then.
    const settings = { max_replication_slots: '1', max_slot_wal_keep_size: '1MB', max_wal_size: '1GB', wal_sender_timeout: '0' };
    await using server = await startPostgres({ major: 18, settings });
    await server.query('postgres', 'create table item (id int primary key)');
    const options = optionsOf(server, 'postgres');
    await server.query('postgres', `select pg_create_logical_replication_slot('${options.slot.name}', 'pgoutput')`);
    for (let segment = 0; segment < 4; segment++) {
      await server.query('postgres', 'select pg_logical_emit_message(true, $$x$$, $$x$$)');
      await server.query('postgres', 'select pg_switch_wal()');
    }
    const endangered = await runCheck(options, CHECK_DEPS);
    expect(itemsOf(endangered, 'postgres.slot_wal_status')).toMatchObject([{ status: 'warn' }]);
    await server.query('postgres', 'checkpoint');
    const lost = await runCheck(options, CHECK_DEPS);
    expect(failuresOf(lost)).toEqual(['postgres.slot slot_lost']);
    expect(itemsOf(lost, 'postgres.wal_sender_timeout')).toMatchObject([{ status: 'warn' }]);
    expect(itemsOf(lost, 'postgres.max_replication_slots')).toMatchObject([{ status: 'warn' }]);
    const other = { ...options, slot: { ...options.slot, name: 'another' } };
    expect(failuresOf(await runCheck(other, CHECK_DEPS))).toEqual(['postgres.max_replication_slots replication_slots_exhausted']);
  });

  it('names wal_level when it is replica', async () => {
    await using server = await startPostgres({ major: 18, settings: { wal_level: 'replica' } });
    await server.query('postgres', 'create table item (id int primary key)');
    expect(failuresOf(await runCheck(optionsOf(server, 'postgres'), CHECK_DEPS))).toEqual(['postgres.wal_level wal_level_not_logical']);
  });
});

describe('the check command', () => {
  let fresh: FreshDatabase;
  beforeAll(async () => {
    fresh = await freshDatabase(18);
    await fresh.client.query('create table item (id int primary key)');
  });
  afterAll(() => fresh.drop());

  const slotline = (...args: string[]): Promise<{ exitCode: number; output: string }> =>
    new Promise((resolve) => {
      const child = execFile(process.execPath, [MAIN, ...args], (_error, output) => resolve({ exitCode: child.exitCode ?? -1, output }));
    });

  it('ends with 0 and prints JSON when all is well, with 1 when Kafka is away', async () => {
    const good = configFile(fresh.server, fresh.database, {});
    const ready = await slotline('check', '--json', '--config', good);
    expect(ready.exitCode).toBe(0);
    expect(JSON.parse(ready.output)).toMatchObject({ ok: true });
    const away = configFile(fresh.server, fresh.database, { 'bootstrap.servers': '127.0.0.1:1' });
    const notReady = await slotline('check', '--config', away);
    expect(notReady.exitCode).toBe(1);
    expect(notReady.output).toContain('[kafka_unreachable]');
    expect(notReady.output).toContain('Not ready: ');
  });

  it('ends in time when neither side ever answers', async () => {
    const silent = createServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const address = silent.address();
    const port = String(typeof address === 'object' && address !== null ? address.port : 0);
    const options = optionsOf(fresh.server, fresh.database, { 'database.port': port, 'bootstrap.servers': `127.0.0.1:${port}` });
    const startedMs = performance.now();
    const report = await runCheck(options, { ...CHECK_DEPS, timeoutMs: 1_000 });
    expect(performance.now() - startedMs).toBeLessThan(5_000);
    expect(failuresOf(report)).toEqual(['postgres.login pg_unreachable', 'kafka.reachable kafka_unreachable']);
    silent.close();
  });
});
