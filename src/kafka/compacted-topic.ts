/**
 * Owns reading a small compacted topic to its end and writing single records to it: what offsets/store.ts is handed. Does not own what
 * the records mean. A write is a publisher of its own: acks=all, idempotent, repeated until acknowledged.
 */
import { SlotlineError } from '../core/errors.ts';
import type { ProducerOptions, TopicCreationOptions } from '../core/options.ts';
import type { KafkaClient, KafkaDeps } from './client.ts';
import { kafkaAnswerError } from './protocol-errors.ts';
import { createPublisher } from './publisher.ts';
import type { PublisherEvents, RecordView } from './publisher-contract.ts';
import { openTopic } from './topics.ts';
import type { BrokerConnection, FetchedRecord, TopicMetadata } from './wire.ts';

export type CompactedTopicOptions = {
  readonly topic: string;
  /** For its creation; -1: the broker's default. */
  readonly partitions: number;
  readonly replicationFactor: number;
};

/** Asked before a write: false when the right to the slot may be gone. */
export type WritePermission = PublisherEvents['maySend'];

/** The shape of offsets/store.ts's CompactedTopic; kept apart because neither folder imports the other. */
export type CompactedTopicClient = {
  readAll(visit: (record: Pick<FetchedRecord, 'key' | 'value' | 'timestampMs'>) => void, signal: AbortSignal): Promise<void>;
  write(key: Uint8Array, value: Uint8Array | undefined, signal: AbortSignal): Promise<void>;
};

const CLEANUP_POLICY = 'cleanup.policy';
const READ_TIMEOUT_MS = 5_000;
const NO_HEADERS: Uint8Array = Uint8Array.of(0);

export function createCompactedTopic(
  client: KafkaClient,
  options: CompactedTopicOptions,
  deps: KafkaDeps & { readonly maySend: WritePermission },
): CompactedTopicClient {
  const creation = topicCreation(options);
  const open = async (signal: AbortSignal): Promise<TopicMetadata> => {
    const { metadata } = await openTopic(client, options.topic, creation, signal);
    await client.untilAnswered(`topic ${options.topic}`, signal, () => checkCompacted(client, options.topic));
    return metadata;
  };
  return {
    async readAll(visit, signal) {
      const { partitions } = await open(signal);
      for (const { index } of partitions) {
        await client.untilAnswered(`topic ${options.topic}`, signal, () =>
          readPartition(client, { topic: options.topic, partition: index }, visit, signal),
        );
      }
    },
    async write(key, value, signal) {
      await open(signal);
      await writeRecord(client, { options, creation, deps }, toRecord(key, value, deps.clock.nowMs()), signal);
    },
  };
}

function topicCreation({ partitions, replicationFactor }: CompactedTopicOptions): TopicCreationOptions {
  const configs: [string, string][] = [[CLEANUP_POLICY, 'compact']];
  return { enable: true, groups: [], default: { name: 'default', include: [], exclude: [], partitions, replicationFactor, configs } };
}

/** A topic that deletes by age would forget the offset, and the next start would take the snapshot again. */
async function checkCompacted(client: KafkaClient, topic: string): Promise<void> {
  const [result] = await client.control((connection) => connection.describeTopicConfigs([topic], [CLEANUP_POLICY], READ_TIMEOUT_MS));
  const policy = result?.configs.get(CLEANUP_POLICY);
  if (
    policy === undefined ||
    policy
      .split(',')
      .map((part) => part.trim())
      .join() === 'compact'
  )
    return;
  throw new SlotlineError('kafka_topic_invalid', { topic, reason: `${CLEANUP_POLICY} is ${policy}, and must be compact for offsets` });
}

type Partition = { readonly topic: string; readonly partition: number };

async function readPartition(
  client: KafkaClient,
  of: Partition,
  visit: (record: FetchedRecord) => void,
  signal: AbortSignal,
): Promise<void> {
  const connection = await connectLeader(client, of);
  try {
    const end = await offsetOf(of, connection.endOffset(of.topic, of.partition, READ_TIMEOUT_MS));
    let at = await offsetOf(of, connection.startOffset(of.topic, of.partition, READ_TIMEOUT_MS));
    while (at < end) {
      signal.throwIfAborted();
      const { errorCode, records, nextOffset } = await connection.fetch(of.topic, of.partition, at, READ_TIMEOUT_MS);
      refuse(errorCode, of);
      for (const record of records) visit(record);
      at = nextOffset;
    }
  } finally {
    connection.destroy();
  }
}

async function connectLeader(client: KafkaClient, of: Partition): Promise<BrokerConnection> {
  const { topics } = await client.metadata({ topics: [of.topic], allowAutoTopicCreation: false });
  const leaderId = topics[0]?.partitions.find(({ index }) => index === of.partition)?.leaderId ?? -1;
  const address = client.brokerAddress(leaderId);
  if (address === undefined) throw new SlotlineError('kafka_request_failed', { ...of, error: 'LEADER_NOT_AVAILABLE' });
  return client.connect(address);
}

async function offsetOf(of: Partition, asked: Promise<{ readonly errorCode: number; readonly offset: number }>): Promise<number> {
  const { errorCode, offset } = await asked;
  refuse(errorCode, of);
  return offset;
}

function refuse(errorCode: number, of: Partition): void {
  if (errorCode !== 0) throw kafkaAnswerError(errorCode, of);
}

type Writing = {
  readonly options: CompactedTopicOptions;
  readonly creation: TopicCreationOptions;
  readonly deps: KafkaDeps & { readonly maySend: WritePermission };
};

async function writeRecord(client: KafkaClient, writing: Writing, record: RecordView, signal: AbortSignal): Promise<void> {
  const { options, creation, deps } = writing;
  const events = { onSettled() {}, onFailure() {}, maySend: deps.maySend };
  const publisher = createPublisher(client, writerOptions(client), creation, events, deps);
  try {
    publisher.append(await publisher.openTopic(options.topic, signal), record);
    await publisher.drain(signal);
  } finally {
    await publisher.close();
  }
}

/** The caller's signal bounds the wait. */
function writerOptions(client: KafkaClient): ProducerOptions {
  return {
    acks: -1,
    idempotence: true,
    maxInFlightPerConnection: 1,
    compression: 'none',
    lingerMs: 0,
    batchBytesMax: 64 * 1024,
    requestBytesMax: 1024 * 1024,
    deliveryTimeoutMs: Number.POSITIVE_INFINITY,
    requestTimeoutMs: client.options.requestTimeoutMs,
    bufferBytesMax: 1024 * 1024,
    bufferRecordsMax: 1_000,
  };
}

function toRecord(key: Uint8Array, value: Uint8Array | undefined, timestampMs: number): RecordView {
  const bytes = Buffer.concat([key, value ?? NO_HEADERS.subarray(1)]);
  const valueEnd = value === undefined ? -1 : bytes.length;
  return { bytes, keyStart: 0, keyEnd: key.length, valueStart: key.length, valueEnd, headers: NO_HEADERS, timestampMs, partition: -1 };
}
