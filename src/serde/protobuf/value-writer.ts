/**
 * Owns Protobuf's binary form of cell values: the ValueWriter that codecs write through. It follows the node of the value's schema, which
 * has the field's key and says what a zero becomes. Does not know events, rows or schema texts.
 * Source: io.confluent.connect.protobuf.ProtobufData.fromConnectData, com.google.protobuf.FieldSet.
 */
import { elementAt, itemAt } from '../../core/byte-reader.ts';
import type { ByteWriter } from '../../core/byte-writer.ts';
import { ConversionError } from '../../values/value-writer.ts';
import type { FormatWriter } from '../format.ts';
import { UnrepresentableError } from '../unrepresentable.ts';
import { writeDateFields, writeTimeFields, writeTimestampFields } from './logical.ts';
import { DATE, EXPLICIT, IMPLICIT, NO_NODE, PACKED, PLAIN, type ProtobufNode, ROOT, TIMESTAMP, WRAPPED } from './node.ts';
import {
  closeMessage,
  int64,
  keySize,
  openMessage,
  readDigits,
  readNanos,
  writeInteger,
  writeKey,
  writeUnsigned,
  writeUtf8,
  writeWide,
} from './wire.ts';

/** How deep values may nest: a JSON document that a transform has read has a thousand levels at most. */
const DEPTH_MAX = 1_024;
/** One byte for a message's length: most messages of cells have fewer than 128 bytes. */
const SHORT = 1;
const CLOSED = -1;
const UNFRAMED = -1;
const LIMB = 0x1_0000_0000;

/** Keys of field 1 of a wrapper message, by wire type. */
const WRAPPED_VARINT = 0x08;
const WRAPPED_FIXED64 = 0x09;
const WRAPPED_LENGTH = 0x0a;
const WRAPPED_FIXED32 = 0x0d;

/** Keys of the fields of confluent.type.Decimal. */
const DECIMAL_VALUE = 0x0a;
const DECIMAL_PRECISION = 0x10;
const DECIMAL_SCALE = 0x18;
/** A double holds every unscaled value of so many bytes exactly. */
const EXACT_BYTES = 6;

const float = new DataView(new ArrayBuffer(8));
const floatBytes = new Uint8Array(float.buffer);

export class ProtobufValueWriter implements FormatWriter<ProtobufNode> {
  readonly #out: ByteWriter;
  /** The node of the value that comes next. */
  #node: ProtobufNode = NO_NODE;
  #depth = 0;
  /** Where the length of a wrapper goes. */
  #wrapperAt = 0;
  readonly #containers: ProtobufNode[] = Array.from({ length: DEPTH_MAX }, () => NO_NODE);
  /** By depth: how many fields of a struct were begun. */
  readonly #counts = new Int32Array(DEPTH_MAX);
  /** By depth: where the length of a struct, a packed array or a map's entry goes. */
  readonly #starts = new Int32Array(DEPTH_MAX);

  constructor(out: ByteWriter) {
    this.#out = out;
  }

  /** Called before each cell. Forgets what a failed cell left open. */
  begin(node: ProtobufNode): void {
    this.#node = node;
    this.#depth = 0;
  }

  again(node: ProtobufNode): void {
    this.begin(node);
  }

