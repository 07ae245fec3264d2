/**
 * Owns a program that reads one topic as records come and notes the age of each. In a record it looks only for two times: that of
 * the insert in `updated_at`, and Slotline's in `ts_us`. It prints `ready` when it reads. When it gets a line {fromUs,toUs} on standard
 * input, it prints the figures of the records that were written in that time, and ends.
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
  /** The age when Slotline got the change, by the event's ts_us: the share of the server and the network. */
  readonly readP50Ms: number;
  readonly readP99Ms: number;
};

type Sample = { readonly writtenUs: number; readonly readUs: number; readonly arrivedUs: number };

const WRITTEN_NAME = Buffer.from('"updated_at":');
const READ_NAME = Buffer.from('"ts_us":');
const DIGIT_ZERO = 0x30;

/** The wall clock in microseconds, finer than Date. */
function nowUs(): number {
  return (performance.timeOrigin + performance.now()) * 1000;
}

function numberAt(value: Buffer, start: number): number {
  let at = start;
  let us = 0;
  for (let digit = digitAt(value, at); digit >= 0 && digit <= 9; digit = digitAt(value, ++at)) us = us * 10 + digit;
  return us;
}

function digitAt(value: Buffer, at: number): number {
  return (value[at] ?? 0) - DIGIT_ZERO;
}

function summarize(samples: readonly Sample[], window: LatencyWindow): LatencyResult {
  const inside = samples.filter(({ writtenUs }) => writtenUs >= window.fromUs && writtenUs < window.toUs);
  const arrived = quantiles(inside.map(({ arrivedUs, writtenUs }) => arrivedUs - writtenUs));
  const read = quantiles(inside.map(({ readUs, writtenUs }) => readUs - writtenUs));
  return {
    records: inside.length,
    p50Ms: arrived(0.5),
    p90Ms: arrived(0.9),
    p99Ms: arrived(0.99),
    p999Ms: arrived(0.999),
    maxMs: arrived(1),
    readP50Ms: read(0.5),
    readP99Ms: read(0.99),
  };
}

/** Gives the quantile of a share in milliseconds, by nearest rank. */
function quantiles(microseconds: readonly number[]): (share: number) => number {
  const sorted = Float64Array.from(microseconds).sort();
  return (share) => (sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0) / 1000;
}

const [bootstrapServers = '', topic = ''] = process.argv.slice(2);
const consumer = new Consumer<Buffer, Buffer, Buffer, Buffer>({
  groupId: `bench-latency-${process.pid}`,
  clientId: 'bench-latency',
  bootstrapBrokers: bootstrapServers.split(','),
  // A long wait costs nothing: the broker answers as soon as there is one byte.
  minBytes: 1,
  maxWaitTime: 1_000,
  autocommit: false,
});
const samples: Sample[] = [];
const stream = await consumer.consume({ topics: [topic], mode: MessagesStreamModes.EARLIEST });
stream.on('data', ({ value }) => {
  samples.push({
    arrivedUs: nowUs(),
    writtenUs: numberAt(value, value.indexOf(WRITTEN_NAME) + WRITTEN_NAME.length),
    readUs: numberAt(value, value.lastIndexOf(READ_NAME) + READ_NAME.length),
  });
});
process.stdout.write('ready\n');
const [line]: unknown[] = await once(createInterface({ input: process.stdin }), 'line');
const window: LatencyWindow = JSON.parse(String(line));
process.stdout.write(`${JSON.stringify(summarize(samples, window))}\n`);
await consumer.close(true);
process.exit(0);
