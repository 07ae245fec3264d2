/**
 * Owns the shape of a judgement: what is right or wrong about a server, a table, a topic or a setting before anything is read. `check`
 * prints judgements; a start refuses what failed and logs the rest (told.ts). Judges nothing itself.
 */
import { type ErrorCode, SlotlineError, toSlotlineError } from '../../core/errors.ts';
import type { LogFields } from '../../core/log.ts';

/** `skipped`: could not be tried because an earlier item failed. */
export type JudgementStatus = 'ok' | 'warn' | 'fail' | 'skipped';

export type Judgement = {
  /** Constant name, e.g. `postgres.wal_level`. */
  readonly check: string;
  readonly status: JudgementStatus;
  readonly code?: ErrorCode;
  readonly what: string;
  /** Table, topic, slot or server that it is about. */
  readonly where?: string;
  readonly remedy?: string;
  /** Statements that mend it, to be run in this order by a role that may. */
  readonly sql?: readonly string[];
  /** How a start says it; not shown by `check`. */
  readonly start?: StartWords;
};

type StartWords = {
  /** What a start that is refused throws; else it is made of the code. */
  readonly error?: SlotlineError;
  /** The name of the log line; `start.warning` unless it has one of its own. */
  readonly event?: string;
  readonly fields?: LogFields;
  /** A setting that may hurt one day: told, but it is no warning. */
  readonly advice?: true;
  /** The start tries it all the same, and the server says with the same code whether it may: rights that a cloud gives in its own way. */
  readonly tried?: true;
};

type Extra = Omit<Judgement, 'check' | 'status' | 'what' | 'code'>;

export function ok(check: string, what: string, extra: Extra = {}): Judgement {
  return { check, status: 'ok', what, ...extra };
}

export function warn(check: string, what: string, extra: Extra = {}): Judgement {
  return { check, status: 'warn', what, ...extra };
}

/** A warning about a setting by which nothing is lost now. */
export function advise(check: string, what: string, extra: Extra = {}): Judgement {
  return { check, status: 'warn', what, ...extra, start: { ...extra.start, advice: true } };
}

export function fail(check: string, code: ErrorCode, what: string, extra: Extra = {}): Judgement {
  return { check, status: 'fail', code, what, remedy: new SlotlineError(code).remedy, ...extra };
}

export function skipped(check: string, what: string): Judgement {
  return { check, status: 'skipped', what };
}

/** What was thrown while judging, as an item of its own. */
export function failure(check: string, thrown: unknown): Judgement {
  const error = toSlotlineError(thrown);
  const { sql } = error.details;
  return fail(check, error.code, error.message, { ...(typeof sql === 'string' ? { sql: [sql] } : {}), start: { error } });
}

/** One failing question is one failed item and does not take the others with it. */
export async function section(check: string, ask: () => Promise<readonly Judgement[]>): Promise<readonly Judgement[]> {
  try {
    return await ask();
  } catch (error) {
    return [failure(check, error)];
  }
}

/** Names in one line of a report or a log; the JSON has no more either, so both stay readable with 10,000 tables. */
export const NAMES_MAX = 20;

export function nameOf({ schema, table }: { readonly schema: string; readonly table: string }): string {
  return `${schema}.${table}`;
}

export function shorten(names: readonly string[]): string {
  if (names.length <= NAMES_MAX) return names.join(', ');
  return `${names.slice(0, NAMES_MAX).join(', ')} and ${names.length - NAMES_MAX} more`;
}

export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