  /** Begins a struct. A whole key or value has no key and no length before it. */
  open(node: ProtobufNode, reserved: number): number {
    if (node === ROOT) return UNFRAMED;
    writeKey(this.#out, node.key);
    return openMessage(this.#out, reserved);
  }

  close(start: number, reserved: number): number {
    return start === UNFRAMED ? reserved : closeMessage(this.#out, start, reserved);
  }

  textAround(before: ByteWriter, value: number, behind: Uint8Array): void {
    if (!this.#open(false, WRAPPED_LENGTH)) return;
    const out = this.#out;
    const start = openMessage(out, SHORT);
    out.copy(before.bytes, 0, before.length);
    out.decimal(value);
    out.all(behind);
    closeMessage(out, start, SHORT);
    this.#close();
  }

  nullValue(): void {
    if (!this.#node.takesNull) throw new UnrepresentableError('a null in an array, which Protobuf does not have');
  }

  boolean(value: boolean): void {
    if (!this.#open(!value, WRAPPED_VARINT)) return;
    this.#out.byte(value ? 1 : 0);
    this.#close();
  }

  int32(value: number): void {
    this.int64(value);
  }

  int64(value: number): void {
    if (this.#node.logical !== PLAIN) {
      this.#writeLogical(value);
      return;
    }
    if (!this.#open(value === 0, WRAPPED_VARINT)) return;
    writeInteger(this.#out, value);
    this.#close();
  }

  int64Big(value: bigint): void {
    int64.high = Number(BigInt.asIntN(32, value >> 32n));
    int64.low = Number(BigInt.asIntN(32, value));
    this.#wide();
  }

  int64Digits(source: Uint8Array, start: number, end: number): void {
    readDigits(source, start, end);
    this.#wide();
  }

  /** Writes microseconds as nanoseconds. */
  nanos(us: number): void {
    readNanos(us);
    this.#wide();
  }

  float32(value: number): void {
    if (!this.#open(Object.is(value, 0), WRAPPED_FIXED32)) return;
    float.setFloat32(0, value, true);
    this.#out.copy(floatBytes, 0, 4);
    this.#close();
  }

  float64(value: number): void {
    if (!this.#open(Object.is(value, 0), WRAPPED_FIXED64)) return;
    float.setFloat64(0, value, true);
    this.#out.copy(floatBytes, 0, 8);
    this.#close();
  }

  utf8(source: Uint8Array, start: number, end: number): void {
    if (!this.#open(start === end, WRAPPED_LENGTH)) return;
    writeUtf8(this.#out, source, start, end);
    this.#close();
  }

  plainAscii(source: Uint8Array, start: number, end: number): void {
    this.bytes(source, start, end);
  }

  bytes(source: Uint8Array, start: number, end: number): void {
    if (!this.#open(start === end, WRAPPED_LENGTH)) return;
    writeUnsigned(this.#out, end - start);
    this.#out.copy(source, start, end);
    this.#close();
  }

  /** For setting up and once per transaction; cells are written by other methods. */
  text(text: string): void {
    const bytes = Buffer.from(text);
    this.bytes(bytes, 0, bytes.length);
  }

  decimal(source: Uint8Array, start: number, end: number, scale: number): void {
    const out = this.#out;
    writeKey(out, this.#node.key);
    const at = openMessage(out, SHORT);
    out.byte(DECIMAL_VALUE);
    writeUnsigned(out, end - start);
    out.copy(source, start, end);
    out.byte(DECIMAL_PRECISION);
    writeUnsigned(out, precisionOf(source, start, end));
    if (scale !== 0) {
      out.byte(DECIMAL_SCALE);
      writeInteger(out, scale);
    }
    closeMessage(out, at, SHORT);
  }

  beginArray(): void {
    const node = this.#node;
    this.#push();
    if (node.items?.form !== PACKED) return;
    writeKey(this.#out, node.key);
    this.#starts[this.#depth] = openMessage(this.#out, SHORT);
  }

  element(): void {
    this.#node = itemAt(this.#containers, this.#depth).items ?? NO_NODE;
  }

  endArray(): void {
    const node = itemAt(this.#containers, this.#depth);
    if (node.items?.form === PACKED) this.#endPacked(node);
    this.#depth--;
  }

  beginStruct(): void {
    writeKey(this.#out, this.#node.key);
    this.#push();
    this.#counts[this.#depth] = 0;
    this.#starts[this.#depth] = openMessage(this.#out, SHORT);
  }

  field(): void {
    const depth = this.#depth;
    const index = elementAt(this.#counts, depth);
    this.#counts[depth] = index + 1;
    this.#node = itemAt(itemAt(this.#containers, depth).fields, index);
  }

  endStruct(): void {
    closeMessage(this.#out, elementAt(this.#starts, this.#depth), SHORT);
    this.#depth--;
  }

  beginMap(): void {
    if (this.#node.keys === null) throw new UnrepresentableError('a map in an array, which Protobuf does not have');
    this.#push();
    this.#starts[this.#depth] = CLOSED;
  }

  mapKey(source: Uint8Array, start: number, end: number): void {
    this.#beginEntry();
    this.utf8(source, start, end);
    this.element();
  }

  endMap(): void {
    this.#endEntry();
    this.#depth--;
  }

  beginIntMap(): void {
    this.beginMap();
  }

  intMapKey(key: number): void {
    this.#beginEntry();
    this.int64(key);
    this.element();
  }

  endIntMap(): void {
    this.endMap();
  }

  #beginEntry(): void {
    this.#endEntry();
    const map = itemAt(this.#containers, this.#depth);
    writeKey(this.#out, map.key);
    this.#starts[this.#depth] = openMessage(this.#out, SHORT);
    this.#node = map.keys ?? NO_NODE;
  }

  #endEntry(): void {
    const start = elementAt(this.#starts, this.#depth);
    if (start !== CLOSED) closeMessage(this.#out, start, SHORT);
  }

  /** Ends a packed array. An empty array is an absent field, so its key is removed. */
  #endPacked(node: ProtobufNode): void {
    const out = this.#out;
    const start = elementAt(this.#starts, this.#depth);
    if (out.length === start + SHORT) out.length = start - keySize(node.key);
    else closeMessage(out, start, SHORT);
  }

  /** Writes the value that `int64` holds. */
  #wide(): void {
    const { high, low } = int64;
    if (this.#node.logical !== PLAIN) {
      this.#writeLogical((high | 0) * LIMB + (low >>> 0));
      return;
    }
    if (!this.#open((high | 0) === 0 && (low | 0) === 0, WRAPPED_VARINT)) return;
    writeWide(this.#out, high, low);
    this.#close();
  }

  #writeLogical(value: number): void {
    const { key, logical } = this.#node;
    const out = this.#out;
    writeKey(out, key);
    const at = openMessage(out, SHORT);
    if (logical === DATE) writeDateFields(out, value);
    else if (logical === TIMESTAMP) writeTimestampFields(out, value);
    else writeTimeFields(out, value);
    closeMessage(out, at, SHORT);
  }

  /** Writes what precedes the value. False: that is all, because the value is a zero, which is not written. */
  #open(isZero: boolean, wrappedKey: number): boolean {
    const { form, key } = this.#node;
    if (form === PACKED) return true;
    if (form === IMPLICIT && isZero) return false;
    writeKey(this.#out, key);
    if (form === IMPLICIT || form === EXPLICIT) return true;
    this.#wrapperAt = openMessage(this.#out, SHORT);
    // The length of an empty message: the byte was kept, but nothing was written to it.
    this.#out.bytes[this.#wrapperAt] = 0;
    if (isZero) return false;
    this.#out.byte(wrappedKey);
    return true;
  }

  #close(): void {
    if (this.#node.form === WRAPPED) closeMessage(this.#out, this.#wrapperAt, SHORT);
  }

  #push(): void {
    if (++this.#depth === DEPTH_MAX) throw new ConversionError('value is nested too deep');
    this.#containers[this.#depth] = this.#node;
  }
}

/** BigDecimal.precision(): how many decimal digits the unscaled value has; one for zero. */
function precisionOf(source: Uint8Array, start: number, end: number): number {
  if (end - start > EXACT_BYTES) return digitsOfMany(source, start, end);
  let value = start < end && (source[start] ?? 0) >= 0x80 ? -1 : 0;
  for (let at = start; at < end; at++) value = value * 256 + (source[at] ?? 0);
  let rest = value < 0 ? 0 - value : value;
  let digits = 1;
  while (rest >= 10) {
    rest = Math.floor(rest / 10);
    digits++;
  }
  return digits;
}

function digitsOfMany(source: Uint8Array, start: number, end: number): number {
  const bytes = Buffer.from(source.buffer, source.byteOffset + start, end - start);
  const value = BigInt.asIntN(bytes.length * 8, BigInt(`0x${bytes.toString('hex')}`));
  return (value < 0n ? -value : value).toString().length;
}
