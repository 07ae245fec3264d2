/**
 * Owns the Protobuf form of keys and values in the Confluent wire format: 0x00, the schema's id in four bytes, 0x00 for the first message
 * of the schema, Protobuf's binary. Compiled per relation version; a row is written from cells straight into the output buffer. Does not
 * ask a registry: ids are given.
 * Source: io.confluent.connect.protobuf.ProtobufData.fromConnectData, AbstractKafkaProtobufSerializer.
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
import { type BinaryMode, type ControlKind, controlSchemas } from '../avro/control.ts';
import { HeaderTextWriter } from '../header-text.ts';
import type { ConversionFailure, IdentifiedSerializer, SchemaIds } from '../serializer.ts';
import { ProtobufControlWriter } from './control.ts';
import { messageFields, type ProtobufNode } from './node.ts';
import { type ProtobufSchema, type ProtobufSchemaSettings, protobufSchema } from './schema.ts';
import {
  nodesByName,
  type ProtobufSourceConstants,
  ProtobufSourceWriter,
  protobufTableFields,
  type TailNodes,
  tailNodes,
} from './source.ts';
import { UnrepresentableError } from './unrepresentable.ts';
import { ProtobufValueWriter } from './value-writer.ts';
import { closeMessage, openMessage, writeKey } from './wire.ts';

const MAGIC = 0;
/** The first message of the schema; Confluent's short form of the list [0]. */
const FIRST_MESSAGE = 0;

export type ProtobufSideSettings = ProtobufSchemaSettings & {
  /** ignore.default.for.nullables: a null of a column with a default stays null. */
  readonly ignoreDefaults: boolean;
};

type ProtobufSerdeSettings = {
  readonly key: ProtobufSideSettings;
  readonly value: ProtobufSideSettings;
  readonly binary: BinaryMode;
};

type ProtobufSerdeDeps = {
  readonly out?: ByteWriter;
  readonly constants: ProtobufSourceConstants;
  readonly facts: { readonly info: SourceInfo; readonly order: TransactionOrder | undefined };
  readonly onFailure: (failure: ConversionFailure) => void;
};

/** One connector's Protobuf serde: the output buffer, the source block and everything compiled per relation. */
export class ProtobufSerde {
  readonly out: ByteWriter;
  readonly #settings: ProtobufSerdeSettings;
  readonly #values: ProtobufValueWriter;
  readonly #source: ProtobufSourceWriter;
  readonly #control: ProtobufControlWriter;
  readonly #header: HeaderTextWriter;
  readonly #onFailure: (failure: ConversionFailure) => void;
  readonly #controlHeads = new Map<ControlKind, Heads>();

