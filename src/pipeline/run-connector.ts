/**
 * Owns running one connector: feeds the machine of connector.ts with what the task reports, and carries out its effects.
 * Resolves when the connector stopped; one clear log line per change of trouble, not per attempt.
 */
import { type SlotlineError, toSlotlineError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { type Clock, wait } from '../core/time.ts';
import { type ConnectorEffect, type ConnectorState, FIRST_STATE, type RetryLimits, transition } from './connector.ts';

/** One attempt. Resolves when it ended in order; rejects with what ended it. Calls `started` once it streams. */
export type TaskRunner = (hooks: { readonly started: () => void; readonly stop: AbortSignal }) => Promise<void>;

export type ConnectorDeps = {
  readonly clock: Clock;
  readonly log: Log;
  readonly random: () => number;
};

/** Returns the error that ended it, or undefined after an orderly stop. */
export async function runConnector(
  runTask: TaskRunner,
  limits: RetryLimits,
  stop: AbortSignal,
  deps: ConnectorDeps,
): Promise<SlotlineError | undefined> {
  const taskStop = new AbortController();
  let state: ConnectorState = FIRST_STATE;
  let effect: ConnectorEffect = { tag: 'startTask' };
  let toldCode: string | undefined;
  const advance = (event: Parameters<typeof transition>[1]): void => {
    const next = transition(state, event, limits);
    state = next.state;
    effect = next.effect;
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
        started: () => {
          advance({ tag: 'started' });
          toldCode = undefined;
        },
        stop: taskStop.signal,
      });
      advance({ tag: 'finished' });
    } catch (thrown) {
      const error = toSlotlineError(thrown);
      advance({ tag: 'failed', error, nowMs: deps.clock.monotonicMs(), jitter: deps.random() });
      if (after(state).tag === 'waiting' && error.code !== toldCode) tell(deps.log, error);
      toldCode = error.code;
    }
  }
  stop.removeEventListener('abort', onStop);
  return after(state).tag === 'stopped' ? errorOf(state) : undefined;
}

/** The machine moves inside callbacks; this keeps the compiler from believing an earlier narrowing. */
function after(state: ConnectorState): ConnectorState {
  return state;
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
