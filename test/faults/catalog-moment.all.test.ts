/** The long form of catalog-moment.test.ts, on both ends of the supported releases; prints what it counted. */
import { expect, test } from 'vitest';
import { sharedKafka } from '../harness/shared.ts';
import { countWrong, openMomentScene, runForced, runNaturally } from './catalog-moment.ts';

const NATURAL = 500;
const FORCED = 100;

// Most of it is waiting: one confirmed transaction after another.
test.concurrent.each([14, 18] as const)(
  `on PostgreSQL %i ${NATURAL} transactions as they come and ${FORCED} that nobody sees at first are described as they leave their tables`,
  async (major) => {
    await using scene = await openMomentScene(major, { bootstrapServers: sharedKafka().bootstrapServers });
    await runNaturally(scene, 1, NATURAL);
    await runForced(scene, NATURAL + 1, FORCED);
    const counted = await countWrong(scene, NATURAL + FORCED);
    const awaited = scene.slotline.lines.filter(({ event }) => event === 'catalog.awaited').length;
    console.log(JSON.stringify({ major, natural: NATURAL, forced: FORCED, events: counted.events, wrong: counted.wrong.length, awaited }));
    expect(counted).toEqual({ events: NATURAL + FORCED, wrong: [] });
  },
);
