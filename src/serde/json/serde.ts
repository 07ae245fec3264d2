/**
 * Owns the JSON form of keys and values, as Connect's JsonConverter prints them: with or without the schema. Compiled per
 * relation version; a row is written from cells straight into the output buffer.
 * Source: org.apache.kafka.connect.json.JsonConverter.
 */
import { byteAt, itemAt } from '../../core/byte-reader.ts';
import { ByteWriter } from '../../core/byte-writer.ts';
import type { Op } from '../../events/envelope.ts';
import type { PlannedColumn, RowPlan } from '../../events/row-plan.ts';
import type { SourceInfo } from '../../events/source-info.ts';
import type { CollectionCount, TransactionOrder } from '../../events/transaction.ts';
import type { LogicalMessage } from '../../pgoutput/messages.ts';
import { CellKind, type TupleView } from '../../pgoutput/tuple.ts';
import { ConversionError, type ValueCodec } from '../../values/value-writer.ts';
import { HeaderTextWriter } from '../header-text.ts';
import { JsonSchemaValueWriter } from '../json-schema/values.ts';
import type { ConversionFailure, RowSerializer, SerdeSettings } from '../serializer.ts';
import { printSchema, quote } from './connect-schema.ts';
import { JsonMessageWriter } from './message.ts';
import { JsonSourceWriter, type SourceConstants, tableMembers } from './source.ts';
import { JsonHeartbeatWriter, JsonTransactionWriter } from './transaction.ts';
import { JsonValueWriter } from './value-writer.ts';

const NULL = Buffer.from('null');
const BEFORE_NULL = Buffer.from('{"before":null,"after":');
const BEFORE = Buffer.from('{"before":');
const AFTER = Buffer.from(',"after":');
const SOURCE = Buffer.from(',"source":');
const EMPTY_ROW = Buffer.from('{}');
const BRACE_CLOSE = 0x7d;

/** What a null cell becomes: decided per column, not per row. */
type NullRule = 'null' | 'fallback';

type JsonColumn = {
  readonly name: string;
  readonly type: string;
  readonly index: number;
  readonly codec: ValueCodec;
  /** `{"id":` for the first column, `,"name":` for the others. */
  readonly prefix: Buffer;
  readonly nullRule: NullRule;
  /** The same for a cell that could not be converted. */
  readonly failureRule: NullRule;
};

/** What the blocks around a row are written from; `order` only with provide.transaction.metadata. */
export type EventFacts = { readonly info: SourceInfo; readonly order: TransactionOrder | undefined };

/** One connector's JSON serde: the output buffer, the source block and everything compiled per relation. */
export class JsonSerde {
  readonly out: ByteWriter;
  readonly #values: JsonValueWriter;
  readonly #keyValues: JsonValueWriter;
  readonly #source: JsonSourceWriter;
  readonly #messages: JsonMessageWriter;
  readonly #transactions: JsonTransactionWriter;
  readonly #heartbeats: JsonHeartbeatWriter;
  readonly #header: HeaderTextWriter;
  readonly #settings: SerdeSettings;
  readonly #onFailure: (failure: ConversionFailure) => void;

  constructor(
    settings: SerdeSettings,
    constants: SourceConstants,
    facts: EventFacts,
    onFailure: (failure: ConversionFailure) => void,
    out: ByteWriter = new ByteWriter(),
  ) {
    this.out = out;
    const { info } = facts;
    const control = { out, info, format: settings };
    this.#settings = settings;
    const Writer = settings.mapsAreEntries === true ? JsonSchemaValueWriter : JsonValueWriter;
    this.#values = new Writer(this.out, settings.valueDecimals);
    this.#keyValues = new Writer(this.out, settings.keyDecimals);
    this.#header = new HeaderTextWriter(this.out);
    this.#source = new JsonSourceWriter(constants, facts, settings);
    this.#messages = new JsonMessageWriter({ ...control, source: this.#source, format: settings });
    this.#transactions = new JsonTransactionWriter(control);
    this.#heartbeats = new JsonHeartbeatWriter({ ...control, serverName: constants.name });
    this.#onFailure = onFailure;
  }

