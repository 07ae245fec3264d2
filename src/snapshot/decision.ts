/** Owns the decision whether a start snapshots, streams or refuses, from snapshot.mode, the remembered offset and the slot. Pure. */
import type { ErrorCode } from '../core/errors.ts';
import type { SnapshotOptions } from '../core/options.ts';

export type RememberedOffset = 'none' | 'incomplete' | 'complete';
export type SlotCondition = 'missing' | 'usable' | 'lost';

export type StartDecision =
  /** No snapshot: the slot has everything since the confirmed position. */
  | { readonly tag: 'stream' }
  /** no_data: creates a slot and reads no rows. */
  | { readonly tag: 'createSlot' }
  /** Creates a slot and reads the rows in its exported snapshot. */
  | { readonly tag: 'snapshotNewSlot'; readonly dropFirst: boolean }
  /** The slot exists: streams up to the consistent point of a temporary slot, reads the rows in that slot's snapshot, streams on (D8). */
  | { readonly tag: 'snapshotExistingSlot' }
  /** initial_only: reads the rows without a slot. */
  | { readonly tag: 'snapshotOnly' }
  | { readonly tag: 'nothing' }
  | { readonly tag: 'refuse'; readonly code: ErrorCode };

export type StartFacts = {
  readonly mode: SnapshotOptions['mode'];
  readonly offset: RememberedOffset;
  readonly slot: SlotCondition;
  /** Why the slot is not where we left it; undefined: it is, or nothing is known. */
  readonly broken: ErrorCode | undefined;
  /** snapshot.mode=always: this process took its snapshot already and only reconnects. */
  readonly snapshotTaken: boolean;
};

export function decideStart(facts: StartFacts): StartDecision {
  const { mode, offset, slot } = facts;
  const streamOrRefuse = (): StartDecision => streamIfWhole(slot, facts.broken);
  switch (mode) {
    case 'initial_only':
      return offset === 'complete' ? { tag: 'nothing' } : { tag: 'snapshotOnly' };
    case 'no_data':
      if (slot === 'missing' && offset === 'none') return { tag: 'createSlot' };
      return streamOrRefuse();
    case 'initial':
      return offset === 'complete' ? streamOrRefuse() : snapshotOrRefuse(slot);
    case 'always':
      return facts.snapshotTaken && offset === 'complete' ? streamOrRefuse() : snapshotOrRefuse(slot);
    case 'when_needed':
      if (slot !== 'usable') return { tag: 'snapshotNewSlot', dropFirst: slot === 'lost' };
      return offset === 'complete' && facts.broken === undefined ? { tag: 'stream' } : { tag: 'snapshotExistingSlot' };
  }
}

function streamIfWhole(slot: SlotCondition, broken: ErrorCode | undefined): StartDecision {
  if (slot === 'usable') return broken === undefined ? { tag: 'stream' } : { tag: 'refuse', code: broken };
  return { tag: 'refuse', code: slot === 'lost' ? 'slot_lost' : 'slot_missing' };
}

function snapshotOrRefuse(slot: SlotCondition): StartDecision {
  if (slot === 'lost') return { tag: 'refuse', code: 'slot_lost' };
  return slot === 'missing' ? { tag: 'snapshotNewSlot', dropFirst: false } : { tag: 'snapshotExistingSlot' };
}
