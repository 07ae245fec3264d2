/**
 * Owns Avro's binary form of cell values: the ValueWriter that codecs write through. It follows the nodes of the column's schema, which say
 * where a union has which branch. Does not know events, rows or schema texts.
 * Grammar: Avro specification, «Binary Encoding». A long is zig-zag, then 7 bits a byte, least first. Text and bytes: length, bytes.
 * Arrays and maps: one block of count and items, then 0; when empty only the 0, as Avro's Java encoder writes them.
 */
import { byteAt, elementAt, itemAt } from '../../core/byte-reader.ts';
import type { ByteWriter } from '../../core/byte-writer.ts';
import { ConversionError } from '../../values/value-writer.ts';
import type { FormatWriter } from '../format.ts';
import { type AvroNode, NO_UNION } from './schema.ts';

const ZERO = 0x30;
const MINUS = 0x2d;
const QUESTION_MARK = 0x3f;
const LIMB = 0x1_0000_0000;
const SMALL = 0x4000_0000;
/** A double holds every number of so many digits exactly. */
const EXACT_DIGITS = 15;
/** How deep values may nest: a JSON document that a transform has read has a thousand levels at most. */
const DEPTH_MAX = 1_024;

const float = new DataView(new ArrayBuffer(8));
const floatBytes = new Uint8Array(float.buffer);

export function writeLong(out: ByteWriter, value: number): void {
  if (value < SMALL && value >= -SMALL) writeUnsigned(out, (value << 1) ^ (value >> 31));
  else writeWideLong(out, Math.floor(value / LIMB), value % LIMB);
}

/** `high` and `low` together are a two's complement value. Each may be any number whose low 32 bits are right. */
export function writeWideLong(out: ByteWriter, high: number, low: number): void {
  const sign = (high | 0) >> 31;
  let lowBits = (low << 1) ^ sign;
  let highBits = ((high << 1) | (low >>> 31)) ^ sign;
  out.ensure(10);
  const target = out.bytes;
  let at = out.length;
  while (highBits !== 0) {
    target[at++] = (lowBits & 0x7f) | 0x80;
    lowBits = (lowBits >>> 7) | (highBits << 25);
    highBits >>>= 7;
  }
  while (lowBits >>> 0 > 0x7f) {
    target[at++] = (lowBits & 0x7f) | 0x80;
    lowBits >>>= 7;
  }
  target[at++] = lowBits;
  out.length = at;
}

/** Writes microseconds as nanoseconds. The product may exceed 2^53. */
export function writeNanos(out: ByteWriter, us: number): void {
  const high = Math.floor(us / LIMB);
  const low = (us - high * LIMB) * 1000;
  const carry = Math.floor(low / LIMB);
  writeWideLong(out, high * 1000 + carry, low - carry * LIMB);
}

