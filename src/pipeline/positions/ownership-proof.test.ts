import { describe, expect, it } from 'vitest';
import { SILENT_LOG } from '../../core/log.ts';
import { SlotOwnership } from './ownership-proof.ts';

function setUp(timeoutMs = 60_000) {
  const state = { monotonicMs: 1_000, wallMs: 50_000, contactMs: 1_000, ours: true };
  const ownership = new SlotOwnership({
    clock: { monotonicMs: () => state.monotonicMs, nowMs: () => state.wallMs, nowUs: () => state.wallMs * 1000 },
    log: SILENT_LOG,
    timeoutMs,
    contact: {
      get serverContactMs() {
        return state.contactMs;
      },
      noteContact: (atMs) => {
        state.contactMs = Math.max(state.contactMs, atMs);
      },
    },
    isOurs: async () => state.ours,
  });
  const pass = (ms: number): void => {
    state.monotonicMs += ms;
    state.wallMs += ms;
  };
  return { state, ownership, pass };
}

describe('SlotOwnership', () => {
  it('trusts a server that was heard of within half of wal_sender_timeout', () => {
    const { state, ownership, pass } = setUp();
    pass(20_000);
    expect(ownership.isFresh()).toBe(true);
    pass(15_000);
    expect(ownership.isFresh()).toBe(false);
    state.contactMs = state.monotonicMs;
    expect(ownership.isFresh()).toBe(true);
  });

  it('after a pause of its own believes no frame, however young, until SQL has shown the slot', async () => {
    const { state, ownership, pass } = setUp();
    pass(45_000);
    state.contactMs = state.monotonicMs - 1_000;
    expect(ownership.isFresh()).toBe(false);
    state.ours = false;
    await ownership.probe();
    expect(ownership.isFresh()).toBe(false);
    state.ours = true;
    await ownership.probe();
    expect(ownership.isFresh()).toBe(true);
  });

  it('sees a suspended machine by the wall clock', () => {
    const { state, ownership } = setUp();
    state.wallMs += 3_600_000;
    expect(ownership.isFresh()).toBe(false);
  });

  it('takes an SQL probe for contact while frames are not read', async () => {
    const { ownership, pass } = setUp();
    pass(29_000);
    expect(ownership.isFresh()).toBe(true);
    await ownership.probe();
    pass(29_000);
    expect(ownership.isFresh()).toBe(true);
  });
});
