/**
 * Owns the batches of one partition in order: the open one, the sealed ones, which of them are in flight, their sequence numbers, and
 * what the partition needs after a failure. Does not own connections, timing or replies: sender.ts does.
 */
import { SlotlineError } from '../../core/errors.ts';
import { splitBatch } from './batch-split.ts';
import type { RecordBatch, Sealing } from './record-batch.ts';

/** Sequence numbers wrap to 0 after this one. */
const SEQUENCE_MAX = 0x7fff_ffff;
/** A broker may have forgotten the producer after a silence (producer.id.expiration.ms, at least minutes), and then takes any sequence. */
const PRODUCER_KNOWN_MS = 60_000;

export type QueueRules = {
  /** False: one request in flight, no sequence numbers (idempotence off, or acks other than all). */
  readonly pipelined: boolean;
  readonly inFlightMax: number;
  /** Offsets of acknowledged batches must rise: true where every acknowledgement is by all in-sync replicas. */
  readonly offsetsRise: boolean;
  readonly sealing: Omit<Sealing, 'baseSequence'>;
};

export class PartitionQueue {
  readonly topic: string;
  readonly partition: number;
  readonly #rules: QueueRules;
  /** Takes records. */
  open: RecordBatch | undefined;
  /** The open batch may go as soon as nothing of the partition is in flight. */
  openDue = false;
  /** In the publisher's list of queues with an open batch. */
  openListed = false;
  /** Bytes of the last batch, so that the next begins with a buffer that fits. */
  expectedBytes = 0;

  leaderId = -1;
  leaderEpoch = -1;
  /** The broker whose ready list holds the queue. */
  listedAt: number | undefined;
  /** The broker that has the batches in flight. */
  inFlightAt: number | undefined;
  inFlight = 0;
  /** A batch failed: nothing goes out until those in flight have ended and a leader is known. */
  recovering = false;
  retryAtMs = 0;
  failures = 0;

  #head: RecordBatch | undefined;
  #tail: RecordBatch | undefined;
  /** The first that is not sent. */
  #cursor: RecordBatch | undefined;
  #nextSequence = 0;
  #offsetMin = 0;
  /**
   * One batch alone until it is acknowledged. A leader without state for the producer accepts any sequence, so with two in flight
   * the second could be written without the first.
   */
  #alone = true;
  #acknowledgedAtMs = 0;
  /** Offsets went back once: either the topic was made again, or acknowledged records are gone. */
  #isDoubted = false;

  constructor(topic: string, partition: number, rules: QueueRules) {
    this.topic = topic;
    this.partition = partition;
    this.#rules = rules;
  }

  /** Something waits to be sent: a sealed batch, or the open one if it is due. */
  get hasWork(): boolean {
    return this.#cursor !== undefined || this.openDue;
  }

  get hasUnacknowledged(): boolean {
    return this.open !== undefined || this.#head !== undefined;
  }

  /** Seals the open batch and puts it behind the others. */
  sealOpen(): void {
    const batch = this.open;
    if (batch === undefined) return;
    this.open = undefined;
    this.openDue = false;
    this.expectedBytes = batch.length;
    this.enqueue(batch);
  }

  /** Seals a batch that is not the open one, and puts it behind the others. `bytesMax`: refuses a larger one, with nothing changed. */
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

  /** The batch that may be sent now to broker `nodeId`, sealing the open one if its time has come. */
  nextFor(nodeId: number, nowMs: number): RecordBatch | undefined {
    if (this.recovering || this.leaderId !== nodeId) return undefined;
    // Behind batches that another broker still has, none goes to the new leader: order would be lost.
    if (this.inFlight > 0 && (this.inFlightAt !== nodeId || this.inFlight >= this.#inFlightMax(nowMs))) return undefined;
    while (this.#cursor?.state === 'done') this.#cursor = this.#cursor.next;
    if (this.#cursor === undefined && this.openDue && this.inFlight === 0) this.sealOpen();
    return this.#cursor;
  }

  #inFlightMax(nowMs: number): number {
    if (!this.#rules.pipelined || this.#alone || nowMs - this.#acknowledgedAtMs > PRODUCER_KNOWN_MS) return 1;
    return this.#rules.inFlightMax;
  }

  /** `batch`, which nextFor returned, goes out. */
  markSent(batch: RecordBatch, nodeId: number): void {
    batch.state = 'in-flight';
    this.#cursor = batch.next;
    this.inFlight++;
    this.inFlightAt = nodeId;
  }

  /** Acknowledged at `baseOffset` (-1: not said). Throws kafka_sequence_broken if the offsets contradict the order. */
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
   * The head was answered with an offset that contradicts the order. The first time it counts as failed: it is sent again behind fresh
   * metadata, which tells whether the topic was made again, and the broker keeps one copy. False: that was done already.
   */
  doubt(batch: RecordBatch): boolean {
    if (this.#isDoubted || this.#head !== batch || !this.#rules.pipelined) return false;
    this.#isDoubted = true;
    this.markFailed(batch);
    return true;
  }

  /** The topic was deleted and made again: nothing that was known of the partition holds. Its sequence goes on, which a new partition takes. */
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

  /** Not acknowledged; it will be sent again as it is. */
  markFailed(batch: RecordBatch): void {
    this.inFlight--;
    batch.state = 'failed';
    this.recovering = true;
  }

  /** Those refused for their size, which wait to be cut. */
  get tooLarge(): RecordBatch[] {
    const refused: RecordBatch[] = [];
    for (let batch = this.#head; batch !== undefined; batch = batch.next)
      if (batch.tooLarge && batch.state === 'failed') refused.push(batch);
    return refused;
  }

  /**
   * Nothing is in flight: cuts the batches that were refused for their size. The sequence numbers of their records stay, so those of later
   * batches do too: the broker has not counted what it refused.
   */
  splitTooLarge(bytesMax: number): void {
    let previous: RecordBatch | undefined;
    for (let batch = this.#head; batch !== undefined; batch = batch.next) {
      if (batch.tooLarge && batch.count > 1)
        previous = this.#replace(previous, batch, splitBatch(batch, bytesMax, this.#rules.sealing.codec));
      else previous = batch;
    }
  }

  /** Returns the last of the parts. */
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

  /** Nothing is in flight any more and a leader is known: begins again at the first batch that is not acknowledged, alone. */
  resume(): void {
    this.recovering = false;
    this.#alone = true;
    this.#cursor = this.#head;
  }
}

function advanceSequence(sequence: number, count: number): number {
  return sequence > SEQUENCE_MAX - count ? count - (SEQUENCE_MAX - sequence) - 1 : sequence + count;
}
