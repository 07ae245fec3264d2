/**
 * Owns moving the slot while no walsender holds it: pg_replication_slot_advance, to exactly the durable position it is told (D2). At each
 * call the server reads WAL from the slot's restart_lsn. So calls are few: limited by bytes, by time, and to a share of the time. Does not
 * compute positions.
 */
import { type SlotlineError, toSlotlineError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { formatLsn, type Lsn } from '../../core/lsn.ts';
import type { Clock } from '../../core/time.ts';
import type { PgSession } from '../../postgres/session/open-session.ts';
import { advanceSlot } from '../../postgres/stream/slot.ts';

const ADVANCE_BYTES = 128 * 1024 * 1024;
/** After a call we rest for this many times as long as it took. */
const REST_FACTOR = 10;

type SlotAdvancerDeps = {
  /** An SQL session of its own, because a call may take seconds. */
  readonly session: PgSession;
  readonly slotName: string;
  readonly fromLsn: Lsn;
  /** status.update.interval.ms. */
  readonly everyMs: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly onFailure: (error: SlotlineError) => void;
};

export class SlotAdvancer {
  readonly #deps: SlotAdvancerDeps;
  #wanted: Lsn;
  #advanced: Lsn;
  #running: Promise<void> | undefined;
  #notBeforeMs: number;
  #restUntilMs = 0;
  #failed = false;

  constructor(deps: SlotAdvancerDeps) {
    this.#deps = deps;
    this.#wanted = deps.fromLsn;
    this.#advanced = deps.fromLsn;
    this.#notBeforeMs = deps.clock.monotonicMs() + deps.everyMs;
  }

  /** Where the slot stands. */
  get advancedLsn(): Lsn {
    return this.#advanced;
  }

  get processId(): number {
    return this.#deps.session.processId;
  }

  /** Takes a new durable position, and moves the slot if a call is worth it now. */
  confirm(lsn: Lsn): void {
    if (lsn > this.#wanted) this.#wanted = lsn;
    if (this.#running !== undefined || this.#failed || this.#wanted <= this.#advanced) return;
    const isFar = this.#wanted - this.#advanced >= ADVANCE_BYTES;
    const nowMs = this.#deps.clock.monotonicMs();
    if (nowMs < (isFar ? this.#restUntilMs : this.#notBeforeMs)) return;
    void this.#advance().catch((error: unknown) => this.#deps.onFailure(toSlotlineError(error)));
  }

  /** Resolves when the slot stands at `lsn`. */
  async finish(lsn: Lsn): Promise<void> {
    await this.#running?.catch(() => {});
    if (lsn > this.#wanted) this.#wanted = lsn;
    if (this.#wanted > this.#advanced) await this.#advance();
  }

  #advance(): Promise<void> {
    const running = this.#advanceOnce().finally(() => {
      this.#running = undefined;
    });
    this.#running = running;
    return running;
  }

  async #advanceOnce(): Promise<void> {
    const { session, slotName, clock, log } = this.#deps;
    const wanted = this.#wanted;
    const startedMs = clock.monotonicMs();
    try {
      await advanceSlot(session, slotName, wanted);
    } catch (error) {
      this.#failed = true;
      throw error;
    }
    const tookMs = clock.monotonicMs() - startedMs;
    this.#advanced = wanted;
    this.#restUntilMs = clock.monotonicMs() + REST_FACTOR * tookMs;
    this.#notBeforeMs = Math.max(this.#restUntilMs, clock.monotonicMs() + this.#deps.everyMs);
    log.debug('lsn.confirmed', { lsn: formatLsn(wanted), tookMs: Math.round(tookMs) });
  }
}
