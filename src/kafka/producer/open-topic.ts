/**
 * Owns a topic that a publisher has opened: its partitions' queues, which topic of that name it is, and how large a batch may be there as
 * far as that is known. Does not own asking Kafka (topic-keeper.ts) or sending.
 */
import type { ProducerOptions } from '../../core/options.ts';
import { MAX_MESSAGE_BYTES_DEFAULT, type ResolvedTopic } from '../topics.ts';
import { PartitionQueue, type QueueRules } from './partition-queue.ts';
import type { TopicHandle } from './publisher-contract.ts';

/** A limit that was read this long ago may have been raised since: the broker judges then, not we. */
const LIMIT_BELIEVED_MS = 10_000;

export class OpenTopic implements TopicHandle {
  readonly name: string;
  readonly queues: PartitionQueue[] = [];
  /** Of this very topic: one that was deleted and made again has another. undefined: not known. */
  topicId: string | undefined;
  /** Since when brokers say that there is no such topic, by the monotonic clock. */
  missingSinceMs: number | undefined;
  recordBatchBytesMax = 0;
  /** Where a batch with several records ends. */
  batchBytesMax = 0;
  /** max.message.bytes; undefined where it may not be asked for. */
  limit: number | undefined;
  /** Where records without a key go until that batch is full. */
  sticky = 0;
  readonly #options: ProducerOptions;
  readonly #rules: QueueRules;
  #limitReadAtMs = 0;

  constructor(resolved: ResolvedTopic, options: ProducerOptions, rules: QueueRules, nowMs: number) {
    this.name = resolved.name;
    this.topicId = resolved.metadata.topicId;
    this.#options = options;
    this.#rules = rules;
    this.batchBytesMax = options.batchBytesMax;
    this.learnLimit(resolved.maxMessageBytes, nowMs);
    this.resize(resolved.metadata.partitions.length);
  }

  get partitionCount(): number {
    return this.queues.length;
  }

  learnLimit(maxMessageBytes: number | undefined, nowMs: number): void {
    this.limit = maxMessageBytes;
    this.#limitReadAtMs = nowMs;
    this.recordBatchBytesMax = Math.min(maxMessageBytes ?? MAX_MESSAGE_BYTES_DEFAULT, this.#options.requestBytesMax);
    this.shrinkBatches(this.recordBatchBytesMax);
  }

  /** A batch of this size was refused, or would be. */
  shrinkBatches(bytesMax: number): void {
    this.batchBytesMax = Math.min(this.batchBytesMax, bytesMax);
  }

  /** A batch above this is refused here, and not by the broker. */
  refusedAbove(nowMs: number): number {
    const isBelieved = this.limit !== undefined && nowMs - this.#limitReadAtMs < LIMIT_BELIEVED_MS;
    return isBelieved ? this.recordBatchBytesMax : this.#options.requestBytesMax;
  }

  /** Something of it is not acknowledged. */
  get hasUnacknowledged(): boolean {
    return this.queues.some((queue) => queue.hasUnacknowledged);
  }

  /** Fewer only where nothing is unacknowledged. */
  resize(partitionCount: number): void {
    for (let i = this.queues.length; i < partitionCount; i++) this.queues.push(new PartitionQueue(this.name, i, this.#rules));
    this.queues.length = partitionCount;
    if (this.sticky >= partitionCount) this.sticky = 0;
  }
}
