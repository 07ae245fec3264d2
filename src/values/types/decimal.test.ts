/** numeric and money against plain versions. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  arrayType,
  builtIn,
  codecOf,
  convert,
  convertWith,
  numericTypmod,
  outcome,
  plainTwosComplement,
  refuse,
  withEdits,
} from '../../../test/oracles/columns.ts';
import { twosComplement } from './decimal.ts';

const RUNS = { numRuns: 1000 };

type Decimal = { readonly unscaled: bigint; readonly scale: number };

function plainDecimal(text: string): Decimal {
  const match = /^(-?[0-9]+)(?:\.([0-9]+))?$/.exec(text) ?? refuse();
  const [, whole = '', fraction = ''] = match;
  return { unscaled: BigInt(whole + fraction), scale: fraction.length };
}

function rescaled({ unscaled, scale }: Decimal, target: number): bigint {
  if (scale <= target) return unscaled * 10n ** BigInt(target - scale);
  const divisor = 10n ** BigInt(scale - target);
  return unscaled % divisor === 0n ? unscaled / divisor : refuse();
}

function plainVariableScale(text: string): { scale: number; value: Uint8Array } {
  let { unscaled, scale } = plainDecimal(text);
  while (scale > 0 && unscaled % 10n === 0n) {
    unscaled /= 10n;
    scale--;
  }
  return { scale, value: plainTwosComplement(unscaled) };
}

const DIGITS = fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: 1, maxLength: 22 });
const DECIMALS = fc
  .tuple(fc.constantFrom('', '-'), DIGITS, fc.option(DIGITS, { nil: undefined }))
  .map(([sign, whole, fraction]) => (fraction === undefined ? sign + whole : `${sign}${whole}.${fraction}`));
const ROUND = fc.integer({ min: -20_000_000, max: 20_000_000 }).map((cents) => (cents / 100).toFixed(2));
const SPECIAL = fc.constantFrom('NaN', 'Infinity', '-Infinity', '0', '0.00', '-0.00', '128', '-128', '-129', '32768');
const NUMERICS = withEdits(fc.oneof(DECIMALS, ROUND, SPECIAL));

describe('numeric', () => {
  it.each([0, 2, 10, 2046])('at scale %i is written like the plain version writes it', (scale) => {
    const codec = codecOf('numeric', { typmod: ((38 << 16) | scale) + 4 });
    fc.assert(
      fc.property(NUMERICS, (text) => {
        expect(outcome(() => convertWith(codec, text))).toStrictEqual(
          outcome(() => plainTwosComplement(rescaled(plainDecimal(text), scale))),
        );
      }),
      RUNS,
    );
  });

  it('without scale is written like the plain version writes it', () => {
    const codec = codecOf('numeric');
    fc.assert(
      fc.property(NUMERICS, (text) => {
        expect(outcome(() => convertWith(codec, text))).toStrictEqual(outcome(() => plainVariableScale(text)));
      }),
      RUNS,
    );
  });

  it('as text keeps the digits, at the scale of the column', () => {
    const codec = codecOf('numeric', { typmod: numericTypmod(38, 3), modes: { decimal: 'string' } });
    const plain = (text: string) => {
      const special = new Map([
        ['NaN', 'NAN'],
        ['Infinity', 'POSITIVE_INFINITY'],
        ['-Infinity', 'NEGATIVE_INFINITY'],
      ]).get(text);
      if (special !== undefined) return special;
      const { scale } = plainDecimal(text);
      if (scale > 3) rescaled(plainDecimal(text), 3);
      const [whole = '', fraction = ''] = text.split('.');
      return `${whole}.${fraction.slice(0, 3).padEnd(3, '0')}`;
    };
    fc.assert(
      fc.property(NUMERICS, (text) => {
        expect(outcome(() => convertWith(codec, text))).toStrictEqual(outcome(() => plain(text)));
      }),
      RUNS,
    );
  });

  it('may have a thousand digits', () => {
    const digits = `${'123456789'.repeat(111)}7`;
    expect(convert('numeric', `-${digits}.5`)).toStrictEqual({
      scale: 1,
      value: plainTwosComplement(-BigInt(`${digits}5`)),
    });
  });

  it('special values are refused in precise mode and inside arrays', () => {
    for (const text of ['NaN', 'Infinity', '-Infinity']) {
      expect(() => convert('numeric', text)).toThrow('NaN or Infinity');
      expect(() => convert('numeric', text, { typmod: numericTypmod(5, 2) })).toThrow('NaN or Infinity');
      expect(() => convert(arrayType(builtIn('numeric')), `{1,${text}}`, { modes: { decimal: 'double' } })).toThrow();
    }
  });

  it('unscaled values of any size are minimal two’s complement', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 200n), max: 2n ** 200n }), fc.nat(200), (value, shift) => {
        const shifted = value >> BigInt(shift);
        expect(Uint8Array.from(twosComplement(shifted))).toStrictEqual(plainTwosComplement(shifted));
      }),
      RUNS,
    );
  });

  it('fast unscaled values are minimal two’s complement too', () => {
    const codec = codecOf('numeric', { typmod: numericTypmod(15, 0) });
    const edges = [7, 8, 15, 16, 23, 24, 31, 32, 39, 40, 47, 48, 49].flatMap((bits) => [2 ** bits, 2 ** bits - 1, 2 ** bits + 1]);
    for (const value of [...edges, ...edges.map((edge) => -edge), 0, 999_999_999_999_999, -999_999_999_999_999]) {
      expect(convertWith(codec, String(value))).toStrictEqual(plainTwosComplement(BigInt(value)));
    }
  });
});

/** Half away from zero. */
function rounded(decimal: Decimal, target: number): bigint {
  if (decimal.scale <= target) return rescaled(decimal, target);
  const divisor = 10n ** BigInt(decimal.scale - target);
  const magnitude = decimal.unscaled < 0n ? -decimal.unscaled : decimal.unscaled;
  const result = (magnitude + divisor / 2n) / divisor;
  return decimal.unscaled < 0n ? -result : result;
}

