/**
 * Owns what a start knows of the past: what the offset topic remembers, whose the slot is according to that, whether the slot stands where
 * it was left, and the record that this start writes. Does not own the comparison (offsets/continuity.ts), what follows from it
 * (judgements/start.ts), or positions while they move (position-keeper.ts).
 */
import { SlotlineError } from '../../core/errors.ts';
import { LSN_ZERO, type Lsn } from '../../core/lsn.ts';
import type { TaskOptions } from '../../core/options.ts';
import { Scope } from '../../core/scope.ts';
import { createKafkaClient } from '../../kafka/client.ts';
import { createCompactedTopic } from '../../kafka/compacted-topic.ts';
import {
  type Continuity,
  heldByOther,
  needsFork,
  nextClaim,
  otherOwner,
  type SlotPlace,
  type TimelineFork,
} from '../../offsets/continuity.ts';
import type { OffsetOwner, SlotMark, StoredOffset } from '../../offsets/offset.ts';
import { createOffsetStore, type OffsetStore, type Remembered } from '../../offsets/store.ts';
import { openSession } from '../../postgres/session/open-session.ts';
import type { ServerFacts } from '../../postgres/session/server-facts.ts';
import { loadSlot, type SlotState } from '../../postgres/stream/slot.ts';
import { loadForkLsn } from '../../postgres/stream/timeline.ts';
import { judgeContinuity, judgeOwner, slotPlace } from '../judgements/start.ts';
import type { AttemptContext, TaskDeps } from '../life/attempt-context.ts';
import { type MarkedOffset, PositionKeeper } from './position-keeper.ts';

export type Past = {
  readonly store: OffsetStore;
  /** Aborts when the attempt has closed the store. */
  readonly ended: AbortSignal;
  readonly remembered: Remembered;
  readonly slot: SlotState | undefined;
  readonly place: SlotPlace;
  readonly continuity: Continuity;
};

/** How long to look for the name of a slot's owner, before the error is thrown without it. */
const NAMING_TIMEOUT_MS = 5_000;

export function offsetOwner(options: Pick<TaskOptions, 'events' | 'name' | 'taskId'>): OffsetOwner {
  return { connector: options.name, task: options.taskId, server: options.events.topicPrefix };
}

/** Loads the past. Waits for Kafka until `signal` aborts. Throws slot_in_use when the slot is another connector's. */
export async function recall(
  context: Pick<AttemptContext, 'options' | 'sql' | 'log'>,
  o: { readonly store: OffsetStore; readonly ended: AbortSignal; readonly server: ServerFacts; readonly signal: AbortSignal },
): Promise<Past> {
  const { options, sql, log } = context;
  const { store, ended, server } = o;
  const remembered = await store.loadAll(o.signal);
  const slot = await loadSlot(sql, options.slot.name);
  const { place, foreign, fork, continuity } = await weighPast(options, { remembered, slot, server, signal: o.signal });
  if (foreign !== undefined) throw foreign;
  if (continuity.tag === 'accepted') {
    const { code, message } = continuity.error;
    log.warn('position.accepted', { code, message });
  }
  const from = otherOwner(remembered, place);
  if (from !== undefined && place.confirmedLsn !== undefined)
    log.warn('slot.taken_over', { slot: place.slot, from: from.connector, fromPrefix: from.server });
  const before = remembered.own?.mark?.slot;
  if (before !== undefined && before !== place.slot) {
    log.warn('slot.changed', { from: before, to: place.slot, remedy: 'The slot of before keeps WAL until it is dropped.' });
  }
  if (continuity.tag === 'unbroken' && fork !== undefined) log.info('timeline.changed', { from: fork.timeline, to: place.timeline });
  return { store, ended, remembered, slot, place, continuity };
}

type Weighed = {
  readonly place: SlotPlace;
  /** slot_in_use when the slot is another connector's. */
  readonly foreign: SlotlineError | undefined;
  readonly fork: TimelineFork | undefined;
  readonly continuity: Continuity;
};

