/**
 * Owns one attempt of a connector, from the first connection to the last confirmation: ownership, publication, the decision what to start
 * with, snapshot, streaming. Any failure ends the attempt; the next one begins at the slot's confirmed position with a new producer
 * (docs/delivery.md). Whether there is a next attempt is decided in connector-state.ts.
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
import { beginPositions, heldError, offsetOwner, type Past, recall } from '../positions/past.ts';
import type { PositionKeeper } from '../positions/position-keeper.ts';
import { Positions } from '../positions/positions.ts';
import { awaitOwnership, holdLock, tryOwn, turnOwner } from '../positions/turn.ts';
import { limitsOf, tellSilence } from '../reading/session-limits.ts';
import { createSlotOf, type SlotCreationContext } from '../reading/slot-creation.ts';
import { runStreaming } from '../reading/streaming.ts';
import { type SnapshotResult, type SnapshotSource, takeSnapshot } from '../snapshot/start-snapshot.ts';
import { SourceMemory } from '../source/memory.ts';
import { prepareTables } from '../source/tables.ts';
import { SourceWatch } from '../source/watch.ts';
import { type AttemptContext, createContext, type TaskDeps } from './attempt-context.ts';
import { AttemptEnd } from './attempt-end.ts';

/** What a task remembers from one attempt to the next. */
export type TaskMemory = {
  snapshotTaken: boolean;
  /** The source was judged, the result was logged, and nothing was wrong. Later attempts judge less. */
  judged?: boolean;
};

type AttemptHooks = {
  readonly started: () => void;
  /** Aborts when an orderly stop is asked for. */
  readonly stop: AbortSignal;
  /** True when the stop is only a pause or a restart, which needs the slot again. Absent: a stop is always final. */
  readonly goesOn?: () => boolean;
  /** Aborts when the start has waited long enough for a slot or a Kafka that has not answered. Absent: it waits for ever. */
  readonly startDeadline?: AbortSignal;
  /** Called once the slot is ours and Kafka has answered. */
  readonly answered?: () => void;
  readonly onProgress: (progress: SnapshotProgress) => void;
};

/** Resolves when the attempt ended in order; rejects with the SlotlineError that ended it. */
export async function runAttempt(deps: TaskDeps, memory: TaskMemory, hooks: AttemptHooks): Promise<void> {
  const { live } = deps;
  live.tell({ tag: 'attemptBegun' });
  const fence = new Fence(deps);
  const positions = new Positions(deps.log);
  using end = new AttemptEnd(fence, hooks.stop);
  const { signal, fail } = end;
  let sql: PgSession | undefined;
  let context: AttemptContext | undefined;
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
      onHolder: (holder) => live.tell({ tag: 'slotHeld', holder }),
      owner: turnOwner(deps.options),
      onForeign: (holder) => heldError(deps, { server, holder, signal }),
    });
    holdLock({ fence, positions, sql, options: deps.options }, server);
    context = createContext(deps, sql, { signal, onFailure: fail, fence, positions });
    live.tell({ tag: 'attemptReady', parts: context });
    // Asked again: waiting for the slot may have taken long, and WAL has grown meanwhile.
    await runWatched(context, { server: await loadServerFacts(sql), memory, hooks, end });
  } catch (error) {
    const reason = signal.aborted ? signal.reason : error;
    if (end.isStopped) return;
    endedBy = toSlotlineError(reason);
    throw endedBy;
  } finally {
    // Whatever still waits, for the registry say, belongs to this attempt and must not outlive it.
    fail(new SlotlineError('stream_ended', { reason: 'the attempt is over' }));
    live.tell({ tag: 'attemptEnded', error: endedBy });
    if (context !== undefined) deps.log.info('task.ended', { ...context.counts });
    await Promise.all([context?.publisher.close(), context?.kafka.close(), context?.heartbeat?.close(), sql?.close()]);
  }
}

function startDeadlineOf(hooks: AttemptHooks): AbortSignal {
  return hooks.startDeadline ?? new AbortController().signal;
}

type Attempt = {
  readonly server: ServerFacts;
  readonly memory: TaskMemory;
  readonly hooks: AttemptHooks;
  readonly end: AttemptEnd;
};

type WatchedAttempt = Attempt & {
  /** Looks for changes of the source during the attempt. */
  readonly watch: SourceWatch;
};

async function checkServer(sql: PgSession): Promise<ServerFacts> {
  const facts = await loadServerFacts(sql);
  requireVersion(facts);
  requireEncoding(facts);
  requireLogicalWal(facts);
  return facts;
}

async function runWatched(context: AttemptContext, attempt: Attempt): Promise<void> {
  const watch = await SourceWatch.open(context, { server: attempt.server, fail: attempt.end.fail });
  try {
    await runOwned(context, { ...attempt, watch });
  } finally {
    await watch.close();
  }
}

