/**
 * Owns the comparison of the remembered position with what a start finds: whether the slot is where the connector left it, and who owns
 * the slot. Pure: `run` and `check` call the same functions. Does not load anything, nor decide what follows (snapshot/decision.ts).
 */
import { SlotlineError } from '../core/errors.ts';
import { formatLsn, LSN_ZERO, type Lsn } from '../core/lsn.ts';
import type { OffsetOwner, SlotMark, StoredOffset } from './offset.ts';
import type { Remembered } from './store.ts';

/** What a start finds: the slot's position, and the server. */
export type SlotPlace = {
  readonly slot: string;
  /** undefined: there is no slot, or it has no position. */
  readonly confirmedLsn: Lsn | undefined;
  readonly systemId: string;
  readonly databaseOid: number;
  /** undefined on a standby. */
  readonly timeline: number | undefined;
  /** Where WAL ends; undefined on a standby, which may not have read all of it yet. */
  readonly walEndLsn: Lsn | undefined;
};

type ContinuityRules = {
  /** slotline.slot.accept: the place at which the operator takes the slot as it is. */
  readonly accept: string | undefined;
  /** offset.mismatch.strategy=trust_slot: a gap is told, not refused. */
  readonly trustsSlot: boolean;
  /** False: a record of Debezium's does not tell where its slot may stand (lsn.flush.mode). */
  readonly debeziumConfirmsStored: boolean;
};

export type Continuity =
  /** `unknown`: nothing comparable is remembered. */
  | { readonly tag: 'unbroken' | 'unknown' }
  /** Something is not as the connector left it, and the configuration accepts that. */
  | { readonly tag: 'accepted'; readonly error: SlotlineError }
  /** Changes were skipped, or the server has lost them. A snapshot fills the gap. */
  | { readonly tag: 'broken'; readonly error: SlotlineError };

/** The timeline that `timeline` of the same server left at `forkLsn`; undefined: the server's history does not know it. */
export type TimelineFork = { readonly timeline: number; readonly forkLsn: Lsn | undefined };

/** True where compareContinuity() needs to know where the server's timeline left the remembered one. */
export function needsFork(mark: SlotMark | undefined, place: SlotPlace): mark is SlotMark & { readonly timeline: number } {
  if (mark?.timeline === undefined || place.timeline === undefined || mark.systemId !== place.systemId) return false;
  return mark.timeline !== place.timeline;
}

export function compareContinuity(
  offset: StoredOffset | undefined,
  place: SlotPlace,
  rules: ContinuityRules & { readonly fork?: TimelineFork | undefined },
): Continuity {
  if (offset === undefined) return { tag: 'unknown' };
  const error = offset.mark === undefined ? foreignGap(offset, place, rules) : breakOf(offset.mark, place, rules.fork);
  if (error === undefined) return { tag: offset.mark === undefined ? 'unknown' : 'unbroken' };
  const isTaken = (rules.trustsSlot && error.code === 'slot_gap') || takes(rules.accept, place);
  return { tag: isTaken ? 'accepted' : 'broken', error };
}

/** True where the operator accepts the slot as it stands at this place. */
export function takes(accept: string | undefined, place: SlotPlace): boolean {
  return accept === acceptance(place);
}

/** The value of slotline.slot.accept that accepts the slot as it stands now. It fits no other moment, server or slot. */
function acceptance(place: SlotPlace): string {
  const at = place.confirmedLsn === undefined ? 'none' : formatLsn(place.confirmedLsn);
  return `${place.systemId}:${place.databaseOid}:${place.slot}@${at}`;
}

function breakOf(mark: SlotMark, place: SlotPlace, fork: TimelineFork | undefined): SlotlineError | undefined {
  const changed = (reason: string, details: Readonly<Record<string, string | number>>): SlotlineError =>
    new SlotlineError('server_changed', { reason, slot: place.slot, ...details, accept: acceptance(place) });
  if (mark.systemId !== place.systemId) {
    return changed('the system identifier is another one', { remembered: mark.systemId, now: place.systemId });
  }
  if (mark.databaseOid !== place.databaseOid) {
    return changed('the database was made anew', { rememberedOid: mark.databaseOid, nowOid: place.databaseOid });
  }
  if (needsFork(mark, place)) {
    const timelines = { remembered: String(mark.timeline), now: String(place.timeline) };
    if (fork?.forkLsn === undefined) return changed('the timeline does not stem from the one that was read', timelines);
    if (fork.forkLsn < mark.confirmedLsn) {
      const positions = { deliveredLsn: formatLsn(mark.confirmedLsn), forkLsn: formatLsn(fork.forkLsn) };
      const bytes = mark.confirmedLsn - fork.forkLsn;
      return changed('what was delivered last is not in the timeline that the server is on', { ...timelines, ...positions, bytes });
    }
  }
  if (place.walEndLsn !== undefined && place.walEndLsn < mark.confirmedLsn) {
    const positions = { deliveredLsn: formatLsn(mark.confirmedLsn), walEndLsn: formatLsn(place.walEndLsn) };
    const bytes = mark.confirmedLsn - place.walEndLsn;
    return changed('its WAL ends before what was delivered', { ...positions, bytes });
  }
  // The last attempt ended before its new slot had a position. A snapshot is taken again, so there is no gap.
  return mark.confirmedLsn === LSN_ZERO ? undefined : gapOf(mark.confirmedLsn, place);
}

