/**
 * Owns the one row that a snapshot always holds back, so that the very last record can be marked `last` even when the
 * tables after it turn out empty. Views of the receive buffer are kept while they are valid and copied when it moves on.
 */
import { elementAt } from '../core/byte-reader.ts';
import { CellKind, TupleView } from '../pgoutput/tuple.ts';

export class HeldRow {
  readonly view = new TupleView();
  #owned = Buffer.alloc(0);
  #isOwned = false;

  /** Remembers the row as a view; valid until the receive buffer moves on. */
  hold(row: TupleView): void {
    const { view } = this;
    view.source = row.source;
    view.count = row.count;
    for (let i = 0; i < row.count; i++) {
      view.kinds[i] = elementAt(row.kinds, i);
      view.starts[i] = elementAt(row.starts, i);
      view.ends[i] = elementAt(row.ends, i);
    }
    this.#isOwned = false;
  }

  /** Copies the cells into memory of our own. */
  own(): void {
    if (this.#isOwned) return;
    const { view } = this;
    let length = 0;
    for (let i = 0; i < view.count; i++) {
      if (view.kinds[i] === CellKind.text) length += elementAt(view.ends, i) - elementAt(view.starts, i);
    }
    if (this.#owned.length < length) this.#owned = Buffer.allocUnsafeSlow(Math.max(1024, length * 2));
    let at = 0;
    for (let i = 0; i < view.count; i++) {
      if (view.kinds[i] !== CellKind.text) continue;
      const start = elementAt(view.starts, i);
      const end = elementAt(view.ends, i);
      this.#owned.set(view.source.subarray(start, end), at);
      view.starts[i] = at;
      at += end - start;
      view.ends[i] = at;
    }
    view.source = this.#owned;
    this.#isOwned = true;
  }
}
