/**
 * Owns one attempt of a connector, from the first connection to the last confirmation: ownership, publication, the
 * decision what to start with, snapshot, streaming. Everything that fails ends the attempt; the next one begins at the
 * slot's confirmed position with a new producer (docs/delivery.md). Whether there is a next one: connector.ts.
 */
import { SlotlineError, toSlotlineError } from '../../core/errors.ts';
import { formatLsn, LSN_ZERO, type Lsn } from '../../core/lsn.ts';
import { Scope } from '../../core/scope.ts';
import { wait } from '../../core/time.ts';
import { createCompactedTopic } from '../../kafka/compacted-topic.ts';
import type { StoredOffset } from '../../offsets/offset.ts';
import { type CompactedTopic, createOffsetStore, type OffsetStore } from '../../offsets/store.ts';
import { openSession, type PgSession } from '../../postgres/session/open-session.ts';
import {
  loadServerFacts,
  requireEncoding,
  requireLogicalWal,
  requireVersion,
  type ServerFacts,
} from '../../postgres/session/server-facts.ts';
import { dropSlot, loadSlot, type SlotState } from '../../postgres/stream/slot.ts';
import type { StartDecision } from '../../snapshot/decision.ts';
import type { SnapshotProgress } from '../../snapshot/initial.ts';
import { isSnapshot, judgeStart, refusalOf, rememberedOffset } from '../judgements/start.ts';
import { Fence } from '../positions/fence.ts';
import type { Permission } from '../positions/ownership-proof.ts';
import { beginPositions, heldError, offsetOwner, type Past, recall } from '../positions/past.ts';
import type { PositionKeeper } from '../positions/position-keeper.ts';
import { awaitOwnership, lockProof, tryOwn, turnOwner } from '../positions/turn.ts';
import { limitsOf, tellSilence } from '../reading/session-limits.ts';
import { createSlotOf } from '../reading/slot-creation.ts';
import { type SnapshotResult, type SnapshotSource, takeSnapshot } from '../reading/start-snapshot.ts';
import { runStreaming, StreamingHooks } from '../reading/streaming.ts';
import { SourceMemory } from '../source/memory.ts';
import { prepareTables } from '../source/tables.ts';
import { SourceWatch } from '../source/watch.ts';
import { createContext, type TaskContext, type TaskDeps } from './task-context.ts';

/** What survives from one attempt to the next within a process. */
type ProcessMemory = {
  snapshotTaken: boolean;
  /** What can be judged of the source was judged and told, and nothing was wrong. */
  judged?: boolean;
};

type TaskHooks = {
  readonly started: () => void;
  /** An orderly stop is asked for. */
  readonly stop: AbortSignal;
  /** Nothing is waited for any more that has not answered yet: the slot, Kafka. Absent: waits for ever. */
  readonly startDeadline?: AbortSignal;
  /** The slot is ours and Kafka answers. */
  readonly answered?: () => void;
  readonly onProgress: (progress: SnapshotProgress) => void;
};

/** Resolves when it ended in order; rejects with the SlotlineError that ended it. */
export async function runTask(deps: TaskDeps, memory: ProcessMemory, hooks: TaskHooks): Promise<void> {
  const { live } = deps;
  live.beginAttempt();
  const failed = new AbortController();
  const fence = new Fence(deps);
  const fail = (error: unknown): void => {
    fence.close();
    failed.abort(toSlotlineError(error));
  };
  const streaming = new StreamingHooks();
  const phase = { streaming: false };
  // Before streaming there is nothing to settle: a stop simply ends the attempt, and the next start begins again.
  const onStop = (): void => {
    if (!phase.streaming) fail(new SlotlineError('stream_ended', { reason: 'stopped' }));
  };
  using scope = new Scope();
  scope.listen(hooks.stop, onStop);
  const { signal } = failed;
  let sql: PgSession | undefined;
  let context: TaskContext | undefined;
  let endedBy: SlotlineError | undefined;
  try {
    signal.throwIfAborted();
    const limits = { ...limitsOf(deps.options, signal), patience: tellSilence(deps) };
    sql = await openSession(deps.options.database, { applicationName: 'Slotline General', signal, ...limits });
    sql.onLost(fail);
    const server = await checkServer(sql);
    await awaitOwnership(sql, deps.options.slot.name, deps.log, {
      signal,
      startDeadline: startDeadlineOf(hooks),
      onHolder: (holder) => {
        live.slotHolder = holder;
      },
      owner: turnOwner(deps.options),
      onForeign: (holder) => heldError(deps, { server, holder, signal }),
    });
    fence.hold('lock', lockProof(sql, deps.options.slot.name, server));
    context = createContext(deps, sql, { signal, onSettled: () => streaming.onSettled(), onFailure: fail, fence });
    live.attach(context);
    // The wait may have been long, and WAL has grown meanwhile.
    await runWatched(context, { server: await loadServerFacts(sql), memory, hooks, streaming, phase, fail });
  } catch (error) {
    const reason = signal.aborted ? signal.reason : error;
    if (hooks.stop.aborted && !phase.streaming) return;
    endedBy = toSlotlineError(reason);
    throw endedBy;
  } finally {
    // Whatever still waits, such as for the registry, belongs to this attempt and must not outlive it.
    fail(new SlotlineError('stream_ended', { reason: 'the attempt is over' }));
    live.endAttempt(endedBy);
    if (context !== undefined) deps.log.info('task.ended', { ...context.changes.counts });
    await Promise.all([context?.publisher.close(), context?.kafka.close(), context?.heartbeat?.close(), sql?.close()]);
  }
}

