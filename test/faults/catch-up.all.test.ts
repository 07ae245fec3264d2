/** kill -9 at thirty moments of reading a backlog in bulk and of handing over: the numbers of each phase are those of the acceptance. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { countRecords } from '../harness/consume.ts';
import { writeBigTransaction } from '../harness/load.ts';
import { type PostgresServer, startPostgres } from '../harness/postgres.ts';
import { sharedKafka } from '../harness/shared.ts';
import { startSlotline, startStreaming } from '../harness/slotline.ts';
import { type CatchUpPhase, killWhileCatchingUp } from './catch-up.ts';
import { openScene } from './delivery-scene.ts';

const COUNTS: readonly (readonly [CatchUpPhase, number])[] = [
  ['reading in bulk', 16],
  ['handing over to the stream', 8],
  ['leaving the stream', 6],
];

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres({ major: 18 });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

test('kill -9 at thirty moments of a catch-up loses nothing, keeps order per key, and repeats only replays', async () => {
  const phases = COUNTS.flatMap(([phase, count]) => Array.from({ length: count }, () => phase)).sort(() => Math.random() - 0.5);
  expect(phases).toHaveLength(30);
  const report = await killWhileCatchingUp(server, sharedKafka().bootstrapServers, phases);
  expect(report.replays).toBeGreaterThan(0);
});

/** Of users' defaults: nothing is made small here. */
const LONG = { timeoutMs: 300_000 };
const ROWS = 1_000_000;
const MEMORY_MAX_MB = 200;

test('a transaction of a million rows, and one that stays open before it: read to the end, in flat memory', async () => {
  await using scene = await openScene(server, sharedKafka().bootstrapServers);
  await using first = await startStreaming(scene.config);
  await scene.untilAllConfirmed();
  expect((await first.stop()).exitCode).toBe(0);
  const before = await countRecords(sharedKafka().bootstrapServers, scene.topic);
  const idle = await server.connect(scene.database);
  await idle.query('begin');
  await idle.query(`insert into load values (-77, nextval('versions'), 'open')`);
  await writeBigTransaction(await scene.client(), { rows: ROWS, noteLength: 100 });
  await using slotline = startSlotline(scene.config);
  await slotline.waitFor('catchup.started', LONG);
  const ended = await slotline.waitFor(({ event }) => event === 'catchup.completed' || event === 'catchup.fallback', LONG);
  await scene.untilAllConfirmed(LONG);
  await idle.query('rollback');
  await idle.end();
  const peakMb = slotline.peakMemoryMb();
  console.log(
    `[catch-up] ${ended.event} after ${String(ended['seconds'])} s, ${String(ended['reason'] ?? 'caught up')}; peak ${peakMb} MB`,
  );
  expect((await slotline.stop()).exitCode).toBe(0);
  // And the row that untilAllConfirmed writes.
  expect(await countRecords(sharedKafka().bootstrapServers, scene.topic)).toBe(before + ROWS + 1);
  expect(peakMb).toBeLessThanOrEqual(MEMORY_MAX_MB);
});
