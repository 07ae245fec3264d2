/**
 * Owns the Avro form of keys and values in the Confluent wire format: 0x00, the schema's id in four bytes, Avro's binary. Compiled per
 * relation version; a row is written from cells straight into the output buffer. Does not ask a registry: ids are given.
 * Source: io.confluent.connect.avro.AvroData.fromConnectData, AbstractKafkaAvroSerializer.
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
import type { ConversionFailure, IdentifiedSerializer, SchemaIds } from '../serializer.ts';
import { AvroControlWriter, type BinaryMode, type ControlKind, controlSchemas } from './control.ts';
import { type AvroNode, type AvroSchema, type AvroSchemaSettings, avroSchema, nodeOf } from './schema.ts';
import { type AvroSourceConstants, AvroSourceWriter, tableFields } from './source.ts';
import { AvroValueWriter } from './value-writer.ts';

const MAGIC = 0;
const NULL_ROW = 0;
const ROW = 2;

export type AvroSideSettings = AvroSchemaSettings & {
  /** ignore.default.for.nullables: a null of a column with a default stays null. */
  readonly ignoreDefaults: boolean;
};

type AvroSerdeSettings = { readonly key: AvroSideSettings; readonly value: AvroSideSettings; readonly binary: BinaryMode };

type AvroSerdeDeps = {
  readonly out?: ByteWriter;
  readonly constants: AvroSourceConstants;
  readonly facts: { readonly info: SourceInfo; readonly order: TransactionOrder | undefined };
  readonly onFailure: (failure: ConversionFailure) => void;
};

/** One connector's Avro serde: the output buffer, the source block and everything compiled per relation. */
export class AvroSerde {
  readonly out: ByteWriter;
  readonly #settings: AvroSerdeSettings;
  readonly #values: AvroValueWriter;
  readonly #source: AvroSourceWriter;
  readonly #control: AvroControlWriter;
  readonly #header: HeaderTextWriter;
  readonly #onFailure: (failure: ConversionFailure) => void;
  readonly #controlHeads = new Map<ControlKind, Heads>();

  constructor(settings: AvroSerdeSettings, { out = new ByteWriter(), constants, facts, onFailure }: AvroSerdeDeps) {
    this.out = out;
    this.#settings = settings;
    this.#values = new AvroValueWriter(out);
    this.#header = new HeaderTextWriter(out);
    this.#source = new AvroSourceWriter(constants, facts, settings.value);
    this.#control = new AvroControlWriter({
      out,
      info: facts.info,
      source: this.#source,
      serverName: constants.name,
      binary: settings.binary,
    });
    this.#onFailure = onFailure;
  }

  /** What has to be registered before the first key; undefined: the table has none. Throws avro_name_invalid. */
  keySchemaOf(plan: RowPlan): AvroSchema | undefined {
    return plan.keySchema === undefined ? undefined : avroSchema(plan.keySchema, this.#settings.key);
  }

  /** What has to be registered before the first value. Throws avro_name_invalid. */
  valueSchemaOf(plan: RowPlan): AvroSchema {
    return avroSchema(plan.envelopeSchema, this.#settings.value);
  }

  compile(plan: RowPlan): IdentifiedSerializer {
    return new AvroRowSerializer(plan, {
      header: this.#header,
      out: this.out,
      values: this.#values,
      source: this.#source,
      settings: this.#settings,
      onFailure: this.#onFailure,
    });
  }

  /** What has to be registered before the first record of this kind. */
  controlSchemas(kind: ControlKind): { readonly key: AvroSchema; readonly value: AvroSchema } {
    const { key, value } = controlSchemas(kind, this.#settings.binary);
    return { key: avroSchema(key, this.#settings.key), value: avroSchema(value, this.#settings.value) };
  }

  openControl(kind: ControlKind, ids: SchemaIds): void {
    this.#controlHeads.set(kind, headsOf(ids));
  }

  /** Appends a logical message's key, then its value; returns where the key ends. */
  writeMessage(message: LogicalMessage): number {
    const control = this.#control;
    return this.#writeControl(
      'message',
      () => control.writeMessageKey(message),
      () => control.writeMessageValue(message),
    );
  }

  /** Appends the record that opens a transaction, key first; returns where the key ends. */
  writeBegin(): number {
    const control = this.#control;
    return this.#writeControl(
      'transaction',
      () => control.writeTransactionKey(),
      () => control.writeBegin(),
    );
  }

  /** Appends the record that closes a transaction, as writeBegin. */
  writeEnd(eventCount: number, collections: readonly CollectionCount[]): number {
    const control = this.#control;
    return this.#writeControl(
      'transaction',
      () => control.writeTransactionKey(),
      () => control.writeEnd(eventCount, collections),
    );
  }

  /** Appends a heartbeat, as writeBegin. */
  writeHeartbeat(): number {
    const control = this.#control;
    return this.#writeControl(
      'heartbeat',
      () => control.writeHeartbeatKey(),
      () => control.writeHeartbeatValue(),
    );
  }

  #writeControl(kind: ControlKind, writeKey: () => void, writeValue: () => void): number {
    const heads = this.#controlHeads.get(kind);
    if (heads === undefined) throw new Error(`the schemas of ${kind} records are not registered`);
    const { out } = this;
    out.reset();
    out.all(heads.key);
    writeKey();
    const keyEnd = out.length;
    out.all(heads.value);
    writeValue();
    return keyEnd;
  }
}

type Heads = { readonly key: Uint8Array; readonly value: Uint8Array };

function headsOf(ids: SchemaIds): Heads {
  return { key: headOf(ids.key ?? 0), value: headOf(ids.value ?? 0) };
}

