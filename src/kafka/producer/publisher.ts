/**
 * Owns the publisher that the pipeline sees: it puts records into open batches, and owns how much may be held, which ordinals are
 * acknowledged, linger, and the limit on delivery time. Does not own sending (sender.ts) or the creation of topics (topics.ts).
 *
 * `acknowledgedOrdinal` is the first ordinal of the oldest unfinished batch, minus one. Batches are listed in the order in which they were
 * opened, so it moves only past batches that are acknowledged without a hole.
 */
import { itemAt } from '../../core/byte-reader.ts';
import { SlotlineError } from '../../core/errors.ts';
import type { ProducerOptions, TopicCreationOptions } from '../../core/options.ts';
import type { KafkaClient, KafkaDeps } from '../client.ts';
import { BufferPool } from './buffer-pool.ts';
import { createProducerIdentity, type ProducerIdentity } from './identity.ts';
import { OpenTopic } from './open-topic.ts';
import type { PartitionQueue, QueueRules } from './partition-queue.ts';
import { partitionOfKey } from './partitioner.ts';
import type { Publisher, PublisherParts, RecordView, TopicHandle } from './publisher-contract.ts';
import { RecordBatch, recordBytesMax } from './record-batch.ts';
import { Sender } from './sender.ts';
import { TopicKeeper } from './topic-keeper.ts';
import { UnfinishedBatches } from './unfinished-batches.ts';

export type PublisherDeps = KafkaDeps & {
  /** Kept for all publishers of a connector. A later publisher fences off the requests that an earlier one left at brokers. */
  readonly producerIdentity?: ProducerIdentity;
};

export function createPublisher(
  client: KafkaClient,
  options: ProducerOptions,
  topicCreation: TopicCreationOptions,
  parts: PublisherParts,
  deps: PublisherDeps,
): Publisher {
  return new KafkaPublisher(client, options, topicCreation, parts, deps);
}

/** While input keeps coming, nobody calls flush(). So a batch of a quiet table is sent at this age at the latest. */
const BUSY_LINGER_MS = 5;
/** Brokers remember five batches per producer and partition. With more in flight they could not tell a repeat from a gap. */
const IN_FLIGHT_KNOWN_MAX = 5;

type Waiter = { readonly ordinal: number; readonly settle: () => void };

class KafkaPublisher implements Publisher {
  readonly #client: KafkaClient;
  readonly #options: ProducerOptions;
  readonly #parts: PublisherParts;
  readonly #deps: KafkaDeps;
  readonly #identity: ProducerIdentity;
  readonly #sender: Sender;
  readonly #pool = new BufferPool();
  readonly #unfinished = new UnfinishedBatches();
  readonly #keeper: TopicKeeper;
  #rules: Promise<QueueRules> | undefined;
  /** Queues with an open batch that is not due. */
  #filling: PartitionQueue[] = [];
  #lingerTimer: NodeJS.Timeout | undefined;
  #appended = 0;
  #acknowledged = 0;
  #topicsRecreated = 0;
  #bytes = 0;
  #failure: SlotlineError | undefined;
  #closed = false;
  #capacity: PromiseWithResolvers<void> | undefined;
  #drains: Waiter[] = [];

