/**
 * Owns the shape of one row of the option table and the checks of its value kinds. Does not own the rows (the other files of this
 * folder), nor rules between two options (config/resolve/).
 */

import { unreachable } from '../../core/assert.ts';
import { regexProblem, splitRegexList } from '../resolve/regex-list.ts';

/**
 * `honoured`: does what Debezium's or Kafka's option does. `no effect`: accepted, changes nothing here, one note.
 * `not yet`: would change which data is sent or its shape and is refused, because ignoring a mask is a leak.
 */
type OptionStatus = 'honoured' | 'no effect' | 'not yet';

export type ValueKind =
  | { readonly tag: 'string' }
  | { readonly tag: 'secret' }
  | { readonly tag: 'sql' }
  | { readonly tag: 'class' }
  | { readonly tag: 'boolean' }
  | { readonly tag: 'integer'; readonly min: number; readonly max: number }
  | { readonly tag: 'number' }
  | { readonly tag: 'duration' }
  | { readonly tag: 'enum'; readonly values: readonly string[] }
  | { readonly tag: 'list' }
  | { readonly tag: 'regex' }
  | { readonly tag: 'regex list' };

type Unit = 'ms' | 's' | 'bytes' | 'records';

export type OptionSpec = {
  /** A name with `<placeholders>` is a family: the last placeholder stands for any text, the others for one part without a dot. */
  readonly name: string;
  readonly kind: ValueKind;
  readonly unit: Unit | undefined;
  /** The default as it would be written; undefined where there is none. */
  readonly default: string | undefined;
  /** The reason for this default. */
  readonly why: string;
  readonly doc: string;
  readonly status: OptionStatus;
  /** Why the option has no effect or is refused. For an honoured option: why some values are refused. */
  readonly reason: string | undefined;
  /** The values that are honoured, where not all are. The default is always among them. */
  readonly honouredValues: readonly string[] | undefined;
  readonly required: boolean;
  /** Other spellings; of several that are given, the last one here wins. */
  readonly aliases: readonly string[];
  /** How the default differs from Debezium's or Kafka's, and why. */
  readonly differs: string | undefined;
  /** An empty value means something else than the default. */
  readonly emptyAllowed: boolean;
  /** The option that names the members of this family: a member alone does nothing. */
  readonly parent: string | undefined;
  /** Values of an option without effect of which nothing need be said: what is done here is what they ask for, or nobody can tell. The default is always among them. */
  readonly silent: 'always' | readonly string[];
  /** Why the value is wrong, or undefined. Called after the check of the kind. */
  readonly check: ((value: string) => string | undefined) | undefined;
};

type Common = {
  readonly name: string;
  readonly kind?: ValueKind;
  readonly unit?: Unit;
  readonly default?: string;
  readonly doc: string;
  readonly aliases?: readonly string[];
  readonly differs?: string;
  readonly emptyAllowed?: boolean;
  readonly parent?: string;
  readonly honouredValues?: readonly string[];
  readonly silent?: 'always' | readonly string[];
  readonly check?: (value: string) => string | undefined;
};

export const STRING: ValueKind = { tag: 'string' };
export const SECRET: ValueKind = { tag: 'secret' };
export const SQL: ValueKind = { tag: 'sql' };
export const CLASS: ValueKind = { tag: 'class' };
export const BOOLEAN: ValueKind = { tag: 'boolean' };
export const NUMBER: ValueKind = { tag: 'number' };
export const DURATION: ValueKind = { tag: 'duration' };
export const LIST: ValueKind = { tag: 'list' };
export const REGEX: ValueKind = { tag: 'regex' };
export const REGEX_LIST: ValueKind = { tag: 'regex list' };

const INT_MAX = 2147483647;

export function integer(min = 0, max: number = INT_MAX): ValueKind {
  return { tag: 'integer', min, max };
}

/** Longs are held as numbers: above 2^53 they would lose digits. */
export function long(min = 0): ValueKind {
  return { tag: 'integer', min, max: Number.MAX_SAFE_INTEGER };
}

