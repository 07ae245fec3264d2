/** Owns how a start reports judgements: a log line for each kind of warning, a log line for each fault, and the error that ends it. */
import { SlotlineError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { type Judgement, NAMES_MAX, shorten } from './judgement.ts';

/** Logs warnings. Many tables with the same warning share one line. */
export function tellWarnings(log: Log, judgements: readonly Judgement[]): void {
  const warnings = judgements.filter(({ status, start }) => status === 'warn' && start?.tried !== true);
  const kinds = Map.groupBy(warnings, ({ check, what, where }) =>
    where === undefined ? `${check}\n${what}` : `${check}\n${withoutName(what, where)}`,
  );
  for (const kind of kinds.values()) {
    const [first] = kind;
    if (first === undefined) continue;
    const places = kind.flatMap(({ where }) => where ?? []);
    const fields = {
      check: first.check,
      message: first.what,
      where: places.length === 0 ? undefined : shorten(places),
      sql: kind.flatMap(({ sql }) => sql ?? []).slice(0, NAMES_MAX),
      remedy: first.remedy,
      ...first.start?.fields,
    };
    const { sql, ...others } = fields;
    const line = sql.length === 0 ? others : fields;
    if (first.start?.advice === true) log.info('start.advice', line);
    else log.warn(first.start?.event ?? 'start.warning', line);
  }
}

function withoutName(what: string, name: string): string {
  return what.replaceAll(name, '');
}

/** Throws the first fault, after logging each. Faults that the start tries anyway are left to the server. */
export function refuseFaults(log: Log, judgements: readonly Judgement[]): void {
  const faults = judgements.filter(({ status, start }) => status === 'fail' && start?.tried !== true);
  const errors = faults.map(errorOf);
  const [first] = errors;
  if (first === undefined) return;
  for (const [index, { code, message, remedy }] of errors.entries()) {
    const { sql, remedy: better = remedy } = faults[index] ?? {};
    const line = { code, message, remedy: better, ...(sql === undefined ? {} : { sql }) };
    // A single fault is logged as a warning only: the error that is thrown will say it again.
    if (errors.length > 1) log.error('start.fault', line);
    else log.warn('start.fault', line);
  }
  throw first;
}

function errorOf({ start, code, what, where, sql }: Judgement): SlotlineError {
  return start?.error ?? new SlotlineError(code ?? 'unexpected', { message: what, where, sql: sql?.slice(0, NAMES_MAX) });
}
