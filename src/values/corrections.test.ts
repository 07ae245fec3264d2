/** slotline.values.corrections: each changes what it names, and nothing without it. */
import { describe, expect, it } from 'vitest';
import {
  arrayType,
  builtIn,
  type ColumnOptions,
  captured,
  codecOf,
  convert,
  enumType,
  extension,
  numericTypmod,
} from '../../test/oracles/columns.ts';
import type { ValueCorrection } from '../core/options.ts';
import type { PgType } from './pg-type.ts';

const PLACEHOLDER = '__debezium_unavailable_value';
const CODES = [...Buffer.from(PLACEHOLDER)];
const BYTES = Uint8Array.from(CODES);

function corrected(correction: ValueCorrection, options: ColumnOptions = {}): ColumnOptions {
  return { ...options, modes: { ...options.modes, corrections: new Set([correction]) } };
}

function unavailable(type: PgType | string, options: ColumnOptions = {}): unknown {
  return captured((out) => codecOf(type, corrected('toast-placeholders', options)).writeUnavailable(out));
}

describe('toast-placeholders', () => {
  it.each(['int2', 'oid', 'float4', 'float8', 'timestamp', 'time'])('%s[] holds the byte codes', (name) => {
    expect(unavailable(arrayType(builtIn(name)))).toStrictEqual(CODES);
  });

  it.each(['timestamptz', 'timetz', 'inet', 'int4range', 'tsvector'])('%s[] holds the text', (name) => {
    expect(unavailable(arrayType(builtIn(name)))).toStrictEqual([PLACEHOLDER]);
  });

  it('arrays of enums, hstore and citext hold the text', () => {
    for (const element of [enumType('mood', ['sad']), extension('hstore'), extension('citext')]) {
      expect(unavailable(arrayType(element))).toStrictEqual([PLACEHOLDER]);
    }
  });

  it('numeric of any scale holds the bytes', () => {
    expect(unavailable('numeric')).toStrictEqual({ scale: 0, value: BYTES });
    expect(unavailable('numeric', { typmod: numericTypmod(9, 2), optional: false })).toStrictEqual(BYTES);
    expect(unavailable(arrayType(builtIn('numeric')))).toStrictEqual([{ scale: 0, value: BYTES }]);
  });

  it('geometries and vectors get a placeholder, required ones too', () => {
    expect(unavailable(extension('geography'), { optional: false })).toStrictEqual({ wkb: BYTES, srid: null });
    expect(unavailable(arrayType(extension('geometry')))).toStrictEqual([{ wkb: BYTES, srid: null }]);
    expect(unavailable(extension('vector'), { optional: false })).toStrictEqual(CODES);
    expect(unavailable(arrayType(extension('vector')))).toStrictEqual([CODES]);
    expect(unavailable(extension('sparsevec'), { optional: false })).toStrictEqual({ dimensions: 0, vector: new Map() });
  });

  it('bit strings get a placeholder, and bytea in every mode', () => {
    expect(unavailable('varbit')).toStrictEqual(BYTES);
    expect(unavailable('bytea', { modes: { binary: 'base64' } })).toBe(PLACEHOLDER);
    expect(unavailable(arrayType(builtIn('bytea')), { modes: { binary: 'base64' } })).toStrictEqual([PLACEHOLDER]);
  });

  it('leaves the placeholders that Debezium has', () => {
    expect(unavailable('text')).toBe(PLACEHOLDER);
    expect(unavailable(arrayType(builtIn('uuid')))).toStrictEqual(['b68a35a7-17ad-35b3-af2a-ae46edb4545a']);
    expect(unavailable(arrayType(builtIn('bool')))).toBeNull();
  });
});

describe('numerics', () => {
  it('makes room for null where NaN has no form', () => {
    const options = { optional: false, typmod: numericTypmod(9, 2) };
    expect(codecOf('numeric', options).schema.optional).toBe(false);
    const codec = codecOf('numeric', corrected('numerics', options));
    expect(codec.schema.optional).toBe(true);
    expect(codec.nullable).toBe(false);
    expect(captured(codec.writeFallback)).toStrictEqual(Uint8Array.of(0));
    const double = corrected('numerics', { ...options, modes: { decimal: 'double' } });
    expect(codecOf('numeric', double).schema.optional).toBe(false);
  });

  it('has no scale where the column has a negative one', () => {
    const options = corrected('numerics', { typmod: numericTypmod(3, -2) });
    expect(codecOf('numeric', options).schema.parameters).toStrictEqual([
      ['scale', '0'],
      ['connect.decimal.precision', '5'],
    ]);
    expect(convert('numeric', '12300', options)).toStrictEqual(Uint8Array.of(0x30, 0x0c));
    expect(convert('numeric', '1.50', corrected('numerics', { typmod: numericTypmod(3, 2) }))).toStrictEqual(Uint8Array.of(0, 0x96));
  });
});

