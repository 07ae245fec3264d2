/**
 * Owns the way from what is found (the stored offset, the slot) to what a start does (snapshot/decision.ts). `run` and `check` both ask
 * here, so that neither says what the other would not do. Reads nothing itself.
 */
import { SlotlineError } from '../../core/errors.ts';
import type { ResolvedOptions } from '../../core/options.ts';
import { isSnapshotUnfinished, type StoredOffset } from '../../offsets/offset.ts';
import { isLost, type SlotState, unsuitability } from '../../postgres/slot.ts';
import { decideStart, type RememberedOffset, type SlotCondition, type StartDecision } from '../../snapshot/decision.ts';

export type StartSituation = {
  readonly remembered: StoredOffset | undefined;
  readonly slot: SlotState | undefined;
  /** snapshot.mode=always: this process took its snapshot already. */
  readonly snapshotTaken: boolean;
};

/** Throws slot_unsuitable for a slot that can never be ours. */
export function judgeStart(options: ResolvedOptions, situation: StartSituation): StartDecision {
  return decideStart({
    mode: options.snapshot.mode,
    offset: rememberedOffset(situation.remembered),
    slot: slotCondition(situation.slot, options.database.dbname),
    snapshotTaken: situation.snapshotTaken,
  });
}

export function rememberedOffset(offset: StoredOffset | undefined): RememberedOffset {
  if (offset === undefined) return 'none';
  return isSnapshotUnfinished(offset) ? 'incomplete' : 'complete';
}

function slotCondition(slot: SlotState | undefined, dbname: string): SlotCondition {
  if (slot === undefined) return 'missing';
  const reason = unsuitability(slot, dbname);
  if (reason !== undefined) throw new SlotlineError('slot_unsuitable', { slot: slot.name, reason });
  return isLost(slot) ? 'lost' : 'usable';
}

/** What a start that ends there throws. */
export function refusalOf(decision: Extract<StartDecision, { tag: 'refuse' }>, options: ResolvedOptions): SlotlineError {
  return new SlotlineError(decision.code, { slot: options.slot.name, mode: options.snapshot.mode });
}

/** Rows are read. */
export function isSnapshot(decision: StartDecision): boolean {
  return decision.tag === 'snapshotNewSlot' || decision.tag === 'snapshotExistingSlot' || decision.tag === 'snapshotOnly';
}
