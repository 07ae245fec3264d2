/**
 * Owns numeric and money in every decimal.handling.mode: PostgreSQL's text to Connect's Decimal, Debezium's
 * VariableScaleDecimal, a double, or plain text.
 */

import { byteAt } from '../../core/byte-reader.ts';
import type { ValueModes } from '../pg-type.ts';
import type { FieldSchema } from '../schema.ts';
import { ASCII, bytesConstant, type CellWriter, cellText, decimalConstant, malformed, type TypePlan, textConstant } from '../type-plan.ts';
import { ConversionError, type ValueWriter } from '../value-writer.ts';
import { parseFloat64 } from './numbers.ts';

type DecimalMode = ValueModes['decimal'];

/** Digits that a double holds exactly whatever they are. */
const EXACT_DIGITS_MAX = 15;

const SPECIAL_VALUE = 'NaN or Infinity has no form in decimal.handling.mode=precise';

/** Big-endian two's complement of an unscaled value, as short as Java's BigInteger.toByteArray; filled from the end. */
const unscaledBytes = new Uint8Array(8);

/** Returns where the bytes begin in `unscaledBytes`. */
function fillUnscaled(value: number): number {
  let at = 8;
  let rest = value;
  while (rest > 0x7fff_ffff || rest < -0x8000_0000) {
    const quotient = Math.floor(rest / 256);
    unscaledBytes[--at] = rest - quotient * 256;
    rest = quotient;
  }
  let low = rest | 0;
  do {
    unscaledBytes[--at] = low & 0xff;
    low >>= 8;
  } while (low !== (byteAt(unscaledBytes, at) << 24) >> 31);
  return at;
}

function writeDecimal(out: ValueWriter, value: number, scale: number): void {
  out.decimal(unscaledBytes, fillUnscaled(value), 8, scale);
}

/** Like fillUnscaled, for a value of any size; allocates. */
export function twosComplement(value: bigint): Buffer {
  const magnitude = value < 0n ? -value - 1n : value;
  const hex = magnitude.toString(16);
  const bits = magnitude === 0n ? 0 : hex.length * 4 - (Math.clz32(Number.parseInt(hex.charAt(0), 16)) - 28);
  const count = (bits >> 3) + 1;
  return Buffer.from(
    BigInt.asUintN(count * 8, value)
      .toString(16)
      .padStart(count * 2, '0'),
    'hex',
  );
}

function writeBigDecimal(out: ValueWriter, value: bigint, scale: number): void {
  const bytes = twosComplement(value);
  out.decimal(bytes, 0, bytes.length, scale);
}

/** One pass over `[-]digits[.digits]`; the results of the last scan, so that a scan allocates nothing. */
const scanned = { unscaled: 0, fractionDigits: 0 };

/** False where the text is longer than a double holds, special or malformed: slow paths then decide. */
function scanDecimal(source: Uint8Array, start: number, end: number): boolean {
  const negative = start < end && byteAt(source, start) === ASCII.minus;
  const first = negative ? start + 1 : start;
  if (first === end || end - first > EXACT_DIGITS_MAX + 1) return false;
  let value = 0;
  let point = -1;
  for (let at = first; at < end; at++) {
    const byte = byteAt(source, at);
    const digit = byte - ASCII.zero;
    if (digit >>> 0 <= 9) value = value * 10 + digit;
    else if (byte === ASCII.dot && point < 0) point = at;
    else return false;
  }
  if (point < 0 ? end - first > EXACT_DIGITS_MAX : point === first || point === end - 1) return false;
  scanned.unscaled = negative ? 0 - value : value;
  scanned.fractionDigits = point < 0 ? 0 : end - 1 - point;
  return true;
}

const DECIMAL_TEXT = /^(-?)([0-9]+)(?:\.([0-9]+))?$/;

type DecimalText = { readonly sign: string; readonly whole: string; readonly fraction: string };

