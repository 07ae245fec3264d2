/**
 * Owns the interface between the pipeline and the publisher. kafka/producer/publisher.ts implements it.
 *
 * Records are counted: the first one appended has ordinal 1. `acknowledgedOrdinal` is the highest n such that all in-sync replicas have
 * acknowledged every record with ordinal <= n. By it the ledger of positions releases positions. No object or promise is made per record.
 */

/** A topic that exists, with everything known that appending needs. */
export interface TopicHandle {
  readonly name: string;
  readonly partitionCount: number;
  /** The topic's max.message.bytes (1 MiB - 1 + overhead by Kafka's default), or producer.max.request.size if smaller. */
  readonly recordBatchBytesMax: number;
}

/** One record as views into `bytes`. The caller reuses the object; append copies what it needs. */
export type RecordView = {
  bytes: Uint8Array;
  keyStart: number;
  /** -1: the key is null. */
  keyEnd: number;
  valueStart: number;
  /** -1: the value is null (tombstone). */
  valueEnd: number;
  /** Headers as a record of format v2 has them: count varint, then each key and value. Never empty: a single 0 byte means none. */
  headers: Uint8Array;
  timestampMs: number;
  /** The partition; -1: chosen by the key (murmur2 of its bytes), or sticky without a key. */
  partition: number;
};

export interface Publisher {
  /** Creates the topic if configured, and reads partitions and limits. Cached. Tries until Kafka answers or `signal` aborts. */
  openTopic(name: string, signal: AbortSignal): Promise<TopicHandle>;
  /** Copies the record into the open batch of its partition. Never blocks: the caller looks at `hasCapacity` between chunks.
   *  Throws SlotlineError kafka_record_too_large when the record cannot fit a batch of the topic. */
  append(topic: TopicHandle, record: RecordView): void;
  /** Called when the input has nothing more for now: open batches are sent after linger.ms, as soon as a request may go out. */
  flush(): void;
  hasCapacity(): boolean;
  /** Resolves when there is capacity again, or the publisher has failed or was closed. */
  whenCapacity(): Promise<void>;
  readonly appendedOrdinal: number;
  readonly acknowledgedOrdinal: number;
  /** The first failure. Once it is set, nothing is acknowledged or sent any more. */
  readonly failure: import('../../core/errors.ts').SlotlineError | undefined;
  /** How many topics were deleted and made again: what was acknowledged before is gone with them. */
  readonly topicsRecreated: number;
  /** Bytes and records that are appended and not acknowledged; batches that are sent and not answered. */
  readonly pending: { readonly bytes: number; readonly records: number; readonly requestsInFlight: number };
  /** Resolves when everything appended so far is acknowledged; rejects with the failure. */
  drain(signal: AbortSignal): Promise<void>;
  /** Stops sending at once (fencing, D-invariants). What was not acknowledged stays so. */
  close(): Promise<void>;
}

/** false: nothing may be sent any more, since the slot may have a new owner; the publisher fails. later: not now, ask again soon. */
export type Permission = boolean | 'later';

/** The right to send. Every publisher has one from the beginning. Implemented by pipeline/positions/fence.ts. */
export interface SendFence {
  /** Asked immediately before bytes are written to a broker. */
  maySend(): Permission;
}

/** Takes acknowledgements. Implemented by pipeline/positions/positions.ts. */
export interface Acknowledgements {
  /** Every record up to `ordinal` is acknowledged; `waiting` later ones are not. Called at most once per reply. */
  onAcknowledged(ordinal: number, of: { readonly waiting: number }): void;
  /** The publisher has failed or was closed: nothing is acknowledged any more. */
  onEnded(): void;
}

export type PublisherParts = {
  readonly fence: SendFence;
  /** Absent: no position depends on acknowledgements; whoever appends waits by drain(). */
  readonly acknowledgements?: Acknowledgements;
  readonly onFailure: (error: import('../../core/errors.ts').SlotlineError) => void;
};
