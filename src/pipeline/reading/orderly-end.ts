/** Owns the orderly end of a reading: what was taken in is acknowledged, stored and confirmed, each step within a deadline. */
import { SlotlineError } from '../../core/errors.ts';
import type { Lsn } from '../../core/lsn.ts';
import { Scope } from '../../core/scope.ts';
import { wait } from '../../core/time.ts';
import { loadSlot } from '../../postgres/stream/slot.ts';
import type { AttemptContext } from '../life/attempt-context.ts';
import type { StreamLoop } from '../loop/stream-loop.ts';

/** A stop by SIGTERM may take ten seconds in all. */
const DRAIN_DEADLINE_MS = 8_000;
export const CONFIRM_DEADLINE_MS = 1_000;
const CONFIRM_POLL_MS = 10;

type SettleContext = Pick<AttemptContext, 'signal'> & {
  readonly publisher: Pick<AttemptContext['publisher'], 'flush' | 'drain' | 'failure' | 'pending'>;
  readonly positions: Pick<AttemptContext['positions'], 'store'>;
};

/** Waits until what was taken in is acknowledged, and stores the durable position. Throws stop_timeout or what ended publisher or attempt. */
export async function settle({ publisher, positions, signal }: SettleContext, loop: Pick<StreamLoop, 'end'>): Promise<void> {
  loop.end();
  publisher.flush();
  try {
    using scope = new Scope();
    await publisher.drain(scope.any(scope.timeout(DRAIN_DEADLINE_MS), signal));
  } catch (error) {
    signal.throwIfAborted();
    if (publisher.failure !== undefined) throw publisher.failure;
    const { records, bytes } = publisher.pending;
    throw new SlotlineError('stop_timeout', { records, bytes }, { cause: error });
  }
  using scope = new Scope();
  await positions.store(scope.any(scope.timeout(CONFIRM_DEADLINE_MS), signal));
  signal.throwIfAborted();
}

type ConfirmContext = Pick<AttemptContext, 'clock' | 'options' | 'signal' | 'sql'>;

/** Waits until the slot shows the position. Closing a socket with unread data resets it, and a status update under way would be lost. */
export async function untilConfirmed({ clock, options, signal, sql }: ConfirmContext, lsn: Lsn): Promise<void> {
  const deadlineMs = clock.monotonicMs() + CONFIRM_DEADLINE_MS;
  while (clock.monotonicMs() < deadlineMs && !signal.aborted) {
    const slot = await loadSlot(sql, options.slot.name);
    if (slot?.confirmedFlushLsn === undefined || slot.confirmedFlushLsn >= lsn) return;
    await wait(CONFIRM_POLL_MS, signal);
  }
}
