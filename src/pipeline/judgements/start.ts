/**
 * Owns the way from what is found (the stored offset, the slot) to what a start does (snapshot/decision.ts). Both `run` and `check` use it,
 * so that `check` says what `run` would do. Reads nothing itself.
 */
import { SlotlineError } from '../../core/errors.ts';
import type { TaskOptions } from '../../core/options.ts';
import {
  type Continuity,
  compareContinuity,
  otherOwner,
  ownedByOther,
  type SlotPlace,
  type TimelineFork,
  takes,
} from '../../offsets/continuity.ts';
import { isSnapshotUnfinished, type StoredOffset } from '../../offsets/offset.ts';
import type { Remembered } from '../../offsets/store.ts';
import type { ServerFacts } from '../../postgres/session/server-facts.ts';
import { isLost, type SlotState, unsuitability } from '../../postgres/stream/slot.ts';
import { decideStart, type RememberedOffset, type SlotCondition, type StartDecision } from '../../snapshot/decision.ts';

type StartSituation = {
  readonly remembered: StoredOffset | undefined;
  readonly slot: SlotState | undefined;
  /** The result of judgeContinuity(). */
  readonly continuity: Continuity;
  /** For snapshot.mode=always: the task has taken its snapshot already. */
  readonly snapshotTaken: boolean;
};

/** Throws slot_unsuitable for a slot that can never be used. */
export function judgeStart(options: Pick<TaskOptions, 'database' | 'snapshot'>, situation: StartSituation): StartDecision {
  return decideStart({
    mode: options.snapshot.mode,
    offset: rememberedOffset(situation.remembered),
    slot: slotCondition(situation.slot, options.database.dbname),
    broken: situation.continuity.tag === 'broken' ? situation.continuity.error.code : undefined,
    snapshotTaken: situation.snapshotTaken,
  });
}

/** Where the slot stands, and on which server, database and timeline. */
export function slotPlace(
  options: Pick<TaskOptions, 'slot'>,
  { server, slot }: { server: ServerFacts; slot: SlotState | undefined },
): SlotPlace {
  return {
    slot: options.slot.name,
    confirmedLsn: slot?.confirmedFlushLsn,
    systemId: server.systemIdentifier,
    databaseOid: server.databaseOid,
    timeline: server.timeline,
    walEndLsn: server.inRecovery ? undefined : server.currentLsn,
  };
}

/** Whether the slot still stands where this connector left it. `fork` is needed when needsFork() says so. */
export function judgeContinuity(
  options: Pick<TaskOptions, 'slot'>,
  found: { readonly remembered: StoredOffset | undefined; readonly place: SlotPlace; readonly fork?: TimelineFork | undefined },
): Continuity {
  const { accept, trusted, confirmsStored } = options.slot;
  const rules = { accept, trustsSlot: trusted, debeziumConfirmsStored: confirmsStored, fork: found.fork };
  return compareContinuity(found.remembered, found.place, rules);
}

/** slot_in_use when the offset topic says that the slot is another connector's. undefined: it is ours, free, or taken over on purpose. */
export function judgeOwner(
  options: Pick<TaskOptions, 'slot' | 'snapshot'>,
  { remembered, place }: { remembered: Remembered; place: SlotPlace },
): SlotlineError | undefined {
  if (place.confirmedLsn === undefined || options.snapshot.mode === 'initial_only') return undefined;
  const other = otherOwner(remembered, place);
  return other === undefined || takes(options.slot.accept, place) ? undefined : ownedByOther(other, place);
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

/** The error of a start that is refused. */
export function refusalOf(
  decision: Extract<StartDecision, { tag: 'refuse' }>,
  options: Pick<TaskOptions, 'slot' | 'snapshot'>,
  continuity: Continuity,
): SlotlineError {
  if (continuity.tag === 'broken' && continuity.error.code === decision.code) return continuity.error;
  return new SlotlineError(decision.code, { slot: options.slot.name, mode: options.snapshot.mode });
}

/** True when the start reads rows. */
export function isSnapshot(decision: StartDecision): boolean {
  return decision.tag === 'snapshotNewSlot' || decision.tag === 'snapshotExistingSlot' || decision.tag === 'snapshotOnly';
}

/** True when the start makes the configured slot. */
export function createsSlot(decision: StartDecision): boolean {
  return decision.tag === 'snapshotNewSlot' || decision.tag === 'createSlot';
}

/** True when the start reads the slot's stream. */
export function needsSlot(decision: StartDecision): boolean {
  return decision.tag !== 'snapshotOnly' && decision.tag !== 'nothing';
}
