/** Patterns that a person wrote: what they match, and that none of them can hold the process up. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SlotlineError } from './errors.ts';
import { compileUserPattern, isSlowPattern, worstSteps } from './user-pattern.ts';

const LONG_NAME = `public.${'a'.repeat(63)}.${'a'.repeat(63)}!`;
/** Both time limits, on a machine that is busy. */
const ENDS_WITHIN_MS = 8_000;

describe('patterns of a config', () => {
  test.each(['(a+)+$', '(?:\\w+\\d?)*!x', 'public\\.(a|a)*b', 'a?'.repeat(30) + 'a'.repeat(30)])('%s is told to be slow', (source) => {
    expect(isSlowPattern(source, 'i')).toBe(true);
  });

  test.each([
    'public\\.orders',
    'inventory\\.(customers|orders|products_on_hand)',
    'public\\.(?!tmp_).*',
    '^(?!.*(_tmp|_bak)).*$',
    '.*secret$|.*password$|.*sasl\\.jaas\\.config$',
    '(public|app_\\d+)\\.[a-z]+_[a-z]+_\\d{4}',
    '(a|b)+\\.c',
    '(\\w+\\.)*x',
    '(\\w)\\1+',
    '.*a.*b.*c.*d',
  ])('%s is not', (source) => {
    expect(isSlowPattern(source, 'i')).toBe(false);
  });

  test('a name that takes too long ends with an error that names the pattern and what to do, within the limits', () => {
    const pattern = compileUserPattern('(x|public)\\.(a+)+\\.(a+)+', 'i');
    const startedMs = performance.now();
    let thrown: unknown;
    try {
      pattern.test(LONG_NAME);
    } catch (error) {
      thrown = error;
    }
    expect(performance.now() - startedMs).toBeLessThan(ENDS_WITHIN_MS);
    expect(thrown).toBeInstanceOf(SlotlineError);
    expect(thrown).toMatchObject({ code: 'config_invalid', details: { pattern: '(x|public)\\.(a+)+\\.(a+)+' } });
    expect(String(thrown)).toContain('write it without a repetition inside of a repetition');
    expect(pattern.test('public.a.aa')).toBe(true);
  });

  test('a pattern that is quick on names is bounded on a text of a megabyte', () => {
    const pattern = compileUserPattern('.*a.*b.*', '');
    const startedMs = performance.now();
    expect(() => pattern.test('a'.repeat(1_000_000))).toThrow(/takes too long/);
    expect(performance.now() - startedMs).toBeLessThan(ENDS_WITHIN_MS);
  });

  test('a pattern that is bounded answers as RegExp does', () => {
    const part = fc.constantFrom('a', 'b', '.', '(a|b)', '(ab)*', '(a|b)+', '[ab]', 'a?', '.*', '(?!b)', '(?:a{1,2}b)*', '\\.');
    const name = fc.stringMatching(/^[ab.]{0,8}$/);
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 5 }), fc.array(name, { maxLength: 4 }), (parts, names) => {
        const source = parts.join('');
        const compiled = compileUserPattern(source, 'i');
        for (const each of names) expect(compiled.test(each)).toBe(new RegExp(`^(?:${source})$`, 'i').test(each));
      }),
    );
  });

  test.each([
    ['abc', 1],
    ['a|b|c', 3],
    ['(a|b)(c|d)?', 8],
    ['.*secret$|.*password$|(x|y.*)', 2 * 255 + 256],
    ['[*+(|]\\*\\(', 1],
    ['.*', 255],
    ['.*?', 255],
    ['(?:ab){2}', Number.POSITIVE_INFINITY],
    ['(a+)+', Number.POSITIVE_INFINITY],
    ['(a)\\1', Number.POSITIVE_INFINITY],
  ])('%s has a worst case of %d steps', (source, steps) => {
    expect(worstSteps(source)).toBe(steps);
  });
});