const AMOUNTS = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((cents) => {
  const magnitude = (cents < 0n ? -cents : cents).toString().padStart(3, '0');
  const whole = magnitude.slice(0, -2).replace(/\B(?=(?:[0-9]{3})+$)/g, ',');
  return { text: `${cents < 0n ? '-' : ''}$${whole}.${magnitude.slice(-2)}`, cents };
});

describe('money', () => {
  it.each([0, 1, 2, 4])('with %i fraction digits rounds half up', (moneyFractionDigits) => {
    const codec = codecOf('money', { modes: { moneyFractionDigits } });
    fc.assert(
      fc.property(AMOUNTS, ({ text, cents }) => {
        const expected = rounded({ unscaled: cents, scale: 2 }, moneyFractionDigits);
        expect(convertWith(codec, text)).toStrictEqual(plainTwosComplement(expected));
      }),
      RUNS,
    );
  });

  it('is written as text and as double', () => {
    const text = codecOf('money', { modes: { decimal: 'string' } });
    const double = codecOf('money', { modes: { decimal: 'double' } });
    expect(convertWith(text, '-$92,233,720,368,547,758.08')).toBe('-92233720368547758.08');
    expect(convertWith(double, '$1,000.10')).toBe(1000.1);
    expect(convertWith(double, '($5.00)')).toBe(-5);
  });

  it('takes one character of currency symbol, of any length in bytes', () => {
    for (const symbol of ['$', '£', '€', '']) expect(convert('money', `-${symbol}1.50`)).toStrictEqual(Uint8Array.of(0xff, 0x6a));
    expect(() => convert('money', 'kr1.50')).toThrow('money');
  });
});