describe('dates-and-times', () => {
  it('a snapshot reads a date as the stream does', () => {
    const snapshot: ColumnOptions = { modes: { phase: 'snapshot' } };
    for (const date of ['infinity', '-infinity', '4713-01-01 BC', '2026-01-02']) {
      expect(convert('date', date, corrected('dates-and-times', snapshot))).toBe(convert('date', date));
    }
    expect(convert('date', '4713-01-01 BC', snapshot)).not.toBe(convert('date', '4713-01-01 BC'));
  });

  it.each([
    ['date', '0044-03-15 BC'],
    ['time', '12:30:00.123456'],
    ['timestamp', '0044-03-15 12:30:00.123456 BC'],
    ['timestamptz', '0044-03-15 12:30:00.123456+00 BC'],
    ['timetz', '12:30:00.123456+02'],
  ])('an element of %s[] is as the value alone', (name, text) => {
    const type = arrayType(builtIn(name));
    expect(convert(type, `{"${text}"}`, corrected('dates-and-times'))).toStrictEqual([convert(name, text)]);
    expect(convert(type, `{"${text}"}`)).not.toStrictEqual([convert(name, text)]);
  });

  it('the end of a day is not its beginning', () => {
    expect(convert('timetz', '24:00:00+00')).toBe('00:00:00Z');
    expect(convert('timetz', '24:00:00+00', corrected('dates-and-times'))).toBe('24:00:00Z');
    expect(convert('timetz', '24:00:00-05', corrected('dates-and-times'))).toBe('05:00:00Z');
    const iso: ColumnOptions = { modes: { time: 'isostring' } };
    expect(convert('time', '24:00:00', iso)).toBe('00:00:00Z');
    expect(convert('time', '24:00:00', corrected('dates-and-times', iso))).toBe('24:00:00Z');
  });
});

describe('names', () => {
  it('are streamed with their value', () => {
    expect(convert('name', 'nm')).toBeNull();
    expect(convert('name', 'nm', corrected('names'))).toBe('nm');
  });
});

describe('arrays', () => {
  const arrays = (options?: ColumnOptions): ColumnOptions => corrected('arrays', options);

  it('bit[], int2vector and oidvector have their elements', () => {
    expect(convert(arrayType(builtIn('bit')), '{101,NULL}', arrays({ typmod: 3 }))).toStrictEqual([Uint8Array.of(5), null]);
    expect(convert(arrayType(builtIn('bit')), '{1,0}', arrays({ typmod: 1 }))).toStrictEqual([true, false]);
    expect(convert('int2vector', '1 -2 3', arrays())).toStrictEqual([1, -2, 3]);
    expect(convert('oidvector', '4294967295', arrays())).toStrictEqual([4_294_967_295]);
    expect(convert('oidvector', '', arrays())).toStrictEqual([]);
    expect(convert('oidvector', '1 2', {})).toStrictEqual([]);
  });

  it('the elements of inner arrays follow each other in one array', () => {
    const texts = arrayType(builtIn('text'));
    expect(convert(arrayType(builtIn('int4')), '{{1,2},{3,NULL}}', arrays())).toStrictEqual([1, 2, 3, null]);
    expect(convert(arrayType(builtIn('int4')), '[1:1][-2:-1]={{{7},{8}}}', arrays())).toStrictEqual([7, 8]);
    expect(convert(texts, '{{"a}","{\\"b"},{c,NULL}}', arrays())).toStrictEqual(['a}', '{"b', 'c', null]);
    expect(() => convert(texts, '{{a}{b}}', arrays())).toThrow('array');
    expect(() => convert(texts, '{{a},}', arrays())).toThrow('array');
  });

  it('a null element, or NaN, does not make the whole array null', () => {
    const moods = arrayType(enumType('mood', ['sad']));
    expect(convert(moods, '{sad,NULL}', arrays())).toStrictEqual(['sad', null]);
    expect(codecOf(moods, arrays()).schema.items?.optional).toBe(true);
    expect(convert(arrayType(extension('ltree')), '{a.b,NULL}', arrays())).toStrictEqual(['a.b', null]);
    const numbers = arrayType(builtIn('numeric'));
    expect(convert(numbers, '{1.5,NaN}', arrays({ modes: { decimal: 'string' } }))).toStrictEqual(['1.5', 'NAN']);
    const sparse = { dimensions: 3, vector: new Map([['1', 2]]) };
    expect(convert(arrayType(extension('sparsevec')), '{"{1:2}/3"}', arrays())).toStrictEqual([sparse]);
  });
});
