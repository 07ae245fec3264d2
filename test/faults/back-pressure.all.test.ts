/** The 500 k-row transaction of the acceptance, with the broker standing still for 20 s in the middle. */
import { expect, test } from 'vitest';
import { startKafka } from '../harness/kafka.ts';
import { startPostgres } from '../harness/postgres.ts';
import { runUnderPressure } from './back-pressure.ts';
import { expectNoRepetition } from './delivery-scene.ts';

test('a 500 k-row transaction against a broker that stands still for 20 s: at most 200 MB, all delivered once', async () => {
  await using server = await startPostgres({ major: 18, settings: { wal_sender_timeout: '4s' } });
  await using cluster = await startKafka();
  const { bootstrapServers, brokers } = cluster;
  const [broker] = brokers;
  if (broker === undefined) throw new Error('no broker');
  const o = { rows: 500_000, standstillMs: 20_000, timeoutMs: 240_000 };
  const result = await runUnderPressure({ server, bootstrapServers, broker }, o);
  console.log(`[pressure] ${o.rows} rows, peak RSS ${result.peakMemoryMb} MB`);
  expect({ troubles: result.troubles, exitCode: result.exitCode }).toEqual({ troubles: [], exitCode: 0 });
  expectNoRepetition(result.report);
  expect(result.peakMemoryMb).toBeLessThanOrEqual(200);
});
