/**
 * Owns the step from one row change to its records: which records, in which order, with which key and headers (D9). The
 * bytes come from the serializer, the sending is the publisher's.
 */
import type { ByteWriter } from '../core/byte-writer.ts';
import type { EventOptions } from '../core/options.ts';
import { type Change, classifyChange, fillUnchanged, type Op } from '../events/envelope.ts';
import type { SourceInfo } from '../events/source-info.ts';
import type { TransactionOrder } from '../events/transaction.ts';
import type { Publisher, RecordView, TopicHandle } from '../kafka/publisher-contract.ts';
import type { RowMessage } from '../pgoutput/messages.ts';
import type { TupleView } from '../pgoutput/tuple.ts';
import { encodeHeaders, type Header } from '../serde/record-headers.ts';
import type { TablePlan } from './table-plans.ts';

/** `deadLettered` are counted by kind too. */
export type ChangeCounts = {
  created: number;
  updated: number;
  deleted: number;
  read: number;
  truncated: number;
  skipped: number;
  deadLettered: number;
};

export type ChangeWriterDeps = {
  readonly out: ByteWriter;
  readonly info: SourceInfo;
  /** Counts events where they are told their place in the transaction. */
  readonly order: TransactionOrder | undefined;
  readonly publisher: Pick<Publisher, 'append'>;
  readonly options: Pick<EventOptions, 'tombstonesOnDelete' | 'skippedOperations'>;
  /** Headers of every data record; empty when extended headers are off. */
  readonly contextHeaders: readonly Header[];
};

export class ChangeWriter {
  /** Events by kind; what an option skipped is counted too (D10). */
  readonly counts: ChangeCounts = { created: 0, updated: 0, deleted: 0, read: 0, truncated: 0, skipped: 0, deadLettered: 0 };
  readonly #out: ByteWriter;
  readonly #info: SourceInfo;
  readonly #order: TransactionOrder | undefined;
  readonly #publisher: Pick<Publisher, 'append'>;
  readonly #context: readonly Header[];
  readonly #contextBlock: Buffer;
  readonly #tombstones: boolean;
  readonly #skipped: ReadonlySet<string>;
  readonly #record: RecordView;

