/** Owns making a slot for a start, and telling what that waits for. The command itself is postgres/stream/slot.ts. */
import type { PgSession } from '../../postgres/session/open-session.ts';
import { type CreatedSlot, createSlot, type NewSlot } from '../../postgres/stream/slot.ts';
import type { AttemptContext } from '../life/attempt-context.ts';
import { watched } from './wait-watch.ts';

export type SlotCreationContext = Pick<AttemptContext, 'clock' | 'fence' | 'live' | 'log' | 'signal' | 'sql'>;

/**
 * `session`: a replication session of its own. Waits for every transaction that is open now, as long as the attempt lasts. Throws fenced
 * where the right to the slot is not ours.
 */
export async function createSlotOf(context: SlotCreationContext, session: PgSession, slot: NewSlot): Promise<CreatedSlot> {
  const { fence, signal, sql } = context;
  await fence.require(signal);
  const what = slot.temporary === true ? `Making the snapshot's slot ${slot.name}` : `Making the slot ${slot.name}`;
  const step = { of: 'slot', what, pid: session.processId, session: async () => sql, signal } as const;
  return await watched(context, step, createSlot(session, slot, { signal }));
}