function decimalText(source: Uint8Array, start: number, end: number): DecimalText {
  const text = cellText(source, start, end);
  const match = DECIMAL_TEXT.exec(text);
  if (match === null) {
    if (text === 'NaN' || text === 'Infinity' || text === '-Infinity') throw new ConversionError(SPECIAL_VALUE);
    throw malformed('decimal number');
  }
  const [, sign = '', whole = '', fraction = ''] = match;
  return { sign, whole, fraction };
}

/** The fraction with exactly `scale` digits: zeros may be added or dropped, no other digit (Java's setScale). */
function rescaleFraction(fraction: string, scale: number): string {
  const surplus = fraction.slice(scale);
  if (/[1-9]/.test(surplus)) throw new ConversionError('number has more fraction digits than its column');
  return fraction.slice(0, scale).padEnd(scale, '0');
}

/** numeric(p,s): the unscaled value at the column's scale. */
function fixedScaleWriter(scale: number): CellWriter {
  return (out, source, start, end) => {
    if (scanDecimal(source, start, end) && scanned.fractionDigits === scale) {
      writeDecimal(out, scanned.unscaled, scale);
      return;
    }
    const { sign, whole, fraction } = decimalText(source, start, end);
    writeBigDecimal(out, BigInt(sign + whole + rescaleFraction(fraction, scale)), scale);
  };
}

/** numeric: scale and unscaled value, zeros at the end of the fraction stripped, the scale never negative. */
function writeVariableScale(out: ValueWriter, source: Uint8Array, start: number, end: number): void {
  if (!scanDecimal(source, start, end)) {
    writeVariableScaleSlowly(out, source, start, end);
    return;
  }
  let { unscaled, fractionDigits } = scanned;
  while (fractionDigits > 0 && unscaled % 10 === 0) {
    unscaled /= 10;
    fractionDigits--;
  }
  out.beginStruct();
  out.field('scale');
  out.int32(fractionDigits);
  out.field('value');
  out.bytes(unscaledBytes, fillUnscaled(unscaled), 8);
  out.endStruct();
}

function writeVariableScaleSlowly(out: ValueWriter, source: Uint8Array, start: number, end: number): void {
  const { sign, whole, fraction } = decimalText(source, start, end);
  let kept = fraction.length;
  while (kept > 0 && fraction.charCodeAt(kept - 1) === ASCII.zero) kept--;
  out.beginStruct();
  out.field('scale');
  out.int32(kept);
  out.field('value');
  const bytes = twosComplement(BigInt(sign + whole + fraction.slice(0, kept)));
  out.bytes(bytes, 0, bytes.length);
  out.endStruct();
}

function writeDouble(out: ValueWriter, source: Uint8Array, start: number, end: number): void {
  out.float64(parseFloat64(source, start, end));
}

/** Debezium prints special values by the names of its enum. */
const SPECIAL_TEXTS = new Map([
  ['NaN', Buffer.from('NAN')],
  ['Infinity', Buffer.from('POSITIVE_INFINITY')],
  ['-Infinity', Buffer.from('NEGATIVE_INFINITY')],
]);

/** Plain text; `scale` undefined keeps PostgreSQL's digits. */
function plainTextWriter(scale: number | undefined): CellWriter {
  return (out, source, start, end) => {
    if (scanDecimal(source, start, end) && (scale === undefined || scanned.fractionDigits === scale)) {
      out.plainAscii(source, start, end);
      return;
    }
    const special = SPECIAL_TEXTS.get(cellText(source, start, end));
    if (special !== undefined) {
      out.plainAscii(special, 0, special.length);
      return;
    }
    const { sign, whole, fraction } = decimalText(source, start, end);
    const digits = scale === undefined ? fraction : rescaleFraction(fraction, scale);
    const text = Buffer.from(digits === '' ? sign + whole : `${sign}${whole}.${digits}`);
    out.plainAscii(text, 0, text.length);
  };
}

const ZERO = Uint8Array.of(0);
const ZERO_UNSCALED = bytesConstant(ZERO);

