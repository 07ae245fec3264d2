/**
 * Owns Java's regular expressions that must match a whole text, and the texts that replace it.
 * Source: java.util.regex.Matcher.replaceFirst, appendReplacement.
 */
import { compileUserPattern } from '../core/user-pattern.ts';
import { TransformError } from './shaped-record.ts';

type Replacing = (text: string) => string | undefined;

/** Returns the replaced text; undefined if the expression does not match the whole text. Throws TransformError for a group that is not there. */
export function replacing(source: string, replacement: string): Replacing {
  // Its test is bounded in time. What it has matched, exec() matches as fast.
  const pattern = compileUserPattern(source, '');
  const regex = new RegExp(`^(?:${source})$`);
  return (text) => {
    const match = pattern.test(text) ? regex.exec(text) : null;
    return match === null ? undefined : expand(replacement, match);
  };
}

function expand(replacement: string, match: RegExpExecArray): string {
  let text = '';
  for (let at = 0; at < replacement.length; at++) {
    const letter = replacement[at];
    if (letter === '\\') text += replacement[++at] ?? '';
    else if (letter === '$') {
      const reference = referenceAt(replacement, at + 1, match);
      text += reference.text;
      at = reference.end - 1;
    } else text += letter;
  }
  return text;
}

const NAMED = /\{([A-Za-z][A-Za-z0-9]*)\}/y;

function referenceAt(replacement: string, start: number, match: RegExpExecArray): { readonly text: string; readonly end: number } {
  NAMED.lastIndex = start;
  const name = NAMED.exec(replacement)?.[1];
  if (name !== undefined) {
    if (match.groups === undefined || !(name in match.groups)) throw new TransformError(`No group with name {${name}}`);
    return { text: match.groups[name] ?? '', end: start + name.length + 2 };
  }
  const first = digitAt(replacement, start);
  if (first === undefined) throw new TransformError('Illegal group reference');
  if (first >= match.length) throw new TransformError(`No group ${first}`);
  let group = first;
  let end = start + 1;
  // The longest number that is a group.
  for (let digit = digitAt(replacement, end); digit !== undefined && group * 10 + digit < match.length; digit = digitAt(replacement, end)) {
    group = group * 10 + digit;
    end++;
  }
  return { text: match[group] ?? '', end };
}

function digitAt(text: string, at: number): number | undefined {
  const digit = text.charCodeAt(at) - 0x30;
  return digit >= 0 && digit <= 9 ? digit : undefined;
}
