/** Owns the backoff arithmetic. Whether to retry is pipeline/life/connector-state.ts's decision. */

const BACKOFF_FIRST_MS = 200;
/** The default upper bound: a server that returns is noticed within seconds. */
const BACKOFF_MAX_MS = 2_000;

/** Pause before attempt `attempt` (1 is the first retry): doubles from 200 ms to `maxMs`, with `jitter` in [0, 1) spreading the upper half. */
export function backoffMs(attempt: number, jitter: number, maxMs: number = BACKOFF_MAX_MS): number {
  const full = Math.min(maxMs, BACKOFF_FIRST_MS * 2 ** Math.min(attempt - 1, 30));
  return Math.round(full / 2 + (full / 2) * jitter);
}
