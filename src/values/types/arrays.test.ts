/** Array text as PostgreSQL writes it, and text that is none. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  arrayType,
  builtIn,
  codecOf,
  convert,
  convertWith,
  enumType,
  extension,
  outcome,
  withEdits,
} from '../../../test/oracles/columns.ts';

/** As array_out quotes. */
function printedElement(text: string | null): string {
  if (text === null) return 'NULL';
  if (text === '' || /[{},"\\\s]/.test(text) || text.toUpperCase() === 'NULL') {
    return `"${text.replace(/["\\]/g, '\\$&')}"`;
  }
  return text;
}

const TEXTS = fc.oneof(
  fc.string({ unit: fc.constantFrom(...'ab,{}"\\ \n\tNULé😀'), maxLength: 8 }),
  fc.constantFrom('NULL', 'null', '', '{}', '\\', '"'),
);
const ARRAYS = fc.array(fc.option(TEXTS), { maxLength: 6 });

describe('arrays', () => {
  it('an int2vector or oidvector is empty, and null where its text is empty', () => {
    expect(convert('oidvector', '1 2')).toStrictEqual([]);
    expect(convert('int2vector', '')).toBeNull();
  });

  it('elements of text[] are read as they were before PostgreSQL printed them', () => {
    const codec = codecOf(arrayType(builtIn('text')));
    fc.assert(
      fc.property(ARRAYS, fc.boolean(), (elements, bounds) => {
        const body = `{${elements.map(printedElement).join(',')}}`;
        const text = bounds && elements.length > 0 ? `[-2:${elements.length - 3}]=${body}` : body;
        expect(convertWith(codec, text)).toStrictEqual(elements);
      }),
      { numRuns: 1000 },
    );
  });

  it('a malformed text is refused, and a valid one is read', () => {
    const codec = codecOf(arrayType(builtIn('int4')));
    const texts = withEdits(fc.array(fc.integer(), { maxLength: 4 }).map((values) => `{${values.join(',')}}`));
    fc.assert(
      fc.property(texts, (text) => {
        const result = outcome(() => convertWith(codec, text));
        if (/^\{(?:-?[0-9]{1,9}(?:,-?[0-9]{1,9})*)?\}$/.test(text)) {
          expect(result).toStrictEqual({
            value:
              text === '{}'
                ? []
                : text
                    .slice(1, -1)
                    .split(',')
                    .map((digits) => Number(digits) + 0),
          });
        } else if (!/[{["N].*\}$/.test(text)) expect(result).toBe('refused');
      }),
      { numRuns: 1500 },
    );
  });

  it.each(['{1,}', '{,1}', '{1', '1}', '{', '}', '', '{"1}', '[0:1]', '{{1}', '{"1"2}'])('%s is refused', (text) => {
    expect(() => convert(arrayType(builtIn('int4')), text)).toThrow('array');
  });

  it.each([
    ['text', '{{a,"}"},{"\\"{",b}}', /^\[Ljava\.lang\.String;@[0-9a-f]+$/, 2],
    ['uuid', '{{{NULL}}}', /^\[\[Ljava\.util\.UUID;@[0-9a-f]+$/, 1],
    ['inet', '{{10.0.0.1}}', /^\[Ljava\.lang\.Object;@[0-9a-f]+$/, 1],
  ] as const)('inner arrays of %s are printed as Java prints an array, the same alike', (name, text, expected, count) => {
    const value = convert(arrayType(builtIn(name)), text);
    expect(value).toStrictEqual(Array.from({ length: count }, () => expect.stringMatching(expected)));
    expect(convert(arrayType(builtIn(name)), text)).toStrictEqual(value);
  });

  it('other inner arrays are null, as Debezium gives them', () => {
    expect(convert(arrayType(builtIn('int4')), '{{1,2},{3,4}}')).toStrictEqual([null, null]);
    expect(convert(arrayType(builtIn('bytea')), '{{"\\\\x00"},{"\\\\xff"}}')).toStrictEqual([null, null]);
  });

  it('null elements are refused where Debezium gives up the array', () => {
    expect(() => convert(arrayType(extension('ltree')), '{a.b,NULL}')).toThrow('null element');
    expect(() => convert(arrayType(enumType('mood', ['ok'])), '{NULL}')).toThrow('null element');
  });

  it('an element that cannot be converted fails the column', () => {
    expect(() => convert(arrayType(builtIn('int2')), '{1,70000}')).toThrow('integer of its width');
  });

  it('days that the Gregorian reform left out are ten days later, as in a Java calendar', () => {
    expect(convert(arrayType(builtIn('date')), '{1582-10-04,1582-10-05,1582-10-14,1582-10-15}')).toStrictEqual([
      -141_438, -141_427, -141_418, -141_427,
    ]);
    expect(convert('date', '1582-10-10', { modes: { phase: 'snapshot' } })).toBe(-141_422);
    expect(convert('date', '1582-10-10')).toBe(-141_432);
    expect(convert(arrayType(builtIn('timestamptz')), '{"1582-10-14 00:00:00+00","1582-10-15 00:00:00+00"}')).toStrictEqual([
      '1582-10-24T00:00:00.000000Z',
      '1582-10-15T00:00:00.000000Z',
    ]);
  });
});
