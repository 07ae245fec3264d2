/** The values that Debezium's own test suite asserts, and their neighbours. */
import { describe, expect, it } from 'vitest';
import {
  arrayType,
  builtIn,
  type ColumnOptions,
  convert,
  enumType,
  numericTypmod,
  plainTwosComplement,
} from '../../test/oracles/columns.ts';
import type { PgType } from './pg-type.ts';
import type { CapturedValue } from './value-capture.ts';

function bytes(...values: number[]): Uint8Array {
  return Uint8Array.from(values);
}

type Row = readonly [type: string, cell: string, expected: CapturedValue, options?: ColumnOptions];

const GOLDEN: readonly Row[] = [
  ['bit', '11', bytes(3), { typmod: 2 }],
  ['bit', '1000000', bytes(64), { typmod: 7 }],
  ['varbit', '00', bytes(), { typmod: 2 }],
  ['varbit', '000000110000001000000001', bytes(1, 2, 3), { typmod: 24 }],
  ['varbit', `1${'0'.repeat(63)}`, bytes(0, 0, 0, 0, 0, 0, 0, 0x80), { typmod: 64 }],
  ['varbit', '101', bytes(5)],
  ['varbit', '111011010001000110000001000000001', bytes(1, 2, 35, 218, 1)],
  ['bit', '0000000000000001', bytes(1), { typmod: 16 }],
  ['bit', '1', true, { typmod: 1 }],
  ['varbit', '0', false, { typmod: 1 }],
  ['numeric', '1.10', bytes(110), { typmod: numericTypmod(3, 2) }],
  ['numeric', '1.10', '1.10', { typmod: numericTypmod(3, 2), modes: { decimal: 'string' } }],
  ['numeric', '1.10', 1.1, { typmod: numericTypmod(3, 2), modes: { decimal: 'double' } }],
  ['numeric', '10', bytes(10), { typmod: numericTypmod(4, 0) }],
  ['numeric', '10.1111', { scale: 4, value: plainTwosComplement(101111n) }],
  ['numeric', '10.1111', '10.1111', { modes: { decimal: 'string' } }],
  ['numeric', '10', { scale: 0, value: bytes(10) }],
  ['numeric', '10', '10', { modes: { decimal: 'string' } }],
  ['numeric', '22.2200', plainTwosComplement(222200n), { typmod: numericTypmod(6, 4) }],
  ['numeric', 'NaN', 'NAN', { modes: { decimal: 'string' } }],
  ['numeric', 'Infinity', 'POSITIVE_INFINITY', { modes: { decimal: 'string' } }],
  ['numeric', '-Infinity', 'NEGATIVE_INFINITY', { modes: { decimal: 'string' }, typmod: numericTypmod(5, 2) }],
  ['numeric', 'NaN', Number.NaN, { modes: { decimal: 'double' } }],
  ['numeric', '-Infinity', Number.NEGATIVE_INFINITY, { modes: { decimal: 'double' } }],
  ['float4', 'NaN', Number.NaN],
  ['float4', '-Infinity', Number.NEGATIVE_INFINITY],
  ['float8', 'Infinity', Number.POSITIVE_INFINITY],
  ['oid', '4000000000', 4_000_000_000],
  ['timestamp', '2016-11-04 13:51:30.123456', 1_478_267_490_123_456],
  ['timestamp', '2016-11-04 13:51:30.123', 1_478_267_490_123, { typmod: 3 }],
  ['timestamptz', '2016-11-04 11:51:30.123456+00', '2016-11-04T11:51:30.123456Z'],
  ['timestamptz', '2016-11-04 13:51:30.123456+02', '2016-11-04T11:51:30.123456Z'],
  ['timestamptz', '21016-11-04 06:51:30+00', '+21016-11-04T06:51:30.000000Z'],
  ['timestamptz', '294247-01-01 23:59:59.999999+00', '+294247-01-01T23:59:59.999999Z'],
  ['timestamp', '4713-12-31 23:59:59.999999 BC', -210_831_897_600_000_001n],
  ['timestamptz', '4714-12-31 23:59:59.999999+00 BC', '-4713-12-31T23:59:59.999999Z'],
  ['timestamp', '294247-01-01 23:59:59.999999', 9_223_371_331_199_999_999n],
  ['timestamp', 'infinity', 9_223_372_036_825_200_000n],
  ['timestamp', '-infinity', -9_223_372_036_832_400_000n],
  ['timestamp', 'infinity', 9_223_372_036_825_200n, { typmod: 3 }],
  ['timestamp', '-infinity', -9_223_372_036_832_400n, { typmod: 0 }],
  ['timestamptz', 'infinity', 'infinity'],
  ['timestamptz', '-infinity', '-infinity'],
  ['timestamptz', '2019-03-31 15:00:00+00', '2019-03-31T15:00:00.000000Z', { typmod: 6 }],
  ['timestamptz', '2019-03-31 15:00:00.1+00', '2019-03-31T15:00:00.100Z', { typmod: 3 }],
  ['timestamptz', '2019-03-31 15:00:00+00', '2019-03-31T15:00:00Z', { typmod: 0 }],
  ['date', 'infinity', -2_147_472_692],
  ['date', '-infinity', -2_147_472_691],
  ['date', '2016-11-04', 17_109],
  ['date', '0001-12-31 BC', -719_163],
  ['time', '13:51:30', 49_890_000_000],
  ['time', '13:51:30.123', 49_890_123, { typmod: 3 }],
  ['time', '24:00:00', 86_400_000_000],
  ['time', '24:00:00', 86_400_000, { modes: { time: 'connect' } }],
  ['timetz', '13:51:30.123789+02', '11:51:30.123789Z'],
  ['timetz', '13:51:30.123+02', '11:51:30.123Z', { typmod: 3 }],
  ['timetz', '13:51:02+02:00', '11:51:02Z'],
  ['timetz', '24:00:00+00', '00:00:00Z'],
  ['interval', '1 year 2 mons 3 days 04:05:06.78', 37_091_106_780_000],
  ['interval', '1 year 2 mons 3 days 04:05:06.78', 'P1Y2M3DT4H5M6.78S', { modes: { interval: 'string' } }],
  ['tsrange', '["2019-03-31 15:30:00",infinity)', '["2019-03-31 15:30:00",infinity)'],
  ['daterange', '[2019-03-31,infinity)', '[2019-03-31,infinity)'],
  ['int4range', '[1000,6000)', '[1000,6000)'],
  ['numrange', '[5.3,6.3)', '[5.3,6.3)'],
  ['int8range', '[1000000,6000000)', '[1000000,6000000)'],
  ['bytea', '\\x010203', '010203', { modes: { binary: 'hex' } }],
  ['bytea', '\\x010203', 'AQID', { modes: { binary: 'base64' } }],
  ['bytea', '\\x010203', bytes(1, 2, 3)],
  ['money', '$1,234.56', plainTwosComplement(123456n)],
  ['money', '-$1,234.56', plainTwosComplement(-123456n)],
  ['money', '($1,234.56)', plainTwosComplement(-123456n)],
  ['tsvector', "'a':1 'b':2", "'a':1 'b':2"],
  ['bpchar', 'ab   ', 'ab   ', { typmod: 9 }],
  ['char', 'x', 'x'],
  ['jsonb', '{"a": 1}', '{"a": 1}'],
  ['uuid', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'],
];

describe('golden values', () => {
  for (const [type, cell, expected, options] of GOLDEN) {
    it(`${type} ${cell} ${JSON.stringify(options ?? {})}`, () => {
      expect(convert(type, cell, options)).toStrictEqual(expected);
    });
  }

  it('a point carries its well-known binary and no srid', () => {
    const wkb = Buffer.alloc(21);
    wkb.writeUInt8(1, 0);
    wkb.writeUInt32LE(1, 1);
    wkb.writeDoubleLE(1, 5);
    wkb.writeDoubleLE(-2.5, 13);
    expect(convert('point', '(1,-2.5)')).toStrictEqual({ x: 1, y: -2.5, wkb: Uint8Array.from(wkb), srid: null });
  });

  it.each<readonly [string, string, CapturedValue, CapturedValue]>([
    ['date', 'infinity', -622_191_234, -2_147_472_692],
    ['date', '-infinity', -625_821_272, -2_147_472_691],
    ['date', '4713-01-01 BC', 1_001_860, -2_440_550],
    ['date', '0001-01-01', -719_162, -719_162],
    ['name', 'nm', 'nm', null],
    ['timestamp', '0001-12-31 12:00:00 BC', -62_135_640_000_000_000n, -62_135_640_000_000_000n],
  ])('%s %s in a snapshot and in the stream', (type, cell, inSnapshot, inStream) => {
    expect(convert(type, cell, { modes: { phase: 'snapshot' } })).toStrictEqual(inSnapshot);
    expect(convert(type, cell)).toStrictEqual(inStream);
  });

  it.each<readonly [PgType, string, CapturedValue, ColumnOptions]>([
    [arrayType(builtIn('timestamptz')), '{"2020-04-01 11:51:02+00"}', ['2020-04-01T11:51:02.000000Z'], {}],
    [arrayType(builtIn('bytea')), '{"\\\\x010203"}', ['AQID'], { modes: { binary: 'base64' } }],
    [arrayType(builtIn('numeric')), '{1.10,NULL}', [bytes(110), null], { typmod: numericTypmod(3, 2) }],
    [arrayType(builtIn('time')), '{00:01:02.123456,24:00:00}', [62_123_000, 0], {}],
    [arrayType(builtIn('timetz')), '{"13:51:30.75+02"}', ['11:51:30Z'], {}],
    [arrayType(builtIn('date')), '{infinity,-infinity,"0044-03-15 BC",1500-02-03}', [-622_191_234, -625_821_272, -703_383, -171_631], {}],
    [arrayType(builtIn('timestamp')), '{"0044-03-15 00:00:00 BC"}', [-63_517_996_800_000_000n], {}],
    [arrayType(builtIn('timestamptz')), '{"0044-03-15 00:00:00+00 BC"}', ['0044-03-15T00:00:00.000000Z'], {}],
    [arrayType(enumType('mood', ['sad', 'ok'])), '{ok,sad}', ['ok', 'sad'], {}],
    [builtIn('oidvector'), '1 2', [], {}],
  ])('elements of %o', (type, cell, expected, options) => {
    expect(convert(type, cell, options)).toStrictEqual(expected);
  });
});
