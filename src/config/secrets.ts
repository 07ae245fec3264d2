/** Owns the rule which values are never printed, and the printable form of keys and values. */

import { compileUserPattern, type UserPattern } from '../core/user-pattern.ts';
import type { OptionSpec } from './table/option-spec.ts';

const MASK = '***';

/** The value of an option whose name contains one of these words is secret, whatever custom.sanitize.pattern says. */
const SECRET_NAME =
  /pass(word|wd|phrase)|pwd|secret|token(?!\.endpoint)|credential|jaas|private\.?key|keystore\.key|basic\.auth|api[._-]?key|salt/i;

export type IsSecret = (key: string) => boolean;

/** `pattern` is custom.sanitize.pattern; one that does not compile adds nothing (it is a problem of its own). */
export function compileSecretNames(pattern: string | undefined): IsSecret {
  const custom = pattern === undefined ? undefined : compile(pattern);
  return (key) => SECRET_NAME.test(key) || (custom?.test(key) ?? false);
}

/** The key without the salt that a hash mask of Debezium's has in it. */
export function printableKey(key: string): string {
  const shown = key.replace(/^([_#/ ]*column\.mask\.hash\..*?\.with\.salt\.).*$/s, `$1${MASK}`);
  return shown.length > 120 ? `${shown.slice(0, 120)}…` : shown;
}

/** What may be shown of a value as written. Undefined for an unknown option: it may be a misspelled password. */
export function printableValue(key: string, spec: OptionSpec | undefined, written: string, isSecret: IsSecret): string | undefined {
  if (spec === undefined) return undefined;
  if (spec.kind.tag === 'secret' || spec.kind.tag === 'sql' || isSecret(key) || isSecret(spec.name)) return MASK;
  if (written.includes('-----BEGIN')) return MASK;
  const shown = JSON.stringify(withoutCredentials(written)).slice(1, -1);
  return shown.length > 100 ? `${shown.slice(0, 100)}…` : shown;
}

/** Masks everything from the first `://` to the last `@`. */
function withoutCredentials(text: string): string {
  const start = text.indexOf('://');
  const end = text.lastIndexOf('@');
  return start === -1 || end < start ? text : `${text.slice(0, start)}://${MASK}${text.slice(end)}`;
}

/** A name that takes too long to match counts as secret, because it may be one. */
function compile(pattern: string): UserPattern | undefined {
  try {
    const compiled = compileUserPattern(pattern, 'i');
    return { test: (key) => matchesOrUnknown(compiled, key) };
  } catch {
    return undefined;
  }
}

function matchesOrUnknown(pattern: UserPattern, key: string): boolean {
  try {
    return pattern.test(key);
  } catch {
    return true;
  }
}
