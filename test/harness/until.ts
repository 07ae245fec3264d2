/** Owns waiting in tests: on a condition, with a deadline, never for a fixed time. */

const POLL_INTERVAL_MS = 20;

/** Polls until `condition` gives something other than undefined or false. Fails naming `what` and the last error the condition threw. */
export async function until<T>(what: string, condition: () => Promise<T | undefined | false>, o: { timeoutMs: number }): Promise<T> {
  const deadlineMs = Date.now() + o.timeoutMs;
  let lastError: unknown;
  for (;;) {
    try {
      const found = await condition();
      if (found !== undefined && found !== false) return found;
      lastError = undefined;
    } catch (error) {
      lastError = error;
    }
    if (Date.now() > deadlineMs) break;
    await pauseMs(POLL_INTERVAL_MS);
  }
  const why = lastError === undefined ? '' : `: ${lastError instanceof Error ? lastError.message : String(lastError)}`;
  throw new Error(`Not within ${o.timeoutMs} ms: ${what}${why}`, { cause: lastError });
}

function pauseMs(ms: number): Promise<void> {
  return new Promise((settle) => setTimeout(settle, ms));
}
