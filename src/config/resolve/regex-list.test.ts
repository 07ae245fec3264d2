import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { regexProblem, splitRegexList } from './regex-list.ts';

describe('lists of patterns', () => {
  test('refuses a pattern that may take long to match a name, and says how to write it', () => {
    expect(regexProblem('public\\.(a+)+$')).toMatch(/^takes too long to match some names: write it without a repetition inside/);
  });

  /** The lists on the left were given to Debezium 3.6.1, which made of them what stands on the right. */
  test.each([
    ['a , b\\,c,,d ', ['a', 'b,c', 'd']],
    ['a\\.b,c', ['a\\.b', 'c']],
    ['x{1\\,2},y', ['x{1,2}', 'y']],
    ['a\\\\,b', ['a\\\\', 'b']],
    ['', []],
    [' , ', []],
  ])('%j is split as Debezium does', (text, parts) => {
    expect(splitRegexList(text)).toEqual(parts);
  });

  test('leaves out an inline (?i), because matching ignores case anyway', () => {
    expect(splitRegexList('(?i)public\\.a,(?i)b')).toEqual(['public\\.a', 'b']);
  });

  test('patterns without a comma survive joining and splitting', () => {
    const pattern = fc
      .stringMatching(/^[a-z_.\\()[\]|*+?]{1,12}$/)
      .filter((text) => !text.replace(/\\./g, '').includes('\\') && !text.includes('(?i)'));
    fc.assert(
      fc.property(fc.array(pattern), (patterns) => {
        expect(splitRegexList(patterns.join(','))).toEqual(patterns);
      }),
    );
  });

  test.each([
    'public\\.orders',
    'public.(a|b)',
    '(?!x).*',
    '[a-z\\-_]+',
    'a\\-b',
    'a{1,2}',
    'a+?',
    '(?<name>a)',
    '(?s:.*)',
    'tab\\\\Qx',

    'a\\$b',
    '[+*]+',
    '[*+]',
    'caf\u00e9',
  ])('%j means the same in both languages', (pattern) => {
    expect(regexProblem(pattern)).toBeUndefined();
  });

  test.each([
    ['a++', 'possessive'],
    ['a*+b', 'possessive'],
    ['a{2}+', 'possessive'],
    ['(?>a)', 'atomic'],
    ['(?i)a', 'inline flag'],
    ['(?x:a b)', 'inline flag'],
    ['\\Qa.b\\E', 'JavaScript reads differently'],
    ['a\\z', 'JavaScript reads differently'],
    ['\\x{41}', 'JavaScript reads differently'],
    ['[a-z&&[^b]]', 'character class'],
    ['(a', 'not a regular expression'],
    ['a\\', 'not a regular expression'],
    ['\\p{Lu}', 'JavaScript reads differently'],
  ])('%j is refused: %s', (pattern, reason) => {
    expect(regexProblem(pattern)).toContain(reason);
  });

  test('the check never throws, and what passes compiles', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 20, unit: fc.constantFrom(...'ab.*+?()[]{}|\\^$,0-9&Qi<>=!:') }), (pattern) => {
        if (regexProblem(pattern) === undefined) expect(() => new RegExp(`^(?:${pattern})$`, 'i')).not.toThrow();
      }),
    );
  });
});
