/**
 * Owns the primitives of Protobuf's binary form: varints, field keys, and messages, whose length precedes them but is known only at their
 * end. Does not know schemas.
 * Grammar: Protocol Buffers, «Encoding». A varint has 7 bits a byte, least first; a negative number is one of 64 bits in two's complement.
 */
import { byteAt } from '../../core/byte-reader.ts';
import type { ByteWriter } from '../../core/byte-writer.ts';

const LIMB = 0x1_0000_0000;
const SMALL = 0x8000_0000;
const ZERO = 0x30;
const MINUS = 0x2d;
const QUESTION_MARK = 0x3f;
/** A double holds every number of so many digits exactly. */
const EXACT_DIGITS = 15;

/** Writes field number and wire type. At most two bytes, because no message has 2,048 fields. */
export function writeKey(out: ByteWriter, key: number): void {
  if (key < 0x80) {
    out.byte(key);
    return;
  }
  out.ensure(2);
  out.bytes[out.length++] = (key & 0x7f) | 0x80;
  out.bytes[out.length++] = key >>> 7;
}

export function keySize(key: number): number {
  return key < 0x80 ? 1 : 2;
}

/** Writes a safe integer as int32 or int64. */
export function writeInteger(out: ByteWriter, value: number): void {
  if (value >= 0 && value < SMALL) writeUnsigned(out, value);
  else writeWide(out, Math.floor(value / LIMB), value % LIMB);
}

/** `high` and `low` together are a two's complement value. Each may be any number whose low 32 bits are right. */
export function writeWide(out: ByteWriter, high: number, low: number): void {
  let highBits = high | 0;
  let lowBits = low | 0;
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

/** Writes up to 32 bits. */
export function writeUnsigned(out: ByteWriter, value: number): void {
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

/** The result of readDigits() and readNanos(): an int64 in two's complement. Only the low 32 bits of each half count. */
export const int64 = { high: 0, low: 0 };

/** Reads canonical decimal digits with an optional minus sign. */
export function readDigits(source: Uint8Array, start: number, end: number): void {
  const negative = byteAt(source, start) === MINUS;
  const first = negative ? start + 1 : start;
  if (end - first > EXACT_DIGITS) {
    readManyDigits(source, first, end, negative);
    return;
  }
  let value = 0;
  for (let at = first; at < end; at++) value = value * 10 + byteAt(source, at) - ZERO;
  if (negative) value = 0 - value;
  int64.high = Math.floor(value / LIMB);
  int64.low = value % LIMB;
}

function readManyDigits(source: Uint8Array, first: number, end: number, negative: boolean): void {
  let high = 0;
  let low = 0;
  for (let at = first; at < end; at++) {
    low = low * 10 + byteAt(source, at) - ZERO;
    const carry = Math.floor(low / LIMB);
    low -= carry * LIMB;
    high = high * 10 + carry;
  }
  int64.high = negative ? (low === 0 ? 0 - high : -1 - high) : high;
  int64.low = negative ? 0 - low : low;
}

/** Reads microseconds and gives nanoseconds. The product may exceed 2^53. */
export function readNanos(us: number): void {
  const high = Math.floor(us / LIMB);
  const low = (us - high * LIMB) * 1000;
  const carry = Math.floor(low / LIMB);
  int64.high = high * 1000 + carry;
  int64.low = low - carry * LIMB;
}

/** Writes length and UTF-8. Text may be cut after three bytes of a four-byte character: then Java writes a question mark for the rest. */
export function writeUtf8(out: ByteWriter, source: Uint8Array, start: number, end: number): void {
  if (end - start >= 3 && byteAt(source, end - 3) >= 0xf0) {
    writeUnsigned(out, end - start - 2);
    out.copy(source, start, end - 3);
    out.byte(QUESTION_MARK);
    return;
  }
  writeUnsigned(out, end - start);
  out.copy(source, start, end);
}

/** Keeps `reserved` bytes for the length of what is written next. Returns their position. */
export function openMessage(out: ByteWriter, reserved: number): number {
  const start = out.length;
  out.ensure(reserved);
  out.length = start + reserved;
  return start;
}

/** Writes the length into the bytes kept for it. If it needs more or fewer, what follows is moved. Returns how many it needed. */
export function closeMessage(out: ByteWriter, start: number, reserved: number): number {
  const size = out.length - start - reserved;
  const needed = sizeOfLength(size);
  if (needed !== reserved) {
    out.ensure(needed);
    out.bytes.copyWithin(start + needed, start + reserved, out.length);
  }
  const { bytes } = out;
  let rest = size;
  let at = start;
  while (rest > 0x7f) {
    bytes[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  bytes[at] = rest;
  out.length = start + needed + size;
  return needed;
}

function sizeOfLength(size: number): number {
  if (size < 0x80) return 1;
  if (size < 0x4000) return 2;
  if (size < 0x20_0000) return 3;
  return size < 0x1000_0000 ? 4 : 5;
}
