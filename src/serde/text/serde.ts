/**
 * Owns keys and values as text: what Java's toString gives for the structs that Debezium makes, `Struct{id=1,name=a}`. Written plainly: it
 * is for keys, and for people who read values.
 * Source: org.apache.kafka.connect.storage.StringConverter, org.apache.kafka.connect.data.Struct.toString.
 */
import { byteAt } from '../../core/byte-reader.ts';
import type { ByteWriter } from '../../core/byte-writer.ts';
import { SlotlineError } from '../../core/errors.ts';
import type { TextEncoding } from '../../core/options.ts';
import type { Op } from '../../events/envelope.ts';
import type { PlannedColumn, RowPlan } from '../../events/row-plan.ts';
import type { CollectionCount } from '../../events/transaction.ts';
import type { LogicalMessage } from '../../pgoutput/messages.ts';
import { CellKind, type TupleView } from '../../pgoutput/tuple.ts';
import type { FieldSchema } from '../../values/schema.ts';
import { DECIMAL_NAME } from '../../values/types/decimal.ts';
import { ConversionError } from '../../values/value-writer.ts';
import type { BinaryMode } from '../avro/control.ts';
import { HeaderTextWriter } from '../header-text.ts';
import type { EventFacts } from '../json/serde.ts';
import type { SourceConstants } from '../json/source.ts';
import type { ConversionFailure, RowSerializer } from '../serializer.ts';
import { encodeText } from './encoding.ts';
import { byteBufferText, StringValueWriter } from './value-writer.ts';

type StringSerdeSettings = {
  /** undefined: the half is written in another format. */
  readonly key: TextEncoding | undefined;
  readonly value: TextEncoding | undefined;
  readonly binary: BinaryMode;
};

type StringSerdeDeps = {
  readonly out: ByteWriter;
  readonly constants: SourceConstants;
  readonly facts: EventFacts;
  readonly onFailure: (failure: ConversionFailure) => void;
};

export class StringSerde {
  readonly out: ByteWriter;
  readonly #settings: StringSerdeSettings;
  readonly #deps: StringSerdeDeps;

  constructor(settings: StringSerdeSettings, deps: StringSerdeDeps) {
    this.out = deps.out;
    this.#settings = settings;
    this.#deps = deps;
  }