  compile(plan: RowPlan): RowSerializer {
    const { keySchemas, valueSchemas, keyDecimals, valueDecimals } = this.#settings;
    return new JsonRowSerializer(plan, {
      header: this.#header,
      out: this.out,
      values: this.#values,
      keyValues: this.#keyValues,
      source: this.#source,
      keySchema: keySchemas && plan.keySchema !== undefined ? printSchema(plan.keySchema, { decimals: keyDecimals }) : undefined,
      valueSchema: valueSchemas ? printSchema(plan.envelopeSchema, { decimals: valueDecimals }) : undefined,
      replaceNullWithDefault: this.#settings.replaceNullWithDefault,
      replaceNullWithDefaultInKeys: this.#settings.replaceNullWithDefaultInKeys,
      onFailure: this.#onFailure,
    });
  }

  /** Appends a logical message's key, then its value; returns where the key ends. */
  writeMessage(message: LogicalMessage): number {
    this.out.reset();
    return this.#messages.write(message);
  }

  /** Appends the record that opens a transaction, key first; returns where the key ends. */
  writeBegin(): number {
    this.out.reset();
    return this.#transactions.writeBegin();
  }

  /** Appends the record that closes a transaction, as writeBegin. */
  writeEnd(eventCount: number, collections: readonly CollectionCount[]): number {
    this.out.reset();
    return this.#transactions.writeEnd(eventCount, collections);
  }

  /** Appends a heartbeat, as writeBegin. */
  writeHeartbeat(): number {
    this.out.reset();
    return this.#heartbeats.write();
  }
}

type Compiled = {
  readonly header: HeaderTextWriter;
  readonly out: ByteWriter;
  readonly values: JsonValueWriter;
  readonly keyValues: JsonValueWriter;
  readonly source: JsonSourceWriter;
  readonly keySchema: string | undefined;
  readonly valueSchema: string | undefined;
  readonly replaceNullWithDefault: boolean;
  readonly replaceNullWithDefaultInKeys: boolean;
  readonly onFailure: (failure: ConversionFailure) => void;
};

class JsonRowSerializer implements RowSerializer {
  readonly #plan: RowPlan;
  readonly #header: HeaderTextWriter;
  readonly #out: ByteWriter;
  readonly #values: JsonValueWriter;
  readonly #keyValues: JsonValueWriter;
  readonly #source: JsonSourceWriter;
  readonly #onFailure: (failure: ConversionFailure) => void;
  readonly #keyHead: Buffer;
  readonly #keyTail: Buffer;
  readonly #valueHead: Buffer;
  readonly #valueTail: Buffer;
  readonly #key: readonly JsonColumn[];
  readonly #columns: readonly JsonColumn[];
  readonly #table: Buffer;

  constructor(plan: RowPlan, compiled: Compiled) {
    this.#plan = plan;
    this.#header = compiled.header;
    this.#out = compiled.out;
    this.#values = compiled.values;
    this.#keyValues = compiled.keyValues;
    this.#source = compiled.source;
    this.#onFailure = compiled.onFailure;
    this.#keyHead = schemaHead(compiled.keySchema);
    this.#keyTail = schemaTail(compiled.keySchema);
    this.#valueHead = schemaHead(compiled.valueSchema);
    this.#valueTail = schemaTail(compiled.valueSchema);
    this.#key = compileColumns(plan.key, compiled.replaceNullWithDefaultInKeys);
    this.#columns = compileColumns(plan.columns, compiled.replaceNullWithDefault);
    this.#table = tableMembers(plan.schema, plan.table);
  }

