/**
 * Owns plain values as Java's classes print and read them: numbers, decimals, dates.
 * Source: java.lang.Number.toString, java.math.BigDecimal, org.apache.kafka.connect.data.Values.parseAsNumber, dateFormatFor.
 */
import { javaFloat32Text, javaFloat64Text } from '../../core/java/floats.ts';
import { compileDateFormat, type DateFormat } from '../../core/java/simple-date-format.ts';
import { type FieldSchema, type SchemaType, scaleOf } from '../../values/schema.ts';
import { DECIMAL_NAME } from '../../values/types/decimal.ts';
import { parseFloat32 } from '../../values/types/numbers.ts';
import type { CapturedValue } from '../../values/value-capture.ts';

const MILLIS_PER_DAY = 86_400_000;

/** Milliseconds in one unit of the values that are a java.util.Date in Connect, by schema name. */
export const DATE_UNITS: ReadonlyMap<string | undefined, number> = new Map([
  ['org.apache.kafka.connect.data.Date', MILLIS_PER_DAY],
  ['org.apache.kafka.connect.data.Time', 1],
  ['org.apache.kafka.connect.data.Timestamp', 1],
]);

/** Java's toString of a scalar; of dates what Connect prints, and of bytes their Base64. */
export function javaText(schema: FieldSchema, value: NonNullable<CapturedValue>): string {
  const unit = DATE_UNITS.get(schema.name);
  if (unit !== undefined) return dateText(Number(value) * unit);
  if (value instanceof Uint8Array) {
    if (schema.name === DECIMAL_NAME) return decimalText(unscaledOf(value), scaleOf(schema));
    return Buffer.from(value.buffer, value.byteOffset, value.length).toString('base64');
  }
  if (typeof value === 'number' && (schema.type === 'float32' || schema.type === 'float64')) return floatText(value, schema.type);
  return String(value);
}

function floatText(value: number, type: 'float32' | 'float64'): string {
  if (!Number.isFinite(value)) return String(value);
  return type === 'float32' ? javaFloat32Text(value) : javaFloat64Text(value);
}

const PATTERNS = ["HH:mm:ss.SSS'Z'", 'yyyy-MM-dd', "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'"].map(compiled);

function compiled(pattern: string): DateFormat {
  const format = compileDateFormat(pattern);
  if (typeof format === 'string') throw new Error(format);
  return format;
}

/** The value decides whether it is a time, a date or both. */
function dateText(millis: number): string {
  const index = millis < MILLIS_PER_DAY ? 0 : millis % MILLIS_PER_DAY === 0 ? 1 : 2;
  return PATTERNS[index]?.print(millis) ?? '';
}

/** The number in big-endian two's complement. */
export function unscaledOf(bytes: Uint8Array): bigint {
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
  return hex === '' ? 0n : BigInt.asIntN(bytes.length * 8, BigInt(`0x${hex}`));
}

/** As BigDecimal.toString: with an exponent if the scale is negative or the number very small. */
export function decimalText(unscaled: bigint, scale: number): string {
  const sign = unscaled < 0n ? '-' : '';
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString();
  if (scale === 0) return sign + digits;
  const exponent = digits.length - 1 - scale;
  if (scale > 0 && exponent >= -6) {
    const padded = digits.padStart(scale + 1, '0');
    return `${sign}${padded.slice(0, -scale)}.${padded.slice(-scale)}`;
  }
  const mantissa = digits.length > 1 ? `${digits.slice(0, 1)}.${digits.slice(1)}` : digits;
  return `${sign}${mantissa}E${exponent < 0 ? '' : '+'}${exponent}`;
}

type JavaDecimal = { readonly unscaled: bigint; readonly scale: number };

const DECIMAL = /^([+-]?)([0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]+))?$/;
/** Of exponents that are worth the digits that they stand for. */
const EXPONENT_MAX = 400;

/** Undefined: the text is no BigDecimal, or one that is too long to be meant. */
export function parseDecimal(text: string): JavaDecimal | undefined {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = DECIMAL.exec(text) ?? [];
  if (whole + fraction === '' || Math.abs(Number(exponent)) > EXPONENT_MAX) return undefined;
  const unscaled = BigInt(whole + fraction);
  return { unscaled: sign === '-' ? -unscaled : unscaled, scale: fraction.length - Number(exponent) };
}

/** The number without its fraction. */
export function wholeOf({ unscaled, scale }: JavaDecimal): bigint {
  return scale <= 0 ? unscaled * 10n ** BigInt(-scale) : unscaled / 10n ** BigInt(scale);
}

export function nearestFloat32(text: string): number {
  const bytes = Buffer.from(
    text
      .replace(/^\+/, '')
      .replace(/^(-?)\./, '$10.')
      .replace(/\.(?![0-9])/, ''),
  );
  return parseFloat32(bytes, 0, bytes.length);
}

export function narrowest(value: bigint): number | bigint {
  const narrow = Number(value);
  return Number.isSafeInteger(narrow) ? narrow : value;
}

type JavaNumber = { readonly type: SchemaType; readonly value: number | bigint | string };

const INTEGERS = [
  ['int8', 8],
  ['int16', 16],
  ['int32', 32],
  ['int64', 64],
] as const;

/** The smallest type that holds the number. One that only a BigDecimal holds is given as its text. Undefined: the text is no number. */
export function parseJavaNumber(text: string): JavaNumber | undefined {
  const decimal = parseDecimal(text);
  if (decimal === undefined) return undefined;
  const whole = wholeOf(decimal);
  const isWhole = decimal.scale <= 0 || whole * 10n ** BigInt(decimal.scale) === decimal.unscaled;
  const integer = isWhole ? INTEGERS.find(([, bits]) => BigInt.asIntN(bits, whole) === whole) : undefined;
  if (integer !== undefined) return { type: integer[0], value: narrowest(whole) };
  const single = nearestFloat32(text);
  if (Number.isFinite(single) && decimal.scale !== 0) return { type: 'float32', value: single };
  const double = Number(text);
  if (Number.isFinite(double) && decimal.scale !== 0) return { type: 'float64', value: double };
  return { type: 'string', value: decimalText(decimal.unscaled, decimal.scale) };
}
