/**
 * What breaks between the program and PostgreSQL, under load: the walsender, the SQL session, the TCP connection by a reset or by
 * silence, the server. The process lives on, reconnects, and nothing is lost, repeated but as a replay, or out of order.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readTopic } from '../harness/consume.ts';
import { writeBigTransaction } from '../harness/load.ts';
import { type PostgresServer, startPostgres } from '../harness/postgres.ts';
import { sharedKafka } from '../harness/shared.ts';
import { type Slotline, startSlotline, startStreaming } from '../harness/slotline.ts';
import { startTcpProxy, type TcpProxy } from '../harness/tcp-proxy.ts';
import { until } from '../harness/until.ts';
import { openScene, untilStreaming, WAIT } from './delivery-scene.ts';

const WAL_SENDER_TIMEOUT_MS = 2_000;

let server: PostgresServer;
let proxy: TcpProxy;

beforeAll(async () => {
  server = await startPostgres({ major: 18, settings: { wal_sender_timeout: `${WAL_SENDER_TIMEOUT_MS}ms` } });
  proxy = await startTcpProxy(server);
});
afterAll(async () => {
  await proxy[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

type Fault = { readonly name: string; readonly code: string; readonly inject: () => Promise<unknown>; readonly inServer?: boolean };

const terminate = (application: string): Promise<unknown> =>
  server.query('postgres', `select pg_terminate_backend(pid) from pg_stat_activity where application_name = '${application}'`);

const FAULTS: readonly Fault[] = [
  { name: 'the walsender is terminated', code: 'pg_', inject: () => terminate('Slotline Streaming') },
  { name: 'the SQL session is terminated', code: 'pg_', inject: () => terminate('Slotline General') },
  { name: 'the TCP connections are reset', code: 'pg_connection_lost', inject: async () => cutAll() },
  { name: 'the streaming connection goes silent (half-open)', code: 'stream_silent', inject: async () => silence() },
  {
    name: 'the server restarts',
    code: 'pg_',
    inServer: true,
    inject: async () => {
      await server.stop('fast');
      await server.start();
    },
  },
  {
    name: 'the server crashes and recovers',
    code: 'pg_',
    inServer: true,
    inject: async () => {
      await server.stop('immediate');
      await server.start();
    },
  },
];

function cutAll(): void {
  for (const connection of proxy.connections()) connection.cut();
}

function silence(): void {
  const connection = proxy.find('Slotline Streaming');
  connection?.hold('down');
  connection?.hold('up');
}

test.each(FAULTS)('$name: the stream goes on, nothing is lost or out of order', async ({ code, inject, inServer }) => {
  await using scene = await openScene(server, sharedKafka().bootstrapServers, { 'database.port': String(proxy.port) });
  await using slotline = await startStreaming(scene.config, WAIT);
  const load = await scene.startLoad();
  await untilStreaming(slotline);
  const from = slotline.lines.length;
  const startedMs = performance.now();
  await inject();
  const trouble = await slotline.waitFor('connector.retrying', { ...WAIT, from });
  await slotline.waitFor('stream.started', { ...WAIT, from });
  const tookMs = Math.round(performance.now() - startedMs);
  if (inServer === true) await load.stop().catch(() => undefined); // the server ended the writers
  const again = inServer === true ? await scene.startLoad() : load;
  await slotline.waitFor('lsn.confirmed', { ...WAIT, from: slotline.lines.length });
  await again.stop();
  await scene.untilAllConfirmed();
  const report = await scene.verify(slotline);
  console.log(`[postgres] ${String(trouble['code'])}, streaming again after ${tookMs} ms`);
  expect(report.runIds).toHaveLength(1);
  expect(trouble['code']).toContain(code);
  expect((await slotline.stop()).exitCode).toBe(0);
});

type Health = { readonly status: string; readonly reasons: readonly { readonly code: string; readonly message: string }[] };

async function healthOf(slotline: Slotline): Promise<Health> {
  const { port } = await slotline.waitFor('http.listening', WAIT);
  return (await (await fetch(`http://127.0.0.1:${String(port)}/health`)).json()) as Health;
}

test('a catalog that does not answer for a new table is told by health and log, ends the attempt in time, and nothing is lost', async () => {
  const limits = { 'database.query.timeout.ms': '3000', 'slotline.http.port': '0' };
  await using scene = await openScene(server, sharedKafka().bootstrapServers, { 'database.port': String(proxy.port), ...limits });
  const client = await scene.client();
  await client.query('create table fresh (id int primary key, v text default 7)');
  await using slotline = await startStreaming(scene.config, WAIT);
  await untilStreaming(slotline);
  const from = slotline.lines.length;
  const startedMs = performance.now();
  const general = proxy.find('Slotline General');
  general?.hold('down');
  await client.query('insert into fresh values (1)');
  const health = await until(
    'health tells it',
    async () => {
      const found = await healthOf(slotline);
      return found.status !== 'ok' && found;
    },
    WAIT,
  );
  const toldMs = Math.round(performance.now() - startedMs);
  const ended = await slotline.waitFor('connector.retrying', { ...WAIT, from });
  const endedMs = Math.round(performance.now() - startedMs);
  await slotline.waitFor('stream.started', { ...WAIT, from });
  await client.query('insert into fresh values (2)');
  await scene.untilAllConfirmed();
  const records = await readTopic(sharedKafka().bootstrapServers, `${scene.name}.public.fresh`, { count: 2 });
  console.log(`[postgres] told after ${toldMs} ms, ended after ${endedMs} ms: ${JSON.stringify(health)} ${JSON.stringify(ended)}`);
  expect(health).toMatchObject({ status: 'waiting', reasons: [{ code: 'pg_silent', message: expect.stringContaining('since=') }] });
  expect(ended).toMatchObject({ code: 'pg_silent' });
  expect(records.map(({ value }) => JSON.parse(String(value)).after.id)).toEqual([1, 2]);
  expect(slotline.lines.slice(from).filter(({ event }) => event === 'catalog.silent')).toHaveLength(1);
  expect((await healthOf(slotline)).status).toBe('ok');
  expect((await slotline.stop()).exitCode).toBe(0);
});

test('a snapshot whose link goes silent is told by health and log, ends in time, and is taken again', async () => {
  const limits = { 'database.query.timeout.ms': '4000', 'slotline.http.port': '0' };
  await using scene = await openScene(server, sharedKafka().bootstrapServers, { 'database.port': String(proxy.port), ...limits });
  await writeBigTransaction(await scene.client(), { rows: 5_000, noteLength: 100 });
  proxy.limitNext('Slotline Snapshot', 'down', 50_000);
  await using slotline = startSlotline(scene.config);
  const told = await slotline.waitFor('snapshot.silent', WAIT);
  const health = await healthOf(slotline);
  const ended = await slotline.waitFor('connector.retrying', WAIT);
  await slotline.waitFor('stream.started', WAIT);
  await scene.untilAllConfirmed();
  expect(told).toMatchObject({ level: 'warn', code: 'pg_link_silent', remedy: expect.stringContaining('another connection') });
  expect(health).toMatchObject({ status: 'waiting', reasons: [{ code: 'pg_link_silent', waitingFor: 'postgres' }] });
  expect(ended).toMatchObject({ code: 'pg_link_silent' });
  expect((await healthOf(slotline)).status).toBe('ok');
  expect((await slotline.stop()).exitCode).toBe(0);
  await scene.verify(slotline);
});
