/**
 * Every regular expression of the product, as the compiler finds them, takes linear time: texts made of its own words, repeated to 60,000
 * characters, are searched within a limit that a quadratic one exceeds many times. Prints its seed.
 */
import { createContext, Script } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { projectFiles, readSourceFacts } from './harness/source-facts.ts';

const TEXT_LENGTH = 60_000;
const TEXTS_PER_PATTERN = 40;
/** A linear search takes up to 5 ms, a quadratic one of this length some seconds. */
const LIMIT_MS = 400;

/** Where a pattern is made at run time, and why that is bounded. */
const MADE_AT_RUN_TIME: Readonly<Record<string, string>> = {
  'src/core/user-pattern.ts': 'the bound itself',
  'src/config/table/names/foreign.ts': 'from names of a table, each with one gap at most',
  'src/config/table/options.ts': 'from names of the option table',
  'src/config/table/transforms/java-replacement.ts': 'a pattern that was checked, on the empty text',
  'src/config/resolve/regex-list.ts': 'from a constant',
  'src/transforms/script/parser.ts': 'only made, to see whether it can be',
  'src/transforms/pattern.ts': 'user-pattern.ts has matched the same text before, within its bound',
};

const paths = projectFiles().filter(
  (path) => path.startsWith('src/') && path.endsWith('.ts') && !/(\.test\.ts|\/test-[a-z0-9-]+\.ts)$/.test(path),
);
const facts = readSourceFacts(paths);
const literals = facts.flatMap(({ path, patterns }) =>
  patterns.flatMap(({ line, pattern }) => (pattern === undefined ? [] : [{ place: `${path}:${line}`, pattern }])),
);

const box: { pattern: RegExp; text: string } = { pattern: /^/, text: '' };
const context = createContext({ box });
const script = new Script('box.text.replace(box.pattern, "")');

/** Milliseconds, or the limit. The second try is for a machine that was busy during the first. */
function searchTime(pattern: RegExp, text: string): number {
  let elapsedMs = 0;
  for (let attempt = 0; attempt < 2; attempt++) {
    Object.assign(box, { pattern, text });
    const startedMs = performance.now();
    try {
      script.runInContext(context, { timeout: LIMIT_MS });
    } catch (error) {
      if (!(error instanceof Error && 'code' in error)) throw error;
    }
    elapsedMs = performance.now() - startedMs;
    if (elapsedMs < LIMIT_MS) break;
  }
  return elapsedMs;
}

const TOKEN = /\\u\{?[0-9a-f]{4,5}\}?|\\.|\[(?:\\.|[^\]\\])*\]|\{\d+(?:,\d*)?\}|\(\?(?:<?[=!]|:)|./gis;

/** A text that the pattern goes through: classes by their first member, escapes by what they stand for. */
function wordsOf({ source }: RegExp): string {
  return (source.match(TOKEN) ?? []).map(sampleOf).join('');
}

function sampleOf(token: string): string {
  if (token.startsWith('[')) return token.startsWith('[^') ? 'a' : sampleOf(token.slice(1).match(TOKEN)?.[0] ?? '');
  if (/^\\u/i.test(token)) return String.fromCodePoint(Number.parseInt(token.replaceAll(/[^0-9a-f]/gi, ''), 16));
  if (/^\\[wS]$/.test(token) || token === '.') return 'a';
  if (/^\\[dD]$/.test(token)) return '0';
  if (token === '\\s') return ' ';
  if (token.startsWith('\\')) return token.slice(1);
  return /^[(){}|*+?^$]/.test(token) ? '' : token;
}

/** Begins somewhere in the words, repeats some of them, ends with what is in none. */
function hostileText(
  words: string,
  o: { readonly from: number; readonly length: number; readonly prefix: boolean; readonly end: string },
): string {
  const start = Math.floor(o.from * words.length);
  const repeated = words.slice(start, start + o.length) || 'a';
  return (o.prefix ? words.slice(0, start) : '') + repeated.repeat(Math.ceil(TEXT_LENGTH / repeated.length)).slice(0, TEXT_LENGTH) + o.end;
}

describe('regular expressions', () => {
  test('are found in the source', () => {
    expect(literals.length).toBeGreaterThan(50);
  });

  test('are made at run time only where something bounds them', () => {
    const made = new Set(facts.filter(({ patterns }) => patterns.some(({ pattern }) => pattern === undefined)).map(({ path }) => path));
    expect([...made].toSorted()).toEqual(Object.keys(MADE_AT_RUN_TIME).toSorted());
  });

  test.each(literals)('$place $pattern is searched for in linear time', ({ pattern }) => {
    const words = wordsOf(pattern);
    const shape = fc.record({
      from: fc.double({ min: 0, max: 0.999, noNaN: true }),
      length: fc.integer({ min: 1, max: 4 }),
      prefix: fc.boolean(),
      end: fc.constantFrom('\u0001', '\n', '!', 'a', ''),
    });
    fc.assert(
      fc.property(shape, (o) => {
        expect(searchTime(pattern, hostileText(words, o))).toBeLessThan(LIMIT_MS);
      }),
      { numRuns: TEXTS_PER_PATTERN, endOnFailure: true },
    );
  });
});
