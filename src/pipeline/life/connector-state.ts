/**
 * Owns a connector's life as a pure machine: transition(state, event) gives the next state and the effect to run. Retries are decided
 * here and nowhere else (core/errors.ts says what each code allows). Does no I/O: connector.ts does.
 *
 *   unstarted ──start──▶ starting ──started──▶ running ──failed──▶ waiting ──timer──▶ starting …
 *   starting, running ──pause, restart, stop──▶ ending ──the attempt is over──▶ paused, starting, stopped
 *   paused ──resume──▶ starting
 *
 * A call that comes while an attempt ends changes what follows, and never starts a second attempt beside the first.
 */
import { unreachable } from '../../core/assert.ts';
import type { SlotlineError } from '../../core/errors.ts';
import type { ConnectorOptions } from '../../core/options.ts';
import { backoffMs } from '../../core/retry.ts';

/** The pause between two tries of a standby. Short, so that it takes over within a second after the other process ended. */
const STANDBY_WAIT_MS = 500;

/** What was asked for last. A connector that stopped by an error is still desired to run. */
export type DesiredState = 'running' | 'paused' | 'stopped';

export type ConnectorState =
  | { readonly tag: 'unstarted' }
  /** `attempt` counts retries: 0 for the first attempt, and after a resume or a restart. */
  | { readonly tag: 'starting'; readonly attempt: number; readonly everRan: boolean; readonly sinceMs: number }
  | { readonly tag: 'running' }
  | {
      readonly tag: 'waiting';
      readonly attempt: number;
      readonly everRan: boolean;
      readonly sinceMs: number;
      readonly error: SlotlineError;
    }
  /** The attempt was told to end and has not ended yet. `fresh`: a new task begins after it. */
  | { readonly tag: 'ending'; readonly desired: DesiredState; readonly everRan: boolean; readonly fresh: boolean }
  /** `error`: what the paused attempt failed with, when it did not end in order. */
  | { readonly tag: 'paused'; readonly everRan: boolean; readonly fresh: boolean; readonly error: SlotlineError | undefined }
  | { readonly tag: 'stopped'; readonly desired: 'running' | 'stopped'; readonly error: SlotlineError | undefined };

/**
 * `start` begins a task where none runs: never started, stopped, or failed. `pause` ends the attempt and keeps the slot. `resume` ends the
 * pause. `restart` ends the attempt and begins a new task. `stop` ends the attempt, or the pause, for good.
 */
export type ConnectorCall = 'start' | 'pause' | 'resume' | 'restart' | 'stop';

export type ConnectorEvent =
  /** `nowMs`: the machine reads no clock, so the caller hands in the time. */
  | { readonly tag: 'called'; readonly call: ConnectorCall; readonly nowMs: number }
  /** The slot is ours and Kafka has answered. From here on the start waits for no server, and slotline.start.timeout counts anew. */
  | { readonly tag: 'answered' }
  | { readonly tag: 'started' }
  /** `jitter` in [0, 1) is handed in, too. */
  | { readonly tag: 'failed'; readonly error: SlotlineError; readonly nowMs: number; readonly jitter: number }
  /** The attempt ended by itself (initial_only), or in order after it was told to end. */
  | { readonly tag: 'finished'; readonly nowMs: number }
  | { readonly tag: 'timer' };

export type ConnectorEffect =
  | { readonly tag: 'none' }
  /** `fresh`: begin a new task, which remembers nothing of earlier attempts. */
  | { readonly tag: 'startAttempt'; readonly fresh: boolean }
  | { readonly tag: 'endAttempt' }
  | { readonly tag: 'wait'; readonly ms: number };

export type RetryLimits = Pick<ConnectorOptions, 'startTimeoutMs' | 'retriesMax' | 'retryWaitMaxMs'>;

type Transition = { readonly state: ConnectorState; readonly effect: ConnectorEffect };

export const UNSTARTED: ConnectorState = { tag: 'unstarted' };

export function desiredOf(state: ConnectorState): DesiredState {
  switch (state.tag) {
    case 'unstarted':
      return 'stopped';
    case 'starting':
    case 'running':
    case 'waiting':
      return 'running';
    case 'paused':
      return 'paused';
    case 'ending':
    case 'stopped':
      return state.desired;
    default:
      return unreachable(state);
  }
}

export function transition(state: ConnectorState, event: ConnectorEvent, limits: RetryLimits): Transition {
  switch (event.tag) {
    case 'called':
      return onCalled(state, event.call, event.nowMs);
    case 'answered':
      return unmoved(state.tag === 'starting' ? { ...state, sinceMs: 0 } : state);
    case 'started':
      return unmoved(state.tag === 'starting' ? { tag: 'running' } : state);
    case 'failed':
      if (state.tag === 'ending') return onEnded(state, event.error, event.nowMs);
      return state.tag === 'starting' || state.tag === 'running' ? onFailed(state, event, limits) : unmoved(state);
    case 'finished':
      if (state.tag === 'ending') return onEnded(state, undefined, event.nowMs);
      return unmoved({ tag: 'stopped', desired: 'running', error: undefined });
    case 'timer':
      if (state.tag !== 'waiting') return unmoved(state);
      return {
        state: { tag: 'starting', attempt: state.attempt, everRan: state.everRan, sinceMs: state.sinceMs },
        effect: { tag: 'startAttempt', fresh: false },
      };
    default:
      return unreachable(event);
  }
}

