import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { orAborted, Scope } from './scope.ts';
import { wait } from './time.ts';

test('a thousand scopes leave no listener on a signal that outlives them', async () => {
  const { signal } = new AbortController();
  for (let i = 0; i < 1_000; i++) {
    using scope = new Scope();
    scope.any(signal, undefined);
    void scope.aborted(signal);
    scope.every(1_000, () => {});
    scope.after(1_000, () => {});
    await orAborted(Promise.resolve(i), signal);
  }
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});

test('the combined signal aborts with the reason of the first of them', () => {
  using scope = new Scope();
  const [first, second] = [new AbortController(), new AbortController()];
  const sum = scope.any(first.signal, second.signal);
  expect(sum.aborted).toBe(false);
  second.abort('why');
  expect(sum.reason).toBe('why');
  expect(scope.any(second.signal).aborted).toBe(true);
});

test('a wait ends when the signal aborts, whatever the promise does', async () => {
  const controller = new AbortController();
  const waiting = orAborted(new Promise(() => {}), controller.signal);
  controller.abort(new Error('over'));
  await expect(waiting).rejects.toThrow('over');
});

test('a disposed scope starts nothing', () => {
  const scope = new Scope();
  scope[Symbol.dispose]();
  const controller = new AbortController();
  scope.listen(controller.signal, () => expect.fail('heard'));
  scope.every(1, () => expect.fail('timer'));
  controller.abort();
});

test('a question is not asked again while the last one has no answer, and a failed one does not end the asking', async () => {
  using scope = new Scope();
  const asked: PromiseWithResolvers<void>[] = [];
  const failures: unknown[] = [];
  const question = (): Promise<void> => {
    const answer = Promise.withResolvers<void>();
    asked.push(answer);
    return answer.promise;
  };
  const untilAsked = async (count: number): Promise<void> => {
    while (asked.length < count) await wait(1);
  };
  scope.ask(1, question, (error) => failures.push(error));
  await untilAsked(1);
  await wait(30);
  expect(asked.length).toBe(1);
  asked[0]?.reject('broken');
  await untilAsked(2);
  asked[1]?.resolve();
  await untilAsked(3);
  expect(failures).toEqual(['broken']);
});