  writeKey(tuple: TupleView): boolean {
    if (this.#plan.keySchema === undefined) return false;
    this.#out.all(this.#keyHead);
    this.#writeRow(this.#key, tuple, this.#keyValues);
    this.#out.all(this.#keyTail);
    return true;
  }

  writeKeyHeader(tuple: TupleView): void {
    this.#header.write(this.#plan.key, tuple);
  }

  writeValue(op: Op, before: TupleView | undefined, after: TupleView | undefined): void {
    const out = this.#out;
    out.all(this.#valueHead);
    if (before === undefined) {
      out.all(BEFORE_NULL);
    } else {
      out.all(BEFORE);
      this.#writeRow(this.#columns, before, this.#values);
      out.all(AFTER);
    }
    if (after === undefined) out.all(NULL);
    else this.#writeRow(this.#columns, after, this.#values);
    out.all(SOURCE);
    this.#source.write(out, this.#table);
    this.#source.writeEnvelopeTail(out, op);
    out.all(this.#valueTail);
  }

  #writeRow(columns: readonly JsonColumn[], tuple: TupleView, values: JsonValueWriter): void {
    const out = this.#out;
    if (columns.length === 0) {
      out.all(EMPTY_ROW);
      return;
    }
    for (let i = 0; i < columns.length; i++) {
      const column = itemAt(columns, i);
      out.all(column.prefix);
      const kind = column.index < tuple.count ? byteAt(tuple.kinds, column.index) : CellKind.null;
      if (kind === CellKind.text) this.#writeText(column, tuple, values);
      else if (kind === CellKind.unchanged) this.#writeUnavailable(column, values);
      else if (kind === CellKind.null) this.#writeNull(column.nullRule, column, values);
      else throw new ConversionError('binary cell');
    }
    out.byte(BRACE_CLOSE);
  }

  #writeText(column: JsonColumn, tuple: TupleView, values: JsonValueWriter): void {
    const out = this.#out;
    const mark = out.length;
    const { index, codec } = column;
    try {
      codec.write(values, tuple.source, tuple.starts[index] ?? 0, tuple.ends[index] ?? 0);
    } catch (error) {
      out.length = mark;
      this.#writeFailed(error, column, values);
    }
  }

  #writeUnavailable(column: JsonColumn, values: JsonValueWriter): void {
    try {
      column.codec.writeUnavailable(values);
    } catch (error) {
      this.#writeFailed(error, column, values);
    }
  }

  #writeFailed(error: unknown, column: JsonColumn, values: JsonValueWriter): void {
    if (!(error instanceof ConversionError)) throw error;
    const { schema, table } = this.#plan;
    const { optional, defaultValue } = column.codec.schema;
    const isRequired = !optional && defaultValue === undefined;
    this.#onFailure({ schema, table, column: column.name, type: column.type, reason: error.message, isRequired });
    this.#writeNull(column.failureRule, column, values);
  }

  #writeNull(rule: NullRule, column: JsonColumn, values: JsonValueWriter): void {
    if (rule === 'null') this.#out.all(NULL);
    else column.codec.writeFallback(values);
  }
}

function compileColumns(columns: readonly PlannedColumn[], replaceNullWithDefault: boolean): readonly JsonColumn[] {
  return columns.map((column, position) => {
    const { schema } = column.codec;
    const prefix = `${position === 0 ? '{' : ','}${quote(column.field)}:`;
    const useDefault = schema.defaultValue !== undefined && replaceNullWithDefault;
    return {
      name: column.name,
      type: column.type,
      index: column.index,
      codec: column.codec,
      prefix: Buffer.from(prefix),
      nullRule: !column.codec.nullable || useDefault ? 'fallback' : 'null',
      failureRule: !schema.optional || useDefault ? 'fallback' : 'null',
    };
  });
}

function schemaHead(schema: string | undefined): Buffer {
  return Buffer.from(schema === undefined ? '' : `{"schema":${schema},"payload":`);
}

function schemaTail(schema: string | undefined): Buffer {
  return Buffer.from(schema === undefined ? '' : '}');
}
