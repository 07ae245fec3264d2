/**
 * THE loop: every message of the replication stream passes here, and every branch on it is here. Frames in; records to the
 * publisher; positions to the ack-tracker. It knows nothing of sockets, of JSON or of brokers.
 *
 * One event's way: onFrame → decode → table plan → change-writer (envelope, serializer) → publisher.append.
 * Positions come back through one call: release() asks the publisher how far records are settled, the tracker how far the
 * stream is durable, and confirms exactly that (docs/delivery.md, D1–D6).
 */

import { unreachable } from '../../core/assert.ts';
import { SlotlineError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { formatLsn, type Lsn } from '../../core/lsn.ts';
import type { Clock } from '../../core/time.ts';
import type { SourceInfo } from '../../events/source-info.ts';
import { messageCollection } from '../../events/transaction.ts';
import type { Publisher, TopicHandle } from '../../kafka/producer/publisher-contract.ts';
import { PgoutputDecoder } from '../../pgoutput/decode.ts';
import type { BeginMessage, LogicalMessage, RelationMessage, RowMessage, TruncateMessage, TypeMessage } from '../../pgoutput/messages.ts';
import type { FrameConsumer } from '../../postgres/stream/replication-stream.ts';
import type { AckTracker } from '../positions/ack-tracker.ts';
import type { ChangeWriter } from './change-writer.ts';
import type { KnownRelation, TablePlans } from './table-plans.ts';
import type { TransactionBoundaries } from './transaction-boundaries.ts';

type StreamLoopDeps = {
  readonly plans: TablePlans;
  readonly changes: ChangeWriter;
  /** Only with provide.transaction.metadata. */
  readonly boundaries: TransactionBoundaries | undefined;
  readonly info: SourceInfo;
  readonly publisher: Publisher;
  readonly tracker: AckTracker;
  readonly clock: Clock;
  readonly log: Log;
  /** Writes a logical message's key and value to the serde's output; returns where the key ends. */
  readonly writeMessage: (message: LogicalMessage) => number;
  readonly wantsMessage: (prefix: string) => boolean;
  readonly openMessageTopic: () => Promise<TopicHandle>;
  /** A new durable position, or the server wants to hear the last one. */
  readonly confirm: (lsn: Lsn, options: { urgent: boolean }) => void;
  /** Stop before the first transaction that commits at or after this LSN (catching up to a snapshot). */
  readonly untilLsn: Lsn | undefined;
  /** The stream stands at untilLsn. */
  readonly onReached: () => void;
};

type StreamCounts = { transactions: number; messages: number; filtered: number };

export class StreamLoop implements FrameConsumer {
  readonly counts: StreamCounts = { transactions: 0, messages: 0, filtered: 0 };
  readonly #decoder = new PgoutputDecoder();
  readonly #deps: StreamLoopDeps;
  #inTransaction = false;
  #clockIsStale = true;
  #reached = false;
  #messageTopic: TopicHandle | undefined;
  /** Since the last relation. */
  readonly #types = new Map<number, TypeMessage>();
  #mayPause: (() => boolean) | undefined;

  constructor(deps: StreamLoopDeps) {
    this.#deps = deps;
  }

  onFrame(bytes: Uint8Array, start: number, end: number, lsn: Lsn): undefined | Promise<void> {
    if (this.#reached) return undefined;
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
        this.#onCommit(message.endLsn, lsn);
        return undefined;
      case 'origin':
        info.setOrigin({ name: message.name, lsn: message.commitLsn });
        return undefined;
      case 'relation':
        return this.#onRelation(message);
      case 'type':
        // It stands before the relations that use it. Asked where the catalog does not have the type any more.
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
   * Inside a transaction a keepalive says nothing that a commit will not say better. Outside, everything before it in the
   * byte stream is decoded; once that is acknowledged too, its WAL end is durable (D2b, D6).
   */
  onKeepalive(walEnd: Lsn, replyRequested: boolean): void {
    const { publisher, tracker, untilLsn } = this.#deps;
    if (this.#reached) return;
    if (!this.#inTransaction) {
      if (untilLsn !== undefined && walEnd >= untilLsn) {
        this.#reach();
        return;
      }
      tracker.mark(publisher.appendedOrdinal, walEnd);
      this.#pauseHere();
    }
    this.release({ urgent: replyRequested || publisher.pending.records === 0 });
  }

  onDrained(): undefined | Promise<void> {
    const { publisher } = this.#deps;
    this.#clockIsStale = true;
    publisher.flush();
    this.release({ urgent: false });
    return publisher.hasCapacity() ? undefined : publisher.whenCapacity();
  }

  /** The only way back: settled records → durable position → confirmed to the server. Never after a failure. */
  release(options: { urgent: boolean }): void {
    const { publisher, tracker } = this.#deps;
    if (publisher.failure !== undefined) return;
    const moved = tracker.release(publisher.settledOrdinal);
    if (moved || options.urgent) this.#deps.confirm(tracker.durableLsn, options);
  }

  get inTransaction(): boolean {
    return this.#inTransaction;
  }

  /** Takes in nothing behind a commit, or a keepalive between transactions, at which `mayPause` says yes; it then stands at tracker.markedLsn. */
  pauseAtBoundary(mayPause: (() => boolean) | undefined): void {
    this.#mayPause = mayPause;
  }

  /** Another source goes on where the last one stood. */
  resume(): void {
    this.#mayPause = undefined;
    this.#reached = false;
  }

  #pauseHere(): void {
    if (this.#mayPause?.() !== true) return;
    this.#mayPause = undefined;
    this.#reached = true;
  }

  /** Nothing more comes in; release() still moves positions out. */
  end(): void {
    this.#reached = true;
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

  /** `frameLsn` of a commit frame is the commit's end too; the message's own field is what D2 names. */
  #onCommit(endLsn: Lsn, frameLsn: Lsn): void {
    const { info, tracker, publisher, boundaries } = this.#deps;
    boundaries?.end();
    info.endTransaction(frameLsn);
    this.#inTransaction = false;
    this.counts.transactions++;
    tracker.mark(publisher.appendedOrdinal, endLsn);
    this.#pauseHere();
  }

  /** The server describes a relation in front of its first row in the transaction that has changed it, or that is the first to use it. */
  async #onRelation(message: RelationMessage): Promise<void> {
    const { plans, tracker, info } = this.#deps;
    plans.passed(tracker.markedLsn);
    const types = new Map(this.#types);
    this.#types.clear();
    await plans.learn(message, { phase: 'stream', xid: info.xid, types });
  }

  /** The row's frame and its views stay as they are while the promise holds the stream; then the same row is written. */
  #onRow(row: RowMessage, lsn: Lsn): undefined | Promise<void> {
    const table = this.#tableOf(row.relationOid, lsn);
    if (table === null) {
      this.counts.filtered++;
      return undefined;
    }
    const { changes } = this.#deps;
    return changes.writeRow(table, row)?.then(() => (this.#reached ? undefined : changes.writeRow(table, row)));
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
      if (opening !== undefined) return opening.then(() => (this.#reached ? undefined : this.#onTruncate(message, { from: index, lsn })));
    }
    return undefined;
  }

  #onMessage(message: LogicalMessage, lsn: Lsn): undefined | Promise<void> {
    const { info, wantsMessage, openMessageTopic } = this.#deps;
    if (!message.transactional) {
      info.leaveTransaction();
      info.endTransaction(lsn);
    }
    if (!wantsMessage(message.prefix)) {
      this.counts.filtered++;
      return undefined;
    }
    if (this.#messageTopic !== undefined) {
      this.#writeMessage(message, this.#messageTopic);
      return undefined;
    }
    return openMessageTopic().then((topic) => {
      this.#messageTopic = topic;
      if (!this.#reached) this.#writeMessage(message, topic);
    });
  }

  #writeMessage(message: LogicalMessage, topic: TopicHandle): void {
    const order = this.#deps.boundaries?.order;
    if (message.transactional && order?.open === true) order.count(messageCollection(this.#deps.info.lsn));
    const keyEnd = this.#deps.writeMessage(message);
    this.counts.messages++;
    this.#deps.changes.appendPlain(topic, keyEnd);
  }

  #tableOf(oid: number, lsn: Lsn): KnownRelation {
    const table = this.#deps.plans.get(oid);
    if (table !== undefined) return table;
    throw new SlotlineError('pgoutput_malformed', { reason: 'row of a relation that was not described', oid, lsn: formatLsn(lsn) });
  }

  #reach(): void {
    this.#reached = true;
    this.#deps.onReached();
  }
}
