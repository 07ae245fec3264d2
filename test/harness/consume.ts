/** Owns reading topics back, through kafkajs: a client that shares no code with the one under test. */
import { randomUUID } from 'node:crypto';
import { type Consumer, type EachBatchPayload, Kafka, type KafkaConfig, logLevel } from 'kafkajs';

export type ConsumedRecord = {
  readonly partition: number;
  readonly offset: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, Buffer>>;
  readonly timestamp: string;
};

type ReadOptions = {
  /** Reads until so many records have come. */
  readonly count?: number;
  /** Reads until this says true; called after each batch with all records so far. */
  readonly until?: (records: readonly ConsumedRecord[]) => boolean;
  readonly timeoutMs?: number;
  /** Further kafkajs settings: ssl, sasl. */
  readonly client?: Partial<KafkaConfig>;
};

const READ_TIMEOUT_MS = 30_000;

/**
 * Records of a topic from its beginning, in order within each partition. Without `count` and `until`: what the topic holds at the
 * time of the call. Fails when they have not come in time, and says how many have. The topic must exist.
 */
export async function readTopic(bootstrapServers: string, topic: string, o: ReadOptions = {}): Promise<ConsumedRecord[]> {
  const kafka = new Kafka({ brokers: bootstrapServers.split(','), logLevel: logLevel.NOTHING, ...o.client });
  const isComplete = o.until ?? (o.count === undefined ? await untilCurrentEnd(kafka, topic) : undefined);
  const records: ConsumedRecord[] = [];
  const complete = (): boolean => (o.count === undefined || records.length >= o.count) && (isComplete?.(records) ?? true);
  if (complete()) return records;
  const consumer = kafka.consumer({ groupId: `read-${randomUUID()}`, maxWaitTimeInMs: 100 });
  try {
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await collect({ consumer, records, complete, topic, timeoutMs: o.timeoutMs ?? READ_TIMEOUT_MS });
  } finally {
    await consumer.disconnect();
  }
  return records;
}

/** The high watermark of each partition, summed up. */
export async function countRecords(bootstrapServers: string, topic: string): Promise<number> {
  const ends = await currentEnds(new Kafka({ brokers: bootstrapServers.split(','), logLevel: logLevel.NOTHING }), topic);
  return ends.reduce((sum, { high, low }) => sum + Number(high) - Number(low), 0);
}

async function currentEnds(kafka: Kafka, topic: string): Promise<readonly { partition: number; high: string; low: string }[]> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    return await admin.fetchTopicOffsets(topic);
  } finally {
    await admin.disconnect();
  }
}

async function untilCurrentEnd(kafka: Kafka, topic: string): Promise<(records: readonly ConsumedRecord[]) => boolean> {
  const waiting = new Map<number, bigint>();
  for (const { partition, high, low } of await currentEnds(kafka, topic)) {
    if (BigInt(high) > BigInt(low)) waiting.set(partition, BigInt(high));
  }
  let seen = 0;
  return (records) => {
    for (const { partition, offset } of records.slice(seen)) {
      const end = waiting.get(partition);
      if (end !== undefined && BigInt(offset) + 1n >= end) waiting.delete(partition);
    }
    seen = records.length;
    return waiting.size === 0;
  };
}

type Collecting = {
  readonly consumer: Consumer;
  readonly records: ConsumedRecord[];
  readonly complete: () => boolean;
  readonly topic: string;
  readonly timeoutMs: number;
};

async function collect(o: Collecting): Promise<void> {
  await new Promise<void>((settle, fail) => {
    const timer = setTimeout(
      () => fail(new Error(`Topic ${o.topic} gave ${o.records.length} records within ${o.timeoutMs} ms, not all that were waited for`)),
      o.timeoutMs,
    );
    const done = (): void => {
      clearTimeout(timer);
      settle();
    };
    o.consumer.on('consumer.crash', ({ payload }) => {
      if (payload.restart) return;
      clearTimeout(timer);
      fail(payload.error);
    });
    const eachBatch = async ({ batch }: EachBatchPayload): Promise<void> => {
      for (const message of batch.messages) o.records.push(toRecord(batch.partition, message));
      if (o.complete()) done();
    };
    o.consumer.run({ eachBatch, autoCommit: false }).catch(fail);
  });
}

function toRecord(partition: number, message: EachBatchPayload['batch']['messages'][number]): ConsumedRecord {
  const headers: Record<string, Buffer> = {};
  for (const [name, value] of Object.entries(message.headers ?? {})) {
    const first = Array.isArray(value) ? value[0] : value;
    headers[name] = Buffer.isBuffer(first) ? first : Buffer.from(first ?? '');
  }
  const { offset, key, value, timestamp } = message;
  return { partition, offset, key, value, headers, timestamp };
}