/** Writes up to 32 bits, 7 in each byte. */
function writeUnsigned(out: ByteWriter, value: number): void {
  out.ensure(5);
  const target = out.bytes;
  let at = out.length;
  let rest = value >>> 0;
  while (rest > 0x7f) {
    target[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  target[at++] = rest;
  out.length = at;
}

/** Writes the length, then the bytes. */
function writeText(out: ByteWriter, text: string): void {
  const bytes = Buffer.from(text);
  writeLong(out, bytes.length);
  out.all(bytes);
}

const NO_NODE: AvroNode = { valueBranch: NO_UNION, nullBranch: NO_UNION, items: null, fields: [] };

export class AvroValueWriter implements FormatWriter<AvroNode> {
  readonly #out: ByteWriter;
  /** The node of the value that comes next. */
  #node: AvroNode = NO_NODE;
  #depth = 0;
  readonly #containers: AvroNode[] = Array.from({ length: DEPTH_MAX }, () => NO_NODE);
  /** By depth: how many fields of a struct, or items of an array or map, were begun. */
  readonly #counts = new Int32Array(DEPTH_MAX);
  /** By depth: where the count of an array or map goes. */
  readonly #starts = new Int32Array(DEPTH_MAX);

  constructor(out: ByteWriter) {
    this.#out = out;
  }

  /** Called before each cell. Forgets what a failed cell left open. */
  begin(node: AvroNode): void {
    this.#node = node;
    this.#depth = 0;
  }

  again(node: AvroNode): void {
    this.begin(node);
  }

  open(node: AvroNode): number {
    this.begin(node);
    this.#branch();
    return 0;
  }

  close(): number {
    return 0;
  }

  text(text: string): void {
    this.#branch();
    writeText(this.#out, text);
  }

  nanos(us: number): void {
    this.#branch();
    writeNanos(this.#out, us);
  }

  textAround(before: ByteWriter, value: number, behind: Uint8Array): void {
    this.#branch();
    const out = this.#out;
    // Less than 64 bytes, so the length takes one byte.
    const lengthAt = out.length;
    out.byte(0);
    out.copy(before.bytes, 0, before.length);
    out.decimal(value);
    out.all(behind);
    out.bytes[lengthAt] = (out.length - lengthAt - 1) << 1;
  }

  nullValue(): void {
    const branch = this.#node.nullBranch;
    if (branch === NO_UNION) throw new ConversionError('null where the schema takes none');
    this.#out.byte(branch);
  }

  boolean(value: boolean): void {
    this.#branch();
    this.#out.byte(value ? 1 : 0);
  }

  int32(value: number): void {
    this.#branch();
    writeUnsigned(this.#out, (value << 1) ^ (value >> 31));
  }

  int64(value: number): void {
    this.#branch();
    writeLong(this.#out, value);
  }

  int64Big(value: bigint): void {
    this.#branch();
    writeWideLong(this.#out, Number(BigInt.asIntN(32, value >> 32n)), Number(BigInt.asIntN(32, value)));
  }

  int64Digits(source: Uint8Array, start: number, end: number): void {
    this.#branch();
    const negative = byteAt(source, start) === MINUS;
    const first = negative ? start + 1 : start;
    if (end - first > EXACT_DIGITS) {
      writeManyDigits(this.#out, source, first, end, negative);
      return;
    }
    let value = 0;
    for (let at = first; at < end; at++) value = value * 10 + byteAt(source, at) - ZERO;
    writeLong(this.#out, negative ? 0 - value : value);
  }

  float32(value: number): void {
    this.#branch();
    float.setFloat32(0, value, true);
    this.#out.copy(floatBytes, 0, 4);
  }

  float64(value: number): void {
    this.#branch();
    float.setFloat64(0, value, true);
    this.#out.copy(floatBytes, 0, 8);
  }

  utf8(source: Uint8Array, start: number, end: number): void {
    this.#branch();
    this.#text(source, start, end);
  }

  plainAscii(source: Uint8Array, start: number, end: number): void {
    this.bytes(source, start, end);
  }

  bytes(source: Uint8Array, start: number, end: number): void {
    this.#branch();
    writeLong(this.#out, end - start);
    this.#out.copy(source, start, end);
  }

  decimal(source: Uint8Array, start: number, end: number): void {
    this.bytes(source, start, end);
  }

  beginArray(): void {
    this.#open();
    // Most blocks have fewer than 64 items, so one byte is kept for the count. With no items it is the closing 0.
    this.#starts[this.#depth] = this.#out.length;
    this.#out.byte(0);
  }

  element(): void {
    const depth = this.#depth;
    this.#counts[depth] = elementAt(this.#counts, depth) + 1;
    this.#node = itemAt(this.#containers, depth).items ?? NO_NODE;
  }

  endArray(): void {
    const count = elementAt(this.#counts, this.#depth);
    if (count > 0) {
      putCount(this.#out, elementAt(this.#starts, this.#depth), count);
      this.#out.byte(0);
    }
    this.#depth--;
  }

  beginStruct(): void {
    this.#open();
  }

  field(): void {
    const depth = this.#depth;
    const index = elementAt(this.#counts, depth);
    this.#counts[depth] = index + 1;
    this.#node = itemAt(itemAt(this.#containers, depth).fields, index);
  }

  endStruct(): void {
    this.#depth--;
  }

  beginMap(): void {
    this.beginArray();
  }

  mapKey(source: Uint8Array, start: number, end: number): void {
    this.element();
    this.#text(source, start, end);
  }

  endMap(): void {
    this.endArray();
  }

  /** Begins an array of records, each with a key and a value. */
  beginIntMap(): void {
    this.beginArray();
  }

  intMapKey(key: number): void {
    this.element();
    writeLong(this.#out, key);
  }

  endIntMap(): void {
    this.endArray();
  }

  #branch(): void {
    const branch = this.#node.valueBranch;
    if (branch !== NO_UNION) this.#out.byte(branch);
  }

  #open(): void {
    this.#branch();
    if (++this.#depth === DEPTH_MAX) throw new ConversionError('value is nested too deep');
    this.#containers[this.#depth] = this.#node;
    this.#counts[this.#depth] = 0;
  }

  /** Text may be cut after three bytes of a four-byte character. Java's encoder then writes a question mark, for half a surrogate pair. */
  #text(source: Uint8Array, start: number, end: number): void {
    if (end - start >= 3 && byteAt(source, end - 3) >= 0xf0) {
      writeLong(this.#out, end - start - 2);
      this.#out.copy(source, start, end - 3);
      this.#out.byte(QUESTION_MARK);
      return;
    }
    writeLong(this.#out, end - start);
    this.#out.copy(source, start, end);
  }
}

/** Writes 16 to 19 digits by two limbs of 32 bits, because the number may exceed 2^53. */
function writeManyDigits(out: ByteWriter, source: Uint8Array, first: number, end: number, negative: boolean): void {
  let high = 0;
  let low = 0;
  for (let at = first; at < end; at++) {
    low = low * 10 + byteAt(source, at) - ZERO;
    const carry = Math.floor(low / LIMB);
    low -= carry * LIMB;
    high = high * 10 + carry;
  }
  if (!negative) writeWideLong(out, high, low);
  else writeWideLong(out, low === 0 ? 0 - high : -1 - high, 0 - low);
}

/** Writes a count into the one byte that was kept for it. A longer count moves the items. */
function putCount(out: ByteWriter, start: number, count: number): void {
  if (count < 64) {
    out.bytes[start] = count << 1;
    return;
  }
  const end = out.length;
  writeUnsigned(out, count << 1);
  const size = out.length - end;
  out.ensure(size);
  const { bytes } = out;
  const digits = [byteAt(bytes, end), byteAt(bytes, end + 1), byteAt(bytes, end + 2), byteAt(bytes, end + 3), byteAt(bytes, end + 4)];
  bytes.copyWithin(start + size, start + 1, end);
  for (let i = 0; i < size; i++) bytes[start + i] = itemAt(digits, i);
  out.length = end + size - 1;
}
