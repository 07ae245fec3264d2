/**
 * Owns the step from one row change to its records: which records, in which order, with which key and headers (D9). The
 * bytes come from the compiled shapes, the sending is the publisher's.
 */
import type { ByteWriter } from '../../core/byte-writer.ts';
import type { EventOptions } from '../../core/options.ts';
import { type Change, classifyChange, fillUnchanged, type Op } from '../../events/envelope.ts';
import type { EventView } from '../../events/event-view.ts';
import type { Publisher, RecordView, TopicHandle } from '../../kafka/producer/publisher-contract.ts';
import type { RowMessage } from '../../pgoutput/messages.ts';
import type { TupleView } from '../../pgoutput/tuple.ts';
import { HeaderTextWriter } from '../../serde/header-text.ts';
import { encodeHeaders, type Header } from '../../serde/record-headers.ts';
import type { CompiledRecord } from '../../serde/record-serde.ts';
import type { OnRefused } from '../../transforms/chain.ts';
import { type Emission, TransformedWriter } from '../routes/transformed-writer.ts';
import type { ConversionFailures } from './conversion-failures.ts';
import type { TablePlan } from './table-plans.ts';

/** Events by kind; what an option skipped is counted too (D10). `deadLettered` are counted by kind too. */
export type ChangeCounts = {
  created: number;
  updated: number;
  deleted: number;
  read: number;
  truncated: number;
  skipped: number;
  deadLettered: number;
  /** Records that a transform has dropped, tombstones among them. */
  dropped: number;
};

export function noChanges(): ChangeCounts {
  return { created: 0, updated: 0, deleted: 0, read: 0, truncated: 0, skipped: 0, deadLettered: 0, dropped: 0 };
}

type ChangeWriterDeps = {
  readonly out: ByteWriter;
  /** What the records are written from; its order counts events where they are told their place in the transaction. */
  readonly event: EventView;
  readonly publisher: Pick<Publisher, 'append'>;
  readonly failures: Pick<ConversionFailures, 'try' | 'row'>;
  /** Counted on; of all producers of rows. */
  readonly counts: ChangeCounts;
  readonly options: Pick<EventOptions, 'tombstonesOnDelete' | 'skippedOperations'>;
  readonly onRefused: OnRefused;
  /** Headers of every data record; empty when extended headers are off. */
  readonly contextHeaders: readonly Header[];
};

/** Of one producer of rows; all of them may write to one output and one publisher, for no write is left half done. */
export class ChangeWriter {
  readonly #counts: ChangeCounts;
  readonly #out: ByteWriter;
  readonly #event: EventView;
  readonly #keyHeader: HeaderTextWriter;
  readonly #publisher: Pick<Publisher, 'append'>;
  readonly #failures: Pick<ConversionFailures, 'try' | 'row'>;
  readonly #context: readonly Header[];
  readonly #contextBlock: Buffer;
  readonly #tombstones: boolean;
  readonly #skipped: ReadonlySet<string>;
  readonly #record: RecordView;
  readonly #transformed: TransformedWriter;