function onCalled(state: ConnectorState, call: ConnectorCall, nowMs: number): Transition {
  switch (state.tag) {
    case 'unstarted':
      return onCalledAtRest(state, call, nowMs);
    case 'stopped':
      if (call === 'restart' && state.desired === 'running') return startFresh(nowMs);
      return onCalledAtRest(state, call, nowMs);
    case 'starting':
    case 'running':
    case 'waiting':
      return onCalledAtWork(state, call, nowMs);
    case 'ending':
      return unmoved(onCalledAtEnd(state, call));
    case 'paused':
      if (call === 'stop') return unmoved({ tag: 'stopped', desired: 'stopped', error: undefined });
      if (call === 'resume') return startNext({ everRan: state.everRan, fresh: state.fresh, nowMs });
      return unmoved(call === 'restart' ? { ...state, everRan: false, fresh: true } : state);
    default:
      return unreachable(state);
  }
}

/** A call while there is no attempt. A connector that was never started can be paused; a stopped one only starts by `start`. */
function onCalledAtRest(state: Extract<ConnectorState, { tag: 'unstarted' | 'stopped' }>, call: ConnectorCall, nowMs: number): Transition {
  if (call === 'start') return startFresh(nowMs);
  if (call === 'stop') return unmoved({ tag: 'stopped', desired: 'stopped', error: state.tag === 'stopped' ? state.error : undefined });
  if (call === 'pause' && state.tag === 'unstarted') return unmoved({ tag: 'paused', everRan: false, fresh: true, error: undefined });
  return unmoved(state);
}

type AtWork = Extract<ConnectorState, { tag: 'starting' | 'running' | 'waiting' }>;

function onCalledAtWork(state: AtWork, call: ConnectorCall, nowMs: number): Transition {
  if (call === 'start' || call === 'resume') return unmoved(state);
  const everRan = hasRun(state);
  const fresh = call === 'restart';
  if (state.tag !== 'waiting') {
    const desired = call === 'restart' ? 'running' : call === 'pause' ? 'paused' : 'stopped';
    return { state: { tag: 'ending', desired, everRan, fresh }, effect: { tag: 'endAttempt' } };
  }
  if (call === 'restart') return startFresh(nowMs);
  if (call === 'pause') return unmoved({ tag: 'paused', everRan, fresh, error: undefined });
  return unmoved({ tag: 'stopped', desired: 'stopped', error: undefined });
}

type Ending = Extract<ConnectorState, { tag: 'ending' }>;

/** A call while the attempt ends. It cannot keep the attempt; it only changes what follows. */
function onCalledAtEnd(state: Ending, call: ConnectorCall): Ending {
  const { desired } = state;
  if (call === 'stop') return { ...state, desired: 'stopped' };
  if (call === 'start' && desired === 'stopped') return { ...state, desired: 'running', fresh: true };
  if (call === 'pause' && desired === 'running') return { ...state, desired: 'paused' };
  if (call === 'resume' && desired === 'paused') return { ...state, desired: 'running' };
  return call === 'restart' && desired !== 'stopped' ? { ...state, fresh: true } : state;
}

/** What follows an attempt that was told to end. */
function onEnded({ desired, everRan, fresh }: Ending, error: SlotlineError | undefined, nowMs: number): Transition {
  if (desired === 'running') return startNext({ everRan, fresh, nowMs });
  if (desired === 'paused') return unmoved({ tag: 'paused', everRan: everRan && !fresh, fresh, error });
  return unmoved({ tag: 'stopped', desired, error });
}

function onFailed(
  state: Extract<AtWork, { tag: 'starting' | 'running' }>,
  { error, nowMs, jitter }: Extract<ConnectorEvent, { tag: 'failed' }>,
  limits: RetryLimits,
): Transition {
  const everRan = hasRun(state);
  if (error.retry === 'never') return fail(error);
  if (error.retry === 'manual' && !everRan) return fail(error);
  const attempt = state.tag === 'running' ? 1 : state.attempt + 1;
  if (limits.retriesMax >= 0 && attempt > limits.retriesMax && error.code !== 'slot_in_use') return fail(error);
  const sinceMs = state.tag === 'running' || state.sinceMs === 0 ? nowMs : state.sinceMs;
  if (!everRan && nowMs - sinceMs >= limits.startTimeoutMs) return fail(error);
  const ms = error.code === 'slot_in_use' ? STANDBY_WAIT_MS : backoffMs(attempt, jitter, limits.retryWaitMaxMs);
  return { state: { tag: 'waiting', attempt, everRan, sinceMs, error }, effect: { tag: 'wait', ms } };
}

function hasRun(state: AtWork): boolean {
  return state.tag === 'running' || state.everRan;
}

function startFresh(nowMs: number): Transition {
  return startNext({ everRan: false, fresh: true, nowMs });
}

/** Starts the next attempt, and counts retries from 0. */
function startNext({ everRan, fresh, nowMs }: { readonly everRan: boolean; readonly fresh: boolean; readonly nowMs: number }): Transition {
  return {
    state: { tag: 'starting', attempt: 0, everRan: everRan && !fresh, sinceMs: nowMs },
    effect: { tag: 'startAttempt', fresh },
  };
}

function fail(error: SlotlineError): Transition {
  return unmoved({ tag: 'stopped', desired: 'running', error });
}

function unmoved(state: ConnectorState): Transition {
  return { state, effect: { tag: 'none' } };
}
