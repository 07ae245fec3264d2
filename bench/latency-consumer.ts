/**
 * Owns a program: reads one topic as records come and notes how old each is. Of a record it looks for nothing but the commit's
 * clock in `updated_at`. Says `ready` when it reads; at a line {fromUs,toUs} on standard input it prints the figures of what was
 * written in that time, and ends.
 */
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { Consumer, MessagesStreamModes } from '@platformatic/kafka';

export type LatencyWindow = { readonly fromUs: number; readonly toUs: number };
export type LatencyResult = {
  readonly records: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
};

const WRITTEN_NAME = Buffer.from('"updated_at":');
const DIGIT_ZERO = 0x30;

/** The wall clock in microseconds, finer than Date. */
function nowUs(): number {
  return (performance.timeOrigin + performance.now()) * 1000;
}

function writtenUs(value: Buffer): number {
  let at = value.indexOf(WRITTEN_NAME) + WRITTEN_NAME.length;
  let us = 0;
  for (let digit = digitAt(value, at); digit >= 0 && digit <= 9; digit = digitAt(value, ++at)) us = us * 10 + digit;
  return us;
}

function digitAt(value: Buffer, at: number): number {
  return (value[at] ?? 0) - DIGIT_ZERO;
}

function summarize(samples: readonly { us: number; latencyUs: number }[], window: LatencyWindow): LatencyResult {
  const inside = samples.filter(({ us }) => us >= window.fromUs && us < window.toUs).map(({ latencyUs }) => latencyUs / 1000);
  const sorted = inside.sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { records: sorted.length, p50Ms: at(0.5), p90Ms: at(0.9), p99Ms: at(0.99), p999Ms: at(0.999), maxMs: sorted.at(-1) ?? 0 };
}

const [bootstrapServers = '', topic = ''] = process.argv.slice(2);
const consumer = new Consumer<Buffer, Buffer, Buffer, Buffer>({
  groupId: `bench-latency-${process.pid}`,
  clientId: 'bench-latency',
  bootstrapBrokers: bootstrapServers.split(','),
  // Long: the broker answers as soon as there is one byte, and an idle poll costs nothing.
  minBytes: 1,
  maxWaitTime: 1_000,
  autocommit: false,
});
const samples: { us: number; latencyUs: number }[] = [];
const stream = await consumer.consume({ topics: [topic], mode: MessagesStreamModes.EARLIEST });
stream.on('data', ({ value }) => {
  const us = writtenUs(value);
  samples.push({ us, latencyUs: nowUs() - us });
});
process.stdout.write('ready\n');
const [line]: unknown[] = await once(createInterface({ input: process.stdin }), 'line');
const window: LatencyWindow = JSON.parse(String(line));
process.stdout.write(`${JSON.stringify(summarize(samples, window))}\n`);
await consumer.close(true);
process.exit(0);
