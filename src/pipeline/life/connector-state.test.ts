import { describe, expect, it } from 'vitest';
import { type ErrorCode, SlotlineError } from '../../core/errors.ts';
import { type ConnectorState, FIRST_STATE, transition } from './connector-state.ts';

const limits = { startTimeoutMs: Number.POSITIVE_INFINITY, retriesMax: -1, retryWaitMaxMs: 10_000 };
const failed = (code: ErrorCode, nowMs = 1000, jitter = 0): Parameters<typeof transition>[1] => ({
  tag: 'failed',
  error: new SlotlineError(code, {}),
  nowMs,
  jitter,
});
const running: ConnectorState = { tag: 'running' };

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

  it('stops at once while waiting, and tells the task while running', () => {
    const waiting = transition(running, failed('pg_connection_lost'), limits).state;
    expect(transition(waiting, { tag: 'stop' }, limits).state).toEqual({ tag: 'stopped', error: undefined });
    expect(transition(running, { tag: 'stop' }, limits)).toEqual({ state: { tag: 'stopping' }, effect: { tag: 'stopTask' } });
  });
});
