/** Owns the tests of the connector's clockwork around attempts: which wait slotline.start.timeout ends, and which it does not. */
import { describe, expect, it } from 'vitest';
import { SlotlineError } from '../../core/errors.ts';
import { SILENT_LOG } from '../../core/log.ts';
import { Scope } from '../../core/scope.ts';
import { SYSTEM_CLOCK } from '../../core/time.ts';
import { type AttemptHooks, runConnector } from './connector.ts';

const LIMITS = { startTimeoutMs: 60, retriesMax: -1, retryWaitMaxMs: 5 };
const DEPS = { clock: SYSTEM_CLOCK, log: SILENT_LOG, random: () => 0 };

/** Runs attempt after attempt as the list says. */
async function runAttempts(attempts: readonly ((hooks: AttemptHooks) => Promise<void>)[]): Promise<SlotlineError | undefined> {
  let next = 0;
  return await runConnector((hooks) => attempts[next++]?.(hooks) ?? Promise.resolve(), LIMITS, new AbortController().signal, DEPS);
}

describe('slotline.start.timeout', () => {
  it('ends an attempt that waits for a server without an error of its own', async () => {
    const error = await runAttempts([
      async (hooks) => {
        await new Scope().aborted(hooks.startDeadline);
        throw new SlotlineError('kafka_unreachable');
      },
    ]);
    expect(error?.code).toBe('kafka_unreachable');
  });

  it('is over once the connector has run: a later attempt waits as long as it takes', async () => {
    const seen: boolean[] = [];
    const error = await runAttempts([
      async (hooks) => {
        // A snapshot that takes longer than the timeout lies between the answer and the stream.
        hooks.answered();
        await new Promise((settle) => setTimeout(settle, 2 * LIMITS.startTimeoutMs));
        seen.push(hooks.startDeadline.aborted);
        hooks.started();
        throw new SlotlineError('pg_connection_lost');
      },
      async (hooks) => {
        seen.push(hooks.startDeadline.aborted);
        await new Promise((settle) => setTimeout(settle, 2 * LIMITS.startTimeoutMs));
        seen.push(hooks.startDeadline.aborted);
      },
    ]);
    expect(error).toBeUndefined();
    expect(seen).toEqual([false, false, false]);
  });

  it('counts anew when a snapshot breaks off, however long that had taken', async () => {
    const codes = ['pg_connection_lost', 'kafka_unreachable'] as const;
    let attempts = 0;
    const error = await runAttempts([
      async (hooks) => {
        attempts++;
        hooks.answered();
        await new Promise((settle) => setTimeout(settle, 2 * LIMITS.startTimeoutMs));
        throw new SlotlineError(codes[0]);
      },
      async (hooks) => {
        attempts++;
        expect(hooks.startDeadline.aborted).toBe(false);
        await new Scope().aborted(hooks.startDeadline);
        throw new SlotlineError(codes[1]);
      },
    ]);
    expect(attempts).toBe(2);
    expect(error?.code).toBe('kafka_unreachable');
  });
});
