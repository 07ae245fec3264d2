/**
 * Owns one proof that the right to send is still ours, asked before every write to Kafka. A process that was frozen may have a successor,
 * and must not put old rows after the successor's rows (docs/delivery.md, "A frozen process"). Which proof counts when: fence.ts.
 *
 * Two things are needed. First, the server was heard within half of the time after which it would give the right to another process: by the
 * send times of its frames, or by SQL where frames are not read. Second, this process did not stand still. During a pause its sessions may
 * have ended, and frames in its buffers are old; so after a pause only the answer to a query asked after it counts.
 */
import { toSlotlineError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { Clock } from '../../core/time.ts';
import type { Permission } from '../../kafka/producer/publisher-contract.ts';

/** Without wal_sender_timeout the server never gives the slot away. We still stop trusting after its default time of silence. */
const TIMEOUT_DEFAULT_MS = 60_000;
const PROBE_MAX_MS = 5_000;

export type Contact = { readonly serverContactMs: number; noteContact(atMs: number): void };

type OwnershipDeps = {
  readonly clock: Clock;
  readonly log: Log;
  /** wal_sender_timeout; 0: none. */
  readonly timeoutMs: number;
  readonly contact: Contact;
  /** Asks the server whether the right is still ours. */
  readonly isOurs: () => Promise<boolean>;
  /** After so long without contact sending is held back until there is one. Default: half of the timeout, when the proof is lost anyway. */
  readonly heldAfterMs?: number;
  /** How often the server is asked when nothing else is heard from it. */
  readonly probeEveryMs?: number;
  /** If timers were late by this much, the process stood still. Default: half of the timeout. */
  readonly pauseMinMs?: number;
};

export class SlotOwnership {
  readonly #deps: OwnershipDeps;
  readonly #trustMs: number;
  readonly #heldAfterMs: number;
  readonly #pauseMinMs: number;
  #timer: NodeJS.Timeout | undefined;
  #probing = false;
  #aliveMs: number;
  #aliveWallMs: number;
  /** When our last pause was noticed, by the monotonic clock. undefined: there was none since the last proof. */
  #doubtedMs: number | undefined;
  /** When the first pause since the last proof was noticed. */
  #doubtedSinceMs = 0;
  /** The last answer said that the right is not ours. */
  #denied = false;

  constructor(deps: OwnershipDeps) {
    this.#deps = deps;
    this.#trustMs = (deps.timeoutMs || TIMEOUT_DEFAULT_MS) / 2;
    this.#heldAfterMs = Math.min(deps.heldAfterMs ?? this.#trustMs, this.#trustMs);
    this.#pauseMinMs = Math.min(deps.pauseMinMs ?? this.#trustMs, this.#trustMs);
    this.#aliveMs = deps.clock.monotonicMs();
    this.#aliveWallMs = deps.clock.nowMs();
  }

  isFresh(): boolean {
    return this.permission() === true;
  }

  permission(): Permission {
    const nowMs = this.#noticePause();
    if (this.#doubtedMs !== undefined) return !this.#denied && nowMs - this.#doubtedSinceMs < this.#trustMs ? 'later' : false;
    const silentMs = nowMs - this.#deps.contact.serverContactMs;
    if (silentMs >= this.#trustMs || this.#denied) return false;
    return silentMs < this.#heldAfterMs || 'later';
  }

  /** From here on nothing counts until the server has answered a query that is asked later than now. */
  doubt(): void {
    const nowMs = this.#deps.clock.monotonicMs();
    if (this.#doubtedMs === undefined) this.#doubtedSinceMs = nowMs;
    this.#doubtedMs = nowMs;
  }

  start(): void {
    const everyMs = this.#deps.probeEveryMs ?? Math.max(50, Math.min(PROBE_MAX_MS, this.#trustMs / 4));
    const tickMs = Math.min(everyMs, this.#pauseMinMs / 3);
    const tick = (): void => {
      const nowMs = this.#noticePause();
      if (this.#doubtedMs !== undefined || nowMs - this.#deps.contact.serverContactMs >= everyMs) void this.probe();
    };
    tick();
    this.#timer = setInterval(tick, tickMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Asks the catalog who has the right. Needed since a paused socket shows no frames, and a busy walsender may not answer. */
  async probe(): Promise<void> {
    if (this.#probing) return;
    this.#probing = true;
    const askedMs = this.#deps.clock.monotonicMs();
    try {
      this.#denied = !(await this.#deps.isOurs());
      if (this.#denied) return;
      this.#deps.contact.noteContact(askedMs);
      if (this.#doubtedMs !== undefined && askedMs >= this.#doubtedMs) this.#doubtedMs = undefined;
    } catch (error) {
      this.#deps.log.debug('ownership.probe_failed', { code: toSlotlineError(error).code });
    } finally {
      this.#probing = false;
    }
  }

  /** Looks at two clocks: while a machine is suspended the monotonic clock stands still, and the wall clock does not. */
  #noticePause(): number {
    const nowMs = this.#deps.clock.monotonicMs();
    const wallMs = this.#deps.clock.nowMs();
    const pauseMs = Math.max(nowMs - this.#aliveMs, wallMs - this.#aliveWallMs);
    this.#aliveMs = nowMs;
    this.#aliveWallMs = wallMs;
    if (pauseMs <= this.#pauseMinMs) return nowMs;
    this.doubt();
    // Short pauses are normal in a process that works hard.
    if (pauseMs > this.#trustMs) this.#deps.log.warn('ownership.doubted', { pauseMs: Math.round(pauseMs) });
    else this.#deps.log.debug('ownership.doubted', { pauseMs: Math.round(pauseMs) });
    return nowMs;
  }
}
