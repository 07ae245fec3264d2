/**
 * Owns regular expressions that a person wrote into a config: a whole name is matched, within a bound of time. Does not read lists of them
 * (config/resolve/regex-list.ts).
 *
 * JavaScript's matcher tries every way to split a name among the repetitions of a pattern: `(a+)+` needs 2^n steps for n letters, and while
 * it runs nothing else does: no status update, no stop. A pattern whose worst case is small by its form is matched directly. Any other is
 * matched in a script with a time limit, which V8 keeps within a match too; that costs about 0.1 ms for a new name.
 */
import { types } from 'node:util';
import { createContext, Script } from 'node:vm';
import { SlotlineError } from './errors.ts';

export type UserPattern = { test(name: string): boolean };

/** schema.table.column has 191 bytes at most, a topic 249. Prefixes of logical messages may be longer. */
const NAME_LENGTH_MAX = 255;
/** Enough for a pattern with three repetitions (255³ steps on the longest name), which takes some ten milliseconds. */
const STEPS_MAX = 20_000_000;
/** How long isSlowPattern tries names that it makes of the pattern's own letters. */
const PROBING_MS = 500;
/** Answers that are kept for one pattern. */
const ANSWERS_MAX = 1_000;
/** Time limits of two tries: the second is for a machine that was busy with something else during the first. */
const LIMITS_MS = [100, 600] as const;

/** `flags` are those of RegExp. Throws SyntaxError; `test` throws config_invalid for a name that takes too long. */
export function compileUserPattern(source: string, flags: '' | 'i'): UserPattern {
  const regex = new RegExp(`^(?:${source})$`, flags);
  const isQuick = worstSteps(source) <= STEPS_MAX;
  const answers = new Map<string, boolean>();
  const testBounded = (name: string): boolean => {
    const known = answers.get(name);
    if (known !== undefined) return known;
    const found = testInTime(regex, name);
    if (found === undefined)
      throw new SlotlineError('config_invalid', { pattern: source, name: name.slice(0, NAME_LENGTH_MAX), reason: TOO_SLOW });
    if (answers.size >= ANSWERS_MAX) answers.clear();
    if (name.length <= NAME_LENGTH_MAX) answers.set(name, found);
    return found;
  };
  return { test: (name) => (isQuick && name.length <= NAME_LENGTH_MAX ? regex.test(name) : testBounded(name)) };
}

export const TOO_SLOW =
  'takes too long to match some names: write it without a repetition inside of a repetition, such as (a+)+, and with fewer repetitions';

/** Whether names made of the pattern's own letters take too long. That none of them does is no proof: each name is bounded all the same. Throws SyntaxError. */
export function isSlowPattern(source: string, flags: '' | 'i'): boolean {
  const regex = new RegExp(`^(?:${source})$`, flags);
  if (worstSteps(source) <= STEPS_MAX) return false;
  const startedMs = performance.now();
  for (const name of hostileNames(source)) {
    if (testInTime(regex, name) === undefined) return true;
    if (performance.now() - startedMs > PROBING_MS) break;
  }
  return false;
}

const box = { regex: /^$/, name: '' };
const context = createContext({ box });
const script = new Script('box.regex.test(box.name)');

/** Undefined where the match takes too long. */
function testInTime(regex: RegExp, name: string): boolean | undefined {
  box.regex = regex;
  box.name = name;
  for (const timeout of LIMITS_MS) {
    try {
      return script.runInContext(context, { timeout }) === true;
    } catch (error) {
      if (!isTimeout(error)) throw error;
    }
  }
  return undefined;
}

/** The error belongs to the script's own realm, so it is no `Error` of ours. */
function isTimeout(error: unknown): boolean {
  return types.isNativeError(error) && 'code' in error && error.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT';
}

/**
 * A bound of the steps that a match of the longest name may take, from the form of the pattern: alternatives add up, what stands beside each
 * other multiplies. A repeated group and a back-reference have no bound here.
 */
export function worstSteps(source: string): number {
  // Of each open group: the alternatives that are complete, and the one at hand.
  const open = [{ complete: 0, current: 1 }];
  let previous = '';
  for (const token of source.match(TOKEN) ?? []) {
    const group = open.at(-1);
    if (group === undefined || /^\\[1-9k]/.test(token)) return Number.POSITIVE_INFINITY;
    const isQuantifier = /^[*+{]/.test(token) || (token === '?' && !/^[(*+?{]/.test(previous));
    if (isQuantifier && previous === ')' && token !== '?') return Number.POSITIVE_INFINITY;
    if (isQuantifier) group.current *= token === '?' ? 2 : NAME_LENGTH_MAX;
    if (token === '|') Object.assign(group, { complete: group.complete + group.current, current: 1 });
    if (token === '(') open.push({ complete: 0, current: 1 });
    if (token === ')') closeGroup(open);
    previous = token;
  }
  return open.reduce((steps, { complete, current }) => steps * (complete + current), 1);
}

function closeGroup(open: { complete: number; current: number }[]): void {
  const closed = open.pop();
  const outer = open.at(-1);
  if (closed !== undefined && outer !== undefined) outer.current *= closed.complete + closed.current;
}

/** An escaped character, a class (closed or not), a counted repetition, any other character. */
const TOKEN = /\\.|\[(?:\\.|[^\]\\])*\]?|\{\d+(?:,\d*)?\}|./gsu;

/** What a class or an escape may stand for. */
const SAMPLES: ReadonlyMap<string, string> = new Map([
  ['.', 'a'],
  ['\\w', 'a'],
  ['\\W', '-'],
  ['\\d', '0'],
  ['\\D', 'a'],
  ['\\s', ' '],
  ['\\S', 'a'],
]);
/** Patterns rarely repeat longer words. */
const WORD_MAX = 4;
const TEXT_MAX = 100;
/** A character that no identifier contains. */
const FOREIGN = '\u0001';

/** Long names that begin as the pattern does, go on with one of its words again and again, and end as no name does. */
function hostileNames(source: string): string[] {
  const text = (source.match(TOKEN) ?? []).map(sampleOf).join('').slice(0, TEXT_MAX);
  const names: string[] = [];
  for (let start = 0; start < text.length; start++) {
    for (let length = 1; length <= WORD_MAX && start + length <= text.length; length++) {
      const word = text.slice(start, start + length);
      const repeated = word.repeat(Math.ceil(NAME_LENGTH_MAX / length)).slice(0, NAME_LENGTH_MAX);
      names.push(text.slice(0, start) + repeated + FOREIGN, repeated + FOREIGN);
    }
  }
  return names;
}

function sampleOf(token: string): string {
  const known = SAMPLES.get(token);
  if (known !== undefined) return known;
  if (token.startsWith('\\')) return token.slice(1);
  if (token.startsWith('[')) return token === '[]' ? '' : token.startsWith('[^') ? 'a' : (/^\[\\?(.)/su.exec(token)?.[1] ?? '');
  return /^[*+?(){}|^$]/.test(token) ? '' : token;
}
