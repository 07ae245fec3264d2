/**
 * Owns `npm run bench`: servers, the workload, the cases one after the other, the report. Everything started here ends here, also
 * after Ctrl-C. docs/benchmarks.md says what the figures mean.
 */
import { mkdirSync } from 'node:fs';
import process from 'node:process';
import { StackError } from '../scripts/stack.ts';
import { runDrain, runHuge, runOutage } from './drain.ts';
import { runLatency } from './latency.ts';
import { BenchError, type BenchOptions, parseBenchOptions, USAGE } from './options.ts';
import { environmentOf, type Figures, formatTables, writeResults } from './report.ts';
import { runSnapshots } from './snapshot.ts';
import { openStage, type Stage } from './stage.ts';
import { runWide } from './wide.ts';
import { loadWide } from './wide-workload.ts';
import { loadWorkload, type Workload } from './workload.ts';

const startedMs = performance.now();
/** Rows of the wide table for each change of the drain. */
const WIDE_SHARE = 0.1;

function print(line: string): void {
  console.log(`[bench ${((performance.now() - startedMs) / 1000).toFixed(0).padStart(4)} s] ${line}`);
}

async function bench(options: BenchOptions): Promise<void> {
  if (process.platform !== 'linux') throw new BenchError('CPU time and memory come from /proc: the benchmark runs on Linux only');
  await using cleanup = new AsyncDisposableStack();
  const startedAt = new Date();
  if (options.profileDir !== undefined) mkdirSync(options.profileDir, { recursive: true });
  const stage = await openStage(options, cleanup, print);
  const version = await stage.sql.query<{ server_version: string }>('show server_version');
  const environment = environmentOf(version.rows[0]?.server_version ?? 'unknown');
  let figures: Figures = {};
  const keep = (more: Figures): void => {
    figures = { ...figures, ...more };
    writeResults({ options, startedAt, environment, figures });
  };
  await runCases(stage, keep);
  console.log(`\n${JSON.stringify(environment['machine'])}\n${JSON.stringify(environment['versions'])}\n\n${formatTables(figures)}\n`);
  print(`figures in ${writeResults({ options, startedAt, environment, figures })}`);
}

/** Latency comes first: it needs an idle machine and no loaded table. */
async function runCases(stage: Stage, keep: (figures: Figures) => void): Promise<void> {
  const { cases, size } = stage.options;
  if (cases.includes('latency')) keep({ latency: await runLatency(stage) });
  if (cases.includes('wide')) keep({ wide: await runWide(stage, await loadWide(stage.postgres, Math.round(size * WIDE_SHARE))) });
  if (cases.every((one) => one === 'latency' || one === 'wide')) return;
  const workload: Workload = await loadWorkload(stage.postgres, size, print);
  print(`loaded in ${(workload.loadMs / 1000).toFixed(1)} s: ${workload.all.changes.toLocaleString('en-US')} changes wait`);
  if (cases.includes('drain')) keep({ drain: await runDrain(stage, workload.all) });
  if (cases.includes('snapshot')) keep({ snapshot: await runSnapshots(stage, workload.rows) });
  if (cases.includes('huge')) keep({ huge: await runHuge(stage, workload.huge) });
  if (cases.includes('outage')) keep({ outage: await runOutage(stage, workload.all) });
}

// The harness kills the servers when the process exits, however that comes.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(130));
try {
  const options = parseBenchOptions(process.argv.slice(2));
  if (options === undefined) console.log(USAGE);
  else await bench(options);
} catch (error) {
  if (!(error instanceof BenchError || error instanceof StackError)) throw error;
  console.error(`[bench] ${error.message}`);
  process.exitCode = 1;
}
