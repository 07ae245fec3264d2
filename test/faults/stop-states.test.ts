/** SIGTERM in every state in which the program waits for somebody: it ends in order, at once, with exit 0. */
import { type AddressInfo, createServer, type Socket } from 'node:net';
import type pg from 'pg';
import { expect, test } from 'vitest';
import { freePorts } from '../harness/ports.ts';
import { freshDatabase, sharedKafka, uniqueName } from '../harness/shared.ts';
import { type ConnectorConfig, connectorConfig, type Slotline, startSlotline } from '../harness/slotline.ts';
import { until } from '../harness/until.ts';

const WAIT = { timeoutMs: 60_000 };
/** A second on an idle machine. */
const STOP_MAX_MS = 5_000;

type SilentServer = AsyncDisposable & { readonly port: number; accepted(): number };

/** Accepts and says nothing but `greeting`, to the first bytes that come. */
async function silentServer(greeting = ''): Promise<SilentServer> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    if (greeting !== '') socket.once('data', () => socket.write(greeting));
    socket.resume();
  });
  await new Promise<void>((settle) => server.listen(0, '127.0.0.1', settle));
  return {
    // A listening TCP server has an address with a port.
    port: (server.address() as AddressInfo).port,
    accepted: () => sockets.length,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((settle) => server.close(settle));
    },
  };
}

type State = {
  readonly name: string;
  readonly config: ConnectorConfig;
  /** The program is in the state. */
  readonly reached: (slotline: Slotline) => Promise<unknown>;
};

type Servers = { readonly silent: SilentServer; readonly tls: SilentServer; readonly foreign: SilentServer; readonly closedPort: number };
type Sessions = { readonly client: pg.Client; readonly lockBehindInsert: () => Promise<void> };

function statesOf(sessions: Sessions, servers: Servers): State[] {
  const { client } = sessions;
  const { silent, tls, foreign, closedPort } = servers;
  const isIn = (what: string, condition: string) => (): Promise<unknown> =>
    until(what, async () => (await client.query(`select 1 from pg_stat_activity where ${condition}`)).rowCount !== 0, WAIT);
  const isAccepted = (server: SilentServer) => (): Promise<unknown> => until('connected', async () => server.accepted() > 0, WAIT);
  const silentKafka = { 'bootstrap.servers': `127.0.0.1:${silent.port}` };
  const silentLog = (slotline: Slotline): Promise<unknown> => slotline.waitFor('connector.start', WAIT);
  return [
    { name: 'PostgreSQL is silent', config: { 'database.port': String(silent.port) }, reached: isAccepted(silent) },
    {
      name: 'the TLS handshake is silent',
      config: { 'database.port': String(tls.port), 'database.sslmode': 'require' },
      reached: isAccepted(tls),
    },
    {
      name: 'PostgreSQL is away: between attempts',
      config: { 'database.port': String(closedPort) },
      reached: (slotline) => slotline.waitFor('connector.retrying', WAIT),
    },
    {
      name: 'Kafka is away',
      config: { 'bootstrap.servers': `127.0.0.1:${closedPort}` },
      reached: (slotline) => slotline.waitFor('kafka.waiting', WAIT),
    },
    { name: 'Kafka is silent', config: silentKafka, reached: silentLog },
    {
      name: 'the login to Kafka is silent',
      config: {
        ...silentKafka,
        'security.protocol': 'SASL_PLAINTEXT',
        'sasl.mechanism': 'PLAIN',
        'sasl.username': 'u',
        'sasl.password': 'p',
      },
      reached: silentLog,
    },
    {
      name: 'another has the lock',
      config: { 'slot.name': 'stop_locked' },
      reached: (slotline) => slotline.waitFor('standby.waiting', WAIT),
    },
    {
      name: 'a slot waits for an open transaction',
      config: { 'slot.name': 'stop_new' },
      reached: isIn('the slot is being made', "query like 'CREATE_REPLICATION_SLOT \"stop_new\"%' and state = 'active'"),
    },
    {
      name: 'the registry is silent',
      config: {
        'snapshot.mode': 'initial_only',
        'value.converter': 'avro',
        'key.converter': 'avro',
        'key.converter.schema.registry.url': `http://127.0.0.1:${silent.port}`,
        'value.converter.schema.registry.url': `http://127.0.0.1:${silent.port}`,
      },
      reached: (slotline) => slotline.waitFor('snapshot.started', WAIT),
    },
    {
      name: 'another connector has the slot, and Kafka is silent',
      config: { 'slot.name': 'stop_foreign', 'bootstrap.servers': `127.0.0.1:${foreign.port}` },
      reached: isAccepted(foreign),
    },
    ...readingStates(sessions, isIn),
  ];
}

