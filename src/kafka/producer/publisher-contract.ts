/**
 * Owns the interface between the pipeline and the publisher. kafka/producer/publisher.ts implements it.
 *
 * Records are counted: the first appended has ordinal 1. `acknowledgedOrdinal` is the highest n such that every record with
 * ordinal <= n is acknowledged by all in-sync replicas; it is what the ledger of positions releases positions from. No object
 * or promise is made per record.
 */

/** A topic that exists, with everything resolved that appending needs. */
export interface TopicHandle {
  readonly name: string;
  readonly partitionCount: number;
  /** The topic's max.message.bytes (1 MiB - 1 + overhead by Kafka's default), or producer.max.request.size if smaller. */
  readonly recordBatchBytesMax: number;
}

/** One record as views into `bytes`; the object is reused by the caller, append copies what it needs. */
export type RecordView = {
  bytes: Uint8Array;
  keyStart: number;
  /** -1: null key. */
  keyEnd: number;
  valueStart: number;
  /** -1: null value (tombstone). */
  valueEnd: number;
  /** Headers as they stand in a record of format v2: count varint, then each key and value; never empty (a lone 0 byte for none). */
  headers: Uint8Array;
  timestampMs: number;
  /** -1: by key (murmur2 of the key bytes; without key: sticky), else the partition. */
  partition: number;
};

export interface Publisher {
  /** Creates the topic if configured, and learns partitions and limits. Cached. Retries until Kafka answers or `signal` aborts. */
  openTopic(name: string, signal: AbortSignal): Promise<TopicHandle>;
  /** Copies the record into the open batch of its partition. Never blocks; the caller looks at `hasCapacity` between chunks.
   *  Throws SlotlineError kafka_record_too_large when the record cannot fit a batch of the topic. */
  append(topic: TopicHandle, record: RecordView): void;
  /** The input has nothing more for now: send open batches after linger.ms, as soon as a request may go out. */
  flush(): void;
  hasCapacity(): boolean;
  /** Resolves when there is capacity again, or the publisher failed, or was closed. */
  whenCapacity(): Promise<void>;
  readonly appendedOrdinal: number;
  readonly acknowledgedOrdinal: number;
  /** The first failure; once set nothing is acknowledged or sent any more. */
  readonly failure: import('../../core/errors.ts').SlotlineError | undefined;
  /** Topics that were deleted and made again meanwhile: what was acknowledged before is gone with them. */
  readonly topicsRecreated: number;
  /** Bytes and records appended but not acknowledged; batches sent and not yet answered. */
  readonly pending: { readonly bytes: number; readonly records: number; readonly requestsInFlight: number };
  /** Resolves when everything appended so far is acknowledged; rejects with the failure. */
  drain(signal: AbortSignal): Promise<void>;
  /** Stops sending at once (fencing, D-invariants); what was not acknowledged stays unacknowledged. */
  close(): Promise<void>;
}

/** false: nothing may be sent any more (the slot may have a new owner), and the publisher fails. later: not now; it is asked again soon. */
export type Permission = boolean | 'later';

/** The right to send. Every publisher has one from its first moment: pipeline/positions/fence.ts. */
export interface SendFence {
  /** Asked immediately before bytes are written to a broker. */
  maySend(): Permission;
}

/** Where acknowledgements go: pipeline/positions/positions.ts. */
export interface Acknowledgements {
  /** Every record up to `ordinal` is acknowledged, and `waiting` behind it are not. Called at most once per reply. */
  onAcknowledged(ordinal: number, of: { readonly waiting: number }): void;
  /** Nothing is acknowledged any more: the publisher failed or was closed. */
  onEnded(): void;
}

export type PublisherParts = {
  readonly fence: SendFence;
  /** Absent: nothing depends on them; whoever appends waits with drain(). */
  readonly acknowledgements?: Acknowledgements;
  readonly onFailure: (error: import('../../core/errors.ts').SlotlineError) => void;
};
