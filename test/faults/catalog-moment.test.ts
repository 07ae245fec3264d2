/** What the catalog says of a table is read as of the transaction that the stream shows, not as of a moment before it is visible. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sharedKafka } from '../harness/shared.ts';
import { countWrong, type MomentScene, openMomentScene, runForced, runNaturally } from './catalog-moment.ts';

const NATURAL = 30;
const FORCED = 3;

let scene: MomentScene;

beforeAll(async () => {
  scene = await openMomentScene(18, { bootstrapServers: sharedKafka().bootstrapServers });
}, 120_000);
afterAll(async () => {
  await scene?.[Symbol.asyncDispose]();
}, 120_000);

test('a transaction that changes a table and writes to it is described as it leaves the table', async () => {
  await runNaturally(scene, 1, NATURAL);
  await runForced(scene, NATURAL + 1, FORCED);
  expect(await countWrong(scene, NATURAL + FORCED)).toEqual({ events: NATURAL + FORCED, wrong: [] });
}, 120_000);
