/**
 * Owns the question whether the slot is still ours, asked before every write to Kafka: a process that was frozen may have
 * a successor, and must not put old rows behind its rows (docs/delivery.md, "A frozen process").
 *
 * Two proofs are needed. The server was heard of within half of wal_sender_timeout: by the send times in its frames, or by
 * SQL where frames are not read. And this process was not itself stopped for so long: the server counts from our last
 * reply, and may send frames until the moment it gives up on us, so after a pause only SQL is believed.
 */
import { toSlotlineError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { Clock } from '../core/time.ts';

/** Without wal_sender_timeout the server never gives the slot away; a silence as long as its default still ends trust. */
const TIMEOUT_DEFAULT_MS = 60_000;
const PROBE_MAX_MS = 5_000;

export type OwnershipDeps = {
  readonly clock: Clock;
  readonly log: Log;
  /** wal_sender_timeout; 0: none. */
  readonly timeoutMs: number;
  readonly contact: { readonly serverContactMs: number; noteContact(atMs: number): void };
  /** Asks the catalog whether our walsender holds the slot. */
  readonly isOurs: () => Promise<boolean>;
};

export class SlotOwnership {
  readonly #deps: OwnershipDeps;
  readonly #trustMs: number;
  #timer: NodeJS.Timeout | undefined;
  #probing = false;
  #aliveMs: number;
  #aliveWallMs: number;
  /** Monotonic time at which a pause of ours was noticed; undefined: none since the last proof. */
  #doubtedMs: number | undefined;

  constructor(deps: OwnershipDeps) {
    this.#deps = deps;
    this.#trustMs = (deps.timeoutMs || TIMEOUT_DEFAULT_MS) / 2;
    this.#aliveMs = deps.clock.monotonicMs();
    this.#aliveWallMs = deps.clock.nowMs();
  }

  isFresh(): boolean {
    const nowMs = this.#noticePause();
    return this.#doubtedMs === undefined && nowMs - this.#deps.contact.serverContactMs < this.#trustMs;
  }

  start(): void {
    const everyMs = Math.max(50, Math.min(PROBE_MAX_MS, this.#trustMs / 4));
    this.#timer = setInterval(() => {
      const nowMs = this.#noticePause();
      if (this.#doubtedMs !== undefined || nowMs - this.#deps.contact.serverContactMs >= everyMs) void this.probe();
    }, everyMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** A paused socket shows no frames, and a busy walsender may not answer: the catalog says who holds the slot. */
  async probe(): Promise<void> {
    if (this.#probing) return;
    this.#probing = true;
    const askedMs = this.#deps.clock.monotonicMs();
    try {
      if (!(await this.#deps.isOurs())) return;
      this.#deps.contact.noteContact(askedMs);
      if (this.#doubtedMs !== undefined && askedMs >= this.#doubtedMs) this.#doubtedMs = undefined;
    } catch (error) {
      this.#deps.log.debug('ownership.probe_failed', { code: toSlotlineError(error).code });
    } finally {
      this.#probing = false;
    }
  }

  /** The monotonic clock stands still while a machine is suspended, the wall clock does not; either may show the gap. */
  #noticePause(): number {
    const nowMs = this.#deps.clock.monotonicMs();
    const wallMs = this.#deps.clock.nowMs();
    if (Math.max(nowMs - this.#aliveMs, wallMs - this.#aliveWallMs) > this.#trustMs) {
      this.#doubtedMs = nowMs;
      this.#deps.log.warn('ownership.doubted', { pauseMs: Math.round(Math.max(nowMs - this.#aliveMs, wallMs - this.#aliveWallMs)) });
    }
    this.#aliveMs = nowMs;
    this.#aliveWallMs = wallMs;
    return nowMs;
  }
}
