/** Owns how a start tells judgements: one log line for each kind of thing that is worth a look, one for each fault, and the end. */
import { SlotlineError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { type Judgement, NAMES_MAX, shorten } from './judgement.ts';

/** Logs what is worth a look. Of many tables with one fault there is one line. */
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

/** Throws the first fault, after a line for each. What the start tries all the same is the server's to refuse. */
export function refuseFaults(log: Log, judgements: readonly Judgement[]): void {
  const faults = judgements.filter(({ status, start }) => status === 'fail' && start?.tried !== true);
  const errors = faults.map(errorOf);
  const [first] = errors;
  if (first === undefined) return;
  for (const [index, { code, message, remedy }] of errors.entries()) {
    const { sql, remedy: better = remedy } = faults[index] ?? {};
    const line = { code, message, remedy: better, ...(sql === undefined ? {} : { sql }) };
    // The end says the only one again, as an error.
    if (errors.length > 1) log.error('start.fault', line);
    else log.warn('start.fault', line);
  }
  throw first;
}

function errorOf({ start, code, what, where, sql }: Judgement): SlotlineError {
  return start?.error ?? new SlotlineError(code ?? 'unexpected', { message: what, where, sql: sql?.slice(0, NAMES_MAX) });
}
