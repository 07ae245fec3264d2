/**
 * Owns booleans, integers, oid and floating point: PostgreSQL's text to numbers. Decimals are in decimal.ts.
 */

import { byteAt } from '../../core/byte-reader.ts';
import { ASCII, type CellWriter, cellText, malformed, type TypePlan, writeFalse, writeZeroInt32, writeZeroInt64 } from '../type-plan.ts';
import type { ValueWriter } from '../value-writer.ts';

const LOWER_T = 0x74;
const LOWER_F = 0x66;

function writeBoolean(out: ValueWriter, source: Uint8Array, start: number, end: number): void {
  const byte = end - start === 1 ? byteAt(source, start) : 0;
  if (byte !== LOWER_T && byte !== LOWER_F) throw malformed('boolean');
  out.boolean(byte === LOWER_T);
}

export const BOOLEAN_PLAN: TypePlan = { schema: { type: 'boolean' }, write: writeBoolean, writeZero: writeFalse };

/** A signed integer of at most ten digits; `max` is the largest positive value, its negative counterpart one further. */
function parseInteger(source: Uint8Array, start: number, end: number, max: number): number {
  const negative = start < end && byteAt(source, start) === ASCII.minus;
  let at = negative ? start + 1 : start;
  if (at === end || end - at > 10) throw malformed('integer');
  let value = 0;
  for (; at < end; at++) {
    const digit = byteAt(source, at) - ASCII.zero;
    if (digit >>> 0 > 9) throw malformed('integer');
    value = value * 10 + digit;
  }
  if (value > (negative ? max + 1 : max)) throw malformed('integer of its width');
  return negative ? 0 - value : value;
}

function writeInt16(out: ValueWriter, source: Uint8Array, start: number, end: number): void {
  out.int32(parseInteger(source, start, end, 0x7fff));
}

function writeInt32(out: ValueWriter, source: Uint8Array, start: number, end: number): void {
  out.int32(parseInteger(source, start, end, 0x7fff_ffff));
}

export const INT16_PLAN: TypePlan = { schema: { type: 'int16' }, write: writeInt16, writeZero: writeZeroInt32 };
export const INT32_PLAN: TypePlan = { schema: { type: 'int32' }, write: writeInt32, writeZero: writeZeroInt32 };

const INT64_MAX_DIGITS = Buffer.from('9223372036854775807');
const INT64_MIN_DIGITS = Buffer.from('9223372036854775808');

/** The digits go to the writer as they stand, for they may exceed 2^53; so they are checked to be canonical and in range. */
function writeInt64(out: ValueWriter, source: Uint8Array, start: number, end: number): void {
  const negative = start < end && byteAt(source, start) === ASCII.minus;
  const first = negative ? start + 1 : start;
  const digits = end - first;
  if (digits < 1 || digits > 19) throw malformed('integer');
  for (let at = first; at < end; at++) {
    if ((byteAt(source, at) - ASCII.zero) >>> 0 > 9) throw malformed('integer');
  }
  if (byteAt(source, first) === ASCII.zero && (digits > 1 || negative)) throw malformed('integer');
  if (digits === 19 && exceeds(source, first, negative ? INT64_MIN_DIGITS : INT64_MAX_DIGITS)) {
    throw malformed('integer of its width');
  }
  out.int64Digits(source, start, end);
}

function exceeds(source: Uint8Array, first: number, limit: Uint8Array): boolean {
  for (let i = 0; i < limit.length; i++) {
    const difference = byteAt(source, first + i) - byteAt(limit, i);
    if (difference !== 0) return difference > 0;
  }
  return false;
}

export const INT64_PLAN: TypePlan = { schema: { type: 'int64' }, write: writeInt64, writeZero: writeZeroInt64 };

/** Powers of ten that a double holds exactly. */
const EXACT_POWERS: readonly number[] = Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`));

/**
 * The double nearest to a decimal text, as Java's Double.parseDouble. Up to 15 digits without exponent: both the digits and
 * the power of ten are exact doubles, so one division rounds once (Clinger's fast path). Else through a string.
 */
export function parseFloat64(source: Uint8Array, start: number, end: number): number {
  const negative = start < end && byteAt(source, start) === ASCII.minus;
  const first = negative ? start + 1 : start;
  let value = 0;
  let point = -1;
  for (let at = first; at < end; at++) {
    const byte = byteAt(source, at);
    const digit = byte - ASCII.zero;
    if (digit >>> 0 <= 9) value = value * 10 + digit;
    else if (byte === ASCII.dot && point < 0) point = at;
    else return parseFloatSlowly(source, start, end);
  }
  const digits = point < 0 ? end - first : end - first - 1;
  if (digits > 15 || digits === 0 || point === first || point === end - 1) return parseFloatSlowly(source, start, end);
  if (point >= 0) value /= EXACT_POWERS[end - 1 - point] ?? 1;
  return negative ? -value : value;
}

const FLOAT_TEXT = /^-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/;

function parseFloatSlowly(source: Uint8Array, start: number, end: number): number {
  const text = cellText(source, start, end);
  if (text === 'NaN') return Number.NaN;
  if (text === 'Infinity') return Number.POSITIVE_INFINITY;
  if (text === '-Infinity') return Number.NEGATIVE_INFINITY;
  if (!FLOAT_TEXT.test(text)) throw malformed('floating point number');
  return Number(text);
}

function writeFloat64(out: ValueWriter, source: Uint8Array, start: number, end: number): void {
  out.float64(parseFloat64(source, start, end));
}

/**
 * The float nearest to the decimal text itself. Rounding twice, to double and then to float, goes wrong only where the
 * double lies exactly between two floats while the text does not; there the text decides.
 */
export function parseFloat32(source: Uint8Array, start: number, end: number): number {
  const wide = parseFloat64(source, start, end);
  const near = Math.fround(wide);
  if (near === wide || Number.isNaN(wide)) return near;
  const other = 2 * wide - near;
  if (Math.fround(other) !== other || !Number.isFinite(other)) return near;
  const side = compareWithDouble(cellText(source, start, end), wide);
  if (side === 0) return near;
  return side > 0 === other > near ? other : near;
}

/** Sign of (decimal text − the exact value of the double). */
function compareWithDouble(text: string, value: number): number {
  const match = /^(-?)([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?$/.exec(text);
  if (match === null) throw malformed('floating point number');
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match;
  let decimal = BigInt(sign + whole + fraction);
  const tens = Number(exponent) - fraction.length;
  let halvings = 0;
  let scaled = value;
  while (!Number.isInteger(scaled)) {
    scaled *= 2;
    halvings++;
  }
  let binary = BigInt(scaled);
  if (tens >= 0) decimal *= 10n ** BigInt(tens);
  else binary *= 10n ** BigInt(-tens);
  decimal <<= BigInt(halvings);
  if (decimal === binary) return 0;
  return decimal > binary ? 1 : -1;
}

function writeFloat32(out: ValueWriter, source: Uint8Array, start: number, end: number): void {
  out.float32(parseFloat32(source, start, end));
}

export const FLOAT32_PLAN: TypePlan = {
  schema: { type: 'float32' },
  write: writeFloat32,
  writeZero: (out) => out.float32(0),
};

export const FLOAT64_PLAN: TypePlan = {
  schema: { type: 'float64' },
  write: writeFloat64 satisfies CellWriter,
  writeZero: (out) => out.float64(0),
};