function gapOf(deliveredLsn: Lsn, place: SlotPlace): SlotlineError | undefined {
  const { confirmedLsn, slot } = place;
  if (confirmedLsn === undefined || confirmedLsn <= deliveredLsn) return undefined;
  return new SlotlineError('slot_gap', {
    slot,
    bytes: confirmedLsn - deliveredLsn,
    deliveredLsn: formatLsn(deliveredLsn),
    slotLsn: formatLsn(confirmedLsn),
    accept: acceptance(place),
  });
}

/**
 * Debezium confirms only positions that its offset store has. But its record of a snapshot, and records of Slotline from before it wrote
 * marks, hold only the snapshot's position, which does not tell how far the stream was.
 */
function foreignGap(offset: StoredOffset, place: SlotPlace, rules: ContinuityRules): SlotlineError | undefined {
  if (!rules.debeziumConfirmsStored) return undefined;
  if (offset.lsnProc === undefined && offset.lsnCommit === undefined) return undefined;
  return gapOf(Math.max(offset.lsn ?? 0, offset.lsnProc ?? 0, offset.lsnCommit ?? 0) as Lsn, place);
}

/** The other connector that owns the slot by the remembered offsets; undefined: we own it, or nobody does. */
export function otherOwner(remembered: Remembered, place: SlotPlace): OffsetOwner | undefined {
  const own = remembered.own?.mark;
  let claim = own !== undefined && names(own, place) ? own.claim : -1;
  let owner: OffsetOwner | undefined;
  for (const { owner: other, offset } of remembered.others) {
    if (offset.mark === undefined || !names(offset.mark, place) || offset.mark.claim <= claim) continue;
    claim = offset.mark.claim;
    owner = other;
  }
  return owner;
}

/** A claim larger than that of every other record that names this slot; our present claim, if it is the largest already. */
export function nextClaim(remembered: Remembered, place: SlotPlace): number {
  const own = remembered.own?.mark;
  const others = remembered.others.flatMap(({ offset }) =>
    offset.mark !== undefined && names(offset.mark, place) ? [offset.mark.claim] : [],
  );
  const highest = Math.max(0, ...others);
  return own !== undefined && names(own, place) && own.claim > highest ? own.claim : highest + 1;
}

function names(mark: SlotMark, place: SlotPlace): boolean {
  return mark.slot === place.slot && mark.systemId === place.systemId && mark.databaseOid === place.databaseOid;
}

/** slot_in_use, which ends the start: only the same connector is a standby. */
export function ownedByOther(owner: OffsetOwner, place: SlotPlace): SlotlineError {
  const details = { slot: place.slot, owner: nameOf(owner), accept: acceptance(place) };
  return new SlotlineError('slot_in_use', details, { retry: 'never', remedy: OWNED_REMEDY });
}

/** The same for an owner that runs now. `owner` is undefined where the offset topic does not name it. */
export function heldByOther(holder: string, of: { readonly slot: string; readonly owner: OffsetOwner | undefined }): SlotlineError {
  const owner = of.owner === undefined ? 'another connector, which this offset.storage.topic does not know' : nameOf(of.owner);
  return new SlotlineError('slot_in_use', { slot: of.slot, owner, holder }, { retry: 'never', remedy: HELD_REMEDY });
}

function nameOf({ connector, server }: OffsetOwner): string {
  return `connector ${connector} with topic.prefix ${server}`;
}

const HELD_REMEDY = 'A slot has one owner: give this connector a slot.name of its own.';
const OWNED_REMEDY =
  "A slot has one owner: give this connector a slot.name of its own. If the owner named is retired, set slotline.slot.accept to what `accept` says: the slot is this connector's then.";
