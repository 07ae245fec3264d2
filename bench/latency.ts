/**
 * Owns the latency case: small transactions at a steady rate, Slotline with its default producer settings, and a consumer in a
 * process of its own. Each row carries the server's clock of its insert; its age when the consumer has it is the latency.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { trackProcess } from '../test/harness/process.ts';
import type { LatencyResult, LatencyWindow } from './latency-consumer.ts';
import { BenchError } from './options.ts';
import { PROJECT_DIR } from './slotline-process.ts';
import { type SlotlineRun, type Stage, startSlotline, topicOf } from './stage.ts';
import { createSlot, DATABASE, dropSlot, LIVE } from './workload.ts';

export type LatencyFigures = LatencyResult & {
  readonly rate: number;
  /** The rate that the generator reached. Where it is far below `rate`, the machine was too slow for the run. */
  readonly achievedRate: number;
  readonly cpuPercent: number;
  readonly peakRssBytes: number;
};

const CONNECTIONS = 4;
const IDS_PER_CONNECTION = 1_000_000_000;
const START_TIMEOUT_MS = 60_000;
/** A record that arrives later than this after the last commit counts as lost. */
const ARRIVAL_TIMEOUT_MS = 10_000;

export async function runLatency(stage: Stage): Promise<LatencyFigures[]> {
  const results: LatencyFigures[] = [];
  for (const rate of stage.options.rates) {
    const figures = await latencyOnce(stage, rate);
    results.push(figures);
    stage.print(`latency ${rate} tx/s: p50 ${figures.p50Ms.toFixed(2)} ms, p99 ${figures.p99Ms.toFixed(2)} ms`);
  }
  return results;
}

async function latencyOnce(stage: Stage, rate: number): Promise<LatencyFigures> {
  const run: SlotlineRun = { ...LIVE, name: `bench_latency_${rate}`, snapshotMode: 'no_data', codec: undefined };
  const { warmupSeconds, measureSeconds } = stage.options;
  await stage.sql.query(`truncate ${LIVE.table}`);
  await createSlot(stage.sql, run.name);
  await stage.topics.create(topicOf(run));
  const slotline = startSlotline(stage, run);
  const consumer = startConsumer(stage, topicOf(run));
  try {
    await Promise.all([slotline.event('stream.started', START_TIMEOUT_MS), consumer.ready]);
    const beganUs = await serverClockUs(stage);
    const cpuBefore = slotline.watch.look().cpuUs;
    const startedMs = performance.now();
    await generate(stage, { rate, seconds: warmupSeconds + measureSeconds });
    const elapsedMs = performance.now() - startedMs;
    const cpu = slotline.watch.look();
    const rows = await stage.sql.query<{ count: string }>(`select count(*) from ${LIVE.table}`);
    const written = Number(rows.rows[0]?.count);
    await stage.topics.waitFor(topicOf(run), written, ARRIVAL_TIMEOUT_MS);
    const window = { fromUs: beganUs + warmupSeconds * 1e6, toUs: beganUs + (warmupSeconds + measureSeconds) * 1e6 };
    const result = await consumer.finish(window);
    if (result.records === 0) throw new BenchError('The consumer saw no record');
    await slotline.stop();
    return {
      rate,
      achievedRate: (written * 1000) / elapsedMs,
      ...result,
      cpuPercent: (cpu.cpuUs - cpuBefore) / 10 / elapsedMs,
      peakRssBytes: cpu.peakRssBytes,
    };
  } finally {
    slotline.kill();
    consumer.kill();
    await dropSlot(stage.sql, run.name);
    await stage.topics.remove(`${run.name}.`);
  }
}

/** Runs a procedure per connection that inserts, commits and sleeps. The server paces itself, so no client competes for the cores. */
async function generate(stage: Stage, o: { rate: number; seconds: number }): Promise<void> {
  const clients = await Promise.all(Array.from({ length: CONNECTIONS }, () => stage.postgres.connect(DATABASE)));
  try {
    await Promise.all(
      clients.map((client, index) =>
        client.query(`call bench_live(${index * IDS_PER_CONNECTION + 1}, ${o.rate / CONNECTIONS}, ${o.seconds})`),
      ),
    );
  } finally {
    await Promise.all(clients.map((client) => client.end()));
  }
}

async function serverClockUs(stage: Stage): Promise<number> {
  const result = await stage.sql.query<{ us: string }>('select (extract(epoch from clock_timestamp()) * 1000000)::bigint::text as us');
  return Number(result.rows[0]?.us);
}

type RunningConsumer = { readonly ready: Promise<void>; finish(window: LatencyWindow): Promise<LatencyResult>; kill(): void };

function startConsumer(stage: Stage, topic: string): RunningConsumer {
  const args = [join(PROJECT_DIR, 'bench', 'latency-consumer.ts'), stage.kafka.bootstrapServers, topic];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  if (child.pid === undefined) throw new BenchError('The consumer cannot be started');
  const tracked = trackProcess(child, child.pid);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<string> => {
    const line = await lines.next();
    if (line.done === true) throw new BenchError('The consumer ended too early');
    return line.value;
  };
  const ready = next().then(() => undefined);
  const finish = async (window: LatencyWindow): Promise<LatencyResult> => {
    child.stdin.write(`${JSON.stringify(window)}\n`);
    return JSON.parse(await next());
  };
  return { ready, finish, kill: () => tracked.signal('SIGKILL') };
}