function headOf(id: number): Uint8Array {
  return Uint8Array.of(MAGIC, id >>> 24, id >>> 16, id >>> 8, id);
}

const NO_HEADS = headsOf({ key: undefined, value: undefined });

/** What a null cell becomes: decided per column, not per row. */
type NullRule = 'null' | 'fallback';

type AvroColumn = {
  readonly name: string;
  readonly type: string;
  readonly index: number;
  readonly codec: ValueCodec;
  readonly node: AvroNode;
  readonly nullRule: NullRule;
  /** The same for a cell that could not be converted. */
  readonly failureRule: NullRule;
};

type Compiled = {
  readonly header: HeaderTextWriter;
  readonly out: ByteWriter;
  readonly values: AvroValueWriter;
  readonly source: AvroSourceWriter;
  readonly settings: AvroSerdeSettings;
  readonly onFailure: (failure: ConversionFailure) => void;
};

class AvroRowSerializer implements IdentifiedSerializer {
  readonly #plan: RowPlan;
  readonly #header: HeaderTextWriter;
  readonly #out: ByteWriter;
  readonly #values: AvroValueWriter;
  readonly #source: AvroSourceWriter;
  readonly #onFailure: (failure: ConversionFailure) => void;
  #keyHead = NO_HEADS.key;
  #valueHead = NO_HEADS.value;
  readonly #key: readonly AvroColumn[];
  readonly #columns: readonly AvroColumn[];
  readonly #table: Uint8Array;

  constructor(plan: RowPlan, compiled: Compiled) {
    this.#plan = plan;
    this.#header = compiled.header;
    this.#out = compiled.out;
    this.#values = compiled.values;
    this.#source = compiled.source;
    this.#onFailure = compiled.onFailure;
    this.#key = compileColumns(plan.key, compiled.settings.key);
    this.#columns = compileColumns(plan.columns, compiled.settings.value);
    this.#table = tableFields(plan.schema, plan.table);
  }

  setIds(ids: SchemaIds): void {
    const { key, value } = headsOf(ids);
    this.#keyHead = key;
    this.#valueHead = value;
  }

  writeKey(tuple: TupleView): boolean {
    if (this.#plan.keySchema === undefined) return false;
    this.#out.all(this.#keyHead);
    this.#writeRow(this.#key, tuple);
    return true;
  }

  writeKeyHeader(tuple: TupleView): void {
    this.#header.write(this.#plan.key, tuple);
  }

  writeValue(op: Op, before: TupleView | undefined, after: TupleView | undefined): void {
    const out = this.#out;
    out.all(this.#valueHead);
    this.#writeOptionalRow(before);
    this.#writeOptionalRow(after);
    this.#source.write(out, this.#table);
    this.#source.writeEnvelopeTail(out, op);
  }

  #writeOptionalRow(tuple: TupleView | undefined): void {
    if (tuple === undefined) {
      this.#out.byte(NULL_ROW);
      return;
    }
    this.#out.byte(ROW);
    this.#writeRow(this.#columns, tuple);
  }

  #writeRow(columns: readonly AvroColumn[], tuple: TupleView): void {
    for (let i = 0; i < columns.length; i++) {
      const column = itemAt(columns, i);
      const kind = column.index < tuple.count ? byteAt(tuple.kinds, column.index) : CellKind.null;
      if (kind === CellKind.text) this.#writeText(column, tuple);
      else if (kind === CellKind.unchanged) this.#writeUnavailable(column);
      else if (kind === CellKind.null) this.#writeNull(column.nullRule, column);
      else throw new ConversionError('binary cell');
    }
  }

  #writeText(column: AvroColumn, tuple: TupleView): void {
    const out = this.#out;
    const mark = out.length;
    const { index, codec } = column;
    this.#values.begin(column.node);
    try {
      codec.write(this.#values, tuple.source, tuple.starts[index] ?? 0, tuple.ends[index] ?? 0);
    } catch (error) {
      out.length = mark;
      this.#writeFailed(error, column);
    }
  }

  #writeUnavailable(column: AvroColumn): void {
    const mark = this.#out.length;
    this.#values.begin(column.node);
    try {
      column.codec.writeUnavailable(this.#values);
    } catch (error) {
      this.#out.length = mark;
      this.#writeFailed(error, column);
    }
  }

  #writeFailed(error: unknown, column: AvroColumn): void {
    if (!(error instanceof ConversionError)) throw error;
    const { schema, table } = this.#plan;
    const { optional, defaultValue } = column.codec.schema;
    const isRequired = !optional && defaultValue === undefined;
    this.#onFailure({ schema, table, column: column.name, type: column.type, reason: error.message, isRequired });
    this.#writeNull(column.failureRule, column);
  }

  #writeNull(rule: NullRule, column: AvroColumn): void {
    if (rule === 'null') {
      this.#out.byte(column.node.nullBranch);
      return;
    }
    this.#values.begin(column.node);
    column.codec.writeFallback(this.#values);
  }
}

function compileColumns(columns: readonly PlannedColumn[], settings: AvroSideSettings): readonly AvroColumn[] {
  return columns.map(({ name, type, index, codec }) => {
    const { schema } = codec;
    const useDefault = schema.defaultValue !== undefined && !settings.ignoreDefaults;
    return {
      name,
      type,
      index,
      codec,
      node: nodeOf(schema),
      nullRule: !codec.nullable || !schema.optional || useDefault ? 'fallback' : 'null',
      failureRule: !schema.optional || useDefault ? 'fallback' : 'null',
    };
  });
}
