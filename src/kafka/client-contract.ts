/**
 * Owns the types of what Slotline needs from a Kafka library: one connection, its calls, and the functions that compress and
 * sum bytes. Does not own their implementation: client.ts does, and is the only file that imports the library.
 */
import type { CompressionType } from '../core/options.ts';

export type Endpoint = { readonly host: string; readonly port: number };
export type BrokerAddress = Endpoint & { readonly nodeId: number };

type PartitionMetadata = {
  readonly index: number;
  readonly errorCode: number;
  /** -1: the partition has no leader now. */
  readonly leaderId: number;
  readonly leaderEpoch: number;
  readonly replicas: readonly number[];
  readonly inSyncReplicas: readonly number[];
};
export type TopicMetadata = {
  readonly name: string;
  /** A topic that is deleted and made again gets another id. Undefined where the broker does not say. */
  readonly topicId: string | undefined;
  readonly errorCode: number;
  readonly partitions: readonly PartitionMetadata[];
  /** Bits by Kafka's AclOperation code; undefined where not asked or not known. */
  readonly authorizedOperations: number | undefined;
};
export type ClusterMetadata = {
  readonly clusterId: string | undefined;
  readonly controllerId: number;
  readonly brokers: readonly BrokerAddress[];
  readonly topics: readonly TopicMetadata[];
};

export type MetadataRequest = {
  /** null asks for every topic; an empty list asks for the brokers only. */
  readonly topics: readonly string[] | null;
  readonly allowAutoTopicCreation: boolean;
  readonly includeAuthorizedOperations?: boolean;
};

export type NewTopic = {
  readonly name: string;
  readonly partitions: number;
  readonly replicationFactor: number;
  readonly configs: readonly (readonly [string, string])[];
};
export type TopicResult = { readonly name: string; readonly errorCode: number; readonly errorMessage: string | undefined };
export type NamedConfigs = TopicResult & { readonly configs: ReadonlyMap<string, string> };

export type FetchedRecord = {
  readonly offset: number;
  readonly key: Uint8Array | undefined;
  readonly value: Uint8Array | undefined;
  readonly timestampMs: number;
};
export type FetchedPartition = {
  readonly errorCode: number;
  /** Records from the asked offset on; an earlier part of a compressed batch is left out. */
  readonly records: readonly FetchedRecord[];
  /** The offset to fetch next. */
  readonly nextOffset: number;
};

/** One connection to one broker. Every call that gives a promise ends: by a reply, by the connection's end, or after `timeoutMs` by closing the connection. */
export interface BrokerConnection {
  readonly endpoint: Endpoint;
  readonly closed: boolean;
  /** When the broker ends an authenticated session (connections.max.reauth.ms), by the monotonic clock; Infinity if it does not say. */
  readonly sessionEndsAtMs: number;
  /** Called once, whoever closed it. */
  onClose(listener: (error: unknown) => void): void;
  /**
   * Sends a Produce request (version 9) whose body is `parts`; `done` gets the reply's body, or is never called if the connection ends
   * first. `noReply`: with acks=0, done is called at once with no body. After the first call only produce() may be called.
   */
  produce(parts: readonly Uint8Array[], noReply: boolean, done: (body: Uint8Array | undefined) => void): void;
  metadata(request: MetadataRequest, timeoutMs: number): Promise<ClusterMetadata>;
  initProducerId(timeoutMs: number): Promise<{ readonly producerId: bigint; readonly producerEpoch: number; readonly errorCode: number }>;
  /** `validateOnly`: the broker answers as if it created the topics, but creates none. */
  createTopics(topics: readonly NewTopic[], timeoutMs: number, o?: { readonly validateOnly: boolean }): Promise<readonly TopicResult[]>;
  describeTopicConfigs(topics: readonly string[], keys: readonly string[] | null, timeoutMs: number): Promise<readonly NamedConfigs[]>;
  /** The configs of one broker. This connection has to be to that broker. */
  describeBrokerConfigs(nodeId: number, keys: readonly string[], timeoutMs: number): Promise<readonly NamedConfigs[]>;
  /** The offset that the next record of the partition gets, and the error code. */
  endOffset(topic: string, partition: number, timeoutMs: number): Promise<{ readonly errorCode: number; readonly offset: number }>;
  /** The first offset that the partition still has. */
  startOffset(topic: string, partition: number, timeoutMs: number): Promise<{ readonly errorCode: number; readonly offset: number }>;
  fetch(topic: string, partition: number, offset: number, timeoutMs: number): Promise<FetchedPartition>;
  /** Closes at once, whatever is unsent; in-flight calls fail. */
  destroy(): void;
}

/** Functions over bytes that come with the library, or with Node. */
export type BatchCodec = {
  crc32c(bytes: Buffer): number;
  /** Compresses as Kafka's record batches want it. `bytes` is only read during the call; the result is the caller's. */
  compress(type: Exclude<CompressionType, 'none'>, bytes: Buffer): Uint8Array;
  decompress(type: Exclude<CompressionType, 'none'>, bytes: Buffer): Uint8Array;
};

/** On abort the promise rejects at once and the socket is destroyed. */
export type ConnectBroker = (endpoint: Endpoint, signal: AbortSignal) => Promise<BrokerConnection>;
