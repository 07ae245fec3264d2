/**
 * Owns what ends together: the listeners, timers and waits of one attempt, one reading, one call. A signal of the whole connector lives
 * much longer than an attempt; a listener that stays on it keeps everything that the attempt was made of. Whoever makes a scope disposes
 * it; that removes its listeners and timers.
 */
export class Scope implements Disposable {
  readonly #closing = new Set<() => void>();
  #disposed = false;

  /** Calls `listener` once when the signal aborts, at once if it has. */
  listen(signal: AbortSignal, listener: () => void): void {
    if (this.#disposed) return;
    if (signal.aborted) {
      listener();
      return;
    }
    const stop = (): void => signal.removeEventListener('abort', onAbort);
    const onAbort = (): void => {
      this.#closing.delete(stop);
      listener();
    };
    signal.addEventListener('abort', onAbort, { once: true });
    this.#closing.add(stop);
  }

  /** Resolves when the signal aborts; never, once the scope is disposed. */
  aborted(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => this.listen(signal, resolve));
  }

  /** Aborts when the first of the signals does. AbortSignal.any would leave something on each of them at every call. */
  any(...signals: readonly (AbortSignal | undefined)[]): AbortSignal {
    const controller = new AbortController();
    for (const signal of signals) {
      if (signal !== undefined) this.listen(signal, () => controller.abort(signal.reason));
    }
    return controller.signal;
  }

  every(ms: number, act: () => void): void {
    if (this.#disposed) return;
    const timer = setInterval(act, ms);
    this.#closing.add(() => clearInterval(timer));
  }

  /** Asks every `ms`, but never while the last question is still open. A question that fails goes to `onFailure`, and the asking goes on. */
  ask(ms: number, question: () => Promise<void>, onFailure: (error: unknown) => void): void {
    let isOut = false;
    this.every(ms, () => {
      if (isOut) return;
      isOut = true;
      question()
        .catch(onFailure)
        .finally(() => {
          isOut = false;
        });
    });
  }

  after(ms: number, act: () => void): void {
    if (this.#disposed) return;
    const timer = setTimeout(act, ms);
    this.#closing.add(() => clearTimeout(timer));
  }

  /** Aborts after so long, unless the scope is disposed before. */
  timeout(ms: number): AbortSignal {
    const controller = new AbortController();
    this.after(ms, () => controller.abort());
    return controller.signal;
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    for (const close of this.#closing) close();
    this.#closing.clear();
  }
}

/** The outcome of `promise`, or the signal's reason if that comes first: then nobody waits for the promise any more. */
export function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const scope = new Scope();
  const { promise: aborting, reject } = Promise.withResolvers<never>();
  scope.listen(signal, () => reject(signal.reason));
  return Promise.race([promise, aborting]).finally(() => scope[Symbol.dispose]());
}
