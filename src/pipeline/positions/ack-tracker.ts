/**
 * Owns the durable LSN: the only place that computes what may be confirmed to PostgreSQL (D1, D2, D6). Positions are
 * marked in stream order together with the number of records appended before them, and released when that many records
 * are settled. Does not send anything.
 */
import { assert } from '../../core/assert.ts';
import { elementAt } from '../../core/byte-reader.ts';
import { LSN_ZERO, type Lsn } from '../../core/lsn.ts';

const INITIAL_MARKS = 1024;

export class AckTracker {
  #ordinals = new Float64Array(INITIAL_MARKS);
  #lsns = new Float64Array(INITIAL_MARKS);
  /** Marks are [#head, #head + #count) in a ring. At most one per record in flight, and one more. */
  #head = 0;
  #count = 0;
  #markedLsn: Lsn = LSN_ZERO;
  #durableLsn: Lsn;

  constructor(startLsn: Lsn) {
    this.#durableLsn = startLsn;
    this.#markedLsn = startLsn;
  }

  get durableLsn(): Lsn {
    return this.#durableLsn;
  }

  /** The last position marked: everything before it was taken in, and nothing that commits behind it. */
  get markedLsn(): Lsn {
    return this.#markedLsn;
  }

  /** True when some position waits for acknowledgements. */
  get hasPending(): boolean {
    return this.#count > 0;
  }

  /**
   * `lsn` becomes durable once records 1…ordinal are settled. It is a commit's end LSN (D2a), or a keepalive's WAL end that
   * followed only frames already decoded (D2b). A position below the last one marked says nothing new and is ignored.
   */
  mark(ordinal: number, lsn: Lsn): void {
    if (lsn <= this.#markedLsn) return;
    this.#markedLsn = lsn;
    if (this.#count > 0) {
      const last = (this.#head + this.#count - 1) % this.#ordinals.length;
      assert(elementAt(this.#ordinals, last) <= ordinal, 'positions are marked in stream order');
      if (elementAt(this.#ordinals, last) === ordinal) {
        this.#lsns[last] = lsn;
        return;
      }
    }
    if (this.#count === this.#ordinals.length) this.#grow();
    const at = (this.#head + this.#count) % this.#ordinals.length;
    this.#ordinals[at] = ordinal;
    this.#lsns[at] = lsn;
    this.#count++;
  }

  /** Releases every position whose records are settled; true when the durable LSN moved. */
  release(settledOrdinal: number): boolean {
    const before = this.#durableLsn;
    while (this.#count > 0 && elementAt(this.#ordinals, this.#head) <= settledOrdinal) {
      this.#durableLsn = elementAt(this.#lsns, this.#head) as Lsn;
      this.#head = (this.#head + 1) % this.#ordinals.length;
      this.#count--;
    }
    assert(this.#durableLsn >= before, 'the durable LSN never moves back');
    return this.#durableLsn > before;
  }

  #grow(): void {
    const size = this.#ordinals.length;
    const ordinals = new Float64Array(size * 2);
    const lsns = new Float64Array(size * 2);
    for (let i = 0; i < this.#count; i++) {
      ordinals[i] = elementAt(this.#ordinals, (this.#head + i) % size);
      lsns[i] = elementAt(this.#lsns, (this.#head + i) % size);
    }
    this.#ordinals = ordinals;
    this.#lsns = lsns;
    this.#head = 0;
  }
}
