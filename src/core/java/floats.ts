/**
 * Owns the text of floating point numbers as Java before 19 spells them (Double.toString, Float.toString): mostly, but not always, the
 * shortest digits that read back as the same number. The exceptions follow from Java's algorithm, so this file repeats that algorithm.
 * Source: jdk.internal.math.FloatingDecimal of OpenJDK 17.
 */

const DOUBLE = { bits: 53, bias: 1023 };
const FLOAT = { bits: 24, bias: 127 };

/** Both halves of a double's bits. */
const view = new DataView(new ArrayBuffer(8));

/** A finite double as Java's Double.toString spells it. */
export function javaFloat64Text(value: number): string {
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0';
  const magnitude = Math.abs(value);
  const digits = isShortestInJava(magnitude) ? shortestDigits(magnitude) : javaDigits(magnitude, DOUBLE);
  return spelled(value, digits);
}

/** A finite float32 as Java's Float.toString spells it. */
export function javaFloat32Text(value: number): string {
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0';
  return spelled(value, javaDigits(Math.abs(value), FLOAT));
}

/** The number is 0.d1d2d3… times ten to the power of `exponent`. */
type Digits = { readonly text: string; readonly exponent: number };

/** Java: plain notation for 1e-3 <= |v| < 1e7, else d.dddE±n; always a digit after the point. */
function spelled(value: number, { text, exponent }: Digits): string {
  const sign = value < 0 ? '-' : '';
  if (exponent > 0 && exponent < 8) {
    return `${sign}${text.slice(0, exponent).padEnd(exponent, '0')}.${text.slice(exponent) || '0'}`;
  }
  if (exponent <= 0 && exponent > -3) return `${sign}0.${'0'.repeat(-exponent)}${text}`;
  return `${sign}${text.charAt(0)}.${text.slice(1) || '0'}E${exponent - 1}`;
}

const EXACT_INTEGERS_END = 2 ** 53;
const NORMAL_MIN = 2 ** -1022;
const EXACT_POWER_MIN = 2 ** -16;

/**
 * True where Java's digits are the shortest. They may be others from 2^53 on (integers are printed with more digits, and a short number may
 * lie half way between two doubles), for powers of two (whose lower neighbour is nearer than Java takes it to be), and below the normal ones.
 */
function isShortestInJava(magnitude: number): boolean {
  if (magnitude >= EXACT_INTEGERS_END || magnitude < NORMAL_MIN) return false;
  view.setFloat64(0, magnitude);
  const isPowerOfTwo = (view.getUint32(0) & 0x000f_ffff) === 0 && view.getUint32(4) === 0;
  return !isPowerOfTwo || magnitude >= EXACT_POWER_MIN;
}

function shortestDigits(magnitude: number): Digits {
  const [mantissa = '', exponent = ''] = magnitude.toExponential().split('e');
  return { text: mantissa.replace('.', ''), exponent: Number(exponent) + 1 };
}

/** A fraction of `fractionBits` bits without trailing zeros, the highest of them worth 2^exponent. */
type Binary = {
  readonly fraction: number;
  readonly fractionBits: number;
  readonly exponent: number;
  /** Bits that the number has room for: fewer below the normal numbers. */
  readonly significantBits: number;
};

/** `format` is the one that Java reads the number from. */
function binaryOf(magnitude: number, format: typeof DOUBLE): Binary {
  view.setFloat64(0, magnitude);
  const exponentBits = view.getUint32(0) >>> 20;
  let fraction = (view.getUint32(0) & 0x000f_ffff) * 2 ** 32 + view.getUint32(4);
  let exponent = exponentBits - DOUBLE.bias;
  let fractionBits = DOUBLE.bits;
  if (exponentBits === 0) {
    fractionBits = Math.floor(Math.log2(fraction)) + 1;
    exponent = fractionBits - DOUBLE.bits + 1 - DOUBLE.bias;
  } else {
    fraction += 2 ** 52;
  }
  while (fraction % 2 === 0) {
    fraction /= 2;
    fractionBits--;
  }
  const belowNormal = Math.max(0, 1 - format.bias - exponent);
  return { fraction, fractionBits, exponent, significantBits: format.bits - belowNormal };
}

