/**
 * Owns delivery: which batch goes to which broker and when, what every reply means for each batch, and what is sent again. Does not own records
 * (publisher.ts), the order inside a partition (partition-queue.ts), connections (broker-link.ts) or leaders (leaders.ts).
 *
 * When a batch of a partition fails, the partition stops. It waits until everything that it has in flight has ended, and for fresh metadata.
 * Then it sends the identical bytes with the same sequence numbers again, the first batch alone. The broker recognises them and keeps one copy.
 */
import { SlotlineError, toSlotlineError } from '../../core/errors.ts';
import type { ProducerOptions } from '../../core/options.ts';
import type { KafkaClient, KafkaDeps } from '../client.ts';
import type { TopicMetadata } from '../client-contract.ts';
import { Leaders } from '../leaders.ts';
import { KAFKA_CODE, kafkaCodeError, kafkaErrorEntry } from '../protocol-errors.ts';
import { hasKey } from './batch-split.ts';
import { BrokerLink, type Flight, type LinkEvents, type Shipment } from './broker-link.ts';
import type { PartitionQueue } from './partition-queue.ts';
import { type ProduceOutcome, parseProduceReply, produceBody } from './produce-request.ts';
import type { SendFence } from './publisher-contract.ts';
import type { RecordBatch } from './record-batch.ts';

type SenderEvents = {
  /** The batch is acknowledged, and its bytes are no longer needed. */
  onAcknowledged(batch: RecordBatch): void;
  /** Called after each reply, and regularly. */
  onProgress(): void;
  /** Called when the sender has failed: nothing is sent any more. */
  onFailure(error: SlotlineError): void;
  /** Asked before each request. After `later` it is asked again within moments. */
  readonly fence: SendFence;
  /** Called when the topic does not exist any more: finds it, or makes it again. */
  reopen(topic: string, signal: AbortSignal): Promise<TopicMetadata>;
  onRecreated(): void;
  /** Called when a batch of this size (uncompressed) was refused for it. Returns the size to cut batches to. */
  sizeAfterRefusal(topic: string, bytes: number): Promise<number>;
  /** The topic's limit when it was last read. */
  limitOf(topic: string): number | undefined;
};

/** The first retry is sent at once. A later one, for a leader that is not known yet, waits at least so long. */
const RETRY_FIRST_MS = 20;
const RETRY_MAX_MS = 500;
const WATCH_EVERY_MS = 100;
/** A leader that moves causes shorter refusals, which are normal. */
const REFUSED_TOLD_MS = 2_000;
/** The bytes of a request besides its batches: at most so many per partition, with the longest topic name once. */
const REQUEST_OVERHEAD_BYTES = 320;

export class Sender {
  readonly leaders: Leaders;
  readonly #client: KafkaClient;
  readonly #options: ProducerOptions;
  readonly #deps: KafkaDeps;
  readonly #events: SenderEvents;
  readonly #links = new Map<number, BrokerLink>();
  readonly #linkEvents: LinkEvents;
  readonly #watch: NodeJS.Timeout;
  /** Partitions whose last batch was refused or not answered, and since when. */
  readonly #refusedSinceMs = new Map<PartitionQueue, number>();
  #stopped = false;
  #isPumping = false;
  #pumpAgain = false;

