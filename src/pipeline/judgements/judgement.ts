/**
 * Owns the shape of a judgement: what is right or wrong about a server, a table, a topic or a setting before anything is read. `check`
 * prints judgements; a start refuses what failed and logs what is worth a look. Judges nothing itself.
 */
import { type ErrorCode, SlotlineError, toSlotlineError } from '../../core/errors.ts';

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
};

type Extra = Omit<Judgement, 'check' | 'status' | 'what' | 'code'>;

export function ok(check: string, what: string, extra: Extra = {}): Judgement {
  return { check, status: 'ok', what, ...extra };
}

export function warn(check: string, what: string, extra: Extra = {}): Judgement {
  return { check, status: 'warn', what, ...extra };
}

export function fail(check: string, code: ErrorCode, what: string, extra: Extra = {}): Judgement {
  return { check, status: 'fail', code, what, remedy: new SlotlineError(code).remedy, ...extra };
}

export function skipped(check: string, what: string): Judgement {
  return { check, status: 'skipped', what };
}

/** What was thrown while checking, as an item of its own. */
export function failure(check: string, thrown: unknown): Judgement {
  const error = toSlotlineError(thrown);
  const { sql } = error.details;
  return fail(check, error.code, error.message, typeof sql === 'string' ? { sql: [sql] } : {});
}