  /** Throws string_key_bytes. */
  compile(plan: RowPlan): RowSerializer {
    const column = plan.key.find(({ codec }) => hasBytes(codec.schema));
    if (this.#settings.key !== undefined && column !== undefined) {
      throw new SlotlineError('string_key_bytes', { schema: plan.schema, table: plan.table, column: column.name });
    }
    return new StringRowSerializer(plan, this.#settings, this.#deps);
  }

  /** Appends a logical message's key, then its value; returns where the key ends. */
  writeMessage(message: LogicalMessage): number {
    const { prefix, content } = message;
    const { info } = this.#deps.facts;
    return this.#write(
      struct([['prefix', prefix]]),
      struct([
        ['op', 'm'],
        ['ts_ms', Math.floor(info.nowUs / 1000)],
        ['source', sourceText(this.#deps, { schema: '', table: '' })],
        ['transaction', transactionText(this.#deps.facts)],
        [
          'message',
          struct([
            ['prefix', prefix],
            ['content', contentText(content, this.#settings.binary)],
          ]),
        ],
      ]),
    );
  }

  /** Appends the record that opens a transaction, key first; returns where the key ends. */
  writeBegin(): number {
    return this.#writeTransaction('BEGIN', []);
  }

  /** Appends the record that closes a transaction, as writeBegin. */
  writeEnd(eventCount: number, collections: readonly CollectionCount[]): number {
    const counts = collections.map(({ name, count }) =>
      struct([
        ['data_collection', name],
        ['event_count', count],
      ]),
    );
    return this.#writeTransaction('END', [
      ['event_count', eventCount],
      ['data_collections', `[${counts.join(', ')}]`],
    ]);
  }

  /** Appends a heartbeat, as writeBegin. */
  writeHeartbeat(): number {
    const { constants, facts } = this.#deps;
    return this.#write(struct([['serverName', constants.name]]), struct([['ts_ms', Math.floor(facts.info.nowUs / 1000)]]));
  }

  #writeTransaction(status: string, counts: readonly Member[]): number {
    const { xid, lsn, commitTimeUs } = this.#deps.facts.info;
    const id = `${xid}:${lsn}`;
    return this.#write(
      struct([['id', id]]),
      struct([['status', status], ['id', id], ...counts, ['ts_ms', Math.floor(commitTimeUs / 1000)]]),
    );
  }

  #write(key: string, value: string): number {
    const { out } = this;
    out.reset();
    out.text(key);
    encodeText(out, 0, this.#settings.key ?? 'UTF-8');
    const keyEnd = out.length;
    out.text(value);
    encodeText(out, keyEnd, this.#settings.value ?? 'UTF-8');
    return keyEnd;
  }
}

type Member = readonly [name: string, value: string | number | null];

function struct(members: readonly Member[]): string {
  const present = members.filter(([, value]) => value !== null);
  return `Struct{${present.map(([name, value]) => `${name}=${value}`).join(',')}}`;
}

/** Java shows the bytes of no array; what has none but a Decimal's can be told apart. */
function hasBytes(schema: FieldSchema): boolean {
  if (schema.type === 'bytes') return schema.name !== DECIMAL_NAME;
  const inner = [schema.items, schema.keys, schema.values, ...(schema.fields ?? []).map((field) => field.schema)];
  return inner.some((one) => one !== undefined && hasBytes(one));
}

function contentText(content: Uint8Array, binary: BinaryMode): string {
  const bytes = Buffer.from(content);
  switch (binary) {
    case 'bytes':
      return byteBufferText(bytes.length);
    case 'hex':
      return bytes.toString('hex');
    case 'base64':
      return bytes.toString('base64');
    case 'base64-url-safe':
      return bytes.toString('base64').replaceAll('+', '-').replaceAll('/', '_');
  }
}

/** Streaming sets no snapshot marker; nulls are left out. */
function sourceText({ constants, facts }: StringSerdeDeps, o: { readonly schema: string; readonly table: string }): string {
  const { info } = facts;
  const us = info.commitTimeUs;
  const last = info.lastCommitLsn === null ? 'null' : `"${info.lastCommitLsn}"`;
  return struct([
    ['version', constants.version],
    ['connector', 'postgresql'],
    ['name', constants.name],
    ['ts_ms', Math.floor(us / 1000)],
    ['snapshot', info.snapshot === 'false' ? null : info.snapshot],
    ['db', constants.db],
    ['sequence', `[${last},"${info.lsn}"]`],
    ['ts_us', us],
    ['ts_ns', nanosText(us)],
    ['schema', o.schema],
    ['table', o.table],
    ['txId', info.xid],
    ['lsn', info.lsn],
    ['xmin', info.xmin],
    ['origin', info.origin],
    ['origin_lsn', info.originLsn],
  ]);
}

function transactionText({ info, order }: EventFacts): string | null {
  if (order === undefined || !order.open) return null;
  return struct([
    ['id', `${info.xid ?? ''}:${info.lsn}`],
    ['total_order', order.totalOrder],
    ['data_collection_order', order.collectionOrder],
  ]);
}

/** In digits: the product may pass 2^53. */
function nanosText(us: number): string {
  return us === 0 ? '0' : `${us}000`;
}

class StringRowSerializer implements RowSerializer {
  readonly #plan: RowPlan;
  readonly #settings: StringSerdeSettings;
  readonly #deps: StringSerdeDeps;
  readonly #out: ByteWriter;
  readonly #values: StringValueWriter;
  readonly #header: HeaderTextWriter;

  constructor(plan: RowPlan, settings: StringSerdeSettings, deps: StringSerdeDeps) {
    this.#plan = plan;
    this.#settings = settings;
    this.#deps = deps;
    this.#out = deps.out;
    this.#values = new StringValueWriter(deps.out);
    this.#header = new HeaderTextWriter(deps.out);
  }

  writeKey(tuple: TupleView): boolean {
    if (this.#plan.keySchema === undefined) return false;
    const start = this.#out.length;
    this.#writeRow(this.#plan.key, tuple);
    encodeText(this.#out, start, this.#settings.key ?? 'UTF-8');
    return true;
  }

  writeKeyHeader(tuple: TupleView): void {
    this.#header.write(this.#plan.key, tuple);
  }

  writeValue(op: Op, before: TupleView | undefined, after: TupleView | undefined): void {
    const out = this.#out;
    const start = out.length;
    const { info } = this.#deps.facts;
    out.text('Struct{');
    if (before !== undefined) this.#writeImage('before=', before);
    if (after !== undefined) this.#writeImage('after=', after);
    const transaction = transactionText(this.#deps.facts);
    out.text(`source=${sourceText(this.#deps, this.#plan)}`);
    if (transaction !== null) out.text(`,transaction=${transaction}`);
    const us = info.nowUs;
    out.text(`,op=${op},ts_ms=${Math.floor(us / 1000)},ts_us=${us},ts_ns=${nanosText(us)}}`);
    encodeText(out, start, this.#settings.value ?? 'UTF-8');
  }

  #writeImage(name: string, tuple: TupleView): void {
    this.#out.text(name);
    this.#writeRow(this.#plan.columns, tuple);
    this.#out.text(',');
  }

  #writeRow(columns: readonly PlannedColumn[], tuple: TupleView): void {
    const values = this.#values;
    values.beginStruct();
    for (const column of columns) {
      values.field(column.field);
      values.schema = column.codec.schema.items ?? column.codec.schema;
      this.#writeCell(column, tuple);
    }
    values.endStruct();
  }

  #writeCell(column: PlannedColumn, tuple: TupleView): void {
    const { index, codec } = column;
    const kind = index < tuple.count ? byteAt(tuple.kinds, index) : CellKind.null;
    const { place } = this.#values;
    try {
      if (kind === CellKind.text) codec.write(this.#values, tuple.source, tuple.starts[index] ?? 0, tuple.ends[index] ?? 0);
      else if (kind === CellKind.unchanged) codec.writeUnavailable(this.#values);
      else if (codec.nullable) this.#values.nullValue();
      else codec.writeFallback(this.#values);
    } catch (error) {
      this.#values.returnTo(place);
      this.#writeFailed(error, column);
    }
  }

  #writeFailed(error: unknown, { name, type, codec }: PlannedColumn): void {
    if (!(error instanceof ConversionError)) throw error;
    const { schema, table } = this.#plan;
    const { optional, defaultValue } = codec.schema;
    const isRequired = !optional && defaultValue === undefined;
    this.#deps.onFailure({ schema, table, column: name, type, reason: error.message, isRequired });
    if (optional) this.#values.nullValue();
    else codec.writeFallback(this.#values);
  }
}
