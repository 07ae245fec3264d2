/** Owns reading the shop's topics back through kafkajs, a client that shares no code with Slotline, and what is counted on the way. */
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
  /** From the commit to the arrival here, streamed events only. */
  readonly latenciesMs: number[];
};

export type TopicReader = { readonly tally: Tally; stop(): Promise<void> };

/** Waits for the topics, then prints each record as it arrives. */
export async function readTopics(o: {
  bootstrapServers: string;
  topics: readonly string[];
  print: (line: string) => void;
  signal: AbortSignal;
}): Promise<TopicReader> {
  const kafka = new Kafka({ brokers: [o.bootstrapServers], logLevel: logLevel.NOTHING });
  await waitForTopics(kafka, o.topics, o.signal);
  const consumer = kafka.consumer({ groupId: 'slotline-demo', maxWaitTimeInMs: FETCH_WAIT_MS });
  await consumer.connect();
  await consumer.subscribe({ topics: [...o.topics], fromBeginning: true });
  const tally: Tally = { perOp: new Map(), tombstones: 0, liveKeys: new Map(), latenciesMs: [] };
  await consumer.run({
    eachMessage: async ({ topic, message }) => {
      const { key, value } = parseRecord(message);
      count(tally, { topic, key, value });
      const columns = process.stdout.columns ?? NO_TERMINAL_COLUMNS;
      o.print(eventLine({ topic, key, value, columns }));
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
  const committedUs = value.source['ts_us'];
  if (value.op !== 'r' && typeof committedUs === 'number') {
    tally.latenciesMs.push(performance.timeOrigin + performance.now() - committedUs / 1000);
  }
}
