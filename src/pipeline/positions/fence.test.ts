import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
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
  return { state, fence, isOurs, answers, answer };
}

describe('Fence', () => {
  it('gives no permission before the lock, nor until its session has answered that it holds it', async () => {
    const { fence, isOurs, answer } = setUp();
    expect(fence.maySend()).toBe(false);
    fence.hold('lock', { timeoutMs: 60_000, isOurs });
    expect(fence.maySend()).toBe('later');
    await answer(true);
    expect(fence.maySend()).toBe(true);
    fence.close();
  });

  it('behind a pause believes only an answer to a question asked after it, and a no at once', async () => {
    const { state, fence, isOurs, answer, answers } = setUp();
    fence.hold('lock', { timeoutMs: 60_000, isOurs });
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
    const { state, fence, isOurs, answer } = setUp();
    fence.hold('lock', { timeoutMs: 60_000, isOurs });
    await answer(true);
    const pass = (ms: number): void => {
      for (let passed = 0; passed < ms; passed += 200) {
        state.nowMs += 200;
        fence.maySend();
      }
    };
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
    fence.hold('lock', { timeoutMs: 60_000, isOurs });
    expect(fence.maySend()).toBe(false);
    await expect(fence.require(new AbortController().signal)).rejects.toMatchObject({ code: 'fenced' });
  });
});
