/**
 * Owns Avro's bytes of the envelope's `source` and `transaction` blocks and clock tail. What is fixed within a transaction is written
 * once per transaction; a row adds its LSN and its table. Fields in the order of the Source schema.
 */
import { ByteWriter } from '../../core/byte-writer.ts';
import type { Op } from '../../events/envelope.ts';
import type { SourceInfo } from '../../events/source-info.ts';
import type { TransactionOrder } from '../../events/transaction.ts';
import { writeLong, writeNanos, writeText } from './value-writer.ts';

/** Branches of `[null, …]`, and of `[string, null]`, which a field with a default has. */
const NULL = 0;
const VALUE = 2;
const VALUE_FIRST = 0;
const NULL_SECOND = 2;

const QUOTE_AND_BRACKET = Buffer.from('"]');
const ONE_CHARACTER = 2;

export type AvroSourceConstants = { readonly version: string; readonly name: string; readonly db: string };

export class AvroSourceWriter {
  readonly #constants: AvroSourceConstants;
  readonly #ignoreDefaults: boolean;
  readonly #info: SourceInfo;
  readonly #order: TransactionOrder | undefined;
  readonly #fixed = new ByteWriter(1024);
  #fixedSerial = -1;
  /** Ends of the five fixed parts in #fixed: up to sequence, sequence up to its LSN, up to the table, up to the LSN, the rest. */
  readonly #ends = new Int32Array(5);
  readonly #clock = new ByteWriter(64);
  #clockUs = -1;

  constructor(
    constants: AvroSourceConstants,
    facts: { readonly info: SourceInfo; readonly order: TransactionOrder | undefined },
    format: { readonly ignoreDefaults: boolean },
  ) {
    this.#constants = constants;
    this.#info = facts.info;
    this.#order = facts.order;
    this.#ignoreDefaults = format.ignoreDefaults;
  }

  /** The whole block; `table` is tableFields() of the relation. */
  write(out: ByteWriter, table: Uint8Array): void {
    const info = this.#info;
    if (info.serial !== this.#fixedSerial) this.#writeFixed();
    const bytes = this.#fixed.bytes;
    const ends = this.#ends;
    out.copy(bytes, 0, ends[0] ?? 0);
    // Two LSNs and five characters around them: always below 64 bytes, so the length is one byte.
    const lengthAt = out.length;
    out.byte(0);
    out.copy(bytes, ends[0] ?? 0, ends[1] ?? 0);
    out.decimal(info.lsn);
    out.all(QUOTE_AND_BRACKET);
    out.bytes[lengthAt] = (out.length - lengthAt - 1) << 1;
    out.copy(bytes, ends[1] ?? 0, ends[2] ?? 0);
    out.all(table);
    out.copy(bytes, ends[2] ?? 0, ends[3] ?? 0);
    writeLong(out, info.lsn);
    out.copy(bytes, ends[3] ?? 0, ends[4] ?? 0);
  }

  /** transaction, op, ts_ms, ts_us, ts_ns: the end of the envelope. */
  writeEnvelopeTail(out: ByteWriter, op: Op): void {
    this.writeTransaction(out);
    out.byte(ONE_CHARACTER);
    out.byte(op.charCodeAt(0));
    if (this.#info.nowUs !== this.#clockUs) this.#writeClock();
    out.copy(this.#clock.bytes, 0, this.#clock.length);
  }

  /** Null outside of a transaction, and without provide.transaction.metadata. */
  writeTransaction(out: ByteWriter): void {
    const order = this.#order;
    if (order === undefined || !order.open) {
      out.byte(NULL);
      return;
    }
    const { xid, lsn } = this.#info;
    out.byte(VALUE);
    const lengthAt = out.length;
    out.byte(0);
    if (xid !== null) out.decimal(xid);
    out.byte(0x3a);
    out.decimal(lsn);
    out.bytes[lengthAt] = (out.length - lengthAt - 1) << 1;
    writeLong(out, order.totalOrder);
    writeLong(out, order.collectionOrder);
  }

  #writeFixed(): void {
    const info = this.#info;
    const out = this.#fixed;
    const { version, name, db } = this.#constants;
    const us = info.commitTimeUs;
    out.reset();
    writeText(out, version);
    writeText(out, 'postgresql');
    writeText(out, name);
    writeLong(out, Math.floor(us / 1000));
    this.#writeSnapshot(out);
    writeText(out, db);
    out.byte(VALUE);
    this.#ends[0] = out.length;
    out.text(info.lastCommitLsn === null ? '[null,"' : `["${info.lastCommitLsn}","`);
    this.#ends[1] = out.length;
    writeOptionalLong(out, us);
    out.byte(VALUE);
    writeNanos(out, us);
    this.#ends[2] = out.length;
    writeOptionalLong(out, info.xid);
    out.byte(VALUE);
    this.#ends[3] = out.length;
    writeOptionalLong(out, info.xmin);
    if (info.origin === null) {
      out.byte(NULL);
    } else {
      out.byte(VALUE);
      writeText(out, info.origin);
    }
    writeOptionalLong(out, info.originLsn);
    this.#ends[4] = out.length;
    this.#fixedSerial = info.serial;
  }

  /** Streaming leaves the marker null: the converter takes the schema's default unless it is told not to. */
  #writeSnapshot(out: ByteWriter): void {
    const { snapshot } = this.#info;
    if (snapshot === 'false' && this.#ignoreDefaults) {
      out.byte(NULL_SECOND);
      return;
    }
    out.byte(VALUE_FIRST);
    writeText(out, snapshot);
  }

  #writeClock(): void {
    const us = this.#info.nowUs;
    const out = this.#clock;
    out.reset();
    writeOptionalLong(out, Math.floor(us / 1000));
    writeOptionalLong(out, us);
    out.byte(VALUE);
    writeNanos(out, us);
    this.#clockUs = us;
  }
}

/** As a field of `[null, long]`. */
export function writeOptionalLong(out: ByteWriter, value: number | null): void {
  if (value === null) {
    out.byte(NULL);
    return;
  }
  out.byte(VALUE);
  writeLong(out, value);
}

/** The relation's part of the source block: schema and table. */
export function tableFields(schema: string, table: string): Uint8Array {
  const out = new ByteWriter(256);
  writeText(out, schema);
  writeText(out, table);
  // An array of its own: hot copies run over it.
  return Uint8Array.from(out.bytes.subarray(0, out.length));
}
