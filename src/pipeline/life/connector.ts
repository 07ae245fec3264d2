/**
 * Owns a connector's life as a pure machine: transition(state, event) gives the next state and the effect to run. The only
 * place where a retry is decided (core/errors.ts says what each code allows). Does no I/O: run-connector.ts does.
 *
 *   starting ──started──▶ running ──failed──▶ waiting ──timer──▶ starting …
 *   any ──stop──▶ stopping ──finished──▶ stopped
 */
import { unreachable } from '../../core/assert.ts';
import type { SlotlineError } from '../../core/errors.ts';
import { backoffMs } from '../../core/retry.ts';

/** A standby looks often: it should take over within a second of the other's end. */
const STANDBY_WAIT_MS = 500;

export type ConnectorState =
  | { readonly tag: 'starting'; readonly attempt: number; readonly everRan: boolean; readonly sinceMs: number }
  | { readonly tag: 'running' }
  | {
      readonly tag: 'waiting';
      readonly attempt: number;
      readonly everRan: boolean;
      readonly sinceMs: number;
      readonly error: SlotlineError;
    }
  | { readonly tag: 'stopping' }
  | { readonly tag: 'stopped'; readonly error: SlotlineError | undefined };

type ConnectorEvent =
  /** The slot is ours and Kafka answers: from here on a start waits for nobody, and slotline.start.timeout counts anew. */
  | { readonly tag: 'answered' }
  | { readonly tag: 'started' }
  /** `jitter` in [0, 1) and the time are handed in: the machine reads neither. */
  | { readonly tag: 'failed'; readonly error: SlotlineError; readonly nowMs: number; readonly jitter: number }
  /** The task ended by itself (initial_only), or after it was told to stop. */
  | { readonly tag: 'finished' }
  | { readonly tag: 'timer' }
  | { readonly tag: 'stop' };

export type ConnectorEffect =
  | { readonly tag: 'none' }
  | { readonly tag: 'startTask' }
  | { readonly tag: 'stopTask' }
  | { readonly tag: 'wait'; readonly ms: number };

export type RetryLimits = {
  /** slotline.start.timeout: how long the first start may be retried. */
  readonly startTimeoutMs: number;
  /** errors.max.retries: -1 for ever. */
  readonly retriesMax: number;
  /** retriable.restart.connector.wait.ms: the longest pause. */
  readonly retryWaitMaxMs: number;
};

type Transition = { readonly state: ConnectorState; readonly effect: ConnectorEffect };

export const FIRST_STATE: ConnectorState = startingSince(0);

export function startingSince(sinceMs: number): ConnectorState {
  return { tag: 'starting', attempt: 0, everRan: false, sinceMs };
}

export function transition(state: ConnectorState, event: ConnectorEvent, limits: RetryLimits): Transition {
  if (state.tag === 'stopped') return { state, effect: { tag: 'none' } };
  switch (event.tag) {
    case 'answered':
      return { state: state.tag === 'starting' ? { ...state, sinceMs: 0 } : state, effect: { tag: 'none' } };
    case 'started':
      return { state: state.tag === 'starting' ? { tag: 'running' } : state, effect: { tag: 'none' } };
    case 'failed':
      return onFailed(state, event, limits);
    case 'finished':
      return { state: { tag: 'stopped', error: undefined }, effect: { tag: 'none' } };
    case 'timer':
      if (state.tag !== 'waiting') return { state, effect: { tag: 'none' } };
      return {
        state: { tag: 'starting', attempt: state.attempt, everRan: state.everRan, sinceMs: state.sinceMs },
        effect: { tag: 'startTask' },
      };
    case 'stop':
      if (state.tag === 'waiting') return { state: { tag: 'stopped', error: undefined }, effect: { tag: 'none' } };
      return { state: { tag: 'stopping' }, effect: { tag: 'stopTask' } };
    default:
      return unreachable(event);
  }
}

function onFailed(state: ConnectorState, event: Extract<ConnectorEvent, { tag: 'failed' }>, limits: RetryLimits): Transition {
  const { error, nowMs, jitter } = event;
  if (state.tag === 'stopping' || state.tag === 'stopped') return stop(error);
  const everRan = state.tag === 'running' || state.everRan;
  if (error.retry === 'never') return stop(error);
  if (error.retry === 'manual' && !everRan) return stop(error);
  const attempt = state.tag === 'running' ? 1 : state.attempt + 1;
  if (limits.retriesMax >= 0 && attempt > limits.retriesMax && error.code !== 'slot_in_use') return stop(error);
  const sinceMs = state.tag === 'running' || state.sinceMs === 0 ? nowMs : state.sinceMs;
  if (!everRan && nowMs - sinceMs >= limits.startTimeoutMs) return stop(error);
  const ms = error.code === 'slot_in_use' ? STANDBY_WAIT_MS : backoffMs(attempt, jitter, limits.retryWaitMaxMs);
  return { state: { tag: 'waiting', attempt, everRan, sinceMs, error }, effect: { tag: 'wait', ms } };
}

function stop(error: SlotlineError): Transition {
  return { state: { tag: 'stopped', error }, effect: { tag: 'none' } };
}
