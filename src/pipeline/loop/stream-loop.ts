/**
 * THE loop: every message of the replication stream passes here, and every branch on it is here. Frames come in; records go to the
 * publisher; positions, each with the number of records before it, go to Positions. It knows nothing of sockets, JSON or brokers.
 *
 * One event's way: onFrame → decode → table plan → change-writer (envelope, serializer) → publisher.append.
 * The way back does not pass here: publisher → Positions → source (docs/architecture.md). The loop only says when Positions should look.
 */

import { unreachable } from '../../core/assert.ts';
import { SlotlineError } from '../../core/errors.ts';
import { formatLsn, LSN_ZERO, type Lsn } from '../../core/lsn.ts';
import { Scope } from '../../core/scope.ts';
import type { Clock } from '../../core/time.ts';
import type { SourceInfo } from '../../events/source-info.ts';
import { messageCollection } from '../../events/transaction.ts';
import type { Publisher } from '../../kafka/producer/publisher-contract.ts';
import { PgoutputDecoder } from '../../pgoutput/decode.ts';
import type { BeginMessage, LogicalMessage, RelationMessage, RowMessage, TruncateMessage, TypeMessage } from '../../pgoutput/messages.ts';
import type { FrameConsumer } from '../../postgres/stream/replication-stream.ts';
import type { Position } from '../positions/ledger.ts';
import type { Positions } from '../positions/positions.ts';
import type { ChangeWriter } from './change-writer.ts';
import type { ControlRecords } from './control-records.ts';
import type { KnownRelation, TablePlans } from './table-plans.ts';
import type { TransactionBoundaries } from './transaction-boundaries.ts';

type StreamLoopDeps = {
  readonly plans: Pick<TablePlans, 'get' | 'passed' | 'learn'>;
  readonly changes: Pick<ChangeWriter, 'writeRow' | 'writeTruncate'>;
  /** Present only with provide.transaction.metadata. */
  readonly boundaries: Pick<TransactionBoundaries, 'order' | 'begin' | 'end'> | undefined;
  readonly info: SourceInfo;
  readonly publisher: Pick<Publisher, 'appendedOrdinal' | 'flush' | 'hasCapacity' | 'whenCapacity' | 'pending'>;
  readonly positions: Pick<Positions, 'mark' | 'release' | 'markedLsn'>;
  readonly clock: Pick<Clock, 'nowUs'>;
  readonly controls: Pick<ControlRecords, 'message'>;
  readonly wantsMessage: (prefix: string) => boolean;
  /** The loop stands before the first transaction that commits at or after this LSN. Used to catch up to a snapshot. */
  readonly untilLsn: Lsn | undefined;
};

type Standing =
  | { readonly tag: 'flowing' }
  /** Takes nothing in. Everything that commits before `at` was taken in; another source may go on from there. */
  | { readonly tag: 'stands'; readonly at: Lsn }
  /** Takes nothing in, for good. Positions still move when records are acknowledged. */
  | { readonly tag: 'ended' };

const FLOWING: Standing = { tag: 'flowing' };

/** A request to stand at the next boundary below a limit. The answer is where it stands, or undefined if it does not. */
type StandWish = { readonly limitLsn: Lsn; readonly answer: (at: Lsn | undefined) => void };

type StreamCounts = { transactions: number; messages: number; filtered: number };

export class StreamLoop implements FrameConsumer {
  readonly counts: StreamCounts = { transactions: 0, messages: 0, filtered: 0 };
  readonly #decoder = new PgoutputDecoder();
  readonly #deps: StreamLoopDeps;
  #inTransaction = false;
  #clockIsStale = true;
  #standing: Standing = FLOWING;
  #wish: StandWish | undefined;
  readonly #reached = Promise.withResolvers<void>();
  /** The types that came since the last relation. */
  readonly #types = new Map<number, TypeMessage>();
  /** One object, reused for each mark. */
  readonly #position: Position = { tag: 'lsn', lsn: LSN_ZERO };

