/**
 * What a user gets wrong, and what breaks at a start: the process ends with one clear error that has a code and a remedy, or waits where
 * waiting mends it; nothing is confirmed on the slot, and after the mending nothing is missing.
 */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ConfigResourceTypes, Kafka, logLevel } from 'kafkajs';
import { describe, expect, it } from 'vitest';
import { freePorts } from '../harness/ports.ts';
import { startPostgres } from '../harness/postgres.ts';
import { removeTemporaryFolder, temporaryFolder } from '../harness/process.ts';
import { type FreshDatabase, freshDatabase, sharedKafka, uniqueName } from '../harness/shared.ts';
import { type ConnectorConfig, connectorConfig, startSlotline, startStreaming } from '../harness/slotline.ts';
import { confirmedLsn } from '../harness/verify.ts';
import { failedRun, failureOf } from './endings.ts';
import { LOSING_SETTINGS, loseSlot } from './lost-slot.ts';
import { operations, readEvents } from './topic-events.ts';

const MAIN = resolve(fileURLToPath(import.meta.url), '../../../src/main.ts');
const PASSWORD = 'role-secret';

/** A database with a table, its publication and a slot with changes that wait; dropped at the end. */
type Source = FreshDatabase & {
  readonly name: string;
  config(overrides?: ConnectorConfig): ConnectorConfig;
  /** Nothing was confirmed on the slot since the source was made. */
  expectUntouched(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
};

async function makeSource(): Promise<Source> {
  const db = await freshDatabase(18);
  const name = uniqueName('bad');
  await db.client.query('create table item (id int primary key, note text); create table spare (id int primary key)');
  await db.client.query(`create publication ${name} for table item`);
  await db.client.query(`select pg_create_logical_replication_slot('${name}', 'pgoutput')`);
  await db.client.query("insert into item values (1, 'waits')");
  const before = await confirmedLsn(db.client, name);
  const { bootstrapServers } = sharedKafka();
  const own = { 'publication.autocreate.mode': 'disabled', 'table.include.list': 'public.item', 'slotline.log.level': 'info' };
  return {
    ...db,
    name,
    config: (overrides) => connectorConfig({ server: db.server, database: db.database, bootstrapServers, name }, { ...own, ...overrides }),
    expectUntouched: async () => expect(await confirmedLsn(db.client, name)).toBe(before),
    [Symbol.asyncDispose]: () => db.drop(),
  };
}

/** A role that may log in, and what `grants` add. */
async function makeRole(source: Source, attributes: string): Promise<ConnectorConfig> {
  const role = uniqueName('bad_role');
  await source.client.query(`create role ${role} login ${attributes} password '${PASSWORD}'`);
  return { 'database.user': role, 'database.password': PASSWORD };
}

async function dropRole(source: Source, role: ConnectorConfig): Promise<void> {
  await source.client.query(`drop owned by ${role['database.user']}; drop role ${role['database.user']}`);
}

/** Runs `slotline run` on a file that need not be a config. */
async function runFile(text: string): Promise<{ exitCode: number; stderr: string; stdout: string }> {
  const folder = temporaryFolder('bad');
  const file = join(folder, 'connector.json');
  writeFileSync(file, text);
  try {
    return await new Promise((settle) => {
      execFile(process.execPath, [MAIN, 'run', '--config', file], { timeout: 30_000 }, (error, stdout, stderr) =>
        settle({ exitCode: error === null ? 0 : Number(error.code), stdout, stderr }),
      );
    });
  } finally {
    await removeTemporaryFolder(folder);
  }
}

describe.concurrent('bad input', () => {
  it('a wrong password ends the start', async () => {
    await using source = await makeSource();
    const error = await failedRun(source.config({ 'database.password': 'not-the-password' }), 'pg_authentication_failed');
    expect(error['message']).toContain('user=postgres');
    await source.expectUntouched();
  });

  it('an unreachable server ends the start after slotline.start.timeout', async () => {
    await using source = await makeSource();
    const [port = 0] = await freePorts(1);
    const error = await failedRun(source.config({ 'database.port': String(port), 'slotline.start.timeout': '2s' }), 'pg_unreachable');
    expect(error['message']).toContain(`port=${port}`);
  });

  it('an unreachable Kafka ends the start after slotline.start.timeout', async () => {
    await using source = await makeSource();
    const [port = 0] = await freePorts(1);
    const config = source.config({ 'bootstrap.servers': `127.0.0.1:${port}`, 'slotline.start.timeout': '2s' });
    const error = await failedRun(config, 'kafka_unreachable');
    expect(error['message']).toContain(`port=${port}`);
    await source.expectUntouched();
  });

  it('a server whose wal_level is not logical ends the start', async () => {
    await using server = await startPostgres({ major: 14, settings: { wal_level: 'replica' } });
    const { bootstrapServers } = sharedKafka();
    await server.query('postgres', 'create table item (id int primary key)');
    await failedRun(connectorConfig({ server, database: 'postgres', bootstrapServers, name: uniqueName('bad') }), 'wal_level_not_logical');
  });

  it('a role without REPLICATION ends the start', async () => {
    await using source = await makeSource();
    const role = await makeRole(source, 'noreplication');
    await source.client.query(`grant select on item to ${role['database.user']}`);
    await failedRun(source.config(role), 'pg_privilege_missing');
    await source.expectUntouched();
    await dropRole(source, role);
  });

  it('a role without SELECT ends the start; once it is granted the snapshot is whole', async () => {
    await using source = await makeSource();
    const role = await makeRole(source, 'replication');
    const error = await failedRun(source.config(role), 'pg_privilege_missing');
    expect(error['message']).toContain('item');
    await source.client.query(`grant select on item to ${role['database.user']}`);
    await using slotline = await startStreaming(source.config(role));
    const events = await readEvents(slotline.config['bootstrap.servers'] ?? '', `${source.name}.public.item`, (all) =>
      all.some(({ value }) => value?.op === 'r'),
    );
    expect(operations(events)).toContain('r 1');
    await slotline.kill();
    await dropRole(source, role);
  });

  it('a slot that is taken is waited for: no error; with slotline.start.timeout the waiting ends', async () => {
    await using source = await makeSource();
    await using holder = await startStreaming(source.config());
    await using standby = startSlotline(source.config());
    await using hurried = startSlotline(source.config({ 'slotline.start.timeout': '2s' }));
    await standby.waitFor('standby.waiting');
    await failureOf(hurried, 'slot_in_use');
    expect(standby.lines.filter(({ level }) => level === 'error' || level === 'warn')).toEqual([]);
    expect((await standby.stop()).exitCode).toBe(0);
    expect(holder.hasExited()).toBe(false);
  });

  it('a slot that is lost ends the start', async () => {
    await using server = await startPostgres({ major: 18, settings: LOSING_SETTINGS });
    const { bootstrapServers } = sharedKafka();
    const name = uniqueName('bad');
    const client = await server.connect('postgres');
    await client.query('create table item (id int primary key)');
    await client.query(`select pg_create_logical_replication_slot('${name}', 'pgoutput')`);
    await loseSlot(client, name);
    const error = await failedRun(connectorConfig({ server, database: 'postgres', bootstrapServers, name }), 'slot_lost');
    expect(error['remedy']).toContain('when_needed');
    await client.end();
  });

  it('a publication that lacks a captured table ends the start', async () => {
    await using source = await makeSource();
    const config = source.config({ 'table.include.list': 'public.item,public.spare' });
    const error = await failedRun(config, 'publication_incomplete');
    expect(error['message']).toContain('public.spare');
    expect(error['message']).toContain('alter publication');
    await source.expectUntouched();
  });

  it('an unknown key and a broken file are told before anything starts, with exit code 2', async () => {
    await using source = await makeSource();
    const unknown = await runFile(JSON.stringify(source.config({ 'slot.nane': 'x' })));
    expect(unknown.exitCode).toBe(2);
    expect(unknown.stderr).toMatch(/slot\.nane.*slot\.name/s);
    expect(unknown.stderr).not.toContain(source.server.password);
    const broken = await runFile('{"name": "a",\n "topic.prefix": }');
    expect(broken.exitCode).toBe(2);
    expect(broken.stderr).toMatch(/line 2/i);
    expect([unknown.stdout, broken.stdout]).toEqual(['', '']);
    await source.expectUntouched();
  });

  it('a record larger than the topic takes ends the run before it is confirmed; once the topic takes it, it arrives', async () => {
    await using source = await makeSource();
    const { bootstrapServers } = sharedKafka();
    const topic = `${source.name}.public.item`;
    const admin = new Kafka({ brokers: [bootstrapServers], logLevel: logLevel.NOTHING }).admin();
    const takes = (bytes: number): { name: string; value: string }[] => [{ name: 'max.message.bytes', value: String(bytes) }];
    await admin.connect();
    await admin.createTopics({ topics: [{ topic, numPartitions: 1, replicationFactor: 1, configEntries: takes(20_000) }] });

    await using slotline = await startStreaming(source.config());
    await source.client.query("insert into item values (2, 'fits')");
    await source.client.query("insert into item select 3, string_agg(md5(i::text), '') from generate_series(1, 4000) i");
    await source.client.query("insert into item values (4, 'behind it')");
    const error = await failureOf(slotline, 'kafka_record_too_large');
    expect(error['message']).toContain(topic);
    const waiting = await source.client.query(`select 1 from pg_logical_slot_peek_binary_changes('${source.name}', null, null,
      'proto_version', '1', 'publication_names', '${source.name}') where get_byte(data, 0) = ascii('C')`);
    expect(waiting.rowCount).toBeGreaterThanOrEqual(2);

    await admin.alterConfigs({
      validateOnly: false,
      resources: [{ type: ConfigResourceTypes.TOPIC, name: topic, configEntries: takes(1_000_000) }],
    });
    await admin.disconnect();
    await using successor = await startStreaming(source.config());
    const events = await readEvents(bootstrapServers, topic, (all) => all.some(({ key }) => key?.['id'] === 4));
    expect([...new Set(operations(events.filter(({ value }) => value?.op === 'c')))]).toEqual(['c 1', 'c 2', 'c 3', 'c 4']);
    expect(successor.hasExited()).toBe(false);
  });
});
