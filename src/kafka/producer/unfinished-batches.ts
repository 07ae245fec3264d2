/** Owns the batches that are not acknowledged, in the order in which they were opened, and the ordinal up to which all records are. */
import type { RecordBatch } from './record-batch.ts';

/** Finished batches in front are removed once there are so many, so that this is rare and the list stays short. */
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

  /** Every record up to this ordinal is acknowledged. `appended` is the ordinal of the last one appended. */
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
