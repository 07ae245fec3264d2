/** Owns the clock of slotline.start.timeout: how long the first start of a connector waits for servers that have not answered yet. */
import { SlotlineError } from '../../core/errors.ts';

/** A timer of Node holds 2^31 - 1 ms; what is longer is for ever. */
const TIMER_MAX_MS = 2 ** 31 - 1;
/** A timer may fire a moment early; by the machine's clock the time must be up then. */
const TIMER_SLACK_MS = 5;

/** Whoever waits for a server that gives no error of its own, such as a slot or Kafka, waits no longer than this. */
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

  /** Where the time runs already, nothing changes. */
  start(): void {
    const startTimeoutMs = this.#startTimeoutMs;
    if (this.#timer !== undefined || startTimeoutMs > TIMER_MAX_MS - TIMER_SLACK_MS) return;
    const controller = this.#controller;
    const expire = (): void => controller.abort(new SlotlineError('start_timeout', { startTimeoutMs }));
    this.#timer = setTimeout(expire, startTimeoutMs + TIMER_SLACK_MS);
  }

  /** Nobody who asks for the signal from here on sees an end that is past. */
  clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#controller = new AbortController();
  }
}
