/** Owns making a slot at a start, and reporting what that waits for. The command itself is in postgres/stream/slot.ts. */
import type { PgSession } from '../../postgres/session/open-session.ts';
import { type CreatedSlot, createSlot, type NewSlot } from '../../postgres/stream/slot.ts';
import type { AttemptContext } from '../life/attempt-context.ts';
import { watched } from './wait-watch.ts';

export type SlotCreationContext = Pick<AttemptContext, 'clock' | 'fence' | 'live' | 'log' | 'signal' | 'sql'>;

/**
 * `session`: a replication session of its own. Waits, as long as the attempt lasts, for every transaction that is open now. Throws fenced
 * when the right to the slot is not ours.
 */
export async function createSlotOf(context: SlotCreationContext, session: PgSession, slot: NewSlot): Promise<CreatedSlot> {
  const { fence, signal, sql } = context;
  await fence.require(signal);
  const what = slot.temporary === true ? `Making the snapshot's slot ${slot.name}` : `Making the slot ${slot.name}`;
  const step = { of: 'slot', what, pid: session.processId, session: async () => sql, signal } as const;
  return await watched(context, step, createSlot(session, slot, { signal }));
}
