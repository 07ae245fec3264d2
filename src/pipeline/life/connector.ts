/**
 * Owns one connector as a value: start, pause, resume, restart and stop it. A process may hold several. It feeds the machine of
 * connector-state.ts with calls and with what attempts report, and carries out the effects; at most one attempt runs at a time. It logs
 * once when the kind of trouble changes, not once per attempt. Does not own what an attempt does: the runner is handed in.
 */
import { type SlotlineError, toSlotlineError } from '../../core/errors.ts';
import type { Log, LogFields } from '../../core/log.ts';
import type { Clock } from '../../core/time.ts';
import {
  type ConnectorCall,
  type ConnectorEffect,
  type ConnectorEvent,
  type ConnectorState,
  type DesiredState,
  desiredOf,
  type RetryLimits,
  transition,
  UNSTARTED,
} from './connector-state.ts';
import { StartDeadline } from './start-deadline.ts';

/** Runs one attempt. Resolves when it ended in order; rejects with the error that ended it. */
export type AttemptRunner = (signals: AttemptSignals) => Promise<void>;

/** Signals between a connector and the attempt that it runs. */
export type AttemptSignals = {
  /** Called once the slot is ours and Kafka has answered. */
  readonly answered: () => void;
  /** Called once the attempt streams. */
  readonly started: () => void;
  /** Aborts when an orderly end is asked for. */
  readonly stop: AbortSignal;
  /** True when the end is a pause or a restart: another attempt will need the slot. */
  readonly goesOn: () => boolean;
  /** Aborts when the start has waited for slotline.start.timeout; never after `answered`, nor once the connector has run. */
  readonly startDeadline: AbortSignal;
};

export type ConnectorSetup = {
  /** Begins a new task. The runner that it returns runs every attempt of the task. */
  readonly newTask: () => AttemptRunner;
  readonly limits: RetryLimits;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly log: Log;
  readonly random: () => number;
  /** Fields of the log line of each start. */
  readonly startFields?: LogFields;
  /** Called with each new state. */
  readonly onState?: (state: ConnectorState) => void;
};

export class Connector {
  readonly #setup: ConnectorSetup;
  readonly #deadline: StartDeadline;
  /** Checks to run after each change of the state, for those who wait for one. */
  readonly #waiting = new Set<() => void>();
  #state: ConnectorState = UNSTARTED;
  /** The task's runner; made when the first attempt of the task begins. */
  #runAttempt: AttemptRunner | undefined;
  /** Ends the attempt that runs. */
  #stop = new AbortController();
  #retryTimer: NodeJS.Timeout | undefined;
  #toldCode: string | undefined;

  constructor(setup: ConnectorSetup) {
    this.#setup = setup;
    this.#deadline = new StartDeadline(setup.limits.startTimeoutMs);
  }

  get state(): ConnectorState {
    return this.#state;
  }

  get desired(): DesiredState {
    return desiredOf(this.#state);
  }

  // A call takes effect at once, and resolves when the attempt that it ends, if any, is over. When calls overlap, the last one counts.

  /** Begins a task where none runs: never started, stopped, or failed. A paused connector stays paused. */
  start(): Promise<void> {
    return this.#call('start');
  }

  /** Ends the attempt in order. The slot stays, but nobody holds it: a standby may take it over. */
  pause(): Promise<void> {
    return this.#call('pause');
  }

  /** Ends a pause with a new attempt of the same task. */
  resume(): Promise<void> {
    return this.#call('resume');
  }

  /** Ends the attempt in order and begins a new task; retries count anew. A connector that is paused or was stopped stays so. */
  restart(): Promise<void> {
    return this.#call('restart');
  }

  /** Ends the attempt in order, for good. slot.drop.on.stop applies, unless the connector was paused. */
  stop(): Promise<void> {
    return this.#call('stop');
  }

  /** Resolves when the connector has stopped: with the error that ended it, or undefined after an orderly end. */
  async untilStopped(): Promise<SlotlineError | undefined> {
    const stopped = await this.#until((state) => (state.tag === 'stopped' ? state : undefined));
    return stopped.error;
  }

  async #call(call: ConnectorCall): Promise<void> {
    this.#advance({ tag: 'called', call, nowMs: this.#setup.clock.monotonicMs() });
    await this.#until((state) => (state.tag === 'ending' ? undefined : state));
  }

