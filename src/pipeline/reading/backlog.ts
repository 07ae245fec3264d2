/**
 * Owns whether a backlog waits that is worth reading in bulk: how far the WAL is ahead of where the reading stands, and for how long bulk
 * reading is left alone after it did not pay. Reads nothing of the backlog (catch-up.ts).
 */
import type { Lsn } from '../../core/lsn.ts';
import type { ResolvedOptions } from '../../core/options.ts';
import type { Clock } from '../../core/time.ts';
import type { PgSession } from '../../postgres/session/open-session.ts';
import { loadSlotLag } from '../../postgres/stream/slot.ts';
import type { Positions } from '../positions/positions.ts';

/** After bulk reading did not pay or did not work the stream is left alone for a while. */
const LEFT_ALONE_MS = 600_000;

type BacklogDeps = {
  readonly options: { readonly slot: Pick<ResolvedOptions['slot'], 'name'>; readonly catchUp: ResolvedOptions['catchUp'] };
  readonly sql: Pick<PgSession, 'query'>;
  readonly clock: Clock;
  readonly positions: Pick<Positions, 'markedLsn'>;
};

export class Backlog {
  readonly #deps: BacklogDeps;
  #leftAloneUntilMs: number;

  /** `isStreamed`: catching up to a snapshot ends in the middle of a backlog, at one LSN exactly, and only the stream tells it. */
  constructor(deps: BacklogDeps, { isStreamed }: { readonly isStreamed: boolean }) {
    this.#deps = deps;
    this.#leftAloneUntilMs = deps.options.catchUp.enabled && !isStreamed ? 0 : Number.POSITIVE_INFINITY;
  }

  /** The end of the WAL where it is far ahead. */
  async findFarEnd(): Promise<Lsn | undefined> {
    const { clock, sql, options, positions } = this.#deps;
    if (clock.monotonicMs() < this.#leftAloneUntilMs) return undefined;
    const lag = await loadSlotLag(sql, options.slot.name);
    return lag !== undefined && positions.markedLsn < this.farBelow(lag.currentLsn) ? lag.currentLsn : undefined;
  }

  /** Whoever stands below it is far behind that end. */
  farBelow(endLsn: Lsn): Lsn {
    return (endLsn - this.#deps.options.catchUp.thresholdBytes) as Lsn;
  }

  /** Bulk reading did not pay, or did not work. */
  leaveAlone(): void {
    this.#leftAloneUntilMs = this.#deps.clock.monotonicMs() + LEFT_ALONE_MS;
  }
}
