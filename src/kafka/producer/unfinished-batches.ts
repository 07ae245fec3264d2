/** Owns the batches that are not acknowledged, in the order they were opened in, and the ordinal below which everything is. */
import type { RecordBatch } from './record-batch.ts';

/** The finished ones in front are cut off when they are this many, so that the cut is rare and the list short. */
const CUT_AT = 256;

export class UnfinishedBatches {
  #batches: (RecordBatch | undefined)[] = [];
  #first = 0;

  push(batch: RecordBatch): void {
    this.#batches.push(batch);
  }

  get oldest(): RecordBatch | undefined {
    this.#skipFinished();
    return this.#batches[this.#first];
  }

  /** Every record up to this ordinal is acknowledged; `appended` is the last one appended. */
  acknowledgedOrdinal(appended: number): number {
    const oldest = this.oldest;
    return oldest === undefined ? appended : oldest.firstOrdinal - 1;
  }

  #skipFinished(): void {
    const batches = this.#batches;
    while (this.#first < batches.length && batches[this.#first]?.state === 'done') batches[this.#first++] = undefined;
    if (this.#first < CUT_AT && this.#first < batches.length) return;
    if (this.#first > 0) this.#batches = batches.slice(this.#first);
    this.#first = 0;
  }
}
