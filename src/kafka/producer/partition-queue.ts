/**
 * Owns the batches of one partition in order: the open one, the sealed ones, which of them are in flight, their sequence numbers, and what the
 * partition needs after a failure. Does not own connections, timing or replies: sender.ts does.
 */
import { SlotlineError } from '../../core/errors.ts';
import { splitBatch } from './batch-split.ts';
import type { RecordBatch, Sealing } from './record-batch.ts';

/** Sequence numbers wrap to 0 after this one. */
const SEQUENCE_MAX = 0x7fff_ffff;
/** After a longer silence a broker may have forgotten the producer (producer.id.expiration.ms, at least minutes), and takes any sequence. */
const PRODUCER_KNOWN_MS = 60_000;

export type QueueRules = {
  /** False: one request in flight and no sequence numbers, because idempotence is off or acks is not all. */
  readonly pipelined: boolean;
  readonly inFlightMax: number;
  /** True: offsets of acknowledged batches must rise, because all in-sync replicas acknowledge each. */
  readonly offsetsRise: boolean;
  readonly sealing: Omit<Sealing, 'baseSequence'>;
};

export class PartitionQueue {
  readonly topic: string;
  readonly partition: number;
  readonly #rules: QueueRules;
  /** The batch that takes records. */
  open: RecordBatch | undefined;
  /** The open batch may be sent once nothing of the partition is in flight. */
  openDue = false;
  /** The queue is in the publisher's list of queues with an open batch. */
  openListed = false;
  /** Size of the last batch, so that the next one begins with a buffer that fits. */
  expectedBytes = 0;

  leaderId = -1;
  leaderEpoch = -1;
  /** The broker in whose ready list the queue is. */
  listedAt: number | undefined;
  /** The broker to which the batches in flight were sent. */
  inFlightAt: number | undefined;
  inFlight = 0;
  /** A batch failed. Nothing is sent until those in flight have ended and a leader is known. */
  recovering = false;
  retryAtMs = 0;
  failures = 0;

  #head: RecordBatch | undefined;
  #tail: RecordBatch | undefined;
  /** The first batch that is not sent. */
  #cursor: RecordBatch | undefined;
  #nextSequence = 0;
  #offsetMin = 0;
  /**
   * One batch is sent alone until it is acknowledged. A leader without state of the producer accepts any sequence number; so with two in flight
   * it could write the second without the first.
   */
  #alone = true;
  #acknowledgedAtMs = 0;
  /** Offsets went back once: the topic was made again, or acknowledged records are gone. */
  #isDoubted = false;

  constructor(topic: string, partition: number, rules: QueueRules) {
    this.topic = topic;
    this.partition = partition;
    this.#rules = rules;
  }

  /** True if a batch waits to be sent: a sealed one, or the open one if it is due. */
  get hasWork(): boolean {
    return this.#cursor !== undefined || this.openDue;
  }

  get hasUnacknowledged(): boolean {
    return this.open !== undefined || this.#head !== undefined;
  }

  /** Seals the open batch and appends it to the queue. */
  sealOpen(): void {
    const batch = this.open;
    if (batch === undefined) return;
    this.open = undefined;
    this.openDue = false;
    this.expectedBytes = batch.length;
    this.enqueue(batch);
  }