  constructor(deps: ChangeWriterDeps) {
    this.#out = deps.out;
    this.#event = deps.event;
    this.#keyHeader = new HeaderTextWriter(deps.out);
    this.#publisher = deps.publisher;
    this.#failures = deps.failures;
    this.#counts = deps.counts;
    this.#context = deps.contextHeaders;
    this.#contextBlock = encodeHeaders(deps.contextHeaders);
    this.#tombstones = deps.options.tombstonesOnDelete;
    this.#skipped = deps.options.skippedOperations;
    const { out, event, publisher } = deps;
    this.#transformed = new TransformedWriter({
      out,
      event,
      publisher,
      keyHeader: this.#keyHeader,
      tombstones: this.#tombstones,
      failures: deps.failures,
      onRefused: deps.onRefused,
      onEvent: (op, table) => {
        this.#count(op, table);
        this.#countOrder(table);
      },
      onDropped: () => {
        this.#counts.dropped++;
      },
    });
    this.#record = {
      bytes: deps.out.bytes,
      keyStart: 0,
      keyEnd: -1,
      valueStart: 0,
      valueEnd: -1,
      headers: this.#contextBlock,
      timestampMs: 0,
      partition: -1,
    };
  }

  /**
   * Appends the records of one streamed row message. A promise, for the first row that needs them: nothing is written or counted yet, topic
   * and schemas are being opened, and once it resolves the row is to be written again.
   */
  writeRow(table: TablePlan, row: RowMessage): undefined | Promise<void> {
    fillUnchanged(row);
    const change: Change = classifyChange(row, table.plan);
    if (row.tag === 'update' && row.old !== 'none' && change !== 'none' && table.comparer?.same(row.before, row.after) === true) {
      this.#counts.skipped++;
      return undefined;
    }
    if (table.output.transformed !== undefined) return this.#writeTransformed(table, row, change);
    if (!table.output.isOpen && this.#isSent(table, row, change)) {
      return this.#open(table, row.old === 'none' ? undefined : row.before, row.tag === 'delete' ? undefined : row.after);
    }
    const headers = this.#headersOf(table);
    switch (change) {
      case 'create':
        this.#write(table, 'c', undefined, row.after, headers);
        return undefined;
      case 'update':
        this.#write(table, 'u', row.old === 'none' ? undefined : row.before, row.after, headers);
        return undefined;
      case 'delete':
        this.#writeDelete(table, row.before, headers);
        return undefined;
      case 'keyChange':
        this.#writeKeyChange(table, row);
        return undefined;
      case 'none':
        this.#counts.skipped++;
        return undefined;
    }
  }

  /** Appends a snapshot's read event; openRead() was called for the table. A promise, as of writeRow, where transforms route the event. */
  writeRead(table: TablePlan, row: TupleView): undefined | Promise<void> {
    if (table.output.transformed !== undefined) return this.#writeReadTransformed(table, row);
    this.#write(table, 'r', undefined, row, this.#headersOf(table));
    return undefined;
  }

  /** Before the first read event of a table: this one. */
  async openRead(table: TablePlan, row: TupleView): Promise<void> {
    if (table.output.transformed === undefined) await this.#open(table, undefined, row);
  }

  #writeReadTransformed(table: TablePlan, row: TupleView): undefined | Promise<void> {
    if (this.#skips('r')) return undefined;
    return this.#transformed
      .write(table, [{ kind: 'read', op: 'r', before: undefined, after: row }])
      ?.then(() => this.writeRead(table, row));
  }

  /** As writeRow, where transforms are configured. */
  #writeTransformed(table: TablePlan, row: RowMessage, change: Change): undefined | Promise<void> {
    const emissions = emissionsOf(table, row, change);
    if (emissions.length === 0) {
      this.#counts.skipped++;
      return undefined;
    }
    // Debezium asks for the row's own operation first, then for each emitted one.
    if (change === 'keyChange' && this.#skips('u')) return undefined;
    const sent = emissions.filter(({ op }) => !this.#skipped.has(op));
    const writing = sent.length === 0 ? undefined : this.#transformed.write(table, sent);
    if (writing === undefined) this.#counts.skipped += emissions.length - sent.length;
    return writing;
  }

  /** A promise, as of writeRow. The record has no key. */
  writeTruncate(table: TablePlan): undefined | Promise<void> {
    const { output } = table;
    if (output.transformed !== undefined) {
      if (this.#skips('t')) return undefined;
      return this.#transformed.write(table, [{ kind: 'truncate', op: 't', before: undefined, after: undefined }]);
    }
    if (!output.isValueOpen && !this.#skipped.has('t')) return output.open({ withKey: false });
    if (this.#skips('t')) return undefined;
    this.#counts.truncated++;
    if (output.deadLetter !== undefined) this.#counts.deadLettered++;
    this.#countOrder(table);
    this.#setEvent('t', undefined, undefined);
    this.#out.reset();
    output.records.truncate.value?.write(this.#event);
    this.#append(output.topic, -1, this.#out.length, this.#headersOf(table));
    return undefined;
  }

  /** Whether any record of the row is sent; asked only while its table is not open. */
  #isSent(table: TablePlan, row: RowMessage, change: Change): boolean {
    const skipped = this.#skipped;
    switch (change) {
      case 'create':
        return !skipped.has('c');
      case 'update':
        return !skipped.has('u');
      case 'delete':
        return !skipped.has('d');
      case 'keyChange':
        if (skipped.has('u')) return false;
        return table.keys.same(row.before, row.after) || !skipped.has('d') || !skipped.has('c');
      case 'none':
        return false;
    }
  }

  /** A row that cannot be converted ends the attempt and is never a record, so it is tried first: it needs neither topic nor schema. */
  #open({ output }: TablePlan, before: TupleView | undefined, after: TupleView | undefined): Promise<void> {
    this.#failures.try(() => {
      const { row } = output.trial;
      this.#out.reset();
      this.#setEvent('u', before, undefined);
      if (before !== undefined) row.key?.write(this.#event);
      this.#setEvent('u', before, after);
      if (after !== undefined) row.key?.write(this.#event);
      row.value?.write(this.#event);
    });
    return output.open({ withKey: true });
  }

  /** The cells differ; a key that is printed alike (1.0 and 1.00, or times cut to milliseconds) is the same key. */
  #writeKeyChange(table: TablePlan, row: RowMessage): void {
    if (table.keys.same(row.before, row.after)) {
      this.#write(table, 'u', row.before, row.after, this.#headersOf(table));
      return;
    }
    // Debezium asks for the row's own operation first, then for each emitted one.
    if (this.#skips('u')) return;
    if (!this.#skips('d')) this.#writeDelete(table, row.before, this.#keyHeaders('__debezium.newkey', table, row.after));
    if (!this.#skips('c')) this.#write(table, 'c', undefined, row.after, this.#keyHeaders('__debezium.oldkey', table, row.before));
  }

  #writeDelete(table: TablePlan, before: TupleView, headers: Buffer): void {
    const keyEnd = this.#write(table, 'd', before, undefined, headers);
    if (keyEnd === SKIPPED || !this.#tombstones) return;
    this.#append(table.output.topic, keyEnd, -1, headers);
  }

  /** Returns where the key ends, -1 for a null key, SKIPPED when skipped.operations dropped the event. */
  #write(table: TablePlan, op: Op, before: TupleView | undefined, after: TupleView | undefined, headers: Buffer): number {
    if (this.#skips(op)) return SKIPPED;
    this.#count(op, table);
    this.#countOrder(table);
    this.#setEvent(op, before, after);
    const { records, topic } = table.output;
    const keyEnd = this.#writeRecord(records.row);
    this.#append(topic, keyEnd, this.#out.length, headers);
    return keyEnd;
  }

  /** Returns where the key ends, -1 for a null key. */
  #writeRecord({ key, value }: CompiledRecord): number {
    const out = this.#out;
    const event = this.#event;
    out.reset();
    key?.write(event);
    const keyEnd = key === undefined ? -1 : out.length;
    value?.write(event);
    return keyEnd;
  }

  #setEvent(op: Op, before: TupleView | undefined, after: TupleView | undefined): void {
    const event = this.#event;
    this.#failures.row = event.info;
    event.op = op;
    event.before = before;
    event.after = after;
  }

  #countOrder(table: TablePlan): void {
    const { order } = this.#event;
    if (order?.open === true) order.count(table.collection);
  }

  #append(topic: TopicHandle, keyEnd: number, valueEnd: number, headers: Buffer): void {
    const record = this.#record;
    record.bytes = this.#out.bytes;
    record.keyEnd = keyEnd;
    record.valueStart = keyEnd === -1 ? 0 : keyEnd;
    record.valueEnd = valueEnd;
    record.headers = headers;
    record.timestampMs = Math.floor(this.#event.info.nowUs / 1000);
    this.#publisher.append(topic, record);
  }

  #keyHeaders(name: string, table: TablePlan, tuple: TupleView): Buffer {
    const out = this.#out;
    out.reset();
    this.#keyHeader.write(table.plan.key, tuple);
    return encodeHeaders([[name, out.toOwned()], ...(table.output.deadLetter?.headers ?? this.#context)]);
  }

  #headersOf(table: TablePlan): Buffer {
    const { deadLetter } = table.output;
    return deadLetter === undefined ? this.#contextBlock : deadLetter.headerBlock;
  }

  #skips(op: Op): boolean {
    if (!this.#skipped.has(op)) return false;
    this.#counts.skipped++;
    return true;
  }

  #count(op: Op, table: TablePlan): void {
    if (table.output.deadLetter !== undefined) this.#counts.deadLettered++;
    if (op === 'c') this.#counts.created++;
    else if (op === 'u') this.#counts.updated++;
    else if (op === 'd') this.#counts.deleted++;
    else if (op === 't') this.#counts.truncated++;
    else this.#counts.read++;
  }
}

/** The records of a change, in Debezium's order. */
function emissionsOf(table: TablePlan, row: RowMessage, change: Change): readonly Emission[] {
  const { before, after } = row;
  const isChangedKey = change === 'keyChange' && !table.keys.same(before, after);
  switch (change) {
    case 'create':
      return [{ kind: 'create', op: 'c', before: undefined, after }];
    case 'delete':
      return [{ kind: 'delete', op: 'd', before, after: undefined }];
    case 'none':
      return [];
    case 'update':
    case 'keyChange':
      if (!isChangedKey) return [{ kind: 'update', op: 'u', before: row.old === 'none' ? undefined : before, after }];
      return [
        { kind: 'newkey', op: 'd', before, after: undefined, other: after },
        { kind: 'oldkey', op: 'c', before: undefined, after, other: before },
      ];
  }
}

const SKIPPED = -2;
