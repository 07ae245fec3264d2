/** A cluster of three brokers under a running connector, three rounds. */
import { expect, test } from 'vitest';
import { killBrokersInTurn } from './cluster-rounds.ts';

test('each of three brokers is killed and restarted in turn under load, three rounds: nothing lost, order kept, flowing again within 5 s', async () => {
  const { report, flowingAfterMs, exitCode } = await killBrokersInTurn({ rounds: 3, pauseMs: 20 });
  expect(report.runIds).toHaveLength(1);
  expect(Math.max(...flowingAfterMs)).toBeLessThanOrEqual(5_000);
  expect(exitCode).toBe(0);
}, 600_000);
