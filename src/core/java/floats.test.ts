import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { javaFloat32Text, javaFloat64Text } from './floats.ts';

const view = new DataView(new ArrayBuffer(8));

function float64Of(bits: string): number {
  view.setBigUint64(0, BigInt(`0x${bits}`));
  return view.getFloat64(0);
}

function float32Of(bits: string): number {
  view.setUint32(0, Number.parseInt(bits, 16));
  return view.getFloat32(0);
}

/** What stands on the right was printed by Double.toString and Float.toString of OpenJDK 17. */
describe('floating-point numbers as Java 17 prints them', () => {
  it.each([
    [0, '0.0'],
    [-0, '-0.0'],
    [1, '1.0'],
    [-0.25, '-0.25'],
    [0.001, '0.001'],
    [9.9e-4, '9.9E-4'],
    [9_999_999, '9999999.0'],
    [1e7, '1.0E7'],
    [123_456.789, '123456.789'],
    [0.1 + 0.2, '0.30000000000000004'],
    [9_007_199_254_740_992, '9.007199254740992E15'],
    [1e21, '1.0E21'],
    [1e23, '9.999999999999999E22'],
    [2e23, '1.9999999999999998E23'],
    [8.41e21, '8.409999999999999E21'],
    [1.23e22, '1.2300000000000001E22'],
    [1.797_693_134_862_315_7e308, '1.7976931348623157E308'],
    [2.225_073_858_507_201_4e-308, '2.2250738585072014E-308'],
    [5e-324, '4.9E-324'],
    [1e-323, '1.0E-323'],
  ])('double %d is %s', (value, text) => {
    expect(javaFloat64Text(value)).toBe(text);
  });

  it.each([
    [0.1, '0.1'],
    [2_133_333.25, '2133333.2'],
    [16_777_216, '1.6777216E7'],
    [123_456_789, '1.23456792E8'],
    [8_589_934_592, '8.5899346E9'],
    [1e11, '9.9999998E10'],
    [3.402_823_5e38, '3.4028235E38'],
    [1.175_494_35e-38, '1.17549435E-38'],
    [1.4e-45, '1.4E-45'],
  ])('float %d is %s', (value, text) => {
    expect(javaFloat32Text(Math.fround(value))).toBe(text);
  });

  it('overflows where the numbers of Java do', () => {
    expect(javaFloat32Text(float32Of('69000000'))).toBe('9.6714065E24');
    expect(javaFloat32Text(float32Of('6a550c3e'))).toBe('6.4389752E25');
  });

  it('reads back as the same number', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 0xffff_ffff_ffff_ffffn), (bits) => {
        const value = float64Of(bits.toString(16));
        if (Number.isFinite(value)) expect(Object.is(Number(javaFloat64Text(value)), value)).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  it('reads back as the same float', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffff_ffff }), (bits) => {
        const value = float32Of(bits.toString(16));
        if (Number.isFinite(value)) expect(Object.is(Math.fround(Number(javaFloat32Text(value))), value)).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });
});
