/**
 * Owns the records at the two ends of a transaction (provide.transaction.metadata). BEGIN is sent when the transaction begins in the
 * stream, END before its commit position is marked, so that a commit is confirmed only once its END is acknowledged (D2). The counting
 * between them is in events/transaction.ts, the bytes are in control-records.ts.
 */
import type { TransactionOrder } from '../../events/transaction.ts';
import type { TopicHandle } from '../../kafka/producer/publisher-contract.ts';
import type { ChangeWriter } from './change-writer.ts';
import type { ControlRecords } from './control-records.ts';

type TransactionBoundariesDeps = {
  readonly order: TransactionOrder;
  readonly controls: Pick<ControlRecords, 'writeBegin' | 'writeEnd'>;
  readonly changes: Pick<ChangeWriter, 'appendPlain'>;
  readonly openTopic: () => Promise<TopicHandle>;
};

export class TransactionBoundaries {
  readonly order: TransactionOrder;
  readonly #deps: TransactionBoundariesDeps;
  #topic: TopicHandle | undefined;

  constructor(deps: TransactionBoundariesDeps) {
    this.#deps = deps;
    this.order = deps.order;
  }

  /** Returns a promise only before the first record, while the topic is being opened. */
  begin(): undefined | Promise<void> {
    this.order.begin();
    if (this.#topic === undefined) return this.#openTopic();
    this.#deps.changes.appendPlain(this.#topic, this.#deps.controls.writeBegin());
    return undefined;
  }

  end(): void {
    const { controls, changes } = this.#deps;
    const collections = this.order.end();
    const keyEnd = controls.writeEnd(this.order.totalOrder, collections);
    if (this.#topic !== undefined) changes.appendPlain(this.#topic, keyEnd);
  }

  async #openTopic(): Promise<void> {
    this.#topic = await this.#deps.openTopic();
    this.#deps.changes.appendPlain(this.#topic, this.#deps.controls.writeBegin());
  }
}