  #until<T>(look: (state: ConnectorState) => T | undefined): Promise<T> {
    const { promise, resolve } = Promise.withResolvers<T>();
    const check = (): void => {
      const found = look(this.#state);
      if (found === undefined) return;
      this.#waiting.delete(check);
      resolve(found);
    };
    this.#waiting.add(check);
    check();
    return promise;
  }

  #advance(event: ConnectorEvent): void {
    const before = this.#state;
    const { state, effect } = transition(before, event, this.#setup.limits);
    this.#state = state;
    if (state !== before) this.#enter(before, state);
    this.#carryOut(effect);
    for (const check of this.#waiting) check();
  }

  #enter(before: ConnectorState, state: ConnectorState): void {
    this.#setup.onState?.(state);
    if (state.tag !== 'waiting') clearTimeout(this.#retryTimer);
    if (state.tag === 'paused' || state.tag === 'stopped') this.#deadline.clear();
    tellChange(this.#setup, before, state);
  }

  #carryOut(effect: ConnectorEffect): void {
    switch (effect.tag) {
      case 'startAttempt':
        if (effect.fresh) this.#beginTask();
        void this.#attempt();
        break;
      case 'endAttempt':
        this.#stop.abort();
        break;
      case 'wait':
        this.#retryTimer = setTimeout(() => this.#advance({ tag: 'timer' }), effect.ms);
        break;
      default:
    }
  }

  #beginTask(): void {
    this.#runAttempt = undefined;
    this.#toldCode = undefined;
    this.#deadline.clear();
  }

  async #attempt(): Promise<void> {
    const stop = new AbortController();
    this.#stop = stop;
    this.#runAttempt ??= this.#setup.newTask();
    if (neverRan(this.#state)) this.#deadline.start();
    // An attempt that is over may still report. That must not change the state of its successor.
    const came = (tag: 'answered' | 'started'): void => {
      if (this.#stop !== stop) return;
      this.#advance({ tag });
      this.#deadline.clear();
      if (tag === 'started') this.#toldCode = undefined;
    };
    try {
      await this.#runAttempt({
        answered: () => came('answered'),
        started: () => came('started'),
        stop: stop.signal,
        goesOn: () => this.#state.tag === 'ending' && this.#state.desired !== 'stopped',
        startDeadline: this.#deadline.signal,
      });
    } catch (thrown) {
      this.#onFailed(toSlotlineError(thrown));
      return;
    }
    this.#advance({ tag: 'finished', nowMs: this.#setup.clock.monotonicMs() });
  }

  #onFailed(error: SlotlineError): void {
    const { clock, log, random } = this.#setup;
    if (this.#state.tag === 'ending' && this.#state.desired !== 'stopped') log.warn('connector.attempt_failed', shown(error));
    this.#advance({ tag: 'failed', error, nowMs: clock.monotonicMs(), jitter: random() });
    if (this.#state.tag !== 'waiting') return;
    if (error.code !== this.#toldCode) log.warn('connector.retrying', shown(error));
    this.#toldCode = error.code;
    if (neverRan(this.#state)) this.#deadline.start();
  }
}

function neverRan(state: ConnectorState): boolean {
  return (state.tag === 'starting' || state.tag === 'waiting') && !state.everRan;
}

function tellChange({ log, startFields }: ConnectorSetup, before: ConnectorState, state: ConnectorState): void {
  if (state.tag === 'paused' && before.tag !== 'paused') log.info('connector.paused');
  if (state.tag === 'stopped' && before.tag !== 'stopped') tellEnd(log, state.error);
  if (state.tag !== 'starting') return;
  if (before.tag === 'unstarted' || before.tag === 'stopped') log.info('connector.start', startFields);
  const isFresh = before.tag === 'ending' ? before.fresh : before.tag === 'waiting' && state.attempt === 0;
  if (isFresh) log.info('connector.restarted');
  else if (before.tag === 'paused' || before.tag === 'ending') log.info('connector.resumed');
}

function tellEnd(log: Log, error: SlotlineError | undefined): void {
  if (error === undefined) {
    log.info('connector.stopped');
    return;
  }
  // An unexpected error is a bug: its stack is logged. Operating errors need none.
  const stack = error.code === 'unexpected' && error.cause instanceof Error ? error.cause.stack : undefined;
  log.error('connector.failed', { ...shown(error), stack });
}

function shown({ code, message, remedy }: SlotlineError): LogFields {
  return { code, message, remedy };
}
