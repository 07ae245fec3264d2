/** Owns reading the shop's topics back through kafkajs, a client that shares no code with Slotline, and counting the events. */
import { Kafka, type KafkaMessage, logLevel } from 'kafkajs';
import { until } from '../../test/harness/until.ts';
import { type Envelope, eventLine, type Op, type Row } from './event-line.ts';

const TOPICS_TIMEOUT_MS = 60_000;
const FETCH_WAIT_MS = 100;
const NO_TERMINAL_COLUMNS = 160;

export type Tally = {
  readonly perOp: Map<Op, number>;
  tombstones: number;
  /** The keys that live, per topic: what a reader of the topics believes the tables hold. */
  readonly liveKeys: Map<string, Set<string>>;
  /** Times from the commit to the record's timestamp, which Slotline sets, and to the arrival here. Without changes from before the reader was ready. */
  readonly sentMs: number[];
  readonly arrivedMs: number[];
};

export type TopicReader = { readonly tally: Tally; stop(): Promise<void> };

/** Waits for the topics, then prints each record as it arrives. */
export async function readTopics(o: {
  bootstrapServers: string;
  topics: readonly string[];
  /** Topics of the tables that log whole old rows. */
  wholeBefore: readonly string[];
  print: (line: string) => void;
  signal: AbortSignal;
}): Promise<TopicReader> {
  const kafka = new Kafka({ brokers: [o.bootstrapServers], logLevel: logLevel.NOTHING });
  await waitForTopics(kafka, o.topics, o.signal);
  const consumer = kafka.consumer({ groupId: 'slotline-demo', maxWaitTimeInMs: FETCH_WAIT_MS });
  await consumer.connect();
  await consumer.subscribe({ topics: [...o.topics], fromBeginning: true });
  const tally: Tally = { perOp: new Map(), tombstones: 0, liveKeys: new Map(), sentMs: [], arrivedMs: [] };
  let readySinceMs = Number.POSITIVE_INFINITY;
  consumer.on('consumer.group_join', () => {
    readySinceMs = nowMs();
  });
  await consumer.run({
    autoCommit: false,
    eachMessage: async ({ topic, message }) => {
      const { key, value } = parseRecord(message);
      count(tally, { topic, key, value });
      if (value !== null && value.op !== 'r') addLatency(tally, { value, message, readySinceMs });
      // 0 is a terminal that does not tell its size
      const columns = process.stdout.columns || NO_TERMINAL_COLUMNS;
      o.print(eventLine({ topic, key, value, columns, wholeBefore: o.wholeBefore.includes(topic) }));
    },
  });
  return { tally, stop: () => consumer.disconnect() };
}

async function waitForTopics(kafka: Kafka, topics: readonly string[], signal: AbortSignal): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    await until(
      `the topics ${topics.join(', ')} exist`,
      async () => {
        const existing = await admin.listTopics();
        return signal.aborted || topics.every((topic) => existing.includes(topic));
      },
      { timeoutMs: TOPICS_TIMEOUT_MS },
    );
  } finally {
    await admin.disconnect();
  }
}

type ParsedRecord = { readonly key: Row | null; readonly value: Envelope | null };

function parseRecord(message: KafkaMessage): ParsedRecord {
  const key: Row | null = message.key === null ? null : JSON.parse(message.key.toString('utf8'));
  const value: Envelope | null = message.value === null ? null : JSON.parse(message.value.toString('utf8'));
  return { key, value };
}

function count(tally: Tally, { topic, key, value }: ParsedRecord & { topic: string }): void {
  if (value === null) {
    tally.tombstones += 1;
    return;
  }
  tally.perOp.set(value.op, (tally.perOp.get(value.op) ?? 0) + 1);
  const live = tally.liveKeys.get(topic) ?? new Set();
  tally.liveKeys.set(topic, live);
  if (value.op === 'd') live.delete(JSON.stringify(key));
  else live.add(JSON.stringify(key));
}

function addLatency(tally: Tally, o: { value: Envelope; message: KafkaMessage; readySinceMs: number }): void {
  const committedMs = Number(o.value.source['ts_us']) / 1000;
  if (!(committedMs > o.readySinceMs)) return;
  tally.arrivedMs.push(nowMs() - committedMs);
  tally.sentMs.push(Math.max(0, Number(o.message.timestamp) - committedMs));
}

/** Finer than Date.now(). */
function nowMs(): number {
  return performance.timeOrigin + performance.now();
}
