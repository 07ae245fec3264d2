/**
 * Owns running one connector: feeds the machine of connector.ts with what the task reports, and carries out its effects.
 * Resolves when the connector stopped; one clear log line per change of trouble, not per attempt.
 */
import { SlotlineError, toSlotlineError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { type Clock, wait } from '../../core/time.ts';
import { type ConnectorEffect, type ConnectorState, type RetryLimits, startingSince, transition } from './connector.ts';

/** One attempt. Resolves when it ended in order; rejects with what ended it. */
type TaskRunner = (hooks: AttemptHooks) => Promise<void>;

export type AttemptHooks = {
  /** Called once the slot is ours and Kafka answers. */
  readonly answered: () => void;
  /** Called once it streams. */
  readonly started: () => void;
  /** An orderly stop is asked for. */
  readonly stop: AbortSignal;
  /** Aborts when the first start has waited for slotline.start.timeout; never behind `answered`, nor once the connector has run. */
  readonly startDeadline: AbortSignal;
};

type ConnectorDeps = {
  readonly clock: Clock;
  readonly log: Log;
  readonly random: () => number;
  /** Told each state that the machine comes to. */
  readonly onState?: (state: ConnectorState) => void;
};

/** Returns the error that ended it, or undefined after an orderly stop. */
export async function runConnector(
  runTask: TaskRunner,
  limits: RetryLimits,
  stop: AbortSignal,
  deps: ConnectorDeps,
): Promise<SlotlineError | undefined> {
  const taskStop = new AbortController();
  const deadline = new StartDeadline(limits.startTimeoutMs);
  let state: ConnectorState = startingSince(deps.clock.monotonicMs());
  let effect: ConnectorEffect = { tag: 'startTask' };
  let toldCode: string | undefined;
  const advance = (event: Parameters<typeof transition>[1]): void => {
    const next = transition(state, event, limits);
    state = next.state;
    effect = next.effect;
    deps.onState?.(state);
    if (effect.tag === 'stopTask') taskStop.abort();
  };
  const onStop = (): void => advance({ tag: 'stop' });
  stop.addEventListener('abort', onStop, { once: true });
  if (stop.aborted) return undefined;
  while (state.tag !== 'stopped') {
    const waitMs = waitOf(effect);
    if (waitMs !== undefined) {
      await wait(waitMs, stop);
      advance({ tag: 'timer' });
      continue;
    }
    try {
      await runTask({
        answered: () => {
          advance({ tag: 'answered' });
          deadline.clear();
        },
        started: () => {
          advance({ tag: 'started' });
          deadline.clear();
          toldCode = undefined;
        },
        stop: taskStop.signal,
        startDeadline: deadline.signal,
      });
      advance({ tag: 'finished' });
    } catch (thrown) {
      const error = toSlotlineError(thrown);
      advance({ tag: 'failed', error, nowMs: deps.clock.monotonicMs(), jitter: deps.random() });
      if (after(state).tag === 'waiting' && error.code !== toldCode) tell(deps.log, error);
      toldCode = error.code;
      if (neverRan(state)) deadline.start();
    }
  }
  deadline.clear();
  stop.removeEventListener('abort', onStop);
  return after(state).tag === 'stopped' ? errorOf(state) : undefined;
}

/** A timer of Node holds 2^31 - 1 ms; what is longer is for ever. */
const TIMER_MAX_MS = 2 ** 31 - 1;
/** A timer may fire a moment early; by the machine's clock the time must be up then. */
const TIMER_SLACK_MS = 5;

/** Whoever waits for a server that gives no error of its own, such as a slot or Kafka, waits no longer than this. */
class StartDeadline {
  readonly #startTimeoutMs: number;
  #controller = new AbortController();
  #timer: NodeJS.Timeout | undefined;

  constructor(startTimeoutMs: number) {
    this.#startTimeoutMs = startTimeoutMs;
    this.start();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** One that runs goes on. */
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

/** The machine moves inside callbacks; this keeps the compiler from believing an earlier narrowing. */
function after(state: ConnectorState): ConnectorState {
  return state;
}

function neverRan(state: ConnectorState): boolean {
  return state.tag === 'waiting' && !state.everRan;
}

function waitOf(effect: ConnectorEffect): number | undefined {
  return effect.tag === 'wait' ? effect.ms : undefined;
}

function errorOf(state: ConnectorState): SlotlineError | undefined {
  return state.tag === 'stopped' ? state.error : undefined;
}

function tell(log: Log, error: SlotlineError): void {
  log.warn('connector.retrying', { code: error.code, message: error.message, remedy: error.remedy });
}
