/**
 * The schema registry is stopped for 20 s under load, and a table gets a column meanwhile. What needs no new schema goes on; the rest is
 * waited for while PostgreSQL holds the slot and its connection.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeLoad } from '../harness/load.ts';
import { freePorts } from '../harness/ports.ts';
import { type PostgresServer, startPostgres } from '../harness/postgres.ts';
import { type RegistryServer, startRegistry } from '../harness/registry.ts';
import { sharedKafka } from '../harness/shared.ts';
import { type LogLine, startStreaming } from '../harness/slotline.ts';
import { expectNoRepetition, openScene, untilStreaming, WAIT } from './delivery-scene.ts';
import { attempts, avroConfig, avroReader, healthUntil, retryCodes, untilConfirmedMore, walsender } from './registry-outage.ts';

const OUTAGE_MS = 20_000;
/** Shorter than the wait for the registry, so that without status updates the server would end the connection; half of it must do on a busy machine. */
const WAL_SENDER_TIMEOUT_MS = 8_000;
const START_MS = 150_000;

let server: PostgresServer;
let registry: RegistryServer;

beforeAll(async () => {
  [server, registry] = await Promise.all([
    startPostgres({ major: 18, settings: { wal_sender_timeout: `${WAL_SENDER_TIMEOUT_MS}ms` } }),
    startRegistry({ keepsData: true }),
  ]);
}, START_MS);
afterAll(async () => {
  await registry?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
});

test('the registry is stopped for 20 s during a schema change under load: 0 lost, and it resumes by itself', {
  timeout: 180_000,
}, async () => {
  const watched = { 'heartbeat.interval.ms': '200', 'slotline.http.port': '0' };
  await using scene = await openScene(server, sharedKafka().bootstrapServers, { ...avroConfig(registry), ...watched });
  await using slotline = await startStreaming(scene.config, WAIT);
  const load = await scene.startLoad({ pauseMs: 100 });
  await untilStreaming(slotline);
  const client = await scene.client();
  const { pid } = await walsender(client, scene.name);

  await registry.stop();
  const stoppedMs = performance.now();
  await untilConfirmedMore(client, scene.name);
  const from = slotline.lines.length;
  await client.query('alter table load add column extra int default 7');
  const retry = await slotline.waitFor('registry.retry', { ...WAIT, from });
  const held = await walsender(client, scene.name);
  const told = await healthUntil(slotline, () => performance.now() - stoppedMs >= OUTAGE_MS);
  const later = await walsender(client, scene.name);
  await registry.start();
  const outageMs = performance.now() - stoppedMs;
  await untilConfirmedMore(client, scene.name);
  await load.stop();
  await scene.untilAllConfirmed();

  const reader = avroReader(registry, 'extra');
  const report = await scene.verify(slotline, reader.toJson);
  console.log(
    `[registry] away for ${(outageMs / 1000).toFixed(1)} s, ${attempts(slotline)} attempts, ${reader.rowsWith('extra')} rows of the new shape`,
  );
  expect(retry).toMatchObject({ code: 'registry_unreachable', reason: 'ECONNREFUSED' });
  // A heartbeat, which needs nothing of the registry any more, is sent all the time.
  expect([...told]).toEqual(['waiting']);
  expect(held.pid).toBe(pid);
  expect(Math.max(held.silentMs, later.silentMs)).toBeLessThan(WAL_SENDER_TIMEOUT_MS);
  expect(retryCodes(slotline).filter((code) => code !== 'registry_unreachable')).toEqual([]);
  if (attempts(slotline) === 1) expectNoRepetition(report);
  expect(report.runIds).toHaveLength(1);
  expect(reader.rowsWith('extra')).toBeGreaterThan(10);
  expect((await slotline.stop()).exitCode).toBe(0);
});

test('an attempt that ends while it waits for the registry takes its questions along', async () => {
  const [port] = await freePorts(1);
  const away = avroConfig({ url: `http://127.0.0.1:${port}` });
  await using scene = await openScene(server, sharedKafka().bootstrapServers, { ...away, 'snapshot.mode': 'no_data' });
  await using slotline = await startStreaming(scene.config, WAIT);
  const client = await scene.client();
  await writeLoad(client, 5);
  const isThird = (line: LogLine): boolean => line.event === 'registry.retry' && line['attempt'] === 3;
  await slotline.waitFor(isThird, WAIT);
  const from = slotline.lines.length;
  await client.query('select pg_terminate_backend($1)', [(await walsender(client, scene.name)).pid]);
  const trouble = await slotline.waitFor('connector.retrying', { ...WAIT, from });
  const next = slotline.lines.indexOf(await slotline.waitFor('task.start', { ...WAIT, from }));
  await slotline.waitFor((line) => line.event === 'registry.retry' && line['attempt'] === 6, { ...WAIT, from: next });
  const asked = slotline.lines.slice(next).filter(({ event }) => event === 'registry.retry');
  expect(trouble['code']).toMatch(/^pg_/);
  expect(asked.map((line) => line['attempt'])).toEqual([1, 2, 3, 4, 5, 6]);
  const { exitCode, tookMs } = await slotline.stop();
  expect(exitCode).toBe(0);
  expect(tookMs).toBeLessThan(5_000);
});
