/** Owns the snapshot case: the whole table once, without a slot, by the log times of Slotline. */
import { BenchError } from './options.ts';
import { type SlotlineRun, type Stage, startSlotline, topicOf } from './stage.ts';

export type SnapshotFigures = {
  readonly run: number;
  readonly rows: number;
  readonly rowsPerSecond: number;
  readonly elapsedMs: number;
  readonly cpuUsPerRow: number;
  readonly peakRssBytes: number;
};

const SNAPSHOT_TIMEOUT_MS = 600_000;

export async function runSnapshots(stage: Stage, rows: number): Promise<SnapshotFigures[]> {
  const results: SnapshotFigures[] = [];
  for (let run = 1; run <= stage.options.runs; run++) {
    const figures = await snapshotOnce(stage, rows, run);
    results.push(figures);
    const rate = Math.round(figures.rowsPerSecond).toLocaleString('en-US');
    stage.print(`snapshot ${run}/${stage.options.runs}: ${rate} rows/s, ${figures.cpuUsPerRow.toFixed(1)} µs per row`);
  }
  return results;
}

/** Measures from the open snapshot to the acknowledgement of the last record. */
async function snapshotOnce(stage: Stage, rows: number, run: number): Promise<SnapshotFigures> {
  const name = `bench_snapshot_${run}`;
  const one: SlotlineRun = { name, snapshotMode: 'initial_only', codec: stage.options.codec };
  const slotline = startSlotline(stage, one);
  try {
    const started = await slotline.event('snapshot.started', SNAPSHOT_TIMEOUT_MS);
    const completed = await slotline.event('snapshot.completed', SNAPSHOT_TIMEOUT_MS);
    const code = await slotline.exit();
    if (code !== 0) throw slotline.error(`ended with ${code} after the snapshot`);
    const records = await stage.topics.count(topicOf(one));
    if (records !== rows) throw new BenchError(`${records} records for a snapshot of ${rows} rows`);
    const elapsedMs = completed.timeMs - started.timeMs;
    return {
      run,
      rows,
      rowsPerSecond: (rows * 1000) / elapsedMs,
      elapsedMs,
      cpuUsPerRow: (completed.cpuUs - started.cpuUs) / rows,
      peakRssBytes: slotline.watch.look().peakRssBytes,
    };
  } finally {
    slotline.kill();
    await stage.topics.remove(`${name}.`);
  }
}
