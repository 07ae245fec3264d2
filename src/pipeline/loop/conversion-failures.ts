/**
 * Owns what happens when a cell cannot be converted (event.converting.failure.handling.mode). Where neither null nor a default can stand
 * for the value, the connector stops in every mode, as Debezium does: a made-up value would be wrong data. A column that does not convert
 * usually fails in every row, so the first failure is logged and the rest are counted.
 */
import { SlotlineError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { formatLsn, LSN_ZERO } from '../../core/lsn.ts';
import type { SourceInfo } from '../../events/source-info.ts';
import type { ConversionFailure } from '../../serde/half-writer.ts';

const LOG_EVERY = 100_000;
/** How many columns are counted at most: tables may come and go without end. A column that was dropped from here is logged again. */
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

  /** Logs or counts the failure, as the mode says. Throws value_not_convertible. */
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

  /** Runs `write` for a row that is written again later: failures throw as they would there, but are neither logged nor counted. */
  try(write: () => void): void {
    this.#isTrial = true;
    try {
      write();
    } finally {
      this.#isTrial = false;
    }
  }
}
