/**
 * Owns Protobuf's bytes of the envelope's `source` and `transaction` blocks and clock tail. What is fixed within a transaction is written
 * once per transaction; a row adds its LSN and its table. Fields in the order of the Source schema.
 */
import { ByteWriter } from '../../core/byte-writer.ts';
import type { Op } from '../../events/envelope.ts';
import { SOURCE_SCHEMA, type SourceInfo, TRANSACTION_BLOCK_SCHEMA } from '../../events/source-info.ts';
import type { TransactionOrder } from '../../events/transaction.ts';
import type { FieldSchema } from '../../values/schema.ts';
import { fieldNode, type NullSettings, type ProtobufNode, WRAPPED } from './node.ts';
import { ProtobufValueWriter } from './value-writer.ts';
import { closeMessage, openMessage, writeKey } from './wire.ts';

const QUOTE_AND_BRACKET = Buffer.from('"]');
/** Bytes of two LSNs and five characters around them, and of a transaction's id: always one byte of length. */
const SHORT = 1;
const WRAPPED_TEXT = 0x0a;

export type ProtobufSourceConstants = { readonly version: string; readonly name: string; readonly db: string };

type ProtobufSourceSettings = NullSettings & { readonly ignoreDefaults: boolean };

/** Nodes by field name: the fields of an event are asked for by name when things are compiled, never per row. */
export function nodesByName(schema: FieldSchema, settings: NullSettings): (field: string) => ProtobufNode {
  const nodes = new Map((schema.fields ?? []).map(({ field, schema: inner }, index) => [field, fieldNode(inner, index + 1, settings)]));
  return (field) => {
    const node = nodes.get(field);
    if (node === undefined) throw new Error(`the schema has no field ${field}`);
    return node;
  };
}

/** The relation's part of the source block: schema and table. */
export function protobufTableFields(
  settings: NullSettings,
  { schema, table }: { readonly schema: string; readonly table: string },
): Uint8Array {
  const out = new ByteWriter(256);
  const values = new ProtobufValueWriter(out);
  const node = nodesByName(SOURCE_SCHEMA, settings);
  values.begin(node('schema'));
  values.text(schema);
  values.begin(node('table'));
  values.text(table);
  // An array of its own: hot copies run over it.
  return Uint8Array.from(out.bytes.subarray(0, out.length));
}

type ProtobufSourceDeps = {
  readonly out: ByteWriter;
  readonly values: ProtobufValueWriter;
  readonly constants: ProtobufSourceConstants;
  readonly facts: { readonly info: SourceInfo; readonly order: TransactionOrder | undefined };
};

/** The nodes of the fields that follow the rows in an envelope. */
export type TailNodes = {
  readonly source: ProtobufNode;
  readonly transaction: ProtobufNode;
  readonly op: ProtobufNode;
  readonly clock: readonly [ms: ProtobufNode, us: ProtobufNode, ns: ProtobufNode];
};

export function tailNodes(envelope: FieldSchema, settings: NullSettings): TailNodes {
  const node = nodesByName(envelope, settings);
  return {
    source: node('source'),
    transaction: node('transaction'),
    op: node('op'),
    clock: [node('ts_ms'), node('ts_us'), node('ts_ns')],
  };
}

export class ProtobufSourceWriter {
  readonly #deps: ProtobufSourceDeps;
  readonly #ignoreDefaults: boolean;
  readonly #node: (field: string) => ProtobufNode;
  readonly #sequence: ProtobufNode;
  readonly #lsn: ProtobufNode;
  readonly #id: ProtobufNode;
  readonly #totalOrder: ProtobufNode;
  readonly #collectionOrder: ProtobufNode;
  readonly #fixed = new ByteWriter(1024);
  readonly #fixedValues = new ProtobufValueWriter(this.#fixed);
  #fixedSerial = -1;
  /** Ends of the five fixed parts in #fixed: up to sequence, sequence up to its LSN, up to the table, up to the LSN, the rest. */
  readonly #ends = new Int32Array(5);
  readonly #clock = new ByteWriter(64);
  readonly #clockValues = new ProtobufValueWriter(this.#clock);
  #clockUs = -1;
  /** Of the last source block: how many bytes its length had. */
  #lengthBytes = 2;

  constructor(deps: ProtobufSourceDeps, settings: ProtobufSourceSettings) {
    this.#deps = deps;
    this.#ignoreDefaults = settings.ignoreDefaults;
    this.#node = nodesByName(SOURCE_SCHEMA, settings);
    this.#sequence = this.#node('sequence');
    this.#lsn = this.#node('lsn');
    const block = nodesByName(TRANSACTION_BLOCK_SCHEMA, settings);
    this.#id = block('id');
    this.#totalOrder = block('total_order');
    this.#collectionOrder = block('data_collection_order');
  }

