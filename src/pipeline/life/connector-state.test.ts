import { describe, expect, it } from 'vitest';
import { type ErrorCode, SlotlineError } from '../../core/errors.ts';
import { type ConnectorCall, type ConnectorState, desiredOf, transition, UNSTARTED } from './connector-state.ts';

const limits = { startTimeoutMs: Number.POSITIVE_INFINITY, retriesMax: -1, retryWaitMaxMs: 10_000 };
const failed = (code: ErrorCode, nowMs = 1000, jitter = 0): Parameters<typeof transition>[1] => ({
  tag: 'failed',
  error: new SlotlineError(code, {}),
  nowMs,
  jitter,
});
const running: ConnectorState = { tag: 'running' };
const FIRST_STATE: ConnectorState = { tag: 'starting', attempt: 0, everRan: false, sinceMs: 0 };

describe('connector', () => {
  it('retries an unreachable server at start and ends at once on a wrong password', () => {
    expect(transition(FIRST_STATE, failed('pg_unreachable'), limits).state.tag).toBe('waiting');
    expect(transition(FIRST_STATE, failed('pg_authentication_failed'), limits).state.tag).toBe('stopped');
  });

  it('retries a wrong password once it ran before', () => {
    expect(transition(running, failed('pg_authentication_failed'), limits).state.tag).toBe('waiting');
  });

  it('never retries what no retry can mend', () => {
    const next = transition(running, failed('slot_lost'), limits);
    expect(next.state).toMatchObject({ tag: 'stopped', error: { code: 'slot_lost' } });
  });

  it('waits as a standby while the slot is in use, without growing pauses', () => {
    let state: ConnectorState = FIRST_STATE;
    for (let i = 0; i < 20; i++) {
      const waiting = transition(state, failed('slot_in_use', 1000 + i), limits);
      expect(waiting.effect).toEqual({ tag: 'wait', ms: 500 });
      state = transition(waiting.state, { tag: 'timer' }, limits).state;
    }
  });

  it('doubles its pauses up to retriable.restart.connector.wait.ms, and begins anew after it ran', () => {
    const pauses = (retryWaitMaxMs: number): number[] => {
      let state: ConnectorState = running;
      return Array.from({ length: 12 }, () => {
        const { state: waiting, effect } = transition(state, failed('pg_unreachable', 1000, 0.999), { ...limits, retryWaitMaxMs });
        state = transition(waiting, { tag: 'timer' }, limits).state;
        return effect.tag === 'wait' ? effect.ms : -1;
      });
    };
    expect(pauses(10_000)).toEqual([200, 400, 800, 1_599, 3_198, 6_397, 9_995, 9_995, 9_995, 9_995, 9_995, 9_995]);
    expect(pauses(2_000).at(-1)).toBe(1_999);
    expect(pauses(50).every((ms) => ms <= 50)).toBe(true);
    expect(Math.max(...pauses(60_000))).toBe(59_970);
  });

  it('ends the first start after slotline.start.timeout', () => {
    const bounded = { startTimeoutMs: 5_000, retriesMax: -1, retryWaitMaxMs: 10_000 };
    const first = transition(FIRST_STATE, failed('pg_unreachable', 1_000), bounded);
    const again = transition(first.state, { tag: 'timer' }, bounded);
    expect(transition(again.state, failed('pg_unreachable', 7_000), bounded).state.tag).toBe('stopped');
  });

  it('counts errors.max.retries from the last success', () => {
    const bounded = { startTimeoutMs: Number.POSITIVE_INFINITY, retriesMax: 1, retryWaitMaxMs: 10_000 };
    const first = transition(running, failed('pg_connection_lost'), bounded);
    expect(first.state.tag).toBe('waiting');
    const second = transition(transition(first.state, { tag: 'timer' }, bounded).state, failed('pg_unreachable'), bounded);
    expect(second.state.tag).toBe('stopped');
  });
});

const NOW_MS = 9_000;
const error = new SlotlineError('pg_connection_lost');
const waiting: ConnectorState = { tag: 'waiting', attempt: 3, everRan: true, sinceMs: 1, error };
const pausing: ConnectorState = { tag: 'ending', desired: 'paused', everRan: true, fresh: false };
const stopping: ConnectorState = { ...pausing, desired: 'stopped' };
const restarting: ConnectorState = { ...pausing, desired: 'running', fresh: true };
const paused: ConnectorState = { tag: 'paused', everRan: true, fresh: false, error: undefined };
const stopped: ConnectorState = { tag: 'stopped', desired: 'stopped', error: undefined };
const failedState: ConnectorState = { tag: 'stopped', desired: 'running', error };
const first: ConnectorState = { tag: 'starting', attempt: 0, everRan: false, sinceMs: NOW_MS };
const resumed: ConnectorState = { ...first, everRan: true };

