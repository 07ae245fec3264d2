/**
 * Owns what a record is written from: the source facts, the place in the transaction, and the current row, message or count. One view serves
 * all records of a producer of rows. Its members are set before each write and are valid only during it.
 */
import type { LogicalMessage } from '../pgoutput/messages.ts';
import type { TupleView } from '../pgoutput/tuple.ts';
import type { Op } from './envelope.ts';
import type { SourceInfo } from './source-info.ts';
import type { CollectionCount, TransactionOrder } from './transaction.ts';

export class EventView {
  readonly info: SourceInfo;
  /** Present only with provide.transaction.metadata. */
  readonly order: TransactionOrder | undefined;
  op: Op = 'c';
  before: TupleView | undefined;
  after: TupleView | undefined;
  message: Pick<LogicalMessage, 'prefix' | 'content'> = NO_MESSAGE;
  /** For the END of a transaction: how many events it had, in all and by table. Null for its BEGIN. */
  eventCount: number | null = null;
  collections: readonly CollectionCount[] | null = null;

  constructor(info: SourceInfo, order: TransactionOrder | undefined) {
    this.info = info;
    this.order = order;
  }
}

const NO_MESSAGE = { prefix: '', content: new Uint8Array(0) };