function startDeadlineOf(hooks: TaskHooks): AbortSignal {
  return hooks.startDeadline ?? new AbortController().signal;
}

type Attempt = {
  readonly server: ServerFacts;
  readonly memory: ProcessMemory;
  readonly hooks: TaskHooks;
  readonly streaming: StreamingHooks;
  readonly phase: { streaming: boolean };
  readonly fail: (error: SlotlineError) => void;
};

async function checkServer(sql: PgSession): Promise<ServerFacts> {
  const facts = await loadServerFacts(sql);
  requireVersion(facts);
  requireEncoding(facts);
  requireLogicalWal(facts);
  return facts;
}

/** While it lasts, changes of the source are noticed. */
async function runWatched(context: TaskContext, attempt: Attempt): Promise<void> {
  const watch = await SourceWatch.open(context, attempt);
  attempt.streaming.onNotice = (notice) => watch.note(notice);
  try {
    await runOwned(context, attempt, watch);
  } finally {
    await watch.close();
  }
}

async function runOwned(context: TaskContext, attempt: Attempt, watch: SourceWatch): Promise<void> {
  const { kafka, options } = context;
  const maySend = (): Permission => context.fence.maySend();
  const topic = createCompactedTopic(kafka, options.offsetStorage, { ...context, maySend });
  const ended = new AbortController();
  try {
    await runRemembered(context, attempt, { topic, store: createOffsetStore(topic, offsetOwner(options)), ended: ended.signal, watch });
  } finally {
    ended.abort();
    await watch.close();
    await topic.close();
  }
}

type Remembering = {
  readonly topic: CompactedTopic;
  readonly store: OffsetStore;
  readonly ended: AbortSignal;
  readonly watch: SourceWatch;
};

async function runRemembered(context: TaskContext, attempt: Attempt, remembering: Remembering): Promise<void> {
  const { options, log, signal } = context;
  const { hooks, memory, server } = attempt;
  using scope = new Scope();
  const { watch, topic } = remembering;
  const past = await recall(context, { ...remembering, server, signal: scope.any(signal, hooks.startDeadline) });
  hooks.answered?.();
  // Only now: nothing of the publication is changed for a slot that is another's.
  await context.types.prime();
  const { slot, continuity } = past;
  const remembered = past.remembered.own;
  const decision = judgeStart(options, { remembered, slot, continuity, snapshotTaken: memory.snapshotTaken });
  log.info('task.start', {
    decision: decision.tag,
    mode: options.snapshot.mode,
    offset: rememberedOffset(remembered),
    slot: options.slot.name,
  });
  if (decision.tag === 'refuse') throw refusalOf(decision, options, continuity);
  if (decision.tag === 'nothing') return;
  await prepareTables(context, {
    server,
    slot,
    decision,
    continuity,
    hasRun: remembered?.mark !== undefined,
    isFirst: memory.judged !== true,
  });
  memory.judged = true;
  if (decision.tag === 'stream' && hasStreamed(remembered, slot)) context.info.endTransaction(slot.confirmedFlushLsn);
  await watch.begin({
    memory: new SourceMemory(topic, {
      ...offsetOwner(options),
      systemIdentifier: server.systemIdentifier,
      database: options.database.dbname,
    }),
    snapshotFollows: isSnapshot(decision),
    isNewSlot: decision.tag === 'createSlot' || decision.tag === 'snapshotOnly',
  });
  const positions = await prepare(context, attempt, { past, decision });
  await watch.endSnapshot();
  memory.snapshotTaken = true;
  if (positions === undefined || hooks.stop.aborted) return;
  if (options.snapshot.streamingDelayMs > 0 && isSnapshot(decision)) await wait(options.snapshot.streamingDelayMs, hooks.stop);
  await stream(context, attempt, { positions, untilLsn: undefined, onStarted: () => onStreaming(context, attempt) });
  if (options.slot.dropOnStop) await dropUnlessTaken(context);
}

