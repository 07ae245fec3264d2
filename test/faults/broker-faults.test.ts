/** What a single broker does to a running connector: it stops, dies, comes back, stands still during a huge transaction. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Broker, type KafkaCluster, startKafka } from '../harness/kafka.ts';
import { type PostgresServer, startPostgres } from '../harness/postgres.ts';
import { startStreaming } from '../harness/slotline.ts';
import { runUnderPressure } from './back-pressure.ts';
import { expectNoRepetition, openScene, untilStreaming, untilUnacknowledged, WAIT } from './delivery-scene.ts';

let server: PostgresServer;
let cluster: KafkaCluster;
let broker: Broker;

beforeAll(async () => {
  [server, cluster] = await Promise.all([startPostgres({ major: 18, settings: { wal_sender_timeout: '4s' } }), startKafka()]);
  const [only] = cluster.brokers;
  if (only === undefined) throw new Error('no broker');
  broker = only;
});
afterAll(async () => {
  await Promise.all([server[Symbol.asyncDispose](), cluster[Symbol.asyncDispose]()]);
});

test.each([
  { name: 'stopped in order', end: () => broker.stop() },
  { name: 'killed', end: () => broker.kill() },
])(
  'the broker is $name and restarted under load: the same producer goes on, nothing lost, nothing repeated',
  async ({ end }) => {
    await using scene = await openScene(server, cluster.bootstrapServers);
    await using slotline = await startStreaming(scene.config, WAIT);
    const load = await scene.startLoad({ pauseMs: 60 });
    await untilStreaming(slotline);
    await end();
    await untilUnacknowledged(scene, 20_000);
    await broker.start();
    await slotline.waitFor('lsn.confirmed', { ...WAIT, from: slotline.lines.length });
    await load.stop();
    await scene.untilAllConfirmed();
    expectNoRepetition(await scene.verify(slotline));
    expect((await slotline.stop()).exitCode).toBe(0);
  },
  120_000,
);

test('a large transaction against a broker that stands still for 6 s: memory bounded, the server is kept informed, all delivered once', async () => {
  const o = { rows: 100_000, standstillMs: 6_000, timeoutMs: 60_000 };
  const result = await runUnderPressure({ server, bootstrapServers: cluster.bootstrapServers, broker }, o);
  console.log(`[pressure] ${o.rows} rows, peak RSS ${result.peakMemoryMb} MB`);
  expect({ troubles: result.troubles, exitCode: result.exitCode }).toEqual({ troubles: [], exitCode: 0 });
  expectNoRepetition(result.report);
  expect(result.peakMemoryMb).toBeLessThanOrEqual(250);
}, 120_000);
