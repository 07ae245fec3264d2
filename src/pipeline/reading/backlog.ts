/**
 * Owns the decision whether a backlog is worth reading in bulk: how far the end of the WAL is ahead of the reading. After bulk reading did
 * not pay, it is not tried for a while. Does not read the backlog (catch-up.ts).
 */
import type { Lsn } from '../../core/lsn.ts';
import type { ResolvedOptions } from '../../core/options.ts';
import type { Clock } from '../../core/time.ts';
import type { PgSession } from '../../postgres/session/open-session.ts';
import { loadSlotLag } from '../../postgres/stream/slot.ts';
import type { Positions } from '../positions/positions.ts';

/** How long bulk reading is not tried after it did not pay or failed. */
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

  /** `isStreamed`: never in bulk. Catching up to a snapshot ends at one exact LSN inside a backlog, and only the stream can end there. */
  constructor(deps: BacklogDeps, { isStreamed }: { readonly isStreamed: boolean }) {
    this.#deps = deps;
    this.#leftAloneUntilMs = deps.options.catchUp.enabled && !isStreamed ? 0 : Number.POSITIVE_INFINITY;
  }

  /** The end of the WAL, if it is far ahead; else undefined. */
  async findFarEnd(): Promise<Lsn | undefined> {
    const { clock, sql, options, positions } = this.#deps;
    if (clock.monotonicMs() < this.#leftAloneUntilMs) return undefined;
    const lag = await loadSlotLag(sql, options.slot.name);
    return lag !== undefined && positions.markedLsn < this.farBelow(lag.currentLsn) ? lag.currentLsn : undefined;
  }

  /** A reading below the LSN returned is far behind `endLsn`. */
  farBelow(endLsn: Lsn): Lsn {
    return (endLsn - this.#deps.options.catchUp.thresholdBytes) as Lsn;
  }

  /** Called when bulk reading did not pay or failed. */
  leaveAlone(): void {
    this.#leftAloneUntilMs = this.#deps.clock.monotonicMs() + LEFT_ALONE_MS;
  }
}
