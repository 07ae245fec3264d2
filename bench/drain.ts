/**
 * Owns the drain: each contender empties its own copy of one slot, one after the other and round by round, so that other work of the
 * machine hits all of them. Owns too the drains for which only memory and completeness count.
 */

import { BenchError, type Contender } from './options.ts';
import { cpuTimeUs } from './process-figures.ts';
import { findRecvlogical, HOW_TO_GET_RECVLOGICAL, type ReaderResult, runFramesReader, runRecvlogical } from './readers.ts';
import { type SlotlineRun, type Stage, startSlotline, topicOf } from './stage.ts';
import { meanValueBytes, readContents, type TopicContents } from './topic.ts';
import { CHAIN_NAMES } from './transform-chains.ts';
import { type Backlog, copySlot, dropSlot, isConfirmed, walsenderPid } from './workload.ts';

/** The figures of one run. An event is a change in a drain, and a row in a snapshot. */
export type DrainFigures = {
  readonly contender: Contender;
  readonly run: number;
  readonly eventsPerSecond: number;
  readonly elapsedMs: number;
  readonly cpuUsPerEvent: number;
  readonly peakRssBytes: number;
  /** Slotline only: CPU time that the walsender spent on each event meanwhile. */
  readonly walsenderCpuUsPerEvent?: number | undefined;
  readonly brokerCpuUsPerEvent?: number | undefined;
  /** Slotline only: from the start of the process to the start of the stream. */
  readonly startMs?: number | undefined;
  readonly valueBytesMean?: number | undefined;
};

export type LossFigures = TopicContents & {
  readonly changes: number;
  readonly elapsedMs: number;
  /** When it finished, by the clock of the benchmark. */
  readonly finishedMs: number;
  readonly peakRssBytes: number;
  readonly cpuUsPerEvent: number;
};

export type OutageFigures = LossFigures & {
  readonly goneAtRecords: number;
  /** From the order to stop until the broker takes part again. */
  readonly awayMs: number;
  readonly afterReturnMs: number;
};

/** How many of the topic's first records, inserts and updates as they come, count for the mean size of a value. */
const SIZED_RECORDS = 100_000;
/** How often both servers are asked whether the drain is over; the error is at most 50 ms of a run of many seconds. */
const POLL_MS = 50;
const START_TIMEOUT_MS = 60_000;
const DRAIN_TIMEOUT_MS = 900_000;

export async function runDrain(stage: Stage, backlog: Backlog): Promise<DrainFigures[]> {
  const program = findRecvlogical();
  const wanted = stage.options.contenders.filter((contender) => {
    if (contender === 'baseline') return stage.options.baselineDir !== undefined;
    if (contender === 'converter') return stage.options.converter !== undefined;
    return contender !== 'pg_recvlogical' || program !== undefined;
  });
  if (program === undefined && stage.options.contenders.includes('pg_recvlogical')) stage.print(HOW_TO_GET_RECVLOGICAL);
  const results: DrainFigures[] = [];
  for (let run = 1; run <= stage.options.runs; run++) {
    for (const contender of wanted) {
      const figures = await drainOnce(stage, backlog, { contender, run, program: program ?? '' });
      results.push(figures);
      const rate = Math.round(figures.eventsPerSecond).toLocaleString('en-US');
      stage.print(`drain ${run}/${stage.options.runs} ${contender}: ${rate} events/s, ${figures.cpuUsPerEvent.toFixed(1)} µs per event`);
    }
  }
  return results;
}

type OneDrain = { readonly contender: Contender; readonly run: number; readonly program: string };

async function drainOnce(stage: Stage, backlog: Backlog, one: OneDrain): Promise<DrainFigures> {
  const { contender, run } = one;
  const slot = `bench_${contender}_${run}`;
  await copySlot(stage.sql, { source: backlog.slot, copy: slot });
  try {
    if (contender !== 'pg_recvlogical' && contender !== 'frames') {
      const place: SlotlineRun = {
        name: slot,
        snapshotMode: 'no_data',
        codec: stage.options.codec,
        isBaseline: contender === 'baseline',
        isStreamOnly: contender === 'stream',
        isConverted: contender === 'converter',
        chain: CHAIN_NAMES.find((name) => name === contender),
      };
      const drained = await drainBySlotline(stage, backlog, { run: place });
      if (drained.records !== backlog.changes) throw new BenchError(`${drained.records} records for ${backlog.changes} changes`);
      const valueBytesMean = await meanValueBytes(stage.kafka.bootstrapServers, topicOf(place), Math.min(SIZED_RECORDS, drained.records));
      return { contender, run, ...perEvent(drained, backlog.changes), ...drained.machine, valueBytesMean };
    }
    const range = { slot, endLsn: backlog.endLsn };
    const result =
      contender === 'frames'
        ? await runFramesReader(stage, { ...range, changes: backlog.changes })
        : await runRecvlogical(stage, { ...range, program: one.program });
    return { contender, run, ...perEvent(result, backlog.changes) };
  } finally {
    await dropSlot(stage.sql, slot);
    await stage.topics.remove(`${slot}.`);
  }
}

function perEvent(result: ReaderResult, events: number): Omit<DrainFigures, 'contender' | 'run'> {
  const { elapsedMs, cpuUs, peakRssBytes } = result;
  return { eventsPerSecond: (events * 1000) / elapsedMs, elapsedMs, cpuUsPerEvent: cpuUs / events, peakRssBytes };
}

