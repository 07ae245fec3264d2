/** kill -9 in every phase once or twice; the twenty moments are in kill-moments.all.test.ts. */
import { expect, test } from 'vitest';
import { killAtMoments } from './kill-moments.ts';

test('D3 D4 D5 D8: after kill -9 in every phase nothing is lost, order per key is kept, repetitions are replays after the flushed position', async () => {
  const report = await killAtMoments(
    [
      'during the snapshot',
      'during the snapshot',
      'under load',
      'unacknowledged records in flight',
      'inside a transaction larger than the queue',
      'acknowledged by Kafka, not yet told to PostgreSQL',
      'unacknowledged records in flight',
    ],
    { partitions: 3 },
  );
  expect(report.replays).toBeGreaterThan(0);
}, 180_000);
