/**
 * Owns one proof that the right to send is still ours, asked before every write to Kafka: a process that was frozen may have a
 * successor, and must not put old rows behind its rows (docs/delivery.md, "A frozen process"). Which proof counts when: fence.ts.
 *
 * Two things are needed. The server was heard of within half of the time after which it would give the right to another: by the send
 * times in its frames, or by SQL where frames are not read. And this process was not itself stopped: sessions may have been ended
 * meanwhile, and frames that lie in a buffer are old, so after a pause only an SQL answer to a question asked behind it is believed.
 */
import { toSlotlineError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { Clock } from '../../core/time.ts';
import type { Permission } from '../../kafka/producer/publisher-contract.ts';

/** Without wal_sender_timeout the server never gives the slot away; a silence as long as its default still ends trust. */
const TIMEOUT_DEFAULT_MS = 60_000;
const PROBE_MAX_MS = 5_000;

export type Contact = { readonly serverContactMs: number; noteContact(atMs: number): void };

type OwnershipDeps = {
  readonly clock: Clock;
  readonly log: Log;
  /** wal_sender_timeout; 0: none. */
  readonly timeoutMs: number;
  readonly contact: Contact;
  /** Asks the server whether the right is ours. */
  readonly isOurs: () => Promise<boolean>;
  /** Without a contact for so long nothing is sent until there is one. Default: half of the timeout, and then it is given up. */
  readonly heldAfterMs?: number;
  /** How often the server is asked while nothing else is heard of it. */
  readonly probeEveryMs?: number;
  /** The process stood still if its timers did for so long. Default: half of the timeout. */
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
  /** Monotonic time at which the last pause of ours was noticed; undefined: none since the last proof. */
  #doubtedMs: number | undefined;
  /** Of the first one since the last proof. */
  #doubtedSinceMs = 0;
  /** The last answer was that it is not ours. */
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

  /** Nothing is believed until the server has answered to a question asked from here on. */
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

  /** A paused socket shows no frames, and a busy walsender may not answer: the catalog says who has the right. */
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

  /** The monotonic clock stands still while a machine is suspended, the wall clock does not; either may show the gap. */
  #noticePause(): number {
    const nowMs = this.#deps.clock.monotonicMs();
    const wallMs = this.#deps.clock.nowMs();
    const pauseMs = Math.max(nowMs - this.#aliveMs, wallMs - this.#aliveWallMs);
    this.#aliveMs = nowMs;
    this.#aliveWallMs = wallMs;
    if (pauseMs <= this.#pauseMinMs) return nowMs;
    this.doubt();
    // A process that works hard stands still for moments too: that is no news.
    if (pauseMs > this.#trustMs) this.#deps.log.warn('ownership.doubted', { pauseMs: Math.round(pauseMs) });
    else this.#deps.log.debug('ownership.doubted', { pauseMs: Math.round(pauseMs) });
    return nowMs;
  }
}
