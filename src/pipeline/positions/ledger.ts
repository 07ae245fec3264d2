/**
 * Owns the durable position: the only place that computes what may be confirmed to PostgreSQL (D1, D2, D6). Positions are marked in stream
 * order, each with the number of records appended before it, and released when that many records are acknowledged. Sends nothing.
 *
 * A position is one member of a union. A new member needs a case in `#isNews`, `copyInto` and `#release`, and nowhere else. The publisher
 * counts records and knows no positions.
 */
import { assert, unreachable } from '../../core/assert.ts';
import { elementAt, itemAt } from '../../core/byte-reader.ts';
import { LSN_ZERO, type Lsn } from '../../core/lsn.ts';

/**
 * `lsn`: the end LSN of a commit (D2a), or the WAL end of a keepalive before which every frame was decoded (D2b).
 *
 * Planned members: a place within a transaction that is larger than a Kafka transaction (its LSN and the ordinal of the row in it), which
 * makes the output durable up to there while the slot stays; a chunk of a snapshot, which makes that chunk durable and moves no LSN.
 *
 * The caller of mark() may reuse the object: the ledger copies it.
 */
export type Position = { tag: 'lsn'; lsn: Lsn };

const INITIAL_MARKS = 1024;

export class Ledger {
  #ordinals = new Float64Array(INITIAL_MARKS);
  /** The positions that belong to #ordinals. Objects stay in their places and are overwritten, so a mark allocates nothing. */
  #positions: Position[] = emptyPlaces(INITIAL_MARKS);
  /** Marks are [#head, #head + #count) in a ring: at most one for each record in flight, and one more. */
  #head = 0;
  #count = 0;
  #markedLsn: Lsn;
  #durableLsn: Lsn;

  constructor(startLsn: Lsn) {
    this.#durableLsn = startLsn;
    this.#markedLsn = startLsn;
  }

  get durableLsn(): Lsn {
    return this.#durableLsn;
  }

  /** The last marked position. Everything that commits before it was taken in, and nothing after it. */
  get markedLsn(): Lsn {
    return this.#markedLsn;
  }

  /** `position` becomes durable once records 1…ordinal are acknowledged. An LSN that is not above the last marked one is ignored. */
  mark(ordinal: number, position: Position): void {
    if (!this.#isNews(position)) return;
    if (this.#count > 0) {
      const last = (this.#head + this.#count - 1) % this.#ordinals.length;
      assert(elementAt(this.#ordinals, last) <= ordinal, 'positions are marked in stream order');
      // Both would be released together, so the later one replaces the earlier.
      if (elementAt(this.#ordinals, last) === ordinal && itemAt(this.#positions, last).tag === position.tag) {
        this.#keep(last, position);
        return;
      }
    }
    if (this.#count === this.#ordinals.length) this.#grow();
    const at = (this.#head + this.#count) % this.#ordinals.length;
    this.#ordinals[at] = ordinal;
    this.#keep(at, position);
    this.#count++;
  }

  /** Releases every position whose records are acknowledged. Returns true when the durable LSN moved. */
  release(acknowledgedOrdinal: number): boolean {
    const before = this.#durableLsn;
    while (this.#count > 0 && elementAt(this.#ordinals, this.#head) <= acknowledgedOrdinal) {
      this.#release(itemAt(this.#positions, this.#head));
      this.#head = (this.#head + 1) % this.#ordinals.length;
      this.#count--;
    }
    assert(this.#durableLsn >= before, 'the durable LSN never moves back');
    return this.#durableLsn > before;
  }

  #isNews(position: Position): boolean {
    switch (position.tag) {
      case 'lsn':
        if (position.lsn <= this.#markedLsn) return false;
        this.#markedLsn = position.lsn;
        return true;
      default:
        return unreachable(position.tag);
    }
  }

  #release(position: Position): void {
    switch (position.tag) {
      case 'lsn':
        this.#durableLsn = position.lsn;
        return;
      default:
        unreachable(position.tag);
    }
  }

  #keep(at: number, position: Position): void {
    this.#positions[at] = copyInto(itemAt(this.#positions, at), position);
  }

  #grow(): void {
    const size = this.#ordinals.length;
    const ordinals = new Float64Array(size * 2);
    const positions = emptyPlaces(size * 2);
    for (let i = 0; i < this.#count; i++) {
      const from = (this.#head + i) % size;
      ordinals[i] = elementAt(this.#ordinals, from);
      positions[i] = itemAt(this.#positions, from);
    }
    this.#ordinals = ordinals;
    this.#positions = positions;
    this.#head = 0;
  }
}

/** Overwrites the object in its place. A member with other fields would return a new object. */
function copyInto(place: Position, position: Position): Position {
  place.lsn = position.lsn;
  return place;
}

function emptyPlaces(count: number): Position[] {
  return Array.from({ length: count }, () => ({ tag: 'lsn', lsn: LSN_ZERO }));
}
