/**
 * Owns one connector as a value: start, pause, resume, restart and stop it; a process may hold several. Feeds the machine of
 * connector-state.ts with the calls and with what attempts report, and carries out its effects: at most one attempt runs at a time. One
 * clear log line per change of trouble, not per attempt. Does not own what an attempt does: the runner is handed in.
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

/** Runs one attempt. Resolves when it ended in order; rejects with what ended it. */
export type AttemptRunner = (signals: AttemptSignals) => Promise<void>;

/** What passes between a connector and the attempt that it runs. */
export type AttemptSignals = {
  /** Called once the slot is ours and Kafka answers. */
  readonly answered: () => void;
  /** Called once it streams. */
  readonly started: () => void;
  /** An orderly end is asked for. */
  readonly stop: AbortSignal;
  /** The end that is asked for is not the connector's: another attempt will need the slot. */
  readonly goesOn: () => boolean;
  /** Aborts when the first start has waited for slotline.start.timeout; never behind `answered`, nor once the connector has run. */
  readonly startDeadline: AbortSignal;
};

export type ConnectorSetup = {
  /** A new task: runs attempt after attempt, and remembers from one to the next. */
  readonly newTask: () => AttemptRunner;
  readonly limits: RetryLimits;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly log: Log;
  readonly random: () => number;
  /** What the log says of each start. */
  readonly startFields?: LogFields;
  /** Told each state that it comes to. */
  readonly onState?: (state: ConnectorState) => void;
};

export class Connector {
  readonly #setup: ConnectorSetup;
  readonly #deadline: StartDeadline;
  /** Looked at behind each change of the state. */
  readonly #waiting = new Set<() => void>();
  #state: ConnectorState = UNSTARTED;
  /** Of the task; made when its first attempt begins. */
  #runAttempt: AttemptRunner | undefined;
  /** Of the attempt that runs. */
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

  // Each call takes effect at once and resolves when the attempt that it ends, if any, is over. Of calls that overlap the last one counts.

  /** Begins what is not begun, has stopped or has failed; a paused one stays paused. */
  start(): Promise<void> {
    return this.#call('start');
  }

  /** Ends the attempt in order. The slot is kept, and held by nobody: a standby may take it over. */
  pause(): Promise<void> {
    return this.#call('pause');
  }

  /** Takes a pause back, with a new attempt. */
  resume(): Promise<void> {
    return this.#call('resume');
  }

  /** Ends the attempt in order and begins a new task; retries count anew. A paused or stopped one stays so. */
  restart(): Promise<void> {
    return this.#call('restart');
  }

  /** Ends it in order; slot.drop.on.stop holds, unless it was paused. */
  stop(): Promise<void> {
    return this.#call('stop');
  }

  /** Resolves when it has stopped, at once if it has: the error that ended it, or undefined after an orderly end. */
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
    // What an attempt that is over still says is nothing about the one that follows it.
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
  // A bug is reported with its place; an operating error is not.
  const stack = error.code === 'unexpected' && error.cause instanceof Error ? error.cause.stack : undefined;
  log.error('connector.failed', { ...shown(error), stack });
}

function shown({ code, message, remedy }: SlotlineError): LogFields {
  return { code, message, remedy };
}
