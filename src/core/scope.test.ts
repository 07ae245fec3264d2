import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { orAborted, Scope } from './scope.ts';

test('a thousand scopes leave nothing on a signal that outlives them', async () => {
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

test('one signal of several aborts their sum, with its reason', () => {
  using scope = new Scope();
  const [first, second] = [new AbortController(), new AbortController()];
  const sum = scope.any(first.signal, second.signal);
  expect(sum.aborted).toBe(false);
  second.abort('why');
  expect(sum.reason).toBe('why');
  expect(scope.any(second.signal).aborted).toBe(true);
});

test('a wait ends with the signal, whatever the promise does', async () => {
  const controller = new AbortController();
  const waiting = orAborted(new Promise(() => {}), controller.signal);
  controller.abort(new Error('over'));
  await expect(waiting).rejects.toThrow('over');
});

test('behind its end a scope starts nothing', () => {
  const scope = new Scope();
  scope[Symbol.dispose]();
  const controller = new AbortController();
  scope.listen(controller.signal, () => expect.fail('heard'));
  scope.every(1, () => expect.fail('timer'));
  controller.abort();
});
