/**
 * Owns the splitting of comma-separated lists of regular expressions and the check that a pattern written for Java
 * means the same in JavaScript. Does not own the compiling for matching: core/user-pattern.ts does.
 */
import { isSlowPattern, TOO_SLOW } from '../../core/user-pattern.ts';

/**
 * Splits as Debezium does: at commas that no backslash precedes; `\,` is a comma inside a pattern; every other
 * backslash pair stays; parts are trimmed and empty ones dropped. An inline `(?i)`, which JavaScript lacks, is taken
 * out: matching is case-insensitive in any case.
 */
export function splitRegexList(text: string): string[] {
  const parts: string[] = [];
  let part = '';
  for (let index = 0; index < text.length; index += 1) {
    const char = text.charAt(index);
    if (char === ',') {
      parts.push(part);
      part = '';
    } else if (char === '\\') {
      const next = text.charAt(index + 1);
      part += next === ',' ? ',' : char + next;
      index += 1;
    } else {
      part += char;
    }
  }
  parts.push(part);
  return parts.map((each) => each.replaceAll('(?i)', '').trim()).filter((each) => each !== '');
}

/**
 * Java's constructs that JavaScript lacks or, worse, reads silently as something else. Each is looked for outside
 * (`anywhere: false`) or also inside character classes, in patterns whose escaped pairs were taken out.
 */
const JAVA_ONLY: readonly { readonly find: RegExp; readonly what: string }[] = [
  { find: /[*+?}]\+/, what: 'has a possessive quantifier (*+, ++, ?+, }+): write it without the second +' },
  { find: /\(\?>/, what: 'has an atomic group (?>…): write it as (?:…)' },
  { find: /\(\?[dux]|\(\?[a-z]*-[a-z]*[dux]/, what: 'has an inline flag that JavaScript lacks (d, u or x)' },
];

const INLINE_FLAG = /\(\?[a-zA-Z]*-?[a-zA-Z]*\)/;

/** `\-` and friends are plain characters in both languages; these letters are not. */
const JAVA_ONLY_ESCAPES = 'QEAZzGhHRXNaepP';

/** Why the pattern cannot be used, or undefined. Never throws. The names of tables match in any case, those of topics letter by letter. */
export function regexProblem(
  pattern: string,
  { ignoresCase }: { readonly ignoresCase: boolean } = { ignoresCase: true },
): string | undefined {
  const foreign = new RegExp(`\\\\([${JAVA_ONLY_ESCAPES}]|x\\{|0)`).exec(pattern.replaceAll('\\\\', '__'));
  if (foreign !== null) return `has ${foreign[0]}, which JavaScript reads differently from Java`;
  const bare = pattern.replace(/\\./gs, '__');
  const outside = bare.replace(/\[[^\]]*\]?/g, 'x');
  const found = JAVA_ONLY.find((each) => each.find.test(outside));
  if (found !== undefined) return found.what;
  if (INLINE_FLAG.test(outside)) {
    return ignoresCase
      ? 'has an inline flag such as (?i): matching is case-insensitive already; write (?s:…) for a group'
      : 'has an inline flag such as (?i): write (?i:…) around what it is for';
  }
  if (/\[[^\]]*(&&|\[)/.test(bare)) return 'has a nested or intersected character class, which JavaScript reads differently from Java';
  return compileProblem(pattern, ignoresCase ? 'i' : '');
}

function compileProblem(pattern: string, flags: '' | 'i'): string | undefined {
  try {
    return isSlowPattern(pattern, flags) ? TOO_SLOW : undefined;
  } catch {
    return 'is not a regular expression';
  }
}
