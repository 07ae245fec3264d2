/**
 * Owns the bytes of the envelope's `source` and `transaction` blocks and clock tail in JSON. What is fixed within a transaction is
 * printed once per transaction; a row adds its LSN and its table. Members in the order of the Source schema.
 */
import { byteAt } from '../../core/byte-reader.ts';
import { ByteWriter } from '../../core/byte-writer.ts';
import type { Op } from '../../events/envelope.ts';
import type { SourceInfo } from '../../events/source-info.ts';
import type { TransactionOrder } from '../../events/transaction.ts';
import { quote } from './connect-schema.ts';

export type SourceConstants = {
  readonly version: string;
  /** topic.prefix. */
  readonly name: string;
  readonly db: string;
};

const NO_XMIN_AND_ORIGIN = Buffer.from(',"xmin":null,"origin":null,"origin_lsn":null}');

export class JsonSourceWriter {
  readonly #head: Buffer;
  /** From behind the snapshot marker up to the first LSN of `sequence`. */
  readonly #db: Buffer;
  /** Streaming leaves the marker null; the converter prints the schema's default unless it is told not to. */
  readonly #streamMarker: string;
  readonly #info: SourceInfo;
  readonly #order: TransactionOrder | undefined;
  readonly #fixed = new ByteWriter(1024);
  #fixedSerial = -1;
  /** Ends of the four fixed parts in #fixed: up to the LSN in sequence, up to the table, up to the LSN again, the rest. */
  readonly #ends = new Int32Array(4);
  readonly #clock = new ByteWriter(128);
  #clockUs = -1;

  constructor(
    constants: SourceConstants,
    facts: { readonly info: SourceInfo; readonly order: TransactionOrder | undefined },
    format: { readonly replaceNullWithDefault: boolean },
  ) {
    this.#info = facts.info;
    this.#order = facts.order;
    this.#streamMarker = format.replaceNullWithDefault ? '"false"' : 'null';
    this.#db = Buffer.from(`,"db":${quote(constants.db)},"sequence":"[`);
    this.#head = Buffer.from(`{"version":${quote(constants.version)},"connector":"postgresql","name":${quote(constants.name)},"ts_ms":`);
  }

  /** The whole block; `table` is tableMembers() of the relation. */
  write(out: ByteWriter, table: Buffer): void {
    const info = this.#info;
    if (info.serial !== this.#fixedSerial) this.#printFixed();
    const bytes = this.#fixed.bytes;
    const ends = this.#ends;
    out.copy(bytes, 0, ends[0] ?? 0);
    const lsnStart = out.length;
    out.decimal(info.lsn);
    const lsnEnd = out.length;
    out.copy(bytes, ends[0] ?? 0, ends[1] ?? 0);
    out.all(table);
    out.copy(bytes, ends[1] ?? 0, ends[2] ?? 0);
    out.copy(out.bytes, lsnStart, lsnEnd);
    out.copy(bytes, ends[2] ?? 0, ends[3] ?? 0);
  }

  /** `,"transaction":null,"op":"c","ts_ms":…,"ts_us":…,"ts_ns":…}`: the end of the envelope. */
  writeEnvelopeTail(out: ByteWriter, op: Op): void {
    if (this.#order === undefined || !this.#order.open) {
      out.all(NO_TRANSACTION_AND_OP[op]);
    } else {
      this.#writeBlock(out, this.#order);
      out.all(OP[op]);
    }
    if (this.#info.nowUs !== this.#clockUs) this.#printClock();
    out.copy(this.#clock.bytes, 0, this.#clock.length);
  }

  /** `,"transaction":…` alone; null outside of a transaction, and without provide.transaction.metadata. */
  writeTransaction(out: ByteWriter): void {
    if (this.#order === undefined || !this.#order.open) out.all(NO_TRANSACTION);
    else this.#writeBlock(out, this.#order);
  }

  #writeBlock(out: ByteWriter, order: TransactionOrder): void {
    const { xid, lsn } = this.#info;
    out.all(BLOCK_ID);
    if (xid !== null) out.decimal(xid);
    out.byte(0x3a);
    out.decimal(lsn);
    out.all(BLOCK_TOTAL);
    out.decimal(order.totalOrder);
    out.all(BLOCK_COLLECTION);
    out.decimal(order.collectionOrder);
    out.byte(0x7d);
  }

  #printFixed(): void {
    const info = this.#info;
    const out = this.#fixed;
    const us = info.commitTimeUs;
    out.reset();
    out.all(this.#head);
    out.decimal(Math.floor(us / 1000));
    out.text(',"snapshot":');
    out.text(info.snapshot === 'false' ? this.#streamMarker : `"${info.snapshot}"`);
    out.all(this.#db);
    if (info.lastCommitLsn === null) {
      out.text('null');
    } else {
      out.text('\\"');
      out.decimal(info.lastCommitLsn);
      out.text('\\"');
    }
    out.text(',\\"');
    this.#ends[0] = out.length;
    out.text('\\"]","ts_us":');
    out.decimal(us);
    out.text(',"ts_ns":');
    writeNanos(out, us);
    out.text(',"schema":');
    this.#ends[1] = out.length;
    out.text(',"txId":');
    if (info.xid === null) out.text('null');
    else out.decimal(info.xid);
    out.text(',"lsn":');
    this.#ends[2] = out.length;
    if (info.origin === null && info.xmin === null) {
      out.all(NO_XMIN_AND_ORIGIN);
    } else {
      const origin = info.origin === null ? 'null' : quote(info.origin);
      out.text(`,"xmin":${info.xmin},"origin":${origin},"origin_lsn":${info.originLsn}}`);
    }
    this.#ends[3] = out.length;
    this.#fixedSerial = info.serial;
  }

  #printClock(): void {
    const us = this.#info.nowUs;
    const out = this.#clock;
    out.reset();
    out.decimal(Math.floor(us / 1000));
    out.text(',"ts_us":');
    out.decimal(us);
    out.text(',"ts_ns":');
    writeNanos(out, us);
    out.byte(0x7d);
    this.#clockUs = us;
  }
}

/** Microseconds as nanoseconds in digits: the product may pass 2^53. */
function writeNanos(out: ByteWriter, us: number): void {
  out.decimal(us);
  if (us !== 0) out.text('000');
}

const NO_TRANSACTION = Buffer.from(',"transaction":null');
const BLOCK_ID = Buffer.from(',"transaction":{"id":"');
const BLOCK_TOTAL = Buffer.from('","total_order":');
const BLOCK_COLLECTION = Buffer.from(',"data_collection_order":');

const OP = perOp((op) => Buffer.from(`,"op":"${op}","ts_ms":`));
const NO_TRANSACTION_AND_OP = perOp((op) => Buffer.concat([NO_TRANSACTION, OP[op]]));

function perOp(print: (op: Op) => Buffer): Readonly<Record<Op, Buffer>> {
  return { c: print('c'), u: print('u'), d: print('d'), r: print('r'), t: print('t'), m: print('m') };
}

/** The relation's part of the source block: `"public","table":"orders"`. */
export function tableMembers(schema: string, table: string): Buffer {
  const printed = Buffer.from(`${quote(schema)},"table":${quote(table)}`);
  // A Buffer below 4 KiB is a slice of a shared pool; hot copies run over an array of its own.
  const owned = Buffer.allocUnsafeSlow(printed.length);
  for (let i = 0; i < printed.length; i++) owned[i] = byteAt(printed, i);
  return owned;
}
