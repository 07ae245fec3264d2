/** Owns the clock of slotline.start.timeout: how long a connector's first start waits for servers that have not answered yet. */
import { SlotlineError } from '../../core/errors.ts';

/** Node's timers hold at most 2^31 - 1 ms; a longer timeout means no timeout. */
const TIMER_MAX_MS = 2 ** 31 - 1;
/** A timer may fire a little early. We add this much, so that by the clock the full time is over. */
const TIMER_SLACK_MS = 5;

/** Ends waits that have no error of their own, such as the wait for a slot or for Kafka. */
export class StartDeadline {
  readonly #startTimeoutMs: number;
  #controller = new AbortController();
  #timer: NodeJS.Timeout | undefined;

  constructor(startTimeoutMs: number) {
    this.#startTimeoutMs = startTimeoutMs;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Starts the timer, unless it runs already. */
  start(): void {
    const startTimeoutMs = this.#startTimeoutMs;
    if (this.#timer !== undefined || startTimeoutMs > TIMER_MAX_MS - TIMER_SLACK_MS) return;
    const controller = this.#controller;
    const expire = (): void => controller.abort(new SlotlineError('start_timeout', { startTimeoutMs }));
    this.#timer = setTimeout(expire, startTimeoutMs + TIMER_SLACK_MS);
  }

  /** Stops the timer. Signals that are asked for later are new ones, which have not aborted. */
  clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#controller = new AbortController();
  }
}