export function oneOf(...values: readonly string[]): ValueKind {
  return { tag: 'enum', values };
}

export function honoured(row: Common & { readonly why: string; readonly required?: boolean; readonly reason?: string }): OptionSpec {
  return { ...complete(row), status: 'honoured', why: row.why, reason: row.reason, required: row.required ?? false };
}

export function noEffect(row: Common & { readonly reason: string }): OptionSpec {
  return { ...complete(row), status: 'no effect', why: whyOfUnused(row.default), reason: row.reason, required: false };
}

export function notYet(row: Common & { readonly reason: string; readonly why?: string }): OptionSpec {
  const why = row.why ?? (row.default === undefined ? 'Off unless asked for.' : 'The only value that is honoured.');
  return { ...complete(row), status: 'not yet', why, reason: row.reason, required: false };
}

function whyOfUnused(value: string | undefined): string {
  return value === undefined ? 'Nothing here depends on it.' : "Debezium's or Kafka's own; nothing here depends on it.";
}

function complete(row: Common): Omit<OptionSpec, 'status' | 'why' | 'reason' | 'required'> {
  return {
    name: row.name,
    kind: row.kind ?? STRING,
    unit: row.unit,
    default: row.default,
    doc: row.doc,
    honouredValues: row.honouredValues,
    aliases: row.aliases ?? [],
    differs: row.differs,
    emptyAllowed: row.emptyAllowed ?? false,
    parent: row.parent,
    silent: row.silent ?? [],
    check: row.check,
  };
}

export function isFamily(spec: OptionSpec): boolean {
  return spec.name.includes('<');
}

/** Why `value` is not of this kind, or undefined. */
export function kindProblem(kind: ValueKind, value: string): string | undefined {
  switch (kind.tag) {
    case 'string':
    case 'secret':
    case 'sql':
    case 'class':
    case 'list':
      return undefined;
    case 'boolean':
      return /^(true|false)$/i.test(value) ? undefined : 'must be true or false';
    case 'integer':
      return integerProblem(value, kind);
    case 'number':
      return Number.isFinite(Number(value)) ? undefined : 'must be a number';
    case 'duration':
      return parseDurationMs(value) === undefined ? 'must be milliseconds, or a number with ms, s, m or h' : undefined;
    case 'enum':
      return kind.values.includes(normalValue(kind, value)) ? undefined : `must be one of ${kind.values.join(', ')}`;
    case 'regex':
      return regexProblem(value);
    case 'regex list':
      return regexListProblem(value);
    default:
      return unreachable(kind);
  }
}

/** Lower case for values that are compared without regard to case; other values as they are. */
export function normalValue(kind: ValueKind, value: string): string {
  if (kind.tag === 'boolean') return value.toLowerCase();
  if (kind.tag !== 'enum') return value;
  return kind.values.find((known) => known.toLowerCase() === value.toLowerCase()) ?? value;
}

/** Milliseconds of `1500`, `1500ms`, `30s`, `5m`, `1h`; -1 and `forever` are Infinity. */
export function parseDurationMs(value: string): number | undefined {
  if (value === '-1' || value.toLowerCase() === 'forever') return Number.POSITIVE_INFINITY;
  const match = /^(\d{1,12})\s*(ms|s|m|h)?$/i.exec(value);
  if (match === null) return undefined;
  const factors: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
  return Number(match[1]) * (factors[(match[2] ?? 'ms').toLowerCase()] ?? 1);
}

function integerProblem(value: string, range: { readonly min: number; readonly max: number }): string | undefined {
  if (!/^[+-]?\d+$/.test(value)) return 'must be a whole number';
  const number = Number(value);
  if (number < range.min) return `must be at least ${range.min}`;
  return number > range.max ? `must be at most ${range.max}` : undefined;
}

function regexListProblem(value: string): string | undefined {
  for (const pattern of splitRegexList(value)) {
    const problem = regexProblem(pattern);
    if (problem !== undefined) return `pattern ${JSON.stringify(pattern)} ${problem}`;
  }
  return undefined;
}