function javaDigits(magnitude: number, format: typeof DOUBLE): Digits {
  const binary = binaryOf(magnitude, format);
  const { exponent, fractionBits } = binary;
  return exponent >= fractionBits - 1 && exponent <= 62 ? integerDigits(magnitude, binary) : fractionDigits(binary);
}

/** Prints an integer whole, except that the last digits, which the number's bits do not determine, are rounded to zeros. */
function integerDigits(magnitude: number, { exponent, significantBits }: Binary): Digits {
  const unknownBits = exponent > significantBits ? exponent - significantBits - 1 : 0;
  const unknownDigits = unknownBits > 1 ? Math.floor(unknownBits * Math.log10(2)) : 0;
  let whole = BigInt(magnitude);
  if (unknownDigits > 0) {
    const unit = 10n ** BigInt(unknownDigits);
    whole = whole / unit + (whole % unit >= unit / 2n ? 1n : 0n);
  }
  const text = whole.toString();
  return { text: text.replace(/(?<!0)0+$/, ''), exponent: text.length + unknownDigits };
}

/** Bits of 5^i. */
const FIVE_BITS = [0, 3, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28, 31, 33, 35, 38, 40, 42, 45, 47, 49, 52, 54, 56, 59, 61];

function bitsOfPowerOfFive(power: number): number {
  return FIVE_BITS[power] ?? power * 3;
}

/** The widest numbers that Java computes a conversion with: 0 stands for big integers. */
type Width = 0 | 32 | 64;

/** The number is b/s times ten to the power of an estimated exponent, and m/s half the way to its neighbours. */
type Scale = {
  readonly b2: number;
  readonly s2: number;
  readonly m2: number;
  readonly b5: number;
  readonly s5: number;
  readonly bits: number;
};

function scaleOf({ fractionBits, exponent, significantBits }: Binary, decimalExponent: number): Scale {
  const bitsBehindPoint = Math.max(0, fractionBits - exponent - 1);
  const b5 = Math.max(0, -decimalExponent);
  const s5 = Math.max(0, decimalExponent);
  let b2 = b5 + bitsBehindPoint + exponent;
  let s2 = s5 + bitsBehindPoint;
  let m2 = b2 - significantBits;
  b2 -= fractionBits - 1;
  const common = Math.min(b2, s2);
  b2 -= common;
  s2 -= common;
  m2 -= common;
  if (fractionBits === 1) m2 -= 1;
  const missing = Math.max(0, -m2);
  b2 += missing;
  s2 += missing;
  m2 += missing;
  const bits = Math.max(fractionBits + b2 + bitsOfPowerOfFive(b5), s2 + 1 + bitsOfPowerOfFive(s5 + 1));
  return { b2, s2, m2, b5, s5, bits };
}

function widthOf(bits: number): Width {
  if (bits >= 64) return 0;
  return bits < 32 ? 32 : 64;
}

/** floor(log10) of the number, or one more. */
function estimatedExponent({ fraction, fractionBits, exponent }: Binary): number {
  const mantissa = fraction / 2 ** (fractionBits - 1);
  return Math.floor((mantissa - 1.5) * 0.289529654 + 0.176091259 + exponent * 0.301029995663981);
}

/** Up to this many bits all numbers stay far below 2^53, so doubles give Java's results. */
const NARROW_BITS = 46;

function fractionDigits(binary: Binary): Digits {
  const estimate = estimatedExponent(binary);
  const scale = scaleOf(binary, estimate);
  // Java's int overflows where a double does not: its own width counts from 31 bits on.
  const isNarrow = scale.bits < NARROW_BITS && (scale.bits < 28 || scale.bits >= 32);
  return isNarrow ? narrowDigits(binary.fraction, scale, estimate) : wideDigits(BigInt(binary.fraction), scale, estimate);
}