/** Says whose the slot is according to what is remembered, and whether it stands where it was left. `check` uses it too. */
export async function weighPast(
  options: Pick<TaskOptions, 'database' | 'slot' | 'snapshot'>,
  o: { readonly remembered: Remembered; readonly slot: SlotState | undefined; readonly server: ServerFacts; readonly signal: AbortSignal },
): Promise<Weighed> {
  const { remembered, slot, server, signal } = o;
  const place = slotPlace(options, { server, slot });
  const foreign = judgeOwner(options, { remembered, place });
  const fork = foreign === undefined ? await loadFork(options, { mark: remembered.own?.mark, place, signal }) : undefined;
  return { place, foreign, fork, continuity: judgeContinuity(options, { remembered: remembered.own, place, fork }) };
}

/** Where the server's history left the timeline that is remembered. Asks only if they differ. */
async function loadFork(
  options: Pick<TaskOptions, 'database'>,
  { mark, place, signal }: { readonly mark: SlotMark | undefined; readonly place: SlotPlace; readonly signal: AbortSignal },
): Promise<TimelineFork | undefined> {
  if (!needsFork(mark, place) || place.timeline === undefined) return undefined;
  const session = await openSession(options.database, { replication: true, applicationName: 'Slotline Slot', signal });
  try {
    return { timeline: mark.timeline, forkLsn: await loadForkLsn(session, { timeline: place.timeline, from: mark.timeline }) };
  } finally {
    await session.close();
  }
}

/** Stores how this start begins. From here on the keeper stores positions. `offset`: all but the mark. */
export function beginPositions(
  context: Pick<AttemptContext, 'clock' | 'live' | 'log' | 'positions' | 'signal'>,
  past: Past,
  begin: { readonly offset: StoredOffset; readonly fromLsn?: Lsn },
): Promise<PositionKeeper> {
  const deps = {
    store: past.store,
    clock: context.clock,
    log: context.log,
    signal: context.signal,
    ended: past.ended,
    confirmer: context.positions,
    onTrouble: (error: SlotlineError | undefined) => context.live.tell({ tag: 'positionTrouble', error }),
  };
  return PositionKeeper.begin(deps, marked(past, begin));
}

/** If the slot stands where it was left, the stored position is kept: the slot may be behind it, but never ahead. */
function marked({ remembered, place, continuity }: Past, begin: { readonly offset: StoredOffset; readonly fromLsn?: Lsn }): MarkedOffset {
  const own = remembered.own?.mark;
  const keptLsn = continuity.tag === 'unbroken' && own?.confirmedLsn !== LSN_ZERO ? own?.confirmedLsn : undefined;
  const { mark: _, ...offset } = begin.offset;
  return {
    ...offset,
    mark: {
      confirmedLsn: begin.fromLsn ?? keptLsn ?? place.confirmedLsn ?? LSN_ZERO,
      slot: place.slot,
      systemId: place.systemId,
      databaseOid: place.databaseOid,
      ...(place.timeline === undefined ? {} : { timeline: place.timeline }),
      claim: nextClaim(remembered, place),
    },
  };
}

/** slot_in_use for a slot on which another connector is running. Names the connector if its record is in the same offset topic. */
export async function heldError(deps: TaskDeps, by: { server: ServerFacts; holder: string; signal: AbortSignal }): Promise<SlotlineError> {
  const { options } = deps;
  const { server, holder, signal } = by;
  using scope = new Scope();
  const kafka = createKafkaClient(options.kafka, deps);
  const store = createOffsetStore(createCompactedTopic(kafka, options.offsetStorage, deps), offsetOwner(options));
  let owner: OffsetOwner | undefined;
  try {
    const remembered = await store.loadAll(scope.any(AbortSignal.timeout(NAMING_TIMEOUT_MS), signal));
    owner = otherOwner({ ...remembered, own: undefined }, slotPlace(options, { server, slot: undefined }));
  } catch (error) {
    // Without the name the error still says enough.
    deps.log.debug('slot.owner_unknown', { message: error instanceof SlotlineError ? error.message : String(error) });
  } finally {
    await kafka.close();
  }
  return heldByOther(holder, { slot: options.slot.name, owner });
}
