import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseJsonText } from './json-text.ts';

/** JSON.parse is the reference; it only tells less. */
function reference(text: string): { tag: 'parsed'; value: unknown } | { tag: 'broken' } {
  try {
    return { tag: 'parsed', value: JSON.parse(text) };
  } catch {
    return { tag: 'broken' };
  }
}

describe('JSON with line numbers', () => {
  test('reads what JSON.parse reads', () => {
    fc.assert(
      fc.property(fc.json(), fc.constantFrom(undefined, 2, '\t'), (json, indent) => {
        const text = JSON.stringify(JSON.parse(json), null, indent);
        expect(parseJsonText(text)).toMatchObject(reference(text));
      }),
    );
  });

  test('refuses what JSON.parse refuses: any JSON with one character replaced, dropped or doubled', () => {
    const change = fc.tuple(fc.nat(), fc.constantFrom('', ',', '"', '}', ']', ':', '\\', '0', '-', 'e', ' ', '\n', '\u0001'), fc.boolean());
    fc.assert(
      fc.property(fc.json(), change, (json, [at, char, keep]) => {
        const index = at % (json.length + 1);
        const text = json.slice(0, index) + char + json.slice(keep ? index : index + 1);
        const parsed = parseJsonText(text);
        expect(parsed.tag).toBe(reference(text).tag);
        if (parsed.tag === 'parsed') expect(parsed).toMatchObject(reference(text));
      }),
    );
  });

  test.each([
    ['', 1, 1, 'ends too early'],
    ['{\n  "a": 1,\n}', 3, 1, 'expected a key'],
    ['{\n  "a" 1\n}', 2, 7, 'expected a colon'],
    ['{\n  "a": 1\n  "b": 2\n}', 3, 3, 'expected a comma'],
    ['{"a": geheim}', 1, 7, 'expected a value'],
    ['{"a": "geheim', 1, 7, 'not finished'],
    ['{"a": "ge\\heim"}', 1, 7, 'escape'],
    ['{"a": 1} x', 1, 10, 'follows'],
    ['{\n// geheim\n}', 2, 1, 'expected a key'],
    ['[1 2]', 1, 4, 'expected a comma'],
  ])('%j breaks at line %d, column %d, and no text is quoted', (text, line, column, reason) => {
    const parsed = parseJsonText(text);
    expect(parsed).toMatchObject({ tag: 'broken', line, column, reason: expect.stringContaining(reason) });
    expect(JSON.stringify(parsed)).not.toContain('heim');
  });

  test('says where keys stand and which stand twice', () => {
    const parsed = parseJsonText('{\n"a": 1,\n"config": {\n"b": 2, "a": 3,\n"b": 4}}');
    expect(parsed).toMatchObject({ tag: 'parsed', value: { a: 1, config: { b: 4, a: 3 } }, duplicates: [{ key: 'b', line: 5 }] });
    expect(parsed.tag === 'parsed' && [...parsed.keyLines]).toEqual([
      ['a', 2],
      ['config', 3],
      ['b', 4],
    ]);
  });

  test('reads keys like __proto__ as ordinary keys', () => {
    const parsed = parseJsonText('{"__proto__": {"x": 1}}');
    expect(parsed.tag === 'parsed' && Object.entries(parsed.value ?? {})).toEqual([['__proto__', { x: 1 }]]);
  });

  test('refuses endless nesting instead of exhausting the stack', () => {
    expect(parseJsonText('['.repeat(100_000))).toMatchObject({ tag: 'broken', reason: expect.stringContaining('nested') });
  });
});