  constructor(deps: ChangeWriterDeps) {
    this.#out = deps.out;
    this.#info = deps.info;
    this.#order = deps.order;
    this.#publisher = deps.publisher;
    this.#context = deps.contextHeaders;
    this.#contextBlock = encodeHeaders(deps.contextHeaders);
    this.#tombstones = deps.options.tombstonesOnDelete;
    this.#skipped = deps.options.skippedOperations;
    this.#record = {
      bytes: deps.out.bytes,
      keyStart: 0,
      keyEnd: -1,
      valueStart: 0,
      valueEnd: -1,
      headers: this.#contextBlock,
      timestampMs: 0,
      partition: BY_KEY.partition,
    };
  }

  /** Appends the records of one streamed row message. */
  writeRow(table: TablePlan, row: RowMessage): void {
    fillUnchanged(row);
    const headers = this.#headersOf(table);
    const change: Change = classifyChange(row, table.plan);
    if (row.tag === 'update' && row.old !== 'none' && change !== 'none' && table.comparer?.same(row.before, row.after) === true) {
      this.counts.skipped++;
      return;
    }
    switch (change) {
      case 'create':
        this.#write(table, 'c', undefined, row.after, headers);
        return;
      case 'update':
        this.#write(table, 'u', row.old === 'none' ? undefined : row.before, row.after, headers);
        return;
      case 'delete':
        this.#writeDelete(table, row.before, headers);
        return;
      case 'keyChange':
        this.#writeKeyChange(table, row);
        return;
      case 'none':
        this.counts.skipped++;
        return;
    }
  }

  /** Appends a snapshot's read event. */
  writeRead(table: TablePlan, row: TupleView): void {
    this.#write(table, 'r', undefined, row, this.#headersOf(table));
  }

  writeTruncate(table: TablePlan): void {
    if (this.#skips('t')) return;
    this.counts.truncated++;
    if (table.deadLetter !== undefined) this.counts.deadLettered++;
    if (this.#order?.open === true) this.#order.count(table.collection);
    this.#out.reset();
    table.serializer.writeValue('t', undefined, undefined);
    this.#append(table.topic, -1, this.#out.length, this.#headersOf(table));
  }

  /** Appends a record whose key stands in out[0, keyEnd) and whose value follows; messages and control records carry no headers. */
  appendPlain(topic: TopicHandle, keyEnd: number, options: { readonly partition: number } = BY_KEY): void {
    this.#record.partition = options.partition;
    this.#append(topic, keyEnd, this.#out.length, NO_HEADERS);
    this.#record.partition = BY_KEY.partition;
  }

  /** The cells differ; a key that is printed alike (1.0 and 1.00, or times cut to milliseconds) is the same key. */
  #writeKeyChange(table: TablePlan, row: RowMessage): void {
    if (table.keys.same(row.before, row.after)) {
      this.#write(table, 'u', row.before, row.after, this.#headersOf(table));
      return;
    }
    // Debezium asks for the row's own operation first, then for each emitted one.
    if (this.#skips('u')) return;
    this.#writeDelete(table, row.before, this.#keyHeaders('__debezium.newkey', table, row.after));
    this.#write(table, 'c', undefined, row.after, this.#keyHeaders('__debezium.oldkey', table, row.before));
  }

  #writeDelete(table: TablePlan, before: TupleView, headers: Buffer): void {
    const keyEnd = this.#write(table, 'd', before, undefined, headers);
    if (keyEnd === SKIPPED || !this.#tombstones) return;
    this.#append(table.topic, keyEnd, -1, headers);
  }

  /** Returns where the key ends, -1 for a null key, SKIPPED when skipped.operations dropped the event. */
  #write(table: TablePlan, op: Op, before: TupleView | undefined, after: TupleView | undefined, headers: Buffer): number {
    if (this.#skips(op)) return SKIPPED;
    this.#count(op, table);
    if (this.#order?.open === true) this.#order.count(table.collection);
    const out = this.#out;
    out.reset();
    const keyTuple = after ?? before;
    const keyEnd = keyTuple !== undefined && table.serializer.writeKey(keyTuple) ? out.length : -1;
    table.serializer.writeValue(op, before, after);
    this.#append(table.topic, keyEnd, out.length, headers);
    return keyEnd;
  }

  #append(topic: TopicHandle, keyEnd: number, valueEnd: number, headers: Buffer): void {
    const record = this.#record;
    record.bytes = this.#out.bytes;
    record.keyEnd = keyEnd;
    record.valueStart = keyEnd === -1 ? 0 : keyEnd;
    record.valueEnd = valueEnd;
    record.headers = headers;
    record.timestampMs = Math.floor(this.#info.nowUs / 1000);
    this.#publisher.append(topic, record);
  }

  #keyHeaders(name: string, table: TablePlan, tuple: TupleView): Buffer {
    const out = this.#out;
    out.reset();
    table.serializer.writeKeyHeader(tuple);
    return encodeHeaders([[name, out.toOwned()], ...(table.deadLetter?.headers ?? this.#context)]);
  }

  #headersOf(table: TablePlan): Buffer {
    return table.deadLetter === undefined ? this.#contextBlock : table.deadLetter.headerBlock;
  }

  #skips(op: Op): boolean {
    if (!this.#skipped.has(op)) return false;
    this.counts.skipped++;
    return true;
  }

  #count(op: Op, table: TablePlan): void {
    if (table.deadLetter !== undefined) this.counts.deadLettered++;
    if (op === 'c') this.counts.created++;
    else if (op === 'u') this.counts.updated++;
    else if (op === 'd') this.counts.deleted++;
    else this.counts.read++;
  }
}

const SKIPPED = -2;
const BY_KEY = { partition: -1 };
const NO_HEADERS = encodeHeaders([]);