/** Something was confirmed since the snapshot: what comes next follows that position in `sequence`, as after a restart of Debezium. */
function hasStreamed(
  remembered: StoredOffset | undefined,
  slot: SlotState | undefined,
): slot is SlotState & { readonly confirmedFlushLsn: Lsn } {
  if (remembered?.lsn === undefined || slot?.confirmedFlushLsn === undefined) return false;
  return slot.confirmedFlushLsn > remembered.lsn || (remembered.mark !== undefined && remembered.lsnCommit !== undefined);
}

/** Everything before streaming: the slot, the snapshot, what is remembered of them. undefined: there is nothing to stream from. */
async function prepare(
  context: TaskContext,
  attempt: Attempt,
  { past, decision }: { readonly past: Past; readonly decision: StartDecision },
): Promise<PositionKeeper | undefined> {
  if (decision.tag === 'createSlot') {
    const lsn = await createOwnSlot(context);
    return await beginPositions(context, past, { offset: { lsn }, fromLsn: lsn });
  }
  if (!isSnapshot(decision)) return await beginPositions(context, past, { offset: past.remembered.own ?? {} });
  if (decision.tag === 'snapshotNewSlot' && decision.dropFirst) await dropOwnSlot(context);
  const unfinished = { lsn: LSN_ZERO, snapshot: 'INITIAL', snapshotCompleted: false };
  if (decision.tag === 'snapshotOnly') {
    await past.store.save(unfinished, context.signal);
    const { lsn, xid, timeUs } = await snapshot(context, attempt, { source: 'noSlot', positions: undefined });
    await past.store.save({ lsn, txId: xid, tsUs: timeUs }, context.signal);
    return undefined;
  }
  const isNew = decision.tag === 'snapshotNewSlot';
  const positions = await beginPositions(context, past, { offset: unfinished, ...(isNew ? { fromLsn: LSN_ZERO } : {}) });
  const { lsn, xid, timeUs } = await snapshot(context, attempt, { source: isNew ? 'newSlot' : 'existingSlot', positions });
  const mark = { ...positions.offset.mark, confirmedLsn: isNew ? lsn : positions.storedLsn };
  await positions.write({ lsn, txId: xid, tsUs: timeUs, mark });
  return positions;
}

async function snapshot(
  context: TaskContext,
  attempt: Attempt,
  { source, positions }: { readonly source: SnapshotSource; readonly positions: PositionKeeper | undefined },
): Promise<SnapshotResult> {
  context.live.isSnapshotting = true;
  const result = await takeSnapshot(context, {
    source,
    catchUp: async (untilLsn) => {
      if (positions !== undefined) await stream(context, attempt, { positions, untilLsn, onStarted: async () => {} });
    },
    onProgress: attempt.hooks.onProgress,
  });
  context.live.isSnapshotting = false;
  return result;
}

async function stream(
  context: TaskContext,
  attempt: Attempt,
  run: { readonly positions: PositionKeeper; readonly untilLsn: Lsn | undefined; readonly onStarted: () => Promise<void> },
): Promise<void> {
  const slot = await loadSlot(context.sql, context.options.slot.name);
  await runStreaming(context, attempt.streaming, {
    ...run,
    startLsn: slot?.confirmedFlushLsn ?? LSN_ZERO,
    stop: attempt.hooks.stop,
    walSenderTimeoutMs: attempt.server.walSenderTimeoutMs,
  });
}

async function onStreaming(context: TaskContext, attempt: Attempt): Promise<void> {
  const slot = await loadSlot(context.sql, context.options.slot.name);
  context.log.info('stream.started', {
    slot: context.options.slot.name,
    lsn: slot?.confirmedFlushLsn === undefined ? undefined : formatLsn(slot.confirmedFlushLsn),
  });
  attempt.phase.streaming = true;
  attempt.hooks.started();
}

async function createOwnSlot(context: TaskContext): Promise<Lsn> {
  const { options, signal, log } = context;
  const session = await openSession(options.database, { replication: true, applicationName: 'Slotline Slot', signal });
  try {
    await context.fence.require(signal);
    const { consistentPoint } = await createSlotOf(context, session, { name: options.slot.name, failover: options.slot.failover });
    log.info('slot.created', { slot: options.slot.name, lsn: formatLsn(consistentPoint) });
    return consistentPoint;
  } finally {
    await session.close();
  }
}

async function dropOwnSlot(context: TaskContext): Promise<void> {
  const { options, signal, log } = context;
  const session = await openSession(options.database, { replication: true, applicationName: 'Slotline Slot', signal });
  try {
    await context.fence.require(signal);
    await dropSlot(session, options.slot.name, { signal });
    log.info('slot.dropped', { slot: options.slot.name });
  } finally {
    await session.close();
  }
}

/** Behind the stream a standby may have taken over: then the slot is its own. */
async function dropUnlessTaken(context: TaskContext): Promise<void> {
  const { options, sql, log } = context;
  const holder = await tryOwn(sql, options.slot.name);
  if (holder === undefined) await dropOwnSlot(context);
  else log.info('slot.kept', { slot: options.slot.name, holder });
}