/** Rows are read. */
function readingStates(sessions: Sessions, isIn: (what: string, condition: string) => State['reached']): State[] {
  return [
    {
      name: 'a snapshot is being read',
      config: {
        'snapshot.mode': 'initial_only',
        'snapshot.select.statement.overrides': 'public.item',
        'snapshot.select.statement.overrides.public.item': 'select i.* from item i, pg_sleep(120)',
      },
      reached: isIn('rows are asked for', "application_name = 'Slotline Snapshot' and query like '%pg_sleep(120)%'"),
    },
    {
      name: 'the stream is read, and the query of a heartbeat does not end',
      config: {
        'slot.name': 'stop_streaming',
        'snapshot.mode': 'no_data',
        'heartbeat.interval.ms': '100',
        'heartbeat.action.query': 'select pg_sleep(120)',
      },
      reached: isIn('the query runs', "application_name = 'Slotline Heartbeat' and query like '%pg_sleep(120)%' and state = 'active'"),
    },
    {
      name: 'the stream waits for the catalog, for somebody changes the table',
      config: {
        'slot.name': 'stop_catalog',
        'snapshot.mode': 'no_data',
        'publication.name': 'stop_other',
        'table.include.list': 'other.generated',
      },
      reached: async (slotline) => {
        await slotline.waitFor('stream.started', WAIT);
        await sessions.lockBehindInsert();
        await slotline.waitFor('catalog.awaited', WAIT);
      },
    },
  ];
}

/** Whoever reads the insert in the stream finds the table locked: the lock was asked for before the commit. */
async function lockBehindInsert(client: pg.Client, writer: pg.Client, locker: pg.Client): Promise<void> {
  await writer.query('begin; insert into other.generated values (1)');
  const locking = locker.query('begin; lock table other.generated in access exclusive mode');
  const sql = "select 1 from pg_locks where relation = 'other.generated'::regclass and not granted";
  await until('the lock is asked for', async () => (await client.query(sql)).rowCount !== 0, WAIT);
  await writer.query('commit');
  await locking;
}

test('SIGTERM ends the program at once and in order, whoever it waits for', async () => {
  const db = await freshDatabase(18);
  const { client, server, database } = db;
  await using silent = await silentServer();
  await using tls = await silentServer('S');
  await using foreign = await silentServer();
  const [closedPort = 0] = await freePorts(1);
  await client.query('create table item (id int primary key); insert into item values (1)');
  await client.query("select pg_advisory_lock(hashtextextended('slotline slot stop_locked', 0))");
  await client.query('create publication stop_all for table item');
  await client.query("select pg_advisory_lock_shared(hashtext('slotline turn stop_foreign'), 1)");
  await client.query('create schema other; create table other.generated (id int primary key, g int generated always as (id + 1) stored)');
  await client.query('create publication stop_other for table other.generated');
  for (const slot of ['stop_streaming', 'stop_catalog'])
    await client.query(`select pg_create_logical_replication_slot('${slot}', 'pgoutput')`);
  const [blocker, writer, locker] = [await server.connect(database), await server.connect(database), await server.connect(database)];
  await blocker.query('begin; select pg_current_xact_id()');
  const ends = statesOf(
    { client, lockBehindInsert: () => lockBehindInsert(client, writer, locker) },
    { silent, tls, foreign, closedPort },
  ).map(async ({ name, config, reached }) => {
    const place = { server, database, bootstrapServers: sharedKafka().bootstrapServers, name: uniqueName('stop') };
    const overrides = { 'publication.name': 'stop_all', 'publication.autocreate.mode': 'disabled', ...config };
    await using slotline = startSlotline(connectorConfig(place, overrides));
    await reached(slotline);
    const { exitCode, tookMs } = await slotline.stop();
    console.log(`[stop] ${name}: ${tookMs} ms`);
    const unexpected = slotline.lines.filter(({ level }) => level === 'error').length;
    return { name, exitCode, inTime: tookMs <= STOP_MAX_MS || tookMs, unexpected };
  });
  const seen = await Promise.all(ends);
  for (const session of [blocker, writer, locker]) await session.end();
  await db.drop();
  expect(seen).toEqual(seen.map(({ name }) => ({ name, exitCode: 0, inTime: true, unexpected: 0 })));
}, 180_000);
