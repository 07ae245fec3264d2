/**
 * Owns reading a small compacted topic to its end and writing single records to it: what offsets/store.ts is handed. Does not own
 * what the records mean. One publisher of its own makes all writes, one after the other: acks=all, idempotent, repeated until
 * acknowledged.
 */
import { SlotlineError } from '../core/errors.ts';
import type { ProducerOptions, TopicCreationOptions } from '../core/options.ts';
import type { KafkaClient } from './client.ts';
import type { BrokerConnection, FetchedRecord, NewTopic, TopicMetadata } from './client-contract.ts';
import { createPublisher, type PublisherDeps } from './producer/publisher.ts';
import type { Publisher, RecordView, SendFence } from './producer/publisher-contract.ts';
import { kafkaAnswerError } from './protocol-errors.ts';
import { newTopic, openTopic } from './topics.ts';

type CompactedTopicOptions = {
  readonly topic: string;
  /** How many partitions the topic gets when it is created; -1: the broker's default. */
  readonly partitions: number;
  readonly replicationFactor: number;
  /** False for a caller that only looks. Default: true. */
  readonly mayCreate?: boolean;
};

/** The shape of offsets/store.ts's CompactedTopic; kept apart because neither folder imports the other. */
type CompactedTopicClient = {
  readAll(visit: (record: Pick<FetchedRecord, 'key' | 'value' | 'timestampMs'>) => void, signal: AbortSignal): Promise<void>;
  write(key: Uint8Array, value: Uint8Array | undefined, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
};

const CLEANUP_POLICY = 'cleanup.policy';
/** Only closed segments are compacted, and every start reads what is left: a position is remembered up to twice a second. */
const SEGMENT_BYTES = String(16 * 1024 * 1024);
const READ_TIMEOUT_MS = 5_000;
const NO_HEADERS: Uint8Array = Uint8Array.of(0);
/** Of whoever only looks: nothing is written. */
const CLOSED: SendFence = { maySend: () => false };

export function createCompactedTopic(
  client: KafkaClient,
  options: CompactedTopicOptions,
  deps: PublisherDeps,
  fence: SendFence = CLOSED,
): CompactedTopicClient {
  const creation = topicCreation(options);
  const open = async (signal: AbortSignal): Promise<TopicMetadata> => {
    const { metadata } = await openTopic(client, options.topic, creation, signal);
    await client.untilAnswered(`topic ${options.topic}`, signal, () => checkCompacted(client, options.topic));
    return metadata;
  };
  let publisher: Publisher | undefined;
  const closeWriter = async (): Promise<void> => {
    const closing = publisher;
    publisher = undefined;
    await closing?.close();
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
      // A publisher that failed, or whose record may still be on its way, is not used again: the epoch of the next one fences it off.
      if (publisher === undefined) {
        await open(signal);
        publisher = createWriter(client, { creation, deps, fence });
      }
      try {
        publisher.append(await publisher.openTopic(options.topic, signal), toRecord(key, value, deps.clock.nowMs()));
        await publisher.drain(signal);
      } catch (error) {
        await closeWriter();
        throw error;
      }
    },
    close: closeWriter,
  };
}

/** The topic as it would be created. */
export function newCompactedTopic(options: CompactedTopicOptions): NewTopic | undefined {
  return newTopic(options.topic, topicCreation(options));
}

function topicCreation({ partitions, replicationFactor, mayCreate = true }: CompactedTopicOptions): TopicCreationOptions {
  const configs: [string, string][] = [
    [CLEANUP_POLICY, 'compact'],
    ['segment.bytes', SEGMENT_BYTES],
  ];
  return { enable: mayCreate, groups: [], default: { name: 'default', include: [], exclude: [], partitions, replicationFactor, configs } };
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
  readonly creation: TopicCreationOptions;
  readonly deps: PublisherDeps;
  readonly fence: SendFence;
};

function createWriter(client: KafkaClient, { creation, deps, fence }: Writing): Publisher {
  return createPublisher(client, writerOptions(client), creation, { fence, onFailure() {} }, deps);
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
