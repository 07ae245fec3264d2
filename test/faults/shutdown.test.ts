/** Orderly ends: of the program (SIGTERM) and of PostgreSQL (fast shutdown), idle, under load and with the broker stopped. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Broker, type KafkaCluster, startKafka } from '../harness/kafka.ts';
import { type PostgresServer, startPostgres } from '../harness/postgres.ts';
import { startStreaming } from '../harness/slotline.ts';
import { confirmedLsn } from '../harness/verify.ts';
import { expectNoRepetition, openScene, untilStreaming, untilUnacknowledged, WAIT } from './delivery-scene.ts';

let server: PostgresServer;
let cluster: KafkaCluster;
let broker: Broker;

beforeAll(async () => {
  [server, cluster] = await Promise.all([startPostgres({ major: 18 }), startKafka()]);
  const [only] = cluster.brokers;
  if (only === undefined) throw new Error('no broker');
  broker = only;
});
afterAll(async () => {
  await Promise.all([server[Symbol.asyncDispose](), cluster[Symbol.asyncDispose]()]);
});

test('SIGTERM under load: everything in flight is confirmed, exit 0 within 10 s, nothing is repeated after the restart', async () => {
  await using scene = await openScene(server, cluster.bootstrapServers);
  await using first = await startStreaming(scene.config, WAIT);
  const load = await scene.startLoad();
  await untilStreaming(first);
  const { exitCode, tookMs } = await first.stop();
  await load.stop();
  await using second = await startStreaming(scene.config, WAIT);
  await scene.untilAllConfirmed();
  expect((await second.stop()).exitCode).toBe(0);
  expect({ exitCode, inTime: tookMs <= 10_000 }).toEqual({ exitCode: 0, inTime: true });
  expectNoRepetition(await scene.verify(first));
});

test('SIGTERM with the broker stopped: exit 1 within 10 s, nothing is confirmed, nothing is lost', async () => {
  await using scene = await openScene(server, cluster.bootstrapServers);
  await using first = await startStreaming(scene.config, WAIT);
  const load = await scene.startLoad();
  await untilStreaming(first);
  await broker.kill();
  await untilUnacknowledged(scene, 0);
  const before = await confirmedLsn(await scene.client(), scene.name);
  const { exitCode, tookMs } = await first.stop();
  const after = await confirmedLsn(await scene.client(), scene.name);
  await load.stop();
  await broker.start();
  await using second = await startStreaming(scene.config, WAIT);
  await scene.untilAllConfirmed();
  await scene.verify(first);
  await second.stop();
  expect({ exitCode, inTime: tookMs <= 10_000, confirmed: after - before }).toEqual({ exitCode: 1, inTime: true, confirmed: 0 });
}, 120_000);

test.each([
  { when: 'idle', limitMs: 2_000, loaded: false, brokerStopped: false },
  { when: 'under load', limitMs: 5_000, loaded: true, brokerStopped: false },
  { when: 'under load with the broker stopped', limitMs: 5_000, loaded: true, brokerStopped: true },
])("PostgreSQL's fast shutdown $when ends within $limitMs ms; afterwards the stream goes on", async (o) => {
  await using scene = await openScene(server, cluster.bootstrapServers);
  await using slotline = await startStreaming(scene.config, WAIT);
  await scene.untilAllConfirmed();
  // WAL that is not ours to send: the server waits until we have confirmed that too.
  await server.query('postgres', 'create table if not exists uncaptured (id int); insert into uncaptured select generate_series(1, 1000)');
  const load = o.loaded ? await scene.startLoad() : undefined;
  if (o.loaded) await slotline.waitFor('lsn.confirmed', { ...WAIT, from: slotline.lines.length });
  if (o.brokerStopped) {
    broker.pause();
    await untilUnacknowledged(scene, 10_000);
  }
  const from = slotline.lines.length;
  const startedMs = performance.now();
  await server.stop('fast');
  const tookMs = Math.round(performance.now() - startedMs);
  await load?.stop().catch(() => undefined); // the server ended the writers
  broker.resume();
  await server.start();
  await slotline.waitFor('stream.started', { ...WAIT, from });
  await scene.untilAllConfirmed();
  await scene.verify(slotline);
  console.log(`[shutdown] ${o.when}: ${tookMs} ms`);
  expect(tookMs).toBeLessThanOrEqual(o.limitMs);
});
