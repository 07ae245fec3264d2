/**
 * Owns the records at the two ends of a transaction (provide.transaction.metadata). BEGIN is sent when the transaction begins in the
 * stream, END before its commit position is marked, so that a commit is confirmed only once its END is acknowledged (D2). The counting
 * between them is in events/transaction.ts, the records are in control-records.ts.
 */
import type { TransactionOrder } from '../../events/transaction.ts';
import type { ControlRecords } from './control-records.ts';

type TransactionBoundariesDeps = {
  readonly order: TransactionOrder;
  readonly controls: Pick<ControlRecords, 'begin' | 'end'>;
};

export class TransactionBoundaries {
  readonly order: TransactionOrder;
  readonly #controls: TransactionBoundariesDeps['controls'];

  constructor({ order, controls }: TransactionBoundariesDeps) {
    this.order = order;
    this.#controls = controls;
  }

  /** A promise, for the first record, while its topic is being opened: it resolves when BEGIN is appended. */
  begin(): undefined | Promise<void> {
    this.order.begin();
    return this.#controls.begin()?.then(() => this.#controls.begin());
  }

  /** As begin(). */
  end(): undefined | Promise<void> {
    const collections = this.order.end();
    const { totalOrder } = this.order;
    return this.#controls.end(totalOrder, collections)?.then(() => this.#controls.end(totalOrder, collections));
  }
}
