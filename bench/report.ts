/** Owns the report of a benchmark: machine and versions, medians, goals, the tables, the JSON file. Measures nothing. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { KAFKA_VERSION } from '../scripts/stack.ts';
import type { DrainFigures, LossFigures, OutageFigures } from './drain.ts';
import type { LatencyFigures } from './latency.ts';
import { type BenchOptions, CONTENDERS, type Contender } from './options.ts';
import { PROJECT_DIR } from './slotline-process.ts';
import type { SnapshotFigures } from './snapshot.ts';
import { POSTGRES_SETTINGS } from './stage.ts';
import type { WideFigures } from './wide.ts';

export type Figures = {
  readonly drain?: readonly DrainFigures[];
  readonly wide?: readonly WideFigures[];
  readonly huge?: LossFigures;
  readonly outage?: OutageFigures;
  readonly snapshot?: readonly SnapshotFigures[];
  readonly latency?: readonly LatencyFigures[];
};

const READERS: readonly Contender[] = ['pg_recvlogical', 'frames'];
const MEBIBYTE = 1024 * 1024;

export function environmentOf(postgresVersion: string): Record<string, unknown> {
  const processors = cpus();
  return {
    machine: { cores: processors.length, cpu: processors[0]?.model, memoryBytes: totalmem() },
    versions: { node: process.version, postgres: postgresVersion, kafka: KAFKA_VERSION, slotline: revision() },
    method: {
      transport: 'TCP over the loopback interface; PostgreSQL, one broker and the contender on the same machine',
      postgresSettings: { fsync: 'off', full_page_writes: 'off', ...POSTGRES_SETTINGS },
      commits: 'loading: synchronous_commit=off; latency: synchronous_commit=on, without fsync',
      median: 'by events/s, rows/s',
    },
  };
}

/** The commit, and whether the files differ from it. */
function revision(): string {
  try {
    const run = (...args: string[]): string =>
      execFileSync('git', args, { cwd: PROJECT_DIR, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    const changed = run('status', '--porcelain', '--untracked-files=no', 'src', 'package-lock.json') !== '';
    return `${run('rev-parse', '--short=12', 'HEAD')}${changed ? ' and uncommitted changes' : ''}`;
  } catch {
    return 'unknown';
  }
}

export function formatTables(figures: Figures): string {
  const parts: string[] = [];
  if (figures.drain !== undefined) parts.push(drainTable(figures.drain));
  if (figures.wide !== undefined) parts.push(wideTable(figures.wide));
  if (figures.huge !== undefined || figures.outage !== undefined) parts.push(lossTable(figures));
  if (figures.snapshot !== undefined) parts.push(snapshotTable(figures.snapshot));
  if (figures.latency !== undefined) parts.push(latencyTable(figures.latency));
  return parts.join('\n\n');
}

/** The run with the median rate. All figures are of this one run, so they belong together. */
function medianRun<T>(runs: readonly T[], rate: (run: T) => number): T | undefined {
  return [...runs].sort((a, b) => rate(a) - rate(b))[Math.floor((runs.length - 1) / 2)];
}

function medians(drain: readonly DrainFigures[]): ReadonlyMap<Contender, DrainFigures> {
  const found = CONTENDERS.map((contender) => {
    const runs = drain.filter((figures) => figures.contender === contender);
    return [contender, medianRun(runs, ({ eventsPerSecond }) => eventsPerSecond)] as const;
  });
  return new Map(found.flatMap(([contender, run]) => (run === undefined ? [] : [[contender, run] as const])));
}

/** Slotline against the faster of the readers; undefined where either is missing. */
function drainRatio(drain: readonly DrainFigures[]): number | undefined {
  const byContender = medians(drain);
  const slotline = byContender.get('slotline')?.eventsPerSecond;
  const readers = [...byContender.values()].filter(({ contender }) => READERS.includes(contender));
  if (slotline === undefined || readers.length === 0) return undefined;
  return slotline / Math.max(...readers.map(({ eventsPerSecond }) => eventsPerSecond));
}

function drainTable(drain: readonly DrainFigures[]): string {
  const rows = [...medians(drain).values()].map((run) => [
    run.contender,
    count(run.eventsPerSecond),
    rangeOf(drain.filter(({ contender }) => contender === run.contender).map(({ eventsPerSecond }) => eventsPerSecond)),
    run.cpuUsPerEvent.toFixed(1),
    megabytes(run.peakRssBytes),
    run.walsenderCpuUsPerEvent?.toFixed(1) ?? '',
    run.brokerCpuUsPerEvent?.toFixed(1) ?? '',
    run.valueBytesMean === undefined ? '' : count(run.valueBytesMean),
  ]);
  const head = ['drain (median run)', 'events/s', 'lowest–highest', 'CPU µs/event', 'peak RSS', 'walsender µs', 'broker µs', 'value bytes'];
  const ratio = drainRatio(drain);
  const tail = ratio === undefined ? '' : `\nSlotline / faster of the readers: ${ratio.toFixed(2)}`;
  return table(head, rows) + tail + converterLine(drain);
}

/** The format of --converter against JSON, both drained in the same rounds. */
function converterLine(drain: readonly DrainFigures[]): string {
  const byContender = medians(drain);
  const json = byContender.get('slotline');
  const converted = byContender.get('converter');
  if (json?.valueBytesMean === undefined || converted?.valueBytesMean === undefined) return '';
  const rate = converted.eventsPerSecond / json.eventsPerSecond;
  return `\nConverter / JSON: ${rate.toFixed(2)} of the rate, ${(converted.valueBytesMean / json.valueBytesMean).toFixed(2)} of the value bytes`;
}

function lossTable({ huge, outage }: Figures): string {
  const cases = [
    ['one large transaction', huge],
    ['broker away', outage],
  ] as const;
  const rows = cases.flatMap(([name, found]) =>
    found === undefined
      ? []
      : [
          [
            name,
            megabytes(found.peakRssBytes),
            count(found.changes),
            count(found.records),
            count(found.changes - found.distinctChanges),
            count(found.valueBytesMean),
            seconds(found.elapsedMs),
            'awayMs' in found ? `${seconds(found.awayMs)} away, ${seconds(found.afterReturnMs)} after` : '',
          ],
        ],
  );
  return table(['memory', 'peak RSS', 'changes', 'records', 'lost', 'value bytes', 'took', 'broker'], rows);
}

function wideTable(wide: readonly WideFigures[]): string {
  const rate = ({ rowsPerSecond }: WideFigures): number => rowsPerSecond;
  const rows = (['baseline', 'slotline'] as const).flatMap((contender) => {
    const runs = wide.filter((figures) => figures.contender === contender);
    const run = medianRun(runs, rate);
    if (run === undefined) return [];
    const cost = [run.cpuUsPerRow.toFixed(1), run.cpuUsPerCell.toFixed(3)];
    return [
      [
        `${contender}, ${run.columns} columns`,
        count(run.rowsPerSecond),
        rangeOf(runs.map(rate)),
        ...cost,
        megabytes(run.peakRssBytes),
        count(run.valueBytesMean),
      ],
    ];
  });
  return table(['wide table (median run)', 'rows/s', 'lowest–highest', 'CPU µs/row', 'CPU µs/cell', 'peak RSS', 'value bytes'], rows);
}

function snapshotTable(snapshot: readonly SnapshotFigures[]): string {
  const rate = ({ rowsPerSecond }: SnapshotFigures): number => rowsPerSecond;
  const run = medianRun(snapshot, rate);
  if (run === undefined) return '';
  const row = [
    count(run.rows),
    count(run.rowsPerSecond),
    rangeOf(snapshot.map(rate)),
    run.cpuUsPerRow.toFixed(1),
    megabytes(run.peakRssBytes),
  ];
  return table(['snapshot (median run): rows', 'rows/s', 'lowest–highest', 'CPU µs/row', 'peak RSS'], [row]);
}

function latencyTable(latency: readonly LatencyFigures[]): string {
  const rows = latency.map((run) => [
    `${count(run.rate)} tx/s`,
    count(run.achievedRate),
    ...[run.p50Ms, run.p90Ms, run.p99Ms, run.p999Ms, run.maxMs, run.readP50Ms, run.readP99Ms].map((ms) => ms.toFixed(2)),
    `${run.cpuPercent.toFixed(1)} %`,
    megabytes(run.peakRssBytes),
  ]);
  return table(['latency', 'reached', 'p50 ms', 'p90 ms', 'p99 ms', 'p99.9 ms', 'max ms', 'read p50', 'read p99', 'CPU', 'peak RSS'], rows);
}

/** Prints a Markdown table: the first column left, figures right. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join(' | ')} |`;
  const rule = `|${widths.map((width, column) => (column === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`;
  return [line(head), rule, ...rows.map(line)].join('\n');
}

function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

function rangeOf(values: readonly number[]): string {
  return `${count(Math.min(...values))}–${count(Math.max(...values))}`;
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / MEBIBYTE)} MiB`;
}

/** Writes the JSON and returns its path. It is called after every case, so that an interrupted benchmark keeps its results. */
export function writeResults(o: {
  options: BenchOptions;
  startedAt: Date;
  environment: Record<string, unknown>;
  figures: Figures;
}): string {
  const name = `${o.startedAt.toISOString().slice(0, 19).replaceAll(':', '-')}Z.json`;
  const path = o.options.out ?? join(PROJECT_DIR, 'bench', 'results', name);
  const { drain } = o.figures;
  const summary = drain === undefined ? {} : { drainRatio: drainRatio(drain), drainMedians: [...medians(drain).values()] };
  const content = { startedAt: o.startedAt.toISOString(), options: o.options, ...o.environment, summary, figures: o.figures };
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${JSON.stringify(content, undefined, 2)}\n`);
  return path;
}
