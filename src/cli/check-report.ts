/** Owns what `slotline check` says: the items of a report, their text for people and their JSON. Does not check anything. */
import { type ErrorCode, SlotlineError, toSlotlineError } from '../core/errors.ts';

/** `skipped`: could not be tried because an earlier item failed. */
export type CheckStatus = 'ok' | 'warn' | 'fail' | 'skipped';

export type CheckItem = {
  /** Constant name, e.g. `postgres.wal_level`. */
  readonly check: string;
  readonly status: CheckStatus;
  readonly code?: ErrorCode;
  readonly what: string;
  /** Table, topic, slot or server that it is about. */
  readonly where?: string;
  readonly remedy?: string;
  /** Statements that mend it, to be run in this order by a role that may. */
  readonly sql?: readonly string[];
};

export type CheckReport = {
  readonly connector: string;
  readonly ok: boolean;
  readonly items: readonly CheckItem[];
};

type Extra = Omit<CheckItem, 'check' | 'status' | 'what' | 'code'>;

export function ok(check: string, what: string, extra: Extra = {}): CheckItem {
  return { check, status: 'ok', what, ...extra };
}

export function warn(check: string, what: string, extra: Extra = {}): CheckItem {
  return { check, status: 'warn', what, ...extra };
}

export function fail(check: string, code: ErrorCode, what: string, extra: Extra = {}): CheckItem {
  return { check, status: 'fail', code, what, remedy: new SlotlineError(code).remedy, ...extra };
}

export function skipped(check: string, what: string): CheckItem {
  return { check, status: 'skipped', what };
}

/** What was thrown while checking, as an item of its own. */
export function failure(check: string, thrown: unknown): CheckItem {
  const error = toSlotlineError(thrown);
  const { sql } = error.details;
  return fail(check, error.code, error.message, typeof sql === 'string' ? { sql: [sql] } : {});
}

export function makeReport(connector: string, items: readonly CheckItem[]): CheckReport {
  return { connector, ok: items.every(({ status }) => status !== 'fail'), items };
}

const MARKS: Readonly<Record<CheckStatus, string>> = { ok: 'ok  ', warn: 'WARN', fail: 'FAIL', skipped: '-   ' };

/** Failures keep their place: the order is that of the way from PostgreSQL to Kafka. */
export function printReport(report: CheckReport): string {
  const lines = [`Connector ${report.connector}`];
  for (const item of report.items) {
    const where = item.where === undefined ? '' : ` (${item.where})`;
    const code = item.code === undefined ? '' : ` [${item.code}]`;
    lines.push(`  ${MARKS[item.status]} ${item.what}${where}${code}`);
    const mends = item.status === 'ok' || item.status === 'skipped' ? [] : mendLines(item);
    for (const mend of mends) lines.push(`         ${mend}`);
  }
  lines.push(summary(report));
  return `${lines.join('\n')}\n`;
}

function mendLines(item: CheckItem): readonly string[] {
  const sql = item.sql?.map((statement) => `${statement};`) ?? [];
  return item.remedy === undefined ? sql : [item.remedy, ...sql];
}

function summary(report: CheckReport): string {
  const count = (status: CheckStatus): number => report.items.filter((item) => item.status === status).length;
  const counts = `${count('ok')} ok, ${count('warn')} to look at, ${count('fail')} failed`;
  const skips = count('skipped');
  return `${report.ok ? 'Ready' : 'Not ready'}: ${counts}${skips === 0 ? '' : `, ${skips} not tried`}.`;
}
