/** Owns the clock that layers above are handed. Layers 0, 1 and 3 never read time themselves. */

export interface Clock {
  /** Milliseconds since the epoch. */
  nowMs(): number;
  /** Microseconds since the epoch, a safe integer. */
  nowUs(): number;
  /** Milliseconds that only go forward; not a date. Goes on while the process is stopped by SIGSTOP. */
  monotonicMs(): number;
}

export const SYSTEM_CLOCK: Clock = {
  nowMs: () => Date.now(),
  nowUs: () => Math.floor((performance.timeOrigin + performance.now()) * 1000),
  monotonicMs: () => performance.now(),
};

/** Resolves after `ms`, or at once when the signal aborts (it does not throw: the caller looks at the signal). */
export function wait(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done, { once: true });
  });
}
