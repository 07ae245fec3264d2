/** Two processes on one slot: the second waits and takes over; a first that was frozen writes nothing any more. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { countRecords } from '../harness/consume.ts';
import { writeBigTransaction } from '../harness/load.ts';
import { type PostgresServer, startPostgres } from '../harness/postgres.ts';
import { sharedKafka } from '../harness/shared.ts';
import { type Slotline, startSlotline, startStreaming } from '../harness/slotline.ts';
import { until } from '../harness/until.ts';
import { type DeliveryScene, openScene, untilStreaming, WAIT } from './delivery-scene.ts';

/** Small batches one at a time: at any moment under load most of two megabytes are not sent. */
const MANY_UNSENT = {
  'producer.buffer.memory': '2097152',
  'producer.batch.size': '16384',
  'producer.max.in.flight.requests.per.connection': '1',
};

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres({ major: 18, settings: { wal_sender_timeout: '2s' } });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

test('a second process waits as a hot standby and takes over within 2 s when the first is killed', async () => {
  await using scene = await openScene(server, sharedKafka().bootstrapServers);
  await using first = await startStreaming(scene.config, WAIT);
  const load = await scene.startLoad();
  await using second = startSlotline(scene.config);
  await second.waitFor('standby.waiting', WAIT);
  await untilStreaming(first);
  await first.kill();
  const killedMs = performance.now();
  await second.waitFor('stream.started', WAIT);
  const tookMs = Math.round(performance.now() - killedMs);
  await load.stop();
  await scene.untilAllConfirmed();
  const report = await scene.verify(first);
  console.log(`[standby] took over after ${tookMs} ms`);
  expect(report.runIds).toHaveLength(2);
  expect(tookMs).toBeLessThanOrEqual(2_000);
});

test('a first that was frozen and wakes after the takeover writes nothing more and becomes the standby', async () => {
  await using scene = await openScene(server, sharedKafka().bootstrapServers, MANY_UNSENT);
  await using first = await startStreaming(scene.config, WAIT);
  const load = await scene.startLoad();
  await using second = startSlotline(scene.config);
  await second.waitFor('standby.waiting', WAIT);
  await untilStreaming(first);
  await pauseInBigTransaction(first, scene);
  await untilStreaming(second);
  const from = first.lines.length;
  first.resume();
  await first.waitFor('standby.waiting', { ...WAIT, from });
  await load.stop();
  await scene.untilAllConfirmed();
  const { events, runIds } = await scene.verify(first);
  expect(runIds).toHaveLength(2);
  const firstOfSecond = events.findIndex(({ runId }) => runId === runIds[1]);
  expect(events.slice(firstOfSecond).every(({ runId }) => runId === runIds[1])).toBe(true);
});

/** Frozen there it holds unsent records and a full receive buffer: what it would send after waking. */
async function pauseInBigTransaction(slotline: Slotline, scene: DeliveryScene): Promise<void> {
  const { bootstrapServers } = sharedKafka();
  const before = await countRecords(bootstrapServers, scene.topic);
  await writeBigTransaction(await scene.client(), { rows: 30_000, noteLength: 100 });
  const isInside = async (): Promise<boolean> => (await countRecords(bootstrapServers, scene.topic)) > before + 500;
  await until('a part of the transaction is in the topic', isInside, WAIT);
  slotline.pause();
}