const NONE = { tag: 'none' } as const;
const END = { tag: 'endAttempt' } as const;
const FRESH = { tag: 'startAttempt', fresh: true } as const;
const NEXT = { tag: 'startAttempt', fresh: false } as const;

type Row = readonly [ConnectorCall, string, ConnectorState, ConnectorState, typeof NONE | typeof END | typeof FRESH | typeof NEXT];

describe('a call', () => {
  it.each<Row>([
    ['start', 'what is not begun', UNSTARTED, first, FRESH],
    ['start', 'what has stopped', stopped, first, FRESH],
    ['start', 'what has failed', failedState, first, FRESH],
    ['start', 'what runs', running, running, NONE],
    ['start', 'what is paused', paused, paused, NONE],
    ['start', 'what is stopping', stopping, { ...stopping, desired: 'running', fresh: true }, NONE],
    ['start', 'what is pausing', pausing, pausing, NONE],
    ['pause', 'what runs', running, pausing, END],
    ['pause', 'what starts', FIRST_STATE, { ...pausing, everRan: false }, END],
    ['pause', 'what waits for its next attempt', waiting, paused, NONE],
    ['pause', 'what restarts', restarting, { ...restarting, desired: 'paused' }, NONE],
    ['pause', 'what is not begun', UNSTARTED, { ...paused, everRan: false, fresh: true }, NONE],
    ['pause', 'what is stopping', stopping, stopping, NONE],
    ['pause', 'what has failed', failedState, failedState, NONE],
    ['resume', 'what is paused', paused, resumed, NEXT],
    ['resume', 'what was paused before it began', { ...paused, everRan: false, fresh: true }, first, FRESH],
    ['resume', 'what is pausing', pausing, { ...pausing, desired: 'running' }, NONE],
    ['resume', 'what runs', running, running, NONE],
    ['resume', 'what has stopped', stopped, stopped, NONE],
    ['restart', 'what runs', running, restarting, END],
    ['restart', 'what waits for its next attempt', waiting, first, FRESH],
    ['restart', 'what has failed', failedState, first, FRESH],
    ['restart', 'what was stopped', stopped, stopped, NONE],
    ['restart', 'what is paused', paused, { ...paused, everRan: false, fresh: true }, NONE],
    ['restart', 'what is pausing', pausing, { ...pausing, fresh: true }, NONE],
    ['restart', 'what is stopping', stopping, stopping, NONE],
    ['stop', 'what runs', running, stopping, END],
    ['stop', 'what waits for its next attempt', waiting, stopped, NONE],
    ['stop', 'what is paused', paused, stopped, NONE],
    ['stop', 'what is pausing', pausing, stopping, NONE],
    ['stop', 'what restarts', restarting, { ...restarting, desired: 'stopped' }, NONE],
    ['stop', 'what is not begun', UNSTARTED, stopped, NONE],
    ['stop', 'what has failed', failedState, { ...failedState, desired: 'stopped' }, NONE],
  ])('%s for %s', (call, _, from, state, effect) => {
    expect(transition(from, { tag: 'called', call, nowMs: NOW_MS }, limits)).toEqual({ state, effect });
  });
});

describe('the end of an attempt that was told to end', () => {
  const finished = { tag: 'finished', nowMs: NOW_MS } as const;

  it.each<readonly [string, ConnectorState, ConnectorState, typeof NONE | typeof FRESH | typeof NEXT]>([
    ['pauses', pausing, paused, NONE],
    ['stops', stopping, stopped, NONE],
    ['restarts with a new task', restarting, first, FRESH],
    ['resumes with the same task', { ...restarting, fresh: false }, resumed, NEXT],
  ])('%s', (_, from, state, effect) => {
    expect(transition(from, finished, limits)).toEqual({ state, effect });
  });

  it('keeps the error that it ended with, except where a next attempt begins', () => {
    expect(transition(pausing, failed('slot_lost'), limits).state).toMatchObject({ tag: 'paused', error: { code: 'slot_lost' } });
    expect(transition(stopping, failed('stop_timeout'), limits).state).toMatchObject({ tag: 'stopped', error: { code: 'stop_timeout' } });
    expect(transition(restarting, failed('slot_lost', NOW_MS), limits)).toEqual({ state: first, effect: FRESH });
  });
});

it('what is desired outlives an error, and is what was asked for last', () => {
  const states = [UNSTARTED, first, running, waiting, pausing, restarting, paused, failedState, stopped];
  const desired = ['stopped', 'running', 'running', 'running', 'paused', 'running', 'paused', 'running', 'stopped'];
  expect(states.map(desiredOf)).toEqual(desired);
});
