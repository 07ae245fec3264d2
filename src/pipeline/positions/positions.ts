/**
 * Owns the way back, one object for an attempt's whole life. The publisher tells it which records are acknowledged; the ledger says which
 * position is durable by that; the pacer says when to hand it on; the position keeper stores it; and what is stored is confirmed to the
 * source that is read now. Only `confirmTo` says which source that is. Computes no position (ledger.ts).
 *
 *   rests   between readings: nothing is confirmed; what is acknowledged is counted
 *   reads   from begin() to rest(): positions move
 *   ended   the publisher failed or was closed: no position moves any more
 */
import type { Log } from '../../core/log.ts';
import { formatLsn, LSN_ZERO, type Lsn } from '../../core/lsn.ts';
import type { Acknowledgements } from '../../kafka/producer/publisher-contract.ts';
import { ConfirmPacer } from './confirm-pacer.ts';
import { Ledger, type Position } from './ledger.ts';
import type { PositionKeeper } from './position-keeper.ts';

/** What a position is confirmed to: the replication stream, or the slot advancer while a backlog is read in bulk. */
type ConfirmSource = { confirm(lsn: Lsn): void };

/** Stores a position before it is confirmed. */
type Keeper = Pick<PositionKeeper, 'request' | 'flush' | 'storedLsn'>;

const NO_SOURCE: ConfirmSource = { confirm: () => {} };

export class Positions implements Acknowledgements {
  readonly #log: Log;
  readonly #pacer = new ConfirmPacer((lsn, urgent) => this.#request(lsn, urgent));
  #ledger = new Ledger(LSN_ZERO);
  /** undefined: between readings. */
  #keeper: Keeper | undefined;
  #source: ConfirmSource = NO_SOURCE;
  #acknowledgedOrdinal = 0;
  #ended = false;

  constructor(log: Log) {
    this.#log = log;
  }

  /** A reading begins at `fromLsn`, where the slot stands. */
  begin({ fromLsn, keeper }: { readonly fromLsn: Lsn; readonly keeper: Keeper }): void {
    this.#ledger = new Ledger(fromLsn);
    this.#keeper = keeper;
  }

  /** The reading is over: positions stop moving. */
  rest(): void {
    this.#pacer.stop();
    this.#keeper = undefined;
    this.#source = NO_SOURCE;
  }

  /** Says which source is confirmed to. undefined: no source is open; what is stored meanwhile is confirmed to the next one. */
  confirmTo(source: ConfirmSource | undefined): void {
    this.#source = source ?? NO_SOURCE;
  }

  /** Every record before this position is acknowledged. */
  get durableLsn(): Lsn {
    return this.#ledger.durableLsn;
  }

  /** Where the reading stands: everything that commits before it was taken in, and nothing after it. */
  get markedLsn(): Lsn {
    return this.#ledger.markedLsn;
  }

  /** The position to which the slot may move: durable, and stored. */
  get confirmableLsn(): Lsn {
    return Math.min(this.durableLsn, this.#keeper?.storedLsn ?? LSN_ZERO) as Lsn;
  }

  /** `position` becomes durable once the records up to `ordinal` are acknowledged. */
  mark(ordinal: number, position: Position): void {
    this.#ledger.mark(ordinal, position);
  }

  onAcknowledged(ordinal: number, { waiting }: { readonly waiting: number }): void {
    this.#acknowledgedOrdinal = ordinal;
    this.release({ urgent: waiting === 0 });
  }

  onEnded(): void {
    this.#ended = true;
  }

  /** Hands the durable position on to the keeper. `urgent`: at once, even if it did not move. */
  release({ urgent }: { readonly urgent: boolean }): void {
    if (this.#ended || this.#keeper === undefined) return;
    const moved = this.#ledger.release(this.#acknowledgedOrdinal);
    if (moved || urgent) this.#pacer.confirm(this.#ledger.durableLsn, { urgent });
  }

  /** Resolves when the durable position is stored, and so may be confirmed, or when `signal` aborts. */
  async store(signal: AbortSignal): Promise<void> {
    if (this.#ended) return;
    this.#ledger.release(this.#acknowledgedOrdinal);
    this.#pacer.stop();
    this.#request(this.#ledger.durableLsn, false);
    await this.#keeper?.flush(signal);
  }

  /** Called by the keeper. */
  onStored(lsn: Lsn): void {
    if (this.#keeper === undefined) return;
    this.#log.debug('lsn.confirmed', { lsn: formatLsn(lsn) });
    this.#source.confirm(lsn);
  }

  #request(lsn: Lsn, urgent: boolean): void {
    this.#keeper?.request(lsn, { records: this.#acknowledgedOrdinal, urgent });
  }
}
