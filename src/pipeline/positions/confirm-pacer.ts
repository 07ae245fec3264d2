/**
 * Owns how often a durable position is handed on: at once when the server asks or when nothing is in flight, else the newest position every
 * few milliseconds. Never changes a position.
 */
import type { Lsn } from '../../core/lsn.ts';

/** Short enough that a restart repeats little; long enough that thousands of small commits cost only fifty writes a second. */
const PACE_MS = 20;

export class ConfirmPacer {
  readonly #send: (lsn: Lsn, urgent: boolean) => void;
  #latest: Lsn | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(send: (lsn: Lsn, urgent: boolean) => void) {
    this.#send = send;
  }

  confirm(lsn: Lsn, options: { readonly urgent: boolean }): void {
    this.#latest = lsn;
    if (options.urgent) this.#flush(true);
    else this.#timer ??= setTimeout(() => this.#flush(false), PACE_MS);
  }

  #flush(urgent: boolean): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const latest = this.#latest;
    this.#latest = undefined;
    if (latest !== undefined) this.#send(latest, urgent);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#latest = undefined;
  }
}
