import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isJsonArray, isJsonObject, type JsonValue, parseJson } from './json-document.ts';

/** Beyond 64 bits only that is compared. */
function told(value: unknown): unknown {
  return typeof value === 'number' && Math.abs(value) >= 2 ** 63 ? 'huge' : value;
}

/** The document as JSON.parse would give it. */
function plain(value: JsonValue | undefined): unknown {
  if (value === null || typeof value !== 'object') return value;
  if (isJsonArray(value)) return value.map(plain);
  if (isJsonObject(value)) return Object.fromEntries([...value].map(([name, member]) => [name, plain(member)]));
  return value.kind === 'huge' ? 'huge' : told(Number(value.value));
}

describe('a JSON document', () => {
  it('is what JSON.parse reads, whatever stands in it', () => {
    fc.assert(
      fc.property(fc.json(), fc.constantFrom(undefined, ' ', '\n\t'), (text, blanks) => {
        const spaced = JSON.stringify(JSON.parse(text), null, blanks);
        // An integer -0 is 0 in Java; other numbers keep their sign.
        expect(JSON.stringify(plain(parseJson(spaced)))).toBe(JSON.stringify(JSON.parse(spaced, (_, value) => told(value))));
      }),
    );
  });

  it('with an edit that leaves it one is read alike', () => {
    const edited = fc.tuple(
      fc.json(),
      fc.nat(),
      fc.constantFrom('"', '\\', '{', '}', '[', ']', ',', ':', '0', '-', 'e', '.', '\u0001', ''),
    );
    fc.assert(
      fc.property(edited, ([text, at, insert]) => {
        const place = at % (text.length + 1);
        const changed = text.slice(0, place) + insert + text.slice(place + 1);
        let expected: unknown;
        try {
          expected = JSON.parse(changed, (_, value) => told(value));
        } catch {
          return;
        }
        expect(JSON.stringify(plain(parseJson(changed)))).toBe(JSON.stringify(expected));
      }),
    );
  });

  it.each([
    ['{"b":1,"1":2,"b":3}', '[["b",3],["1",2]]'],
    ['{"a":1} and more', '[["a",1]]'],
    ['{"a":"\\u00e9\\n\\ud83d\\ude00"}', '[["a","é\\n😀"]]'],
  ])('%s keeps the order of the text, and ends with the first value', (text, members) => {
    const document = parseJson(text) ?? null;
    const entries = isJsonObject(document) ? [...document].map(([name, value]) => [name, plain(value)]) : [];
    expect(JSON.stringify(entries)).toBe(members);
  });

  it.each([
    '{"a":01}',
    '{"a":1.}',
    '{"a":.5}',
    '{"a":+1}',
    '{"a":NaN}',
    '{"a":1,}',
    '{a:1}',
    "{'a':1}",
    '{"a":"\u0001"}',
    '{"a":"\\x"}',
    '{"a":"',
  ])('%j is none', (text) => {
    expect(parseJson(text)).toBeUndefined();
  });

  it('tells the types of numbers', () => {
    const kinds = (text: string): unknown => {
      const value = parseJson(text);
      return typeof value === 'object' && value !== null && 'kind' in value ? value.kind : undefined;
    };
    expect(kinds('2147483647')).toBe('int32');
    expect(kinds('-2147483649')).toBe('int64');
    expect(kinds('9223372036854775807')).toBe('int64');
    expect(kinds('9223372036854775808')).toBe('huge');
    expect(kinds('1.0')).toBe('float64');
    expect(kinds('1e2')).toBe('float64');
    expect(parseJson('9223372036854775807')).toEqual({ kind: 'int64', value: 9_223_372_036_854_775_807n });
    expect(parseJson('-0')).toEqual({ kind: 'int32', value: 0 });
    expect(parseJson('-0.0')).toEqual({ kind: 'float64', value: -0 });
  });

  it("has Jackson's limits of depth and length", () => {
    const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
    expect(parseJson(nested(1_000))).toBeDefined();
    expect(parseJson(nested(1_001))).toBeUndefined();
    expect(parseJson('1'.repeat(1_000))).toEqual({ kind: 'huge' });
    expect(parseJson('1'.repeat(1_001))).toBeUndefined();
  });
});