  constructor(
    client: KafkaClient,
    options: ProducerOptions,
    topicCreation: TopicCreationOptions,
    parts: PublisherParts,
    deps: PublisherDeps,
  ) {
    this.#client = client;
    this.#options = options;
    this.#parts = parts;
    this.#deps = deps;
    this.#identity = deps.producerIdentity ?? createProducerIdentity();
    this.#sender = new Sender(client, options, deps, {
      onAcknowledged: (batch) => {
        this.#bytes -= batch.settle()?.recordBytes ?? 0;
      },
      onProgress: () => this.#onProgress(),
      onFailure: (error) => this.#fail(error),
      fence: parts.fence,
      reopen: (name, signal) => this.#keeper.reopen(name, signal),
      onRecreated: () => this.#topicsRecreated++,
      sizeAfterRefusal: (name, bytes) => this.#keeper.sizeAfterRefusal(name, bytes),
      limitOf: (name) => this.#keeper.limitOf(name),
    });
    this.#keeper = new TopicKeeper({
      client,
      options,
      creation: topicCreation,
      clock: deps.clock,
      rules: (signal) => this.#queueRules(signal),
      onOpened: (topic, metadata) => this.#sender.leaders.add(topic, metadata),
    });
  }

  get appendedOrdinal(): number {
    return this.#appended;
  }

  get acknowledgedOrdinal(): number {
    return this.#acknowledged;
  }

  get failure(): SlotlineError | undefined {
    return this.#failure;
  }

  get topicsRecreated(): number {
    return this.#topicsRecreated;
  }

  get pending(): { readonly bytes: number; readonly records: number; readonly requestsInFlight: number } {
    return { bytes: this.#bytes, records: this.#appended - this.#acknowledged, requestsInFlight: this.#sender.requestsInFlight };
  }

  openTopic(name: string, signal: AbortSignal): Promise<TopicHandle> {
    return this.#keeper.open(name, signal);
  }

  /** Asks Kafka once. After a failure, a later call asks again. */
  #queueRules(signal: AbortSignal): Promise<QueueRules> {
    this.#rules ??= this.#askQueueRules(signal).catch((error: unknown) => {
      this.#rules = undefined;
      throw error;
    });
    return this.#rules;
  }

  /** With idempotence and acks=all the broker keeps one copy of each batch, in order. Otherwise only one request in flight keeps the order. */
  async #askQueueRules(signal: AbortSignal): Promise<QueueRules> {
    const { idempotence, acks, compression, maxInFlightPerConnection } = this.#options;
    const pipelined = idempotence && acks === -1;
    const inFlightMax = Math.min(maxInFlightPerConnection, IN_FLIGHT_KNOWN_MAX);
    const producer = pipelined ? await this.#identity.nextEpoch(this.#client, signal) : { producerId: -1n, producerEpoch: -1 };
    return { pipelined, inFlightMax, offsetsRise: acks === -1, sealing: { codec: this.#client.codec, compression, ...producer } };
  }

  append(topic: TopicHandle, record: RecordView): void {
    if (!(topic instanceof OpenTopic)) throw new TypeError('the topic was opened by another publisher');
    if (this.#failure !== undefined || this.#closed) throw this.#failure ?? closedError();
    const queue = itemAt(topic.queues, this.#partitionFor(topic, record));
    let batch = queue.open;
    if (batch === undefined || !batch.hasRoom(record, topic.batchBytesMax)) {
      if (batch !== undefined) this.#sealFull(topic, queue);
      batch = this.#newBatch(queue, recordBytesMax(record));
      if (!batch.hasRoom(record, topic.batchBytesMax)) {
        this.#appendAlone(topic, queue, batch, record);
        return;
      }
      queue.open = batch;
      this.#unfinished.push(batch);
      this.#listFilling(queue);
    }
    const before = batch.recordBytes;
    batch.append(record);
    this.#appended++;
    this.#bytes += batch.recordBytes - before;
  }

  #partitionFor(topic: OpenTopic, record: RecordView): number {
    if (record.partition >= 0) return record.partition;
    if (record.keyEnd < 0) return topic.sticky;
    return partitionOfKey(record.bytes, record.keyStart, record.keyEnd, topic.queues.length);
  }

  #newBatch(queue: PartitionQueue, recordBytes: number): RecordBatch {
    return new RecordBatch(this.#appended + 1, this.#deps.clock.monotonicMs(), this.#pool, Math.max(queue.expectedBytes, recordBytes));
  }

  #sealFull(topic: OpenTopic, queue: PartitionQueue): void {
    queue.sealOpen();
    if (queue.partition === topic.sticky) topic.sticky = Math.floor(this.#deps.random() * topic.queues.length);
    this.#sender.ready(queue);
    this.#sender.pump();
  }

  /** Sends a record that is larger than a batch by itself, if the topic accepts it once it is compressed. */
  #appendAlone(topic: OpenTopic, queue: PartitionQueue, batch: RecordBatch, record: RecordView): void {
    batch.append(record);
    try {
      queue.enqueue(batch, topic.refusedAbove(this.#deps.clock.monotonicMs()));
    } catch (error) {
      batch.release();
      throw error;
    }
    this.#unfinished.push(batch);
    this.#appended++;
    this.#bytes += batch.recordBytes;
    this.#sender.ready(queue);
    this.#sender.pump();
  }

  #listFilling(queue: PartitionQueue): void {
    if (!queue.openListed) {
      queue.openListed = true;
      this.#filling.push(queue);
    }
    this.#lingerTimer ??= setTimeout(() => this.#onLinger(), Math.max(this.#options.lingerMs, BUSY_LINGER_MS));
  }

  flush(): void {
    // With a linger only batches that are old enough are sent. The timer sends the others.
    if (this.#filling.length > 0) this.#sendFilling(this.#options.lingerMs);
  }

  #onLinger(): void {
    this.#lingerTimer = undefined;
    this.#sendFilling(this.#options.lingerMs);
    if (this.#filling.length > 0) this.#lingerTimer = setTimeout(() => this.#onLinger(), Math.max(1, this.#options.lingerMs / 2));
  }

  /** Makes open batches of at least this age due, and sends what may be sent. */
  #sendFilling(ageMs: number): void {
    if (this.#failure !== undefined || this.#closed) return;
    const nowMs = this.#deps.clock.monotonicMs();
    const filling = this.#filling;
    this.#filling = [];
    for (const queue of filling) {
      if (queue.open !== undefined && ageMs > 0 && nowMs - queue.open.openedAtMs < ageMs) {
        this.#filling.push(queue);
        continue;
      }
      queue.openListed = false;
      if (queue.open === undefined) continue;
      queue.openDue = true;
      this.#sender.ready(queue);
    }
    this.#sender.pump();
  }

  hasCapacity(): boolean {
    return this.#bytes < this.#options.bufferBytesMax && this.#appended - this.#acknowledged < this.#options.bufferRecordsMax;
  }

  whenCapacity(): Promise<void> {
    if (this.hasCapacity() || this.#failure !== undefined || this.#closed) return Promise.resolve();
    this.#capacity ??= Promise.withResolvers<void>();
    const { promise } = this.#capacity;
    // The input waits until something is acknowledged, and lingering would only delay that. This may fail, which resolves the promise.
    this.#sendFilling(0);
    return promise;
  }

  #onProgress(): void {
    if (this.#failure !== undefined || this.#closed) return;
    const acknowledged = this.#unfinished.acknowledgedOrdinal(this.#appended);
    if (acknowledged !== this.#acknowledged) {
      this.#acknowledged = acknowledged;
      this.#parts.acknowledgements?.onAcknowledged(acknowledged, { waiting: this.#appended - acknowledged });
      this.#wakeDrains();
    }
    if (this.#capacity !== undefined && this.hasCapacity()) this.#releaseCapacity();
    const oldest = this.#unfinished.oldest;
    const waitedMs = oldest === undefined ? 0 : this.#deps.clock.monotonicMs() - oldest.openedAtMs;
    if (waitedMs > this.#options.deliveryTimeoutMs) {
      const details = { waitedMs: Math.round(waitedMs), records: this.#appended - this.#acknowledged, lastAnswer: oldest?.refusal };
      this.#fail(new SlotlineError('kafka_delivery_timeout', details));
    }
  }

  #releaseCapacity(): void {
    this.#capacity?.resolve();
    this.#capacity = undefined;
  }

  drain(signal: AbortSignal): Promise<void> {
    if (this.#failure !== undefined || this.#closed) return Promise.reject(this.#failure ?? closedError());
    const ordinal = this.#appended;
    if (this.#acknowledged >= ordinal) return Promise.resolve();
    if (signal.aborted) return Promise.reject(closedError());
    const drained = new Promise<void>((resolve, reject) => {
      const settle = (): void => {
        signal.removeEventListener('abort', settle);
        this.#drains = this.#drains.filter((waiter) => waiter.settle !== settle);
        if (this.#acknowledged >= ordinal) resolve();
        else reject(this.#failure ?? closedError());
      };
      signal.addEventListener('abort', settle, { once: true });
      this.#drains.push({ ordinal, settle });
    });
    // This may fail, which rejects the promise.
    this.#sendFilling(0);
    return drained;
  }

  #wakeDrains(): void {
    for (const waiter of this.#drains) if (this.#acknowledged >= waiter.ordinal) waiter.settle();
  }

  #fail(error: SlotlineError): void {
    if (this.#failure !== undefined || this.#closed) return;
    this.#failure = error;
    this.#stop();
    // Deferred: the listener may call back, and must not do so inside append() or a reply.
    queueMicrotask(() => this.#parts.onFailure(error));
  }

  async close(): Promise<void> {
    this.#closed = true;
    // Set, so that nobody waits for capacity again: there will be none.
    this.#failure ??= closedError();
    this.#stop();
  }

  #stop(): void {
    clearTimeout(this.#lingerTimer);
    this.#sender.stop();
    this.#parts.acknowledgements?.onEnded();
    this.#releaseCapacity();
    for (const waiter of this.#drains) waiter.settle();
  }
}

function closedError(): SlotlineError {
  return new SlotlineError('stop_timeout', { reason: 'the publisher was closed' });
}