const VARIABLE_SCALE_FIELDS: readonly { field: string; schema: FieldSchema }[] = [
  { field: 'scale', schema: { type: 'int32', optional: false } },
  { field: 'value', schema: { type: 'bytes', optional: false } },
];

const VARIABLE_SCALE_PLAN: TypePlan = {
  schema: {
    type: 'struct',
    name: 'io.debezium.data.VariableScaleDecimal',
    version: 1,
    doc: 'Variable scaled decimal',
    fields: VARIABLE_SCALE_FIELDS,
  },
  write: writeVariableScale,
  writeZero: (out) => {
    out.beginStruct();
    out.field('scale');
    out.int32(0);
    out.field('value');
    ZERO_UNSCALED(out);
    out.endStruct();
  },
};

const DOUBLE_PLAN: TypePlan = {
  schema: { type: 'float64' },
  write: writeDouble,
  writeZero: (out) => out.float64(0),
};

function zeroText(scale: number): string {
  return scale === 0 ? '0' : `0.${'0'.repeat(scale)}`;
}

export const DECIMAL_NAME = 'org.apache.kafka.connect.data.Decimal';

/**
 * `typmod` -1 is numeric without precision. A negative scale keeps its low 11 bits only, as Debezium's driver reads it:
 * numeric(5,-2) has scale 2046.
 */
export function numericPlan(typmod: number, mode: DecimalMode, placeholder: string): TypePlan {
  const declared = typmod !== -1;
  const precision = ((typmod - 4) >> 16) & 0xffff;
  const scale = declared ? (typmod - 4) & 0xffff : 0;
  switch (mode) {
    case 'double':
      return DOUBLE_PLAN;
    case 'string':
      return {
        schema: { type: 'string' },
        write: plainTextWriter(declared ? scale : undefined),
        writeZero: textConstant(zeroText(scale)),
        writePlaceholder: textConstant(placeholder),
      };
    case 'precise':
      if (!declared) return VARIABLE_SCALE_PLAN;
      return {
        schema: {
          type: 'bytes',
          name: DECIMAL_NAME,
          version: 1,
          parameters: [
            ['scale', String(scale)],
            ['connect.decimal.precision', String(precision)],
          ],
        },
        write: fixedScaleWriter(scale),
        writeZero: decimalConstant(ZERO, scale),
      };
  }
}

/**
 * As numericPlan, but a negative scale counts as no scale, and in precise mode the schema is optional also where the column is NOT NULL: NaN and
 * infinities are null there.
 */
export function mendedNumericPlan(typmod: number, mode: DecimalMode, placeholder: string): TypePlan {
  const plan = numericPlan(withoutNegativeScale(typmod), mode, placeholder);
  return mode === 'precise' ? { ...plan, ignoresNotNull: true } : plan;
}

/** The lower half of a typmod is a signed scale of 11 bits; numeric(3,-2) has values of up to five digits. */
function withoutNegativeScale(typmod: number): number {
  const scale = ((typmod - 4) << 21) >> 21;
  if (typmod === -1 || scale >= 0) return typmod;
  const precision = ((typmod - 4) >> 16) & 0xffff;
  return ((precision - scale) << 16) + 4;
}

/** Elements of numeric[]: Debezium's driver reads no NaN and no infinity there, whatever the mode. */
export function numericElementPlan(plan: TypePlan): TypePlan {
  return {
    ...plan,
    write: (out, source, start, end) => {
      const last = start < end ? byteAt(source, end - 1) : 0;
      if ((last - ASCII.zero) >>> 0 > 9) throw new ConversionError('NaN or Infinity has no form in an array');
      plan.write(out, source, start, end);
    },
  };
}

// --- money ---

/** The amount of the last money text: digits without symbol and separators, so that a cell allocates nothing. */
const amount = { unscaled: 0, fractionDigits: 0 };

