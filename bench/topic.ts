/** Owns looking at Slotline's topics from outside: how many records they hold, whether every change is among them, deleting them. */
import { Consumer, MessagesStreamModes } from '@platformatic/kafka';
import { type Admin, Kafka, logLevel } from 'kafkajs';
import { until } from '../test/harness/until.ts';

const READ_TIMEOUT_MS = 300_000;

/** One connection kept open: a count costs one request. */
export class TopicCounter {
  readonly #admin: Admin;

  constructor(bootstrapServers: string) {
    this.#admin = new Kafka({ brokers: bootstrapServers.split(','), logLevel: logLevel.NOTHING }).admin();
  }

  async connect(): Promise<void> {
    await this.#admin.connect();
  }

  /** 0 while the topic does not exist. */
  async count(topic: string): Promise<number> {
    try {
      const ends = await this.#admin.fetchTopicOffsets(topic);
      return ends.reduce((sum, { high, low }) => sum + Number(high) - Number(low), 0);
    } catch (error) {
      if (isUnknownTopic(error)) return 0;
      throw error;
    }
  }

  async create(topic: string): Promise<void> {
    await this.#admin.createTopics({ topics: [{ topic, numPartitions: 1, replicationFactor: 1 }], waitForLeaders: true });
  }

  async waitFor(topic: string, records: number, timeoutMs: number): Promise<void> {
    await until(`${records} records in ${topic}`, async () => (await this.count(topic)) >= records, { timeoutMs });
  }

  /** Deletes the topics, so that the records of one run do not fill the page cache of the next. */
  async remove(prefix: string): Promise<void> {
    const topics = (await this.#admin.listTopics()).filter((topic) => topic.startsWith(prefix));
    if (topics.length === 0) return;
    try {
      await this.#admin.deleteTopics({ topics });
    } catch (error) {
      // kafkajs asks again when the answer is late, and then nothing is left to delete.
      if (!isUnknownTopic(error)) throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#admin.disconnect();
  }
}

function isUnknownTopic(error: unknown): boolean {
  return error instanceof Error && 'type' in error && error.type === 'UNKNOWN_TOPIC_OR_PARTITION';
}

export type TopicContents = {
  readonly records: number;
  /** Counted by the LSN in the source block, which is different for each change. */
  readonly distinctChanges: number;
  readonly valueBytesMean: number;
};

/** Reads `records` records from the beginning. */
export async function readContents(bootstrapServers: string, topic: string, records: number): Promise<TopicContents> {
  const changes = new Set<string>();
  const { seen, bytes } = await readValues({ bootstrapServers, topic, records }, (value) => changes.add(positionOf(value)));
  return { records: seen, distinctChanges: changes.size, valueBytesMean: seen === 0 ? 0 : Math.round(bytes / seen) };
}

/** The mean over the first `records` records, in any format. */
export async function meanValueBytes(bootstrapServers: string, topic: string, records: number): Promise<number> {
  const { seen, bytes } = await readValues({ bootstrapServers, topic, records }, () => {});
  return seen === 0 ? 0 : Math.round(bytes / seen);
}

type Reading = { readonly bootstrapServers: string; readonly topic: string; readonly records: number };

/** Waits for `records` records. */
async function readValues(
  { bootstrapServers, topic, records }: Reading,
  look: (value: Buffer | undefined | null) => void,
): Promise<{ readonly seen: number; readonly bytes: number }> {
  const consumer = new Consumer<Buffer, Buffer, Buffer, Buffer>({
    groupId: `bench-read-${process.pid}-${Date.now()}`,
    clientId: 'bench-read',
    bootstrapBrokers: bootstrapServers.split(','),
    maxWaitTime: 100,
    autocommit: false,
  });
  const timer = setTimeout(() => void consumer.close(true), READ_TIMEOUT_MS);
  let seen = 0;
  let bytes = 0;
  try {
    const stream = await consumer.consume({ topics: [topic], mode: MessagesStreamModes.EARLIEST });
    for await (const message of stream) {
      seen += 1;
      bytes += message.value?.length ?? 0;
      look(message.value);
      if (seen >= records) break;
    }
  } finally {
    clearTimeout(timer);
    await consumer.close(true);
  }
  return { seen, bytes };
}

const LSN_NAME = Buffer.from('"lsn":');

function positionOf(value: Buffer | undefined | null): string {
  const at = value?.lastIndexOf(LSN_NAME) ?? -1;
  if (value === undefined || value === null || at < 0) throw new Error('A record of the topic has no source.lsn');
  const start = at + LSN_NAME.length;
  return value.toString('latin1', start, value.indexOf(0x2c, start));
}