/** Measures peak memory with one transaction that is far larger than any buffer. */
export async function runHuge(stage: Stage, backlog: Backlog): Promise<LossFigures> {
  return drainAndRead(stage, backlog, { name: 'bench_huge' });
}

/** Stops the broker in the middle and starts it again: memory must stay bounded, and every change must arrive. */
export async function runOutage(stage: Stage, backlog: Backlog): Promise<OutageFigures> {
  const name = 'bench_outage';
  const outage = { goneAtRecords: 0, stoppedMs: 0, returnedMs: 0 };
  const disturb = async (): Promise<void> => {
    const topic = topicOf({ name, snapshotMode: 'no_data', codec: undefined });
    outage.goneAtRecords = await pollUntil(DRAIN_TIMEOUT_MS, async () => {
      const count = await stage.topics.count(topic);
      return count >= backlog.changes * 0.2 ? count : undefined;
    });
    const broker = stage.kafka.brokers[0];
    if (broker === undefined) throw new BenchError('There is no broker');
    outage.stoppedMs = performance.now();
    await broker.stop();
    stage.print(
      `outage: the broker is gone for ${stage.options.outageSeconds} s, at about ${outage.goneAtRecords.toLocaleString('en-US')} records`,
    );
    await pause(stage.options.outageSeconds * 1000);
    await broker.start();
    outage.returnedMs = performance.now();
  };
  const figures = await drainAndRead(stage, backlog, { name, disturb });
  const { goneAtRecords, stoppedMs, returnedMs } = outage;
  return { ...figures, goneAtRecords, awayMs: returnedMs - stoppedMs, afterReturnMs: figures.finishedMs - returnedMs };
}

async function drainAndRead(stage: Stage, backlog: Backlog, o: { name: string; disturb?: () => Promise<void> }): Promise<LossFigures> {
  const run: SlotlineRun = { name: o.name, snapshotMode: 'no_data', codec: stage.options.codec };
  await copySlot(stage.sql, { source: backlog.slot, copy: o.name });
  try {
    const drained = await drainBySlotline(stage, backlog, { run, disturb: o.disturb });
    const contents = await readContents(stage.kafka.bootstrapServers, topicOf(run), drained.records);
    if (contents.distinctChanges !== backlog.changes)
      throw new BenchError(`Lost: the topic holds ${contents.distinctChanges} different changes of ${backlog.changes}`);
    const { elapsedMs, finishedMs, peakRssBytes, cpuUs } = drained;
    return { ...contents, changes: backlog.changes, elapsedMs, finishedMs, peakRssBytes, cpuUsPerEvent: cpuUs / backlog.changes };
  } finally {
    await dropSlot(stage.sql, o.name);
    await stage.topics.remove(`${o.name}.`);
  }
}

type Drained = ReaderResult & {
  readonly records: number;
  readonly finishedMs: number;
  readonly machine: Pick<DrainFigures, 'walsenderCpuUsPerEvent' | 'brokerCpuUsPerEvent' | 'startMs'>;
};

/** From the start of the stream until the last position is confirmed and the topic holds at least every change. */
export async function drainBySlotline(
  stage: Stage,
  backlog: Backlog,
  o: { run: SlotlineRun; disturb?: (() => Promise<void>) | undefined },
): Promise<Drained> {
  const topic = topicOf(o.run);
  const spawnedMs = performance.now();
  const slotline = startSlotline(stage, o.run);
  try {
    const started = await slotline.event('stream.started', START_TIMEOUT_MS);
    const brokerPid = stage.kafka.brokers[0]?.pid() ?? 0;
    const walsender = await walsenderPid(stage.sql, o.run.name);
    const brokerBeforeUs = cpuTimeUs(brokerPid);
    const confirmed = pollUntil(DRAIN_TIMEOUT_MS, async () => {
      if (slotline.ended) throw slotline.error('ended during the drain');
      return (await isConfirmed(stage.sql, o.run.name, backlog.endLsn)) || undefined;
    });
    await Promise.all([confirmed, o.disturb?.()]);
    const records = await pollUntil(START_TIMEOUT_MS, async () => {
      const count = await stage.topics.count(topic);
      return count >= backlog.changes ? count : undefined;
    });
    const { cpuUs } = slotline.watch.look();
    const finishedMs = performance.now();
    const elapsedMs = finishedMs - started.receivedMs;
    const perEventOf = (us: number | undefined): number | undefined => (us === undefined ? undefined : us / backlog.changes);
    const brokerUs = difference(cpuTimeUs(brokerPid), brokerBeforeUs);
    const walsenderUs = walsender === undefined ? undefined : cpuTimeUs(walsender);
    const machine = {
      walsenderCpuUsPerEvent: perEventOf(walsenderUs),
      brokerCpuUsPerEvent: perEventOf(brokerUs),
      startMs: started.receivedMs - spawnedMs,
    };
    await slotline.stop();
    const { peakRssBytes } = slotline.watch.look();
    return { elapsedMs, finishedMs, cpuUs: cpuUs - started.cpuUs, peakRssBytes, records, machine };
  } finally {
    slotline.kill();
  }
}

function difference(after: number | undefined, before: number | undefined): number | undefined {
  return after === undefined || before === undefined ? undefined : after - before;
}

async function pollUntil<T>(timeoutMs: number, look: () => Promise<T | undefined>): Promise<T> {
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > deadlineMs) throw new BenchError(`Not finished within ${timeoutMs / 1000} s`);
    await pause(POLL_MS);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((settle) => setTimeout(settle, ms));
}
