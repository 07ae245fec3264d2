/**
 * Owns reading what a connector published to its topics on the shared broker, byte for byte. Does not know which topics a case has.
 */
import { randomUUID } from 'node:crypto';
import { type Consumer, Kafka, logLevel } from 'kafkajs';
import { sharedKafka } from '../harness/shared.ts';
import type { GoldenRecord, RecordedText } from './replay-cases.ts';

const TIMEOUT_MS = 40_000;

/** The end of each partition, by `topic partition`. */
export type TopicOffsets = ReadonlyMap<string, number>;

function kafka(): Kafka {
  return new Kafka({ brokers: sharedKafka().bootstrapServers.split(','), logLevel: logLevel.NOTHING });
}

export async function endOffsets(isWanted: (topic: string) => boolean): Promise<TopicOffsets> {
  const admin = kafka().admin();
  await admin.connect();
  const ends = new Map<string, number>();
  try {
    for (const topic of (await admin.listTopics()).filter(isWanted)) {
      for (const { partition, high } of await admin.fetchTopicOffsets(topic)) ends.set(`${topic} ${partition}`, Number(high));
    }
  } finally {
    await admin.disconnect();
  }
  return ends;
}

/** What lies between two offsets, in the order of each partition. */
export async function readRecords(o: { readonly starts: TopicOffsets; readonly ends: TopicOffsets }): Promise<GoldenRecord[]> {
  const { starts } = o;
  const ends = new Map([...o.ends].filter(([name, end]) => end > (starts.get(name) ?? 0)));
  const topics = [...new Set([...ends.keys()].map((name) => name.split(' ')[0] ?? ''))];
  if (topics.length === 0) return [];
  const consumer = kafka().consumer({ groupId: `golden-${randomUUID()}`, maxWaitTimeInMs: 100 });
  const records: GoldenRecord[] = [];
  try {
    await consumer.connect();
    await consumer.subscribe({ topics, fromBeginning: true });
    await collect({ consumer, records, starts, ends });
  } finally {
    await consumer.disconnect();
  }
  return records;
}

type Collecting = {
  readonly consumer: Consumer;
  readonly records: GoldenRecord[];
  readonly starts: TopicOffsets;
  readonly ends: TopicOffsets;
};

function collect({ consumer, records, starts, ends }: Collecting): Promise<void> {
  const open = new Set(ends.keys());
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(() => reject(new Error(`Not read within ${TIMEOUT_MS} ms: ${[...open].join(', ')}`)), TIMEOUT_MS);
  consumer
    .run({
      autoCommit: false,
      eachMessage: async ({ topic, partition, message }) => {
        const { key, value, headers, offset, timestamp } = message;
        const name = `${topic} ${partition}`;
        if (Number(offset) >= (starts.get(name) ?? 0))
          records.push({
            topic,
            partition,
            key: text(key),
            value: text(value),
            headers: headerList(headers ?? {}),
            timestamp: Number(timestamp),
          });
        if (Number(offset) + 1 === ends.get(name)) open.delete(name);
        if (open.size === 0) resolve();
      },
    })
    .catch(reject);
  return promise.finally(() => clearTimeout(timer));
}

type KafkaHeader = Buffer | string | null;
/** The client's types leave out null, which it gives for a header without a value. */
type KafkaHeaders = Readonly<Record<string, KafkaHeader | KafkaHeader[] | undefined>>;

/** In their order; a name that stands twice gives two, which the client puts next to each other. */
function headerList(headers: KafkaHeaders): (readonly [string, RecordedText])[] {
  return Object.entries(headers).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value ?? null]).map((one): readonly [string, RecordedText] => [
      name,
      text(one === null ? null : Buffer.from(one)),
    ]),
  );
}

function text(bytes: Buffer | null): RecordedText {
  if (bytes === null) return null;
  const decoded = bytes.toString('utf8');
  return Buffer.from(decoded).equals(bytes) ? decoded : { base64: bytes.toString('base64') };
}