  constructor(client: KafkaClient, options: ProducerOptions, deps: KafkaDeps, events: SenderEvents) {
    this.#client = client;
    this.#options = options;
    this.#deps = deps;
    this.#events = events;
    this.#linkEvents = {
      onUp: (link) => this.#onLinkUp(link),
      onDown: (link, error) => this.#onLinkDown(link, error),
      onEnded: (link, flight, error, body) => this.#onEnded(link, flight, error, body),
      isWanted: (link) => link.ready.length > 0,
    };
    this.leaders = new Leaders(client, deps, {
      needsLeaders: () => this.#anyLinkWaits(),
      onRefreshed: () => this.pump(),
      onLeader: (queue) => this.ready(queue),
      reopen: (name, signal) => events.reopen(name, signal),
      onRecreated: () => events.onRecreated(),
      onFailure: (error) => this.#fail(error),
    });
    this.#watch = setInterval(() => this.#onWatch(), WATCH_EVERY_MS);
  }

  get requestsInFlight(): number {
    let count = 0;
    for (const link of this.#links.values()) count += link.inFlight;
    return count;
  }

  /** Called when the queue may have something to send. Lists it at its leader; pump() sends it. */
  ready(queue: PartitionQueue): void {
    if (queue.listedAt !== undefined && queue.listedAt !== queue.leaderId) this.#unlist(queue, queue.listedAt);
    if (this.#stopped || queue.recovering || queue.listedAt !== undefined || !queue.hasWork) return;
    if (queue.leaderId < 0) {
      this.leaders.await(queue);
      return;
    }
    const link = this.#linkTo(queue.leaderId);
    queue.listedAt = queue.leaderId;
    link.ready.push(queue);
  }

  /** Called when the leader has moved. Otherwise the queue would wait for the old broker to come back. */
  #unlist(queue: PartitionQueue, nodeId: number): void {
    queue.listedAt = undefined;
    const link = this.#links.get(nodeId);
    if (link !== undefined) link.ready = link.ready.filter((listed) => listed !== queue);
  }

  #linkTo(nodeId: number): BrokerLink {
    const known = this.#links.get(nodeId);
    if (known !== undefined) return known;
    const { maxInFlightPerConnection, requestTimeoutMs } = this.#options;
    const link = new BrokerLink(
      nodeId,
      { ...this.#deps, client: this.#client, requestTimeoutMs, inFlightMax: maxInFlightPerConnection },
      this.#linkEvents,
    );
    this.#links.set(nodeId, link);
    return link;
  }

  /** Sends whatever may be sent now. */
  pump(): void {
    this.#pumpAgain = true;
    if (this.#isPumping) return;
    this.#isPumping = true;
    try {
      while (this.#pumpAgain && !this.#stopped) {
        this.#pumpAgain = false;
        for (const link of this.#links.values()) this.#pumpLink(link);
      }
    } finally {
      this.#isPumping = false;
    }
  }

  #pumpLink(link: BrokerLink): void {
    while (link.ready.length > 0 && !this.#stopped && link.canSend()) {
      // Nothing is sealed and compressed in vain while the answer is "later".
      if (this.#events.fence.maySend() === 'later') return;
      const shipments = this.#collect(link);
      if (shipments.length === 0) return;
      const { acks, requestTimeoutMs } = this.#options;
      // Shorter than our own timeout: if a replica is slow, the broker answers in time and is not taken for frozen.
      const brokerTimeoutMs = Math.ceil(requestTimeoutMs * 0.8);
      const parts = shipments.map(({ queue, batch }) => ({ topic: queue.topic, partition: queue.partition, bytes: batch.bytes }));
      const body = produceBody(parts, acks, brokerTimeoutMs);
      // The process may have been frozen while it made the request, so only this answer counts.
      const permission = this.#events.fence.maySend();
      if (permission !== true) {
        this.#takeBack(link, shipments, permission);
        return;
      }
      link.send(shipments, body, acks === 0);
    }
  }

  /** The request was made and may not be written. Its batches are the first of their queues again. */
  #takeBack(link: BrokerLink, shipments: readonly Shipment[], permission: 'later' | false): void {
    for (const { queue, batch } of shipments) {
      queue.takeBack(batch);
      this.ready(queue);
    }
    if (permission === false) this.#fail(new SlotlineError('fenced', { broker: link.nodeId }));
  }

  /** Collects one request: at most one batch per partition, and at most producer.max.request.size in all. */
  #collect(link: BrokerLink): Shipment[] {
    const shipments: Shipment[] = [];
    const again: PartitionQueue[] = [];
    const nowMs = this.#deps.clock.monotonicMs();
    let bytes = 0;
    let taken = 0;
    for (const queue of link.ready) {
      const batch = queue.nextFor(link.nodeId, nowMs);
      if (batch !== undefined) {
        const total = bytes + batch.length + REQUEST_OVERHEAD_BYTES;
        if (shipments.length > 0 && total > this.#options.requestBytesMax) break;
        bytes = total;
        queue.markSent(batch, link.nodeId);
        shipments.push({ queue, batch });
      }
      taken++;
      queue.listedAt = undefined;
      if (batch !== undefined && queue.nextFor(link.nodeId, nowMs) !== undefined) again.push(queue);
      else if (queue.leaderId !== link.nodeId) this.ready(queue);
    }
    link.ready.splice(0, taken);
    for (const queue of again) this.ready(queue);
    return shipments;
  }

  #onEnded(link: BrokerLink, flight: Flight, error: SlotlineError | undefined, body: Uint8Array | undefined): void {
    if (this.#stopped) return;
    try {
      this.#settleFlight(link, flight, error, body);
    } catch (thrown) {
      this.#fail(toSlotlineError(thrown));
      return;
    }
    for (const { queue } of flight.shipments) {
      if (!queue.recovering) this.ready(queue);
      else if (queue.inFlight > 0) continue;
      else this.#recover(queue);
    }
    this.#events.onProgress();
    this.pump();
  }

  /** Called when nothing of the queue is in flight. Nothing is sent before it has recovered. */
  #recover(queue: PartitionQueue): void {
    const refused = queue.tooLarge;
    if (refused.length === 0) this.leaders.recover(queue, this.#retryAt(queue));
    else void this.#cut(queue, refused);
  }

  /** Never rejects. */
  async #cut(queue: PartitionQueue, refused: readonly RecordBatch[]): Promise<void> {
    try {
      const bytes = Math.max(...refused.map((batch) => batch.length));
      const uncompressed = Math.max(...refused.map((batch) => batch.uncompressedBytes));
      const bytesMax = await this.#events.sizeAfterRefusal(queue.topic, uncompressed);
      if (this.#stopped) return;
      const single = refused.find((batch) => batch.count === 1);
      if (single !== undefined) {
        const limits = { limit: this.#events.limitOf(queue.topic), requestBytesMax: this.#options.requestBytesMax };
        throw new SlotlineError('kafka_record_too_large', { topic: queue.topic, bytes: single.length, ...limits });
      }
      queue.splitTooLarge(bytesMax);
      this.#deps.log.info('kafka.batch_split', { topic: queue.topic, partition: queue.partition, bytes, bytesMax });
      this.leaders.recover(queue, this.#retryAt(queue));
    } catch (error) {
      this.#fail(toSlotlineError(error));
    }
  }

  #settleFlight(link: BrokerLink, flight: Flight, error: SlotlineError | undefined, body: Uint8Array | undefined): void {
    const nowMs = this.#deps.clock.monotonicMs();
    if (this.#options.acks === 0 && error === undefined) {
      for (const { queue, batch } of flight.shipments) this.#acknowledge(queue, batch, -1, nowMs);
      return;
    }
    const outcomes = body === undefined ? new Map<string, ProduceOutcome>() : outcomesByPartition(body);
    let firstReason: string | undefined;
    for (const { queue, batch } of flight.shipments) {
      const outcome = outcomes.get(`${queue.topic} ${queue.partition}`);
      const reason =
        outcome === undefined ? (error?.message ?? 'the reply leaves out the partition') : this.#settleBatch(queue, batch, outcome, nowMs);
      if (outcome === undefined) queue.markFailed(batch);
      if (reason !== undefined) batch.refusal = `${queue.topic}: ${reason}`;
      if (reason !== undefined || this.#refusedSinceMs.size > 0) this.#noteRefusal(queue, reason, nowMs);
      firstReason ??= reason;
    }
    this.#noteTrouble(link, firstReason, flight.shipments.length);
  }

  /** Returns why the batch must be sent again; undefined: it must not. Throws errors that cannot be retried. */
  #settleBatch(queue: PartitionQueue, batch: RecordBatch, outcome: ProduceOutcome, nowMs: number): string | undefined {
    const { errorCode, baseOffset } = outcome;
    const { batch: effect, name } = kafkaErrorEntry(errorCode);
    if (effect === 'written') return this.#acknowledge(queue, batch, errorCode === KAFKA_CODE.NONE ? baseOffset : -1, nowMs);
    // After a failed batch, the broker refuses later ones by this code. That keeps the order.
    const isGap = errorCode === KAFKA_CODE.OUT_OF_ORDER_SEQUENCE_NUMBER && !queue.isHead(batch);
    if (!isGap && effect === 'end') throw this.#refusal(queue, batch, outcome);
    batch.tooLarge = effect === 'split';
    queue.markFailed(batch);
    return name;
  }

  #refusal(queue: PartitionQueue, batch: RecordBatch, { errorCode, message, recordIndex }: ProduceOutcome): SlotlineError {
    const keyed = recordIndex === undefined ? undefined : hasKey(batch, recordIndex, this.#client.codec);
    const sizes = { bytes: batch.length, records: batch.count };
    const details = { topic: queue.topic, partition: queue.partition, ...sizes, recordIndex, hasKey: keyed };
    return kafkaCodeError(errorCode, details, message);
  }

  /** Returns why the batch counts as failed all the same; undefined: it does not. */
  #acknowledge(queue: PartitionQueue, batch: RecordBatch, baseOffset: number, nowMs: number): string | undefined {
    try {
      queue.acknowledge(batch, baseOffset, nowMs);
    } catch (error) {
      if (batch.state === 'in-flight' && queue.doubt(batch)) return toSlotlineError(error).message;
      throw error;
    }
    this.#events.onAcknowledged(batch);
    return undefined;
  }

  /** Health shows a partition that has taken nothing for a while, for then nothing flows. */
  #noteRefusal(queue: PartitionQueue, reason: string | undefined, nowMs: number): void {
    if (reason === undefined) {
      this.#refusedSinceMs.delete(queue);
      this.#client.forget(queue, { answered: true });
      return;
    }
    const sinceMs = this.#refusedSinceMs.get(queue) ?? nowMs;
    this.#refusedSinceMs.set(queue, sinceMs);
    if (nowMs - sinceMs < REFUSED_TOLD_MS) return;
    const { topic, partition } = queue;
    this.#client.tell(queue, `topic ${topic}`, new SlotlineError('kafka_request_failed', { topic, partition, error: reason }));
  }

  /** Logs once when a broker begins to refuse or lose batches, and once when it takes them again. */
  #noteTrouble(link: BrokerLink, reason: string | undefined, partitions: number): void {
    if (reason !== undefined && !link.hasTrouble) {
      link.hasTrouble = true;
      this.#deps.log.warn('kafka.broker_trouble', { broker: link.nodeId, reason, partitions });
    } else if (reason === undefined && link.hasTrouble) {
      link.hasTrouble = false;
      this.#deps.log.info('kafka.broker_well', { broker: link.nodeId });
    }
  }

  #retryAt(queue: PartitionQueue): number {
    const pauseMs = queue.failures === 0 ? 0 : Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** Math.min(queue.failures, 10));
    queue.failures++;
    return this.#deps.clock.monotonicMs() + pauseMs * (0.75 + this.#deps.random() / 4);
  }

  #onLinkUp(link: BrokerLink): void {
    if (link.hasTrouble && link.ready.length === 0) this.#noteTrouble(link, undefined, 0);
    this.pump();
  }

  #onLinkDown(link: BrokerLink, error: SlotlineError): void {
    // Repeating the same credentials would only lock the account.
    if (error.code === 'kafka_authentication_failed') {
      this.#fail(error);
      return;
    }
    this.#noteTrouble(link, error.message, link.ready.length);
    if (link.ready.length > 0) this.leaders.refresh();
  }

  /** True if batches wait for a broker that cannot be reached; another one may have become leader. */
  #anyLinkWaits(): boolean {
    for (const link of this.#links.values()) if (link.ready.length > 0 && !link.isUp) return true;
    return false;
  }

  #onWatch(): void {
    const nowMs = this.#deps.clock.monotonicMs();
    for (const link of this.#links.values()) link.dropIfOverdue(nowMs);
    this.#events.onProgress();
    // The fence may have held something back that may be sent now.
    this.pump();
  }

  #fail(error: SlotlineError): void {
    if (this.#stopped) return;
    this.stop();
    this.#events.onFailure(error);
  }

  /** From here on nothing is sent or acknowledged. */
  stop(): void {
    this.#stopped = true;
    clearInterval(this.#watch);
    this.leaders.stop();
    for (const queue of this.#refusedSinceMs.keys()) this.#client.forget(queue, { answered: false });
    for (const link of this.#links.values()) link.close();
  }
}

function outcomesByPartition(body: Uint8Array): Map<string, ProduceOutcome> {
  const outcomes = new Map<string, ProduceOutcome>();
  for (const outcome of parseProduceReply(body)) outcomes.set(`${outcome.topic} ${outcome.partition}`, outcome);
  return outcomes;
}