  /** Seals a batch that is not the open one, and appends it. If it is larger than `bytesMax`, throws and changes nothing. */
  enqueue(batch: RecordBatch, bytesMax = Number.POSITIVE_INFINITY): void {
    const { pipelined, sealing } = this.#rules;
    batch.seal({ ...sealing, baseSequence: pipelined ? this.#nextSequence : -1 });
    if (batch.length > bytesMax)
      throw new SlotlineError('kafka_record_too_large', { topic: this.topic, bytes: batch.length, limit: bytesMax });
    this.#nextSequence = advanceSequence(this.#nextSequence, batch.count);
    if (this.#tail === undefined) this.#head = batch;
    else this.#tail.next = batch;
    this.#tail = batch;
    this.#cursor ??= batch;
  }

  /** The batch that may be sent to broker `nodeId` now. Seals the open batch if that is due. */
  nextFor(nodeId: number, nowMs: number): RecordBatch | undefined {
    if (this.recovering || this.leaderId !== nodeId) return undefined;
    // While another broker still has batches, none goes to the new leader: they could overtake.
    if (this.inFlight > 0 && (this.inFlightAt !== nodeId || this.inFlight >= this.#inFlightMax(nowMs))) return undefined;
    while (this.#cursor?.state === 'done') this.#cursor = this.#cursor.next;
    if (this.#cursor === undefined && this.openDue && this.inFlight === 0) this.sealOpen();
    return this.#cursor;
  }

  #inFlightMax(nowMs: number): number {
    if (!this.#rules.pipelined || this.#alone || nowMs - this.#acknowledgedAtMs > PRODUCER_KNOWN_MS) return 1;
    return this.#rules.inFlightMax;
  }

  /** Called when `batch`, which nextFor returned, is sent. */
  markSent(batch: RecordBatch, nodeId: number): void {
    batch.state = 'in-flight';
    this.#cursor = batch.next;
    this.inFlight++;
    this.inFlightAt = nodeId;
  }

  /** Called if `batch`, which was marked as sent last, was not written to the broker after all. */
  takeBack(batch: RecordBatch): void {
    batch.state = 'waiting';
    this.#cursor = batch;
    this.inFlight--;
  }

  /** `batch` was written at `baseOffset` (-1: not known). Throws kafka_sequence_broken if the offsets contradict the order. */
  acknowledge(batch: RecordBatch, baseOffset: number, nowMs: number): void {
    if (this.#head === batch) this.#checkOffset(baseOffset);
    this.inFlight--;
    this.#acknowledgedAtMs = nowMs;
    batch.state = 'done';
    batch.baseOffset = baseOffset;
    if (!this.recovering) {
      this.#alone = false;
      this.failures = 0;
    }
    while (this.#head?.state === 'done') {
      this.#checkOffset(this.#head.baseOffset);
      if (this.#head.baseOffset >= 0) this.#offsetMin = this.#head.baseOffset + this.#head.count;
      this.#head = this.#head.next;
    }
    if (this.#head === undefined) this.#tail = this.#cursor = undefined;
  }

  #checkOffset(offset: number): void {
    if (offset < 0 || !this.#rules.offsetsRise || offset >= this.#offsetMin) return;
    const details = { topic: this.topic, partition: this.partition, offset, expectedAtLeast: this.#offsetMin };
    throw new SlotlineError('kafka_sequence_broken', details);
  }

  /**
   * The first batch was answered with an offset that contradicts the order. The first time it counts as failed and is sent again after fresh
   * metadata, which shows whether the topic was made again; the broker keeps one copy. Returns false the second time.
   */
  doubt(batch: RecordBatch): boolean {
    if (this.#isDoubted || this.#head !== batch || !this.#rules.pipelined) return false;
    this.#isDoubted = true;
    this.markFailed(batch);
    return true;
  }

  /** The topic was deleted and made again, so what was known of the partition is void. Sequence numbers go on: a new partition accepts them. */
  forgetPartition(): void {
    this.#offsetMin = 0;
    this.#isDoubted = false;
    this.#alone = true;
    this.leaderId = -1;
    this.leaderEpoch = -1;
  }

  /** True if every batch before this one is acknowledged. */
  isHead(batch: RecordBatch): boolean {
    return this.#head === batch;
  }

  /** `batch` was not acknowledged. It will be sent again unchanged. */
  markFailed(batch: RecordBatch): void {
    this.inFlight--;
    batch.state = 'failed';
    this.recovering = true;
  }

  /** Batches that were refused for their size and wait to be cut. */
  get tooLarge(): RecordBatch[] {
    const refused: RecordBatch[] = [];
    for (let batch = this.#head; batch !== undefined; batch = batch.next)
      if (batch.tooLarge && batch.state === 'failed') refused.push(batch);
    return refused;
  }

  /**
   * Cuts the batches that were refused for their size, while nothing is in flight. All records keep their sequence numbers, also in later
   * batches, because the broker has not counted what it refused.
   */
  splitTooLarge(bytesMax: number): void {
    let previous: RecordBatch | undefined;
    for (let batch = this.#head; batch !== undefined; batch = batch.next) {
      if (batch.tooLarge && batch.count > 1)
        previous = this.#replace(previous, batch, splitBatch(batch, bytesMax, this.#rules.sealing.codec));
      else previous = batch;
    }
  }

  /** Puts `parts` in the place of `batch`. Returns the last of them. */
  #replace(previous: RecordBatch | undefined, batch: RecordBatch, parts: readonly RecordBatch[]): RecordBatch {
    let baseSequence = batch.baseSequence;
    let last = previous;
    for (const part of parts) {
      part.seal({ ...this.#rules.sealing, baseSequence });
      if (baseSequence >= 0) baseSequence = advanceSequence(baseSequence, part.count);
      if (last === undefined) this.#head = part;
      else last.next = part;
      last = part;
    }
    if (last === undefined || parts.length === 0) throw new SlotlineError('unexpected', { message: 'a batch without records' });
    last.next = batch.next;
    if (this.#tail === batch) this.#tail = last;
    const whole = batch.whole ?? batch;
    whole.partsLeft += batch === whole ? parts.length : parts.length - 1;
    batch.state = batch === whole ? 'split' : 'done';
    batch.release();
    return last;
  }

  /** Begins again at the first unacknowledged batch, alone. Called when nothing is in flight and a leader is known. */
  resume(): void {
    this.recovering = false;
    this.#alone = true;
    this.#cursor = this.#head;
  }
}

function advanceSequence(sequence: number, count: number): number {
  return sequence > SEQUENCE_MAX - count ? count - (SEQUENCE_MAX - sequence) - 1 : sequence + count;
}