/** Java wants at least two digits of a number that it prints with an exponent; for large numbers its bound is one power of ten too high. */
function asksForMore(decimalExponent: number): boolean {
  return decimalExponent < -3 || decimalExponent >= 8;
}

/** Produces digits one by one until the rest is less than the distance to a neighbour, and rounds the last one. */
function narrowDigits(fraction: number, { b2, s2, m2, b5, s5 }: Scale, estimate: number): Digits {
  const s = 5 ** s5 * 2 ** s2;
  const tens = s * 10;
  let b = fraction * 5 ** b5 * 2 ** b2;
  let m = 5 ** b5 * 2 ** m2 * 10;
  let quotient = Math.floor(b / s);
  b = (b - quotient * s) * 10;
  let low = b < m;
  let high = b + m > tens;
  const digits: number[] = [];
  const isLeadingZero = quotient === 0 && !high;
  const decimalExponent = isLeadingZero ? estimate - 1 : estimate;
  if (!isLeadingZero) digits.push(quotient);
  if (asksForMore(decimalExponent)) {
    low = false;
    high = false;
  }
  while (!low && !high) {
    quotient = Math.floor(b / s);
    b = (b - quotient * s) * 10;
    m *= 10;
    low = b < m;
    high = b + m > tens;
    digits.push(quotient);
  }
  return rounded(digits, { decimalExponent, low, high, aboveHalf: Math.sign(2 * b - tens) });
}

/** The same as narrowDigits for numbers that are big, or with which Java's own int or long overflows and so decides otherwise. */
function wideDigits(fraction: bigint, { b2, s2, m2, b5, s5, bits }: Scale, estimate: number): Digits {
  const width = widthOf(bits);
  const wrap = (value: bigint): bigint => (width === 0 ? value : BigInt.asIntN(width, value));
  const s = (5n ** BigInt(s5)) << BigInt(s2);
  const tens = s * 10n;
  const fives = 5n ** BigInt(b5);
  let b = (fraction * fives) << BigInt(b2);
  let m = wrap((fives << BigInt(m2)) * 10n);
  const reaches = (): boolean => (width === 0 ? b + m >= tens : wrap(b + m) > tens);
  let quotient = b / s;
  b = (b % s) * 10n;
  let low = b < m;
  let high = reaches();
  const digits: number[] = [];
  const isLeadingZero = quotient === 0n && !high;
  const decimalExponent = isLeadingZero ? estimate - 1 : estimate;
  if (!isLeadingZero) digits.push(Number(quotient));
  if (asksForMore(decimalExponent)) {
    low = false;
    high = false;
  }
  while (!low && !high) {
    quotient = b / s;
    b = (b % s) * 10n;
    m = wrap(m * 10n);
    low = m <= 0n || b < m;
    high = m <= 0n || reaches();
    digits.push(Number(quotient));
  }
  const difference = wrap(2n * b - tens);
  return rounded(digits, { decimalExponent, low, high, aboveHalf: difference > 0n ? 1 : Number(difference < 0n) * -1 });
}

type Ending = { readonly decimalExponent: number; readonly low: boolean; readonly high: boolean; readonly aboveHalf: number };

function rounded(digits: number[], { decimalExponent, low, high, aboveHalf }: Ending): Digits {
  const last = digits.at(-1) ?? 0;
  const isUp = high && (!low || aboveHalf > 0 || (aboveHalf === 0 && last % 2 === 1));
  const carried = isUp && roundedUp(digits);
  return { text: digits.join(''), exponent: decimalExponent + (carried ? 2 : 1) };
}

/** True when all were nines: they are 1 and zeros now, one power of ten higher. */
function roundedUp(digits: number[]): boolean {
  let i = digits.length - 1;
  while (i > 0 && digits[i] === 9) digits[i--] = 0;
  const carries = digits[i] === 9;
  digits[i] = carries ? 1 : (digits[i] ?? 0) + 1;
  return carries;
}