async function runOwned(context: AttemptContext, attempt: WatchedAttempt): Promise<void> {
  const { kafka, options, fence } = context;
  const { watch } = attempt;
  const topic = createCompactedTopic(kafka, options.offsetStorage, context, fence);
  const ended = new AbortController();
  try {
    await runRemembered(context, attempt, { topic, store: createOffsetStore(topic, offsetOwner(options)), ended: ended.signal });
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
};

async function runRemembered(context: AttemptContext, attempt: WatchedAttempt, remembering: Remembering): Promise<void> {
  const { options, log, signal } = context;
  const { hooks, memory, server, watch } = attempt;
  using scope = new Scope();
  const { topic } = remembering;
  const past = await recall(context, { ...remembering, server, signal: scope.any(signal, hooks.startDeadline) });
  hooks.answered?.();
  // Not before the slot is ours: the publication of another's slot must not be changed.
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
  if (decision.tag === 'stream' && hasStreamed(remembered, slot)) context.stream.info.endTransaction(slot.confirmedFlushLsn);
  await watch.begin({
    memory: new SourceMemory(topic, {
      ...offsetOwner(options),
      systemIdentifier: server.systemIdentifier,
      database: options.database.dbname,
    }),
    snapshotFollows: isSnapshot(decision),
    isNewSlot: decision.tag === 'createSlot' || decision.tag === 'snapshotOnly',
  });
  const keeper = await prepare(context, attempt, { past, decision });
  await watch.endSnapshot();
  memory.snapshotTaken = true;
  if (keeper === undefined || hooks.stop.aborted) return;
  if (options.snapshot.streamingDelayMs > 0 && isSnapshot(decision)) await wait(options.snapshot.streamingDelayMs, hooks.stop);
  await stream(context, attempt, { keeper, untilLsn: undefined, onStarted: () => onStreaming(context, attempt) });
  if (options.slot.dropOnStop && hooks.goesOn?.() !== true) await dropUnlessTaken(context, attempt);
}

/** True when something was confirmed since the snapshot. `sequence` then begins at that position, as after a restart of Debezium. */
function hasStreamed(
  remembered: StoredOffset | undefined,
  slot: SlotState | undefined,
): slot is SlotState & { readonly confirmedFlushLsn: Lsn } {
  if (remembered?.lsn === undefined || slot?.confirmedFlushLsn === undefined) return false;
  return slot.confirmedFlushLsn > remembered.lsn || (remembered.mark !== undefined && remembered.lsnCommit !== undefined);
}

/** Does everything before streaming: the slot, the snapshot, the offset record. undefined: there is nothing to stream. */
async function prepare(
  context: AttemptContext,
  attempt: WatchedAttempt,
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
    const { lsn, xid, timeUs } = await snapshot(context, attempt, { source: 'noSlot', keeper: undefined });
    await past.store.save({ lsn, txId: xid, tsUs: timeUs }, context.signal);
    return undefined;
  }
  const isNew = decision.tag === 'snapshotNewSlot';
  const keeper = await beginPositions(context, past, { offset: unfinished, ...(isNew ? { fromLsn: LSN_ZERO } : {}) });
  const { lsn, xid, timeUs } = await snapshot(context, attempt, { source: isNew ? 'newSlot' : 'existingSlot', keeper });
  const mark = { ...keeper.offset.mark, confirmedLsn: isNew ? lsn : keeper.storedLsn };
  await keeper.write({ lsn, txId: xid, tsUs: timeUs, mark });
  return keeper;
}

async function snapshot(
  context: AttemptContext,
  attempt: WatchedAttempt,
  { source, keeper }: { readonly source: SnapshotSource; readonly keeper: PositionKeeper | undefined },
): Promise<SnapshotResult> {
  context.live.tell({ tag: 'snapshot', isTaken: true });
  const result = await takeSnapshot(context, {
    source,
    catchUp: async (untilLsn) => {
      if (keeper !== undefined) await stream(context, attempt, { keeper, untilLsn, onStarted: async () => {} });
    },
    onProgress: attempt.hooks.onProgress,
  });
  context.live.tell({ tag: 'snapshot', isTaken: false });
  return result;
}

async function stream(
  context: AttemptContext,
  attempt: WatchedAttempt,
  run: { readonly keeper: PositionKeeper; readonly untilLsn: Lsn | undefined; readonly onStarted: () => Promise<void> },
): Promise<void> {
  const slot = await loadSlot(context.sql, context.options.slot.name);
  await runStreaming(context, {
    ...run,
    startLsn: slot?.confirmedFlushLsn ?? LSN_ZERO,
    stop: attempt.hooks.stop,
    onNotice: (notice) => attempt.watch.note(notice),
    walSenderTimeoutMs: attempt.server.walSenderTimeoutMs,
  });
}

async function onStreaming(
  { sql, options, log }: Pick<AttemptContext, 'sql' | 'options' | 'log'>,
  { hooks, end }: Pick<Attempt, 'hooks' | 'end'>,
): Promise<void> {
  const slot = await loadSlot(sql, options.slot.name);
  log.info('stream.started', {
    slot: options.slot.name,
    lsn: slot?.confirmedFlushLsn === undefined ? undefined : formatLsn(slot.confirmedFlushLsn),
  });
  end.streams();
  hooks.started();
}

type OwnSlotContext = SlotCreationContext & Pick<AttemptContext, 'options'>;

async function createOwnSlot(context: OwnSlotContext): Promise<Lsn> {
  const { options, signal, log } = context;
  const session = await openSession(options.database, { replication: true, applicationName: 'Slotline Slot', signal });
  try {
    const { consistentPoint } = await createSlotOf(context, session, { name: options.slot.name, failover: options.slot.failover });
    log.info('slot.created', { slot: options.slot.name, lsn: formatLsn(consistentPoint) });
    return consistentPoint;
  } finally {
    await session.close();
  }
}

async function dropOwnSlot(context: OwnSlotContext): Promise<void> {
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

/** Drops the slot, unless a standby took it over after the stream ended. */
async function dropUnlessTaken(context: OwnSlotContext & Pick<AttemptContext, 'positions'>, { server }: WatchedAttempt): Promise<void> {
  const { options, sql, log } = context;
  const holder = await tryOwn(sql, options.slot.name);
  if (holder !== undefined) {
    log.info('slot.kept', { slot: options.slot.name, holder });
    return;
  }
  // The fence needs a new proof: what it knew before we held the lock does not count.
  holdLock(context, server);
  await dropOwnSlot(context);
}
