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
  /** -1: none now. */
  readonly leaderId: number;
  readonly leaderEpoch: number;
  readonly replicas: readonly number[];
  readonly inSyncReplicas: readonly number[];
};
export type TopicMetadata = {
  readonly name: string;
  /** Of this very topic; undefined where the broker does not say. */
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
  /** null: every topic; empty: none, only the brokers. */
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
  /** The broker ends an authenticated session then (connections.max.reauth.ms); Infinity if it does not say. Monotonic clock. */
  readonly sessionEndsAtMs: number;
  /** Called once, whoever closed it. */
  onClose(listener: (error: unknown) => void): void;
  /**
   * Sends a Produce request (version 9) whose body is `parts`; `done` gets the reply's body, or is never called if the connection ends
   * first. `noReply`: acks=0, done is called at once with no body. From the first call on the connection is for produce() only.
   */
  produce(parts: readonly Uint8Array[], noReply: boolean, done: (body: Uint8Array | undefined) => void): void;
  metadata(request: MetadataRequest, timeoutMs: number): Promise<ClusterMetadata>;
  initProducerId(timeoutMs: number): Promise<{ readonly producerId: bigint; readonly producerEpoch: number; readonly errorCode: number }>;
  /** `validateOnly`: the answer is the one that making them would get, and nothing is made. */
  createTopics(topics: readonly NewTopic[], timeoutMs: number, o?: { readonly validateOnly: boolean }): Promise<readonly TopicResult[]>;
  describeTopicConfigs(topics: readonly string[], keys: readonly string[] | null, timeoutMs: number): Promise<readonly NamedConfigs[]>;
  /** Of one broker, which has to be the one that is asked. */
  describeBrokerConfigs(nodeId: number, keys: readonly string[], timeoutMs: number): Promise<readonly NamedConfigs[]>;
  /** The offset that the next record of the partition gets, and the error code. */
  endOffset(topic: string, partition: number, timeoutMs: number): Promise<{ readonly errorCode: number; readonly offset: number }>;
  /** The first offset still there. */
  startOffset(topic: string, partition: number, timeoutMs: number): Promise<{ readonly errorCode: number; readonly offset: number }>;
  fetch(topic: string, partition: number, offset: number, timeoutMs: number): Promise<FetchedPartition>;
  /** Closes at once, whatever is unsent; in-flight calls fail. */
  destroy(): void;
}

/** Functions over bytes that the library (or Node) brings. */
export type BatchCodec = {
  crc32c(bytes: Buffer): number;
  /** Compresses as Kafka's record batches want it. `bytes` is only read during the call; the result is the caller's. */
  compress(type: Exclude<CompressionType, 'none'>, bytes: Buffer): Uint8Array;
  decompress(type: Exclude<CompressionType, 'none'>, bytes: Buffer): Uint8Array;
};

/** On abort the promise rejects at once and the socket is destroyed. */
export type ConnectBroker = (endpoint: Endpoint, signal: AbortSignal) => Promise<BrokerConnection>;