  constructor(deps: StreamLoopDeps) {
    this.#deps = deps;
  }

  onFrame(bytes: Uint8Array, start: number, end: number, lsn: Lsn): undefined | Promise<void> {
    if (this.#standing !== FLOWING) return undefined;
    const { info } = this.#deps;
    if (this.#clockIsStale) {
      info.nowUs = this.#deps.clock.nowUs();
      this.#clockIsStale = false;
    }
    info.lsn = lsn;
    const message = this.#decoder.decode(bytes, start, end, lsn);
    switch (message.tag) {
      case 'insert':
      case 'update':
      case 'delete':
        return this.#onRow(message, lsn);
      case 'begin':
        return this.#onBegin(message);
      case 'commit':
        return this.#onCommit(message.endLsn, lsn);
      case 'origin':
        info.setOrigin({ name: message.name, lsn: message.commitLsn });
        return undefined;
      case 'relation':
        return this.#onRelation(message);
      case 'type':
        // Types come before the relations that use them. They serve where the catalog no longer has the type.
        this.#types.set(message.oid, message);
        return undefined;
      case 'truncate':
        return this.#onTruncate(message, { from: 0, lsn });
      case 'message':
        return this.#onMessage(message, lsn);
      default:
        return unreachable(message);
    }
  }

  /**
   * Inside a transaction a keepalive is not marked: the commit that follows will be. Between two transactions everything before the
   * keepalive was decoded; its WAL end becomes durable once all of that is acknowledged (D2b, D6).
   */
  onKeepalive(walEnd: Lsn, replyRequested: boolean): void {
    const { publisher, positions, untilLsn } = this.#deps;
    if (this.#standing !== FLOWING) return;
    if (!this.#inTransaction) {
      if (untilLsn !== undefined && walEnd >= untilLsn) {
        this.#reach();
        return;
      }
      this.#markBoundary(walEnd);
    }
    positions.release({ urgent: replyRequested || publisher.pending.records === 0 });
  }

  onDrained(): undefined | Promise<void> {
    const { publisher, positions } = this.#deps;
    this.#clockIsStale = true;
    publisher.flush();
    positions.release({ urgent: false });
    return publisher.hasCapacity() ? undefined : publisher.whenCapacity();
  }

  get inTransaction(): boolean {
    return this.#inTransaction;
  }

  get standing(): Standing {
    return this.#standing;
  }

  /** Resolves when the loop stands at untilLsn. */
  get reached(): Promise<void> {
    return this.#reached.promise;
  }

  /**
   * Asks the loop to stand at the next commit, or at a keepalive between two transactions, if that is below the limit. Resolves with where
   * it stands; with undefined when it flows on, because the next boundary was not below the limit or `signal` aborted first.
   */
  standBelow(limitLsn: Lsn, signal: AbortSignal): Promise<Lsn | undefined> {
    const { promise, resolve } = Promise.withResolvers<Lsn | undefined>();
    const scope = new Scope();
    const answer = (at: Lsn | undefined): void => {
      this.#wish = undefined;
      scope[Symbol.dispose]();
      resolve(at);
    };
    this.#wish = { limitLsn, answer };
    scope.listen(signal, () => answer(undefined));
    return promise;
  }

  /** Lets another source go on where the last one stood. Does nothing after end(). */
  resume(): void {
    if (this.#standing.tag === 'stands') this.#standing = FLOWING;
  }

  /** Takes nothing in from now on. Acknowledgements still move positions. */
  end(): void {
    this.#standing = { tag: 'ended' };
  }

  /** Marks a boundary between two transactions: a position, and the only place where the loop can stand. */
  #markBoundary(lsn: Lsn): void {
    const { positions, publisher } = this.#deps;
    this.#position.lsn = lsn;
    positions.mark(publisher.appendedOrdinal, this.#position);
    const wish = this.#wish;
    if (wish === undefined) return;
    const at = positions.markedLsn;
    if (at < wish.limitLsn) this.#standing = { tag: 'stands', at };
    wish.answer(at < wish.limitLsn ? at : undefined);
  }

  #onBegin(message: BeginMessage): undefined | Promise<void> {
    const { untilLsn, boundaries } = this.#deps;
    if (untilLsn !== undefined && message.finalLsn >= untilLsn) {
      this.#reach();
      return undefined;
    }
    this.#inTransaction = true;
    this.#deps.info.beginTransaction(message);
    return boundaries?.begin();
  }

  /** `endLsn` is the message's own field, which D2 names; `frameLsn` of a commit's frame is the same LSN. */
  #onCommit(endLsn: Lsn, frameLsn: Lsn): undefined | Promise<void> {
    const ending = this.#deps.boundaries?.end();
    if (ending !== undefined) return ending.then(() => this.#endTransaction(endLsn, frameLsn));
    this.#endTransaction(endLsn, frameLsn);
    return undefined;
  }

  #endTransaction(endLsn: Lsn, frameLsn: Lsn): void {
    if (this.#standing !== FLOWING) return;
    this.#deps.info.endTransaction(frameLsn);
    this.#inTransaction = false;
    this.counts.transactions++;
    this.#markBoundary(endLsn);
  }

  /** The server describes a relation before its first row in the transaction that first uses it, or that has changed it. */
  async #onRelation(message: RelationMessage): Promise<void> {
    const { plans, positions, info } = this.#deps;
    plans.passed(positions.markedLsn);
    const types = new Map(this.#types);
    this.#types.clear();
    await plans.learn(message, { phase: 'stream', xid: info.xid, types });
  }

  /** While the returned promise holds the stream, the row's frame and its views stay valid; the same row is written when it resolves. */
  #onRow(row: RowMessage, lsn: Lsn): undefined | Promise<void> {
    const table = this.#tableOf(row.relationOid, lsn);
    if (table === null) {
      this.counts.filtered++;
      return undefined;
    }
    const { changes } = this.#deps;
    return changes.writeRow(table, row)?.then(() => (this.#standing === FLOWING ? changes.writeRow(table, row) : undefined));
  }

  #onTruncate(message: TruncateMessage, { from, lsn }: { readonly from: number; readonly lsn: Lsn }): undefined | Promise<void> {
    for (const [index, oid] of message.relationOids.entries()) {
      if (index < from) continue;
      const table = this.#tableOf(oid, lsn);
      if (table === null) {
        this.counts.filtered++;
        continue;
      }
      const opening = this.#deps.changes.writeTruncate(table);
      if (opening !== undefined)
        return opening.then(() => (this.#standing === FLOWING ? this.#onTruncate(message, { from: index, lsn }) : undefined));
    }
    return undefined;
  }

  #onMessage(message: LogicalMessage, lsn: Lsn): undefined | Promise<void> {
    const { info, wantsMessage } = this.#deps;
    if (!message.transactional) {
      info.leaveTransaction();
      info.endTransaction(lsn);
    }
    if (!wantsMessage(message.prefix)) {
      this.counts.filtered++;
      return undefined;
    }
    const order = this.#deps.boundaries?.order;
    if (message.transactional && order?.open === true) order.count(messageCollection(info.lsn));
    this.counts.messages++;
    const { controls } = this.#deps;
    return controls.message(message)?.then(() => (this.#standing === FLOWING ? controls.message(message) : undefined));
  }

  #tableOf(oid: number, lsn: Lsn): KnownRelation {
    const table = this.#deps.plans.get(oid);
    if (table !== undefined) return table;
    throw new SlotlineError('pgoutput_malformed', { reason: 'row of a relation that was not described', oid, lsn: formatLsn(lsn) });
  }

  #reach(): void {
    this.#standing = { tag: 'stands', at: this.#deps.positions.markedLsn };
    this.#reached.resolve();
  }
}
