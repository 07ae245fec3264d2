/**
 * Owns the shape of a judgement: what is right or wrong with a server, a table, a topic or a setting before anything is read. `check`
 * prints judgements; a start refuses to run on failed ones and logs the rest (told.ts). Judges nothing itself.
 */
import { type ErrorCode, SlotlineError, toSlotlineError } from '../../core/errors.ts';
import type { LogFields } from '../../core/log.ts';

/** `skipped`: could not be tried because an earlier item failed. */
export type JudgementStatus = 'ok' | 'warn' | 'fail' | 'skipped';

export type Judgement = {
  /** A constant name, e.g. `postgres.wal_level`. */
  readonly check: string;
  readonly status: JudgementStatus;
  readonly code?: ErrorCode;
  readonly what: string;
  /** The table, topic, slot or server that it is about. */
  readonly where?: string;
  readonly remedy?: string;
  /** SQL statements that cure it, to be run in this order by a role that has the right. */
  readonly sql?: readonly string[];
  /** How a start reports it. `check` does not show this. */
  readonly start?: StartWords;
};

type StartWords = {
  /** The error that a refused start throws. Absent: one is made from the code. */
  readonly error?: SlotlineError;
  /** The name of the log line. Absent: `start.warning`. */
  readonly event?: string;
  readonly fields?: LogFields;
  /** Logged at info: nothing is wrong now, but the setting may cause harm one day. */
  readonly advice?: true;
  /** The start tries anyway, and the server decides: clouds grant some rights in their own ways. A refusal has the same code. */
  readonly tried?: true;
};

type Extra = Omit<Judgement, 'check' | 'status' | 'what' | 'code'>;

export function ok(check: string, what: string, extra: Extra = {}): Judgement {
  return { check, status: 'ok', what, ...extra };
}

export function warn(check: string, what: string, extra: Extra = {}): Judgement {
  return { check, status: 'warn', what, ...extra };
}

/** A warning about a setting that causes no loss now. */
export function advise(check: string, what: string, extra: Extra = {}): Judgement {
  return { check, status: 'warn', what, ...extra, start: { ...extra.start, advice: true } };
}

export function fail(check: string, code: ErrorCode, what: string, extra: Extra = {}): Judgement {
  return { check, status: 'fail', code, what, remedy: new SlotlineError(code).remedy, ...extra };
}

export function skipped(check: string, what: string): Judgement {
  return { check, status: 'skipped', what };
}

/** An error that was thrown while judging, as a failed item. */
export function failure(check: string, thrown: unknown): Judgement {
  const error = toSlotlineError(thrown);
  const { sql } = error.details;
  return fail(check, error.code, error.message, { ...(typeof sql === 'string' ? { sql: [sql] } : {}), start: { error } });
}

/** Runs one question. If it throws, that is one failed item, and the other questions still run. */
export async function section(check: string, ask: () => Promise<readonly Judgement[]>): Promise<readonly Judgement[]> {
  try {
    return await ask();
  } catch (error) {
    return [failure(check, error)];
  }
}

/** At most so many names are listed in a line of a report, a log or the JSON, so that these stay readable with 10,000 tables. */
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
