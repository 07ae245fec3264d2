/** Owns the wide case: the drain of a table of 50 mixed columns, and what one cell of it costs. */
import { drainBySlotline } from './drain.ts';
import { BenchError } from './options.ts';
import { type SlotlineRun, type Stage, topicOf } from './stage.ts';
import { readContents } from './topic.ts';
import { WIDE, WIDE_COLUMNS } from './wide-workload.ts';
import { type Backlog, copySlot, dropSlot } from './workload.ts';

export type WideFigures = {
  readonly contender: 'slotline' | 'baseline';
  readonly run: number;
  readonly rows: number;
  readonly columns: number;
  readonly rowsPerSecond: number;
  readonly cpuUsPerRow: number;
  readonly cpuUsPerCell: number;
  readonly peakRssBytes: number;
  readonly valueBytesMean: number;
};

export async function runWide(stage: Stage, backlog: Backlog): Promise<WideFigures[]> {
  const results: WideFigures[] = [];
  const contenders = stage.options.baselineDir === undefined ? (['slotline'] as const) : (['baseline', 'slotline'] as const);
  for (let run = 1; run <= stage.options.runs; run++) {
    for (const contender of contenders) {
      const figures = await wideOnce(stage, backlog, { contender, run });
      results.push(figures);
      const rate = Math.round(figures.rowsPerSecond).toLocaleString('en-US');
      stage.print(`wide ${run}/${stage.options.runs} ${contender}: ${rate} rows/s, ${figures.cpuUsPerCell.toFixed(3)} µs per cell`);
    }
  }
  return results;
}

async function wideOnce(stage: Stage, backlog: Backlog, one: Pick<WideFigures, 'contender' | 'run'>): Promise<WideFigures> {
  const name = `bench_wide_${one.contender}_${one.run}`;
  const run: SlotlineRun = { ...WIDE, name, snapshotMode: 'no_data', codec: stage.options.codec, isBaseline: one.contender === 'baseline' };
  await copySlot(stage.sql, { source: backlog.slot, copy: name });
  try {
    const drained = await drainBySlotline(stage, backlog, { run });
    if (drained.records !== backlog.changes) throw new BenchError(`${drained.records} records for ${backlog.changes} changes`);
    const { valueBytesMean } = await readContents(stage.kafka.bootstrapServers, topicOf(run), drained.records);
    const cpuUsPerRow = drained.cpuUs / backlog.changes;
    return {
      ...one,
      rows: backlog.changes,
      columns: WIDE_COLUMNS,
      rowsPerSecond: (backlog.changes * 1000) / drained.elapsedMs,
      cpuUsPerRow,
      cpuUsPerCell: cpuUsPerRow / WIDE_COLUMNS,
      peakRssBytes: drained.peakRssBytes,
      valueBytesMean,
    };
  } finally {
    await dropSlot(stage.sql, name);
    await stage.topics.remove(`${name}.`);
  }
}
