/**
 * Owns what is done about cells that could not be converted (event.converting.failure.handling.mode). Where neither null nor a default can
 * stand for the value, the connector stops in every mode, as Debezium does: a zero in its place would be a lie. A column that does not
 * convert usually does so in every row: one line for the first, the rest are counted.
 */
import { SlotlineError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { formatLsn, LSN_ZERO } from '../../core/lsn.ts';
import type { SourceInfo } from '../../events/source-info.ts';
import type { ConversionFailure } from '../../serde/half-writer.ts';

const LOG_EVERY = 100_000;
/** Columns that are counted; a database whose tables come and go has no end of them. One that is forgotten is told again. */
const COLUMNS_MAX = 10_000;

export class ConversionFailures {
  /** Where the row stands that is being written: who writes it says so. */
  row: Pick<SourceInfo, 'lsn'> = { lsn: LSN_ZERO };
  readonly #mode: 'skip' | 'warn' | 'fail';
  readonly #log: Log;
  readonly #counts = new Map<string, number>();
  #isTrial = false;

  constructor(mode: 'skip' | 'warn' | 'fail', log: Log) {
    this.#mode = mode;
    this.#log = log;
  }

  /** Throws value_not_convertible. */
  report({ schema, table, column, type, reason, isRequired }: ConversionFailure): void {
    const where = { table: `${schema}.${table}`, column, type, lsn: formatLsn(this.row.lsn), reason };
    if (this.#mode === 'fail' || isRequired) throw new SlotlineError('value_not_convertible', where);
    if (this.#mode === 'skip' || this.#isTrial) return;
    const name = `${schema}.${table}.${column}`;
    const count = (this.#counts.get(name) ?? 0) + 1;
    this.#counts.set(name, count);
    const [oldest] = this.#counts.keys();
    if (this.#counts.size > COLUMNS_MAX && oldest !== undefined) this.#counts.delete(oldest);
    if (count === 1 || count % LOG_EVERY === 0) this.#log.warn('value.not_convertible', { ...where, count });
  }

  /** What `write` writes is written again: it throws as that would, and tells and counts nothing. */
  try(write: () => void): void {
    this.#isTrial = true;
    try {
      write();
    } finally {
      this.#isTrial = false;
    }
  }
}
