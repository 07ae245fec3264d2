/**
 * Owns how often a durable position is told to the server: at once when it asks or nothing is in flight, else at most
 * every few milliseconds with the newest position. Never changes a position.
 */
import type { Lsn } from '../core/lsn.ts';

/** Short enough that a restart repeats little; long enough that thousands of small commits cost fifty writes a second. */
const PACE_MS = 20;

export class ConfirmPacer {
  readonly #send: (lsn: Lsn) => void;
  #latest: Lsn | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(send: (lsn: Lsn) => void) {
    this.#send = send;
  }

  confirm(lsn: Lsn, options: { readonly urgent: boolean }): void {
    this.#latest = lsn;
    if (options.urgent) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), PACE_MS);
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const latest = this.#latest;
    this.#latest = undefined;
    if (latest !== undefined) this.#send(latest);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#latest = undefined;
  }
}