  constructor(settings: ProtobufSerdeSettings, { out = new ByteWriter(), constants, facts, onFailure }: ProtobufSerdeDeps) {
    this.out = out;
    this.#settings = settings;
    this.#values = new ProtobufValueWriter(out);
    this.#header = new HeaderTextWriter(out);
    this.#source = new ProtobufSourceWriter({ out, values: this.#values, constants, facts }, settings.value);
    this.#control = new ProtobufControlWriter({
      out,
      values: this.#values,
      info: facts.info,
      source: this.#source,
      serverName: constants.name,
      binary: settings.binary,
      settings,
    });
    this.#onFailure = onFailure;
  }

  /** What has to be registered before the first key; undefined: the table has none. Throws protobuf_schema_invalid. */
  keySchemaOf(plan: RowPlan): ProtobufSchema | undefined {
    return plan.keySchema === undefined ? undefined : protobufSchema(plan.keySchema, this.#settings.key);
  }

  /** What has to be registered before the first value. Throws protobuf_schema_invalid. */
  valueSchemaOf(plan: RowPlan): ProtobufSchema {
    return protobufSchema(plan.envelopeSchema, this.#settings.value);
  }

  compile(plan: RowPlan): IdentifiedSerializer {
    return new ProtobufRowSerializer(plan, {
      header: this.#header,
      out: this.out,
      values: this.#values,
      source: this.#source,
      settings: this.#settings,
      onFailure: this.#onFailure,
    });
  }

  /** What has to be registered before the first record of this kind. */
  controlSchemas(kind: ControlKind): { readonly key: ProtobufSchema; readonly value: ProtobufSchema } {
    const { key, value } = controlSchemas(kind, this.#settings.binary);
    return { key: protobufSchema(key, this.#settings.key), value: protobufSchema(value, this.#settings.value) };
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
  return Uint8Array.of(MAGIC, id >>> 24, id >>> 16, id >>> 8, id, FIRST_MESSAGE);
}

const NO_HEADS = headsOf({ key: undefined, value: undefined });

/** What a null cell becomes: decided per column, not per row. */
type NullRule = 'null' | 'fallback';

type ProtobufColumn = {
  readonly name: string;
  readonly type: string;
  readonly index: number;
  readonly codec: ValueCodec;
  readonly node: ProtobufNode;
  readonly nullRule: NullRule;
  /** The same for a cell that could not be converted. */
  readonly failureRule: NullRule;
};

type Compiled = {
  readonly header: HeaderTextWriter;
  readonly out: ByteWriter;
  readonly values: ProtobufValueWriter;
  readonly source: ProtobufSourceWriter;
  readonly settings: ProtobufSerdeSettings;
  readonly onFailure: (failure: ConversionFailure) => void;
};

class ProtobufRowSerializer implements IdentifiedSerializer {
  readonly #plan: RowPlan;
  readonly #header: HeaderTextWriter;
  readonly #out: ByteWriter;
  readonly #values: ProtobufValueWriter;
  readonly #source: ProtobufSourceWriter;
  readonly #onFailure: (failure: ConversionFailure) => void;
  #keyHead = NO_HEADS.key;
  #valueHead = NO_HEADS.value;
  readonly #key: readonly ProtobufColumn[];
  readonly #columns: readonly ProtobufColumn[];
  readonly #table: Uint8Array;
  readonly #before: ProtobufNode;
  readonly #after: ProtobufNode;
  readonly #tail: TailNodes;
  /** Of the last row: how many bytes its length had. */
  #lengthBytes = 2;

  constructor(plan: RowPlan, compiled: Compiled) {
    this.#plan = plan;
    this.#header = compiled.header;
    this.#out = compiled.out;
    this.#values = compiled.values;
    this.#source = compiled.source;
    this.#onFailure = compiled.onFailure;
    const { key, value } = compiled.settings;
    this.#key = compileColumns(plan.key, plan.keySchema === undefined ? [] : messageFields(plan.keySchema, key), key);
    this.#columns = compileColumns(plan.columns, messageFields(plan.rowSchema, value), value);
    this.#table = protobufTableFields(value, plan);
    const node = nodesByName(plan.envelopeSchema, value);
    this.#before = node('before');
    this.#after = node('after');
    this.#tail = tailNodes(plan.envelopeSchema, value);
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
    this.#out.all(this.#valueHead);
    if (before !== undefined) this.#writeRowField(this.#before, before);
    if (after !== undefined) this.#writeRowField(this.#after, after);
    this.#source.write(this.#tail.source, this.#table);
    this.#source.writeEnvelopeTail(this.#tail, op);
  }

  #writeRowField({ key }: ProtobufNode, tuple: TupleView): void {
    const out = this.#out;
    writeKey(out, key);
    const reserved = this.#lengthBytes;
    const start = openMessage(out, reserved);
    this.#writeRow(this.#columns, tuple);
    this.#lengthBytes = closeMessage(out, start, reserved);
  }

  #writeRow(columns: readonly ProtobufColumn[], tuple: TupleView): void {
    for (let i = 0; i < columns.length; i++) {
      const column = itemAt(columns, i);
      const kind = column.index < tuple.count ? byteAt(tuple.kinds, column.index) : CellKind.null;
      if (kind === CellKind.text) this.#writeText(column, tuple);
      else if (kind === CellKind.unchanged) this.#writeUnavailable(column);
      else if (kind === CellKind.null) this.#writeNull(column.nullRule, column);
      else throw new ConversionError('binary cell');
    }
  }

  #writeText(column: ProtobufColumn, tuple: TupleView): void {
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

  #writeUnavailable(column: ProtobufColumn): void {
    const mark = this.#out.length;
    this.#values.begin(column.node);
    try {
      column.codec.writeUnavailable(this.#values);
    } catch (error) {
      this.#out.length = mark;
      this.#writeFailed(error, column);
    }
  }

  #writeFailed(error: unknown, column: ProtobufColumn): void {
    const { optional, defaultValue } = column.codec.schema;
    this.#report(error, column, (!optional && defaultValue === undefined) || error instanceof UnrepresentableError);
    this.#writeNull(column.failureRule, column);
  }

  /** A null is no field. */
  #writeNull(rule: NullRule, column: ProtobufColumn): void {
    if (rule === 'null') return;
    const mark = this.#out.length;
    this.#values.begin(column.node);
    try {
      column.codec.writeFallback(this.#values);
    } catch (error) {
      this.#out.length = mark;
      // A default that Protobuf cannot hold: nothing else may stand for it.
      this.#report(error, column, true);
    }
  }

  #report(error: unknown, column: ProtobufColumn, isRequired: boolean): void {
    if (!(error instanceof ConversionError)) throw error;
    const { schema, table } = this.#plan;
    this.#onFailure({ schema, table, column: column.name, type: column.type, reason: error.message, isRequired });
  }
}

function compileColumns(
  columns: readonly PlannedColumn[],
  nodes: readonly ProtobufNode[],
  settings: ProtobufSideSettings,
): readonly ProtobufColumn[] {
  return columns.map(({ name, type, index, codec }, position) => {
    const { schema } = codec;
    const useDefault = schema.defaultValue !== undefined && !settings.ignoreDefaults;
    return {
      name,
      type,
      index,
      codec,
      node: itemAt(nodes, position),
      nullRule: !codec.nullable || !schema.optional || useDefault ? 'fallback' : 'null',
      failureRule: !schema.optional || useDefault ? 'fallback' : 'null',
    };
  });
}
