/**
 * What breaks between the program and PostgreSQL, under load: the walsender, the SQL session, the TCP connection by a reset or by
 * silence, the server. The process lives on, reconnects, and nothing is lost, repeated but as a replay, or out of order.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type PostgresServer, startPostgres } from '../harness/postgres.ts';
import { sharedKafka } from '../harness/shared.ts';
import { startStreaming } from '../harness/slotline.ts';
import { startTcpProxy, type TcpProxy } from '../harness/tcp-proxy.ts';
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
