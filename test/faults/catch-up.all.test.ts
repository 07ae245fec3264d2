/** kill -9 at thirty moments of reading a backlog in bulk and of handing over: the numbers of each phase are those of the acceptance. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type PostgresServer, startPostgres } from '../harness/postgres.ts';
import { sharedKafka } from '../harness/shared.ts';
import { type CatchUpPhase, killWhileCatchingUp } from './catch-up.ts';

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
