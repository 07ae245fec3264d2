/**
 * Owns a topic that a publisher has opened: the queues of its partitions, its topic id, and how large its batches may be as far as that is
 * known. Does not ask Kafka (topic-keeper.ts) and does not send.
 */
import type { ProducerOptions } from '../../core/options.ts';
import { MAX_MESSAGE_BYTES_DEFAULT, type ResolvedTopic } from '../topics.ts';
import { PartitionQueue, type QueueRules } from './partition-queue.ts';
import type { TopicHandle } from './publisher-contract.ts';

/** After this time a limit may have been raised. Then the broker decides, not we. */
const LIMIT_BELIEVED_MS = 10_000;

export class OpenTopic implements TopicHandle {
  readonly name: string;
  readonly queues: PartitionQueue[] = [];
  /** The topic's id. A topic that is deleted and made again gets another one. undefined: not known. */
  topicId: string | undefined;
  /** When brokers first said that the topic does not exist, by the monotonic clock. */
  missingSinceMs: number | undefined;
  recordBatchBytesMax = 0;
  /** The size at which a batch with several records is full. */
  batchBytesMax = 0;
  /** max.message.bytes; undefined if we may not ask for it. */
  limit: number | undefined;
  /** The partition of records without a key, until its batch is full. */
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

  /** Called when a batch of this size was refused, or would be. */
  shrinkBatches(bytesMax: number): void {
    this.batchBytesMax = Math.min(this.batchBytesMax, bytesMax);
  }

  /** A larger batch is refused here, before it goes to the broker. */
  refusedAbove(nowMs: number): number {
    const isBelieved = this.limit !== undefined && nowMs - this.#limitReadAtMs < LIMIT_BELIEVED_MS;
    return isBelieved ? this.recordBatchBytesMax : this.#options.requestBytesMax;
  }

  /** True when a record of the topic is not acknowledged. */
  get hasUnacknowledged(): boolean {
    return this.queues.some((queue) => queue.hasUnacknowledged);
  }

  /** The count may only go down when everything is acknowledged. */
  resize(partitionCount: number): void {
    for (let i = this.queues.length; i < partitionCount; i++) this.queues.push(new PartitionQueue(this.name, i, this.#rules));
    this.queues.length = partitionCount;
    if (this.sticky >= partitionCount) this.sticky = 0;
  }
}