/** Where the digits begin: behind sign, parenthesis and one character of currency symbol, as Debezium strips them. */
function amountStart(source: Uint8Array, start: number, end: number): number {
  let at = start;
  if (at < end && byteAt(source, at) === ASCII.minus) at++;
  else if (at < end && byteAt(source, at) === ASCII.leftParen) at++;
  if (at === end) throw malformed('money amount');
  const byte = byteAt(source, at);
  if ((byte - ASCII.zero) >>> 0 <= 9 || byte === ASCII.dot) return at;
  return at + (byte < 0x80 ? 1 : byte < 0xe0 ? 2 : 3);
}

/** False where the amount exceeds what a double holds. */
function scanAmount(source: Uint8Array, start: number, end: number): boolean {
  const sign = start < end ? byteAt(source, start) : 0;
  let negative = sign === ASCII.minus || sign === ASCII.leftParen;
  const last = end > start && byteAt(source, end - 1) === ASCII.rightParen ? end - 1 : end;
  let at = amountStart(source, start, last);
  if (!negative && at < last && byteAt(source, at) === ASCII.minus) {
    negative = true;
    at++;
  }
  let value = 0;
  let digits = 0;
  let fraction = -1;
  for (; at < last; at++) {
    const byte = byteAt(source, at);
    const digit = byte - ASCII.zero;
    if (digit >>> 0 <= 9) {
      value = value * 10 + digit;
      digits++;
      if (fraction >= 0) fraction++;
    } else if (byte === ASCII.dot && fraction < 0) fraction = 0;
    else if (byte !== ASCII.comma) throw malformed('money amount');
  }
  if (digits === 0) throw malformed('money amount');
  amount.unscaled = negative ? 0 - value : value;
  amount.fractionDigits = Math.max(fraction, 0);
  return digits <= EXACT_DIGITS_MAX;
}

/** `[-]digits[.digits]` of a money text. */
function amountText(source: Uint8Array, start: number, end: number): string {
  const sign = byteAt(source, start);
  const digits = cellText(source, amountStart(source, start, end), end).replace(/[,)]/g, '');
  return sign === ASCII.minus || sign === ASCII.leftParen ? `-${digits}` : digits;
}

/** The amount at `scale` fraction digits, half away from zero (Java's HALF_UP). */
function roundAmount(text: string, scale: number): bigint {
  const [whole = '', fraction = ''] = text.split('.');
  const kept = BigInt(whole + fraction.slice(0, scale).padEnd(scale, '0'));
  if (fraction.charCodeAt(scale) < 0x35 || fraction.length <= scale) return kept;
  return text.startsWith('-') ? kept - 1n : kept + 1n;
}

function preciseMoneyWriter(scale: number): CellWriter {
  return (out, source, start, end) => {
    if (scanAmount(source, start, end) && amount.fractionDigits === scale) writeDecimal(out, amount.unscaled, scale);
    else writeBigDecimal(out, roundAmount(amountText(source, start, end), scale), scale);
  };
}

function writeMoneyDouble(out: ValueWriter, source: Uint8Array, start: number, end: number): void {
  scanAmount(source, start, end);
  out.float64(Number(amountText(source, start, end)));
}

function writeMoneyText(out: ValueWriter, source: Uint8Array, start: number, end: number): void {
  scanAmount(source, start, end);
  const text = Buffer.from(amountText(source, start, end));
  out.plainAscii(text, 0, text.length);
}

export function moneyPlan(fractionDigits: number, mode: DecimalMode, placeholder: string): TypePlan {
  switch (mode) {
    case 'double':
      return { ...DOUBLE_PLAN, write: writeMoneyDouble };
    case 'string':
      return {
        schema: { type: 'string' },
        write: writeMoneyText,
        writeZero: textConstant(zeroText(fractionDigits)),
        writePlaceholder: textConstant(placeholder),
      };
    case 'precise':
      return {
        schema: { type: 'bytes', name: DECIMAL_NAME, version: 1, parameters: [['scale', String(fractionDigits)]] },
        write: preciseMoneyWriter(fractionDigits),
        writeZero: decimalConstant(ZERO, fractionDigits),
      };
  }
}