  /** The whole block; `table` is protobufTableFields() of the relation. */
  write(node: ProtobufNode, table: Uint8Array): void {
    const { out, values, facts } = this.#deps;
    const { info } = facts;
    if (info.serial !== this.#fixedSerial) this.#writeFixed();
    const bytes = this.#fixed.bytes;
    const ends = this.#ends;
    writeKey(out, node.key);
    const reserved = this.#lengthBytes;
    const start = openMessage(out, reserved);
    out.copy(bytes, 0, ends[0] ?? 0);
    this.#writeSequence(bytes);
    out.copy(bytes, ends[1] ?? 0, ends[2] ?? 0);
    out.all(table);
    out.copy(bytes, ends[2] ?? 0, ends[3] ?? 0);
    values.begin(this.#lsn);
    values.int64(info.lsn);
    out.copy(bytes, ends[3] ?? 0, ends[4] ?? 0);
    this.#lengthBytes = closeMessage(out, start, reserved);
  }

  /** transaction, op, ts_ms, ts_us, ts_ns: the end of the envelope. */
  writeEnvelopeTail(nodes: TailNodes, op: Op): void {
    const { out, facts } = this.#deps;
    this.writeTransaction(nodes.transaction);
    writeKey(out, nodes.op.key);
    out.byte(1);
    out.byte(op.charCodeAt(0));
    if (facts.info.nowUs !== this.#clockUs) this.#writeClock(nodes);
    out.copy(this.#clock.bytes, 0, this.#clock.length);
  }

  /** Nothing outside of a transaction, and without provide.transaction.metadata. */
  writeTransaction(node: ProtobufNode): void {
    const { out, values, facts } = this.#deps;
    const { order } = facts;
    if (order === undefined || !order.open) return;
    const { xid, lsn } = facts.info;
    writeKey(out, node.key);
    const start = openMessage(out, SHORT);
    writeKey(out, this.#id.key);
    const id = openMessage(out, SHORT);
    if (xid !== null) out.decimal(xid);
    out.byte(0x3a);
    out.decimal(lsn);
    closeMessage(out, id, SHORT);
    values.begin(this.#totalOrder);
    values.int64(order.totalOrder);
    values.begin(this.#collectionOrder);
    values.int64(order.collectionOrder);
    closeMessage(out, start, SHORT);
  }

  #writeSequence(fixed: Uint8Array): void {
    const { out, facts } = this.#deps;
    const { key, form } = this.#sequence;
    writeKey(out, key);
    const wrapper = out.length;
    if (form === WRAPPED) {
      openMessage(out, SHORT);
      out.byte(WRAPPED_TEXT);
    }
    const text = openMessage(out, SHORT);
    out.copy(fixed, this.#ends[0] ?? 0, this.#ends[1] ?? 0);
    out.decimal(facts.info.lsn);
    out.all(QUOTE_AND_BRACKET);
    closeMessage(out, text, SHORT);
    if (form === WRAPPED) closeMessage(out, wrapper, SHORT);
  }

  #writeFixed(): void {
    const { constants, facts } = this.#deps;
    const { info } = facts;
    const out = this.#fixed;
    const us = info.commitTimeUs;
    out.reset();
    this.#text('version', constants.version);
    this.#text('connector', 'postgresql');
    this.#text('name', constants.name);
    this.#long('ts_ms', Math.floor(us / 1000));
    // Streaming leaves the marker null: the converter takes the schema's default unless it is told not to.
    this.#text('snapshot', info.snapshot === 'false' && this.#ignoreDefaults ? null : info.snapshot);
    this.#text('db', constants.db);
    this.#ends[0] = out.length;
    out.text(info.lastCommitLsn === null ? '[null,"' : `["${info.lastCommitLsn}","`);
    this.#ends[1] = out.length;
    this.#long('ts_us', us);
    this.#fixedValues.begin(this.#node('ts_ns'));
    this.#fixedValues.nanos(us);
    this.#ends[2] = out.length;
    this.#long('txId', info.xid);
    this.#ends[3] = out.length;
    this.#long('xmin', info.xmin);
    this.#text('origin', info.origin);
    this.#long('origin_lsn', info.originLsn);
    this.#ends[4] = out.length;
    this.#fixedSerial = info.serial;
  }

  #text(field: string, value: string | null): void {
    if (value === null) return;
    this.#fixedValues.begin(this.#node(field));
    this.#fixedValues.text(value);
  }

  #long(field: string, value: number | null): void {
    if (value === null) return;
    this.#fixedValues.begin(this.#node(field));
    this.#fixedValues.int64(value);
  }

  #writeClock({ clock: [ms, us, ns] }: TailNodes): void {
    const { nowUs } = this.#deps.facts.info;
    const values = this.#clockValues;
    this.#clock.reset();
    values.begin(ms);
    values.int64(Math.floor(nowUs / 1000));
    values.begin(us);
    values.int64(nowUs);
    values.begin(ns);
    values.nanos(nowUs);
    this.#clockUs = nowUs;
  }
}
