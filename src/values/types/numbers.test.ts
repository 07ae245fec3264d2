/** Integers and floating point against plain versions. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { codecOf, convertWith, outcome, refuse, withEdits } from '../../../test/oracles/columns.ts';

const RUNS = { numRuns: 1000 };

function plainInteger(text: string, bits: number): number {
  if (!/^-?[0-9]{1,10}$/.test(text)) refuse();
  const value = BigInt(text);
  return BigInt.asIntN(bits, value) === value ? Number(value) : refuse();
}

function plainInt64(text: string): number | bigint {
  if (!/^(?:0|-?[1-9][0-9]*)$/.test(text)) refuse();
  const value = BigInt(text);
  if (BigInt.asIntN(64, value) !== value) refuse();
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

function plainFloat64(text: string): number {
  if (/^(?:NaN|-?Infinity)$/.test(text)) return Number(text);
  return /^-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/.test(text) ? Number(text) : refuse();
}

type Rational = { readonly numerator: bigint; readonly denominator: bigint };

function rationalOfText(text: string): Rational {
  const [mantissa = '', exponent = '0'] = text.toLowerCase().split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  const tens = BigInt(exponent) - BigInt(fraction.length);
  const digits = BigInt(whole + fraction);
  return tens >= 0n ? { numerator: digits * 10n ** tens, denominator: 1n } : { numerator: digits, denominator: 10n ** -tens };
}

function rationalOfFloat(value: number): Rational {
  let scaled = value;
  let denominator = 1n;
  while (!Number.isInteger(scaled)) {
    scaled *= 2;
    denominator *= 2n;
  }
  return { numerator: BigInt(scaled), denominator };
}

function distance(a: Rational, b: Rational): Rational {
  const difference = a.numerator * b.denominator - b.numerator * a.denominator;
  return { numerator: difference < 0n ? -difference : difference, denominator: a.denominator * b.denominator };
}

const floatBits = new DataView(new ArrayBuffer(4));

function floatOfBits(bits: number): number {
  floatBits.setUint32(0, bits);
  return floatBits.getFloat32(0);
}

/** The nearest float by exact arithmetic, ties to even; positive and below the largest float. */
function plainFloat32(text: string): number {
  const exact = rationalOfText(text);
  floatBits.setFloat32(0, Math.fround(Number(text)));
  const guess = floatBits.getUint32(0);
  const candidates = [guess - 1, guess, guess + 1].filter((bits) => bits >= 0).map((bits) => ({ bits, value: floatOfBits(bits) }));
  candidates.sort((a, b) => {
    const left = distance(exact, rationalOfFloat(a.value));
    const right = distance(exact, rationalOfFloat(b.value));
    const difference = left.numerator * right.denominator - right.numerator * left.denominator;
    return difference === 0n ? (a.bits & 1) - (b.bits & 1) : difference < 0n ? -1 : 1;
  });
  return candidates[0]?.value ?? Number.NaN;
}

const INTEGERS = withEdits(
  fc.oneof(
    fc.integer().map(String),
    fc.bigInt({ min: -(2n ** 65n), max: 2n ** 65n }).map(String),
    fc.constantFrom('32767', '32768', '-32768', '-32769', '2147483647', '2147483648', '-2147483648', '-2147483649'),
    fc.constantFrom('9223372036854775807', '9223372036854775808', '-9223372036854775808', '-9223372036854775809', '-0', '00'),
  ),
);

const FLOATS = withEdits(
  fc.oneof(
    fc.double({ noNaN: true }).map(String),
    fc.double({ noNaN: true, min: -1e9, max: 1e9 }).map(String),
    fc.integer({ min: -1_000_000, max: 1_000_000 }).map((cents) => (cents / 100).toFixed(2)),
    fc.constantFrom('NaN', 'Infinity', '-Infinity', '0', '-0', '1e308', '1e-308', '9007199254740993', '.5', '5.'),
  ),
);

describe('integers', () => {
  it.each([
    ['int2', 16],
    ['int4', 32],
  ] as const)('%s as the plain version', (type, bits) => {
    const codec = codecOf(type);
    fc.assert(
      fc.property(INTEGERS, (text) => {
        expect(outcome(() => convertWith(codec, text))).toStrictEqual(outcome(() => plainInteger(text, bits)));
      }),
      RUNS,
    );
  });

  it('int8 is written like the plain version writes it', () => {
    const codec = codecOf('int8');
    fc.assert(
      fc.property(INTEGERS, (text) => {
        expect(outcome(() => convertWith(codec, text))).toStrictEqual(outcome(() => plainInt64(text)));
      }),
      RUNS,
    );
  });
});

describe('floating point', () => {
  it('float8 is read like the plain version reads it', () => {
    const codec = codecOf('float8');
    fc.assert(
      fc.property(FLOATS, (text) => {
        expect(outcome(() => convertWith(codec, text))).toStrictEqual(outcome(() => plainFloat64(text)));
      }),
      RUNS,
    );
  });

  it('float4 is the float nearest to the text', () => {
    const codec = codecOf('float4');
    const near = fc.tuple(fc.integer({ min: 1, max: 0x7f00_0000 }), fc.nat(22)).map(([bits, extra]) => {
      // Just beside the middle between two floats, where rounding twice goes wrong.
      const middle = (floatOfBits(bits) + floatOfBits(bits + 1)) / 2;
      return `${middle.toPrecision(17)}`.replace(/e|$/, (end) =>
        middle.toPrecision(17).includes('.') ? '0'.repeat(extra) + 1 + end : end,
      );
    });
    fc.assert(
      fc.property(fc.oneof(near, fc.double({ min: 1e-44, max: 3e38, noNaN: true }).map(String)), (text) => {
        expect(convertWith(codec, text)).toBe(plainFloat32(text));
      }),
      RUNS,
    );
  });

  it('float4 does not round twice', () => {
    // 1 + 2^-24 lies in the middle of two floats; the digits behind decide, and a double does not see them.
    expect(convertWith(codecOf('float4'), '1.00000005960464477539062500000000000001')).toBe(Math.fround(1 + 2 ** -23));
    expect(convertWith(codecOf('float4'), '1.000000059604644775390625')).toBe(1);
  });
});
