import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { SILENT_LOG } from '../../core/log.ts';
import { Fence } from './fence.ts';

function setUp() {
  const state = { nowMs: 1_000, ours: true };
  const clock = { monotonicMs: () => state.nowMs, nowMs: () => state.nowMs, nowUs: () => state.nowMs * 1000 };
  const answers: PromiseWithResolvers<boolean>[] = [];
  const fence = new Fence({ clock, log: SILENT_LOG });
  const isOurs = (): Promise<boolean> => {
    const answer = Promise.withResolvers<boolean>();
    answers.push(answer);
    return answer.promise;
  };
  const answer = async (ours: boolean): Promise<void> => {
    answers.shift()?.resolve(ours);
    await sleep(0);
  };
  /** Lets time pass in small steps, as in a process that does not stand still. */
  const pass = (ms: number): void => {
    for (let passed = 0; passed < ms; passed += 200) {
      state.nowMs += 200;
      fence.maySend();
    }
  };
  /** The frames of a walsender: the time when the last one was sent. */
  const contact = {
    serverContactMs: state.nowMs,
    noteContact(atMs: number) {
      contact.serverContactMs = Math.max(contact.serverContactMs, atMs);
    },
  };
  return { state, fence, isOurs, answers, answer, pass, contact };
}

describe('Fence', () => {
  it('gives no permission before the lock, nor until its session has answered that it holds it', async () => {
    const { fence, isOurs, answer } = setUp();
    expect(fence.maySend()).toBe(false);
    fence.hold({ state: 'lock', timeoutMs: 60_000, isOurs });
    expect(fence.maySend()).toBe('later');
    await answer(true);
    expect(fence.maySend()).toBe(true);
    fence.close();
  });

  it('after a pause believes only the answer to a query asked after it, but a no at once', async () => {
    const { state, fence, isOurs, answer, answers } = setUp();
    fence.hold({ state: 'lock', timeoutMs: 60_000, isOurs });
    await answer(true);
    state.nowMs += 300;
    expect(fence.maySend()).toBe('later');
    await sleep(100); // the fence's own timer asks
    expect(answers.length).toBe(1);
    state.nowMs += 300;
    expect(fence.maySend()).toBe('later');
    await answer(true); // asked before the second pause
    expect(fence.maySend()).toBe('later');
    await sleep(100);
    await answer(false);
    expect(fence.maySend()).toBe(false);
    fence.close();
  });

  it('holds back while the session that has the lock does not answer, and gives up after half of the timeout', async () => {
    const { fence, isOurs, answer, pass } = setUp();
    fence.hold({ state: 'lock', timeoutMs: 60_000, isOurs });
    await answer(true);
    pass(1_800);
    expect(fence.maySend()).toBe(true);
    pass(400);
    expect(fence.maySend()).toBe('later');
    pass(30_000);
    expect(fence.maySend()).toBe(false);
    fence.close();
  });

  it('is closed for good: a phase that begins late gets nothing, and a slot is not made', async () => {
    const { fence, isOurs } = setUp();
    fence.close();
    fence.hold({ state: 'lock', timeoutMs: 60_000, isOurs });
    expect(fence.maySend()).toBe(false);
    await expect(fence.require(new AbortController().signal)).rejects.toMatchObject({ code: 'fenced' });
  });

  it('closed: gives nothing at the start, and a slot is not made', async () => {
    const { fence } = setUp();
    expect([fence.state, fence.maySend()]).toEqual(['closed', false]);
    await expect(fence.require(new AbortController().signal)).rejects.toMatchObject({ code: 'fenced' });
  });

  it.each(['lock', 'bulk'] as const)(
    '%s: gives permission once the session with the lock has said yes, and none behind a no',
    async (state) => {
      const { fence, isOurs, answer, pass, answers } = setUp();
      fence.hold({ state, timeoutMs: 60_000, isOurs });
      expect([fence.state, fence.maySend()]).toEqual([state, 'later']);
      await answer(true);
      expect(fence.maySend()).toBe(true);
      pass(600);
      await vi.waitFor(() => expect(answers.length).toBe(1));
      await answer(false);
      expect(fence.maySend()).toBe(false);
      fence.close();
      expect([fence.state, fence.maySend()]).toEqual(['closed', false]);
    },
  );

  it('walsender: gives permission by its frames, and none once they are older than half of the timeout', () => {
    const { state, fence, isOurs, answers, pass, contact } = setUp();
    fence.hold({ state: 'walsender', timeoutMs: 60_000, isOurs, contact });
    expect([fence.state, fence.maySend(), answers.length]).toEqual(['walsender', true, 0]);
    pass(29_800);
    expect(fence.maySend()).toBe(true);
    pass(200);
    expect(fence.maySend()).toBe(false);
    contact.noteContact(state.nowMs);
    expect(fence.maySend()).toBe(true);
    fence.close();
  });

  it('makes a slot wait until the permission is there', async () => {
    const { fence, isOurs, answer } = setUp();
    fence.hold({ state: 'lock', timeoutMs: 60_000, isOurs });
    let isGiven = false;
    const required = fence.require(new AbortController().signal).then(() => {
      isGiven = true;
    });
    await sleep(30);
    expect(isGiven).toBe(false);
    await answer(true);
    await required;
    fence.close();
  });

  it('believes the proof that is held now, and no answer to a question of the one before', async () => {
    const { fence, isOurs, answer, answers, contact } = setUp();
    fence.hold({ state: 'lock', timeoutMs: 60_000, isOurs });
    await answer(true);
    fence.hold({ state: 'walsender', timeoutMs: 60_000, isOurs, contact });
    expect(fence.maySend()).toBe(true);
    fence.hold({ state: 'bulk', timeoutMs: 60_000, isOurs });
    expect(fence.maySend()).toBe('later');
    fence.hold({ state: 'lock', timeoutMs: 60_000, isOurs });
    expect(answers.length).toBe(2);
    await answer(true); // asked for bulk
    expect(fence.maySend()).toBe('later');
    await answer(true);
    expect(fence.maySend()).toBe(true);
    fence.close();
  });
});
