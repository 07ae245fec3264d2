/** kill -9 at twenty moments of one connector's life: the numbers of each phase are those of the acceptance. */
import { expect, test } from 'vitest';
import { killAtMoments, type Phase } from './kill-moments.ts';

/** A snapshot is at the beginning of a connector's life; the order of the others is chance. */
const LATER: readonly (readonly [Phase, number])[] = [
  ['under load', 3],
  ['unacknowledged records in flight', 6],
  ['inside a transaction larger than the queue', 4],
  ['acknowledged by Kafka, not yet told to PostgreSQL', 4],
];

function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, order: Math.random() }))
    .sort((a, b) => a.order - b.order)
    .map(({ item }) => item);
}

test('D3 D4 D5 D8: kill -9 at twenty moments under load loses nothing, keeps order per key, and repeats only replays', async () => {
  const snapshots: Phase[] = ['during the snapshot', 'during the snapshot', 'during the snapshot'];
  const later = shuffled(LATER.flatMap(([phase, count]) => Array.from({ length: count }, () => phase)));
  const phases = [...snapshots, ...later];
  expect(phases).toHaveLength(20);
  const report = await killAtMoments(phases, { partitions: 3 });
  expect(report.replays).toBeGreaterThan(0);
});
