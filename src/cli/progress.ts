/** Owns how a snapshot's progress is shown: a bar on a terminal, log lines elsewhere. */
import type { Log } from '../core/log.ts';
import type { SnapshotProgress } from '../snapshot/initial.ts';

const BAR_WIDTH = 24;
/** On a terminal the bar moves every second; in a log a line every ten seconds is enough. */
const LOG_INTERVAL_MS = 10_000;

type Terminal = { readonly isTTY?: boolean; write(text: string): unknown };

export function progressReporter(log: Log, terminal: Terminal): (progress: SnapshotProgress) => void {
  let loggedMs = 0;
  return (progress) => {
    if (terminal.isTTY === true) {
      terminal.write(`\r\u001b[2K${progressLine(progress)}${progress.done ? '\n' : ''}`);
      return;
    }
    if (!progress.done && progress.elapsedMs - loggedMs < LOG_INTERVAL_MS) return;
    loggedMs = progress.elapsedMs;
    const { table, tablesDone, tablesTotal, rows, rowsEstimated, rowsPerSecond } = progress;
    log.info('snapshot.progress', {
      table,
      tablesDone,
      tablesTotal,
      rows,
      rowsEstimated,
      rowsPerSecond,
      percent: percentOf(progress),
      secondsLeft: secondsLeft(progress),
    });
  };
}

/** `snapshot [#####···] 42 % 1,200,000 rows, 180,000 rows/s, 9 s left, public.orders (2 of 5)` */
function progressLine(progress: SnapshotProgress): string {
  const { rows, rowsPerSecond, table, tablesDone, tablesTotal, done } = progress;
  const percent = percentOf(progress);
  const filled = Math.round(((percent ?? 0) / 100) * BAR_WIDTH);
  const bar = `${'#'.repeat(filled)}${'·'.repeat(BAR_WIDTH - filled)}`;
  const parts = [`${count(rows)} rows`, `${count(rowsPerSecond)} rows/s`];
  const left = secondsLeft(progress);
  if (!done && left !== undefined) parts.push(`${left} s left`);
  if (!done) parts.push(`${table} (${tablesDone + 1} of ${tablesTotal})`);
  return `snapshot [${bar}] ${percent ?? '?'} % ${parts.join(', ')}`;
}

/** Percent of the planner's estimate. The estimate may be too low, so the result is at most 99 before the end. */
function percentOf(progress: SnapshotProgress): number | undefined {
  if (progress.done) return 100;
  if (progress.rowsEstimated <= 0) return undefined;
  return Math.min(99, Math.floor((progress.rows * 100) / progress.rowsEstimated));
}

function secondsLeft(progress: SnapshotProgress): number | undefined {
  const { rows, rowsEstimated, rowsPerSecond } = progress;
  if (progress.done || rowsEstimated <= 0 || rowsPerSecond === 0) return undefined;
  return Math.max(0, Math.ceil((rowsEstimated - rows) / rowsPerSecond));
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}
