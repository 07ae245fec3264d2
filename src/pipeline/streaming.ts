/**
 * Owns one run over the replication stream: opening it, the loop, confirming, watching that the slot is still ours, and
 * the orderly end. Used twice: for streaming proper, and for catching up to a snapshot's consistent point.
 */
import { SlotlineError } from '../core/errors.ts';
import { formatLsn, type Lsn } from '../core/lsn.ts';
import { wait } from '../core/time.ts';
import { compileAny } from '../events/filter.ts';
import { openSession, type PgSession } from '../postgres/connection.ts';
import { ReplicationStream } from '../postgres/replication-stream.ts';
import { loadSlot } from '../postgres/slot.ts';
import { AckTracker } from './ack-tracker.ts';
import { ConfirmPacer } from './confirm-pacer.ts';
import { SlotOwnership } from './slot-ownership.ts';
import { SlotXmin } from './slot-xmin.ts';
import { StreamLoop } from './stream-loop.ts';
import type { TaskContext } from './task-context.ts';

/** SIGTERM has ten seconds in all (architecture §5). */
const DRAIN_DEADLINE_MS = 8_000;
const CONFIRM_DEADLINE_MS = 1_000;
const CONFIRM_POLL_MS = 10;
/** While catching up to a snapshot an idle server is asked often where it stands. */
const CATCH_UP_ASK_MS = 100;

export type StreamingRun = {
  /** The server accepted; from here the slot is held. */
  readonly onStarted: () => Promise<void>;
  /** Stop before the first commit at or after it. */
  readonly untilLsn: Lsn | undefined;
  /** An orderly stop is asked for. */
  readonly stop: AbortSignal;
  readonly walSenderTimeoutMs: number;
  readonly startLsn: Lsn;
};

/** Hooks of the context that reach the run that is current. */
export class StreamingHooks {
  onSettled: () => void = () => {};
  maySend: () => boolean = () => true;
}

/** Resolves at an orderly stop or at untilLsn, with everything acknowledged and confirmed. Rejects with what broke. */
export async function runStreaming(context: TaskContext, hooks: StreamingHooks, run: StreamingRun): Promise<void> {
  const session = await openSession(context.options.database, {
    replication: true,
    applicationName: 'Slotline Streaming',
    signal: context.signal,
  });
  const stream = new ReplicationStream(session, streamSettings(context, run, session), context.clock);
  const tracker = new AckTracker(run.startLsn);
  const pacer = new ConfirmPacer((lsn) => {
    context.log.debug('lsn.confirmed', { lsn: formatLsn(lsn) });
    stream.confirm(lsn);
  });
  const reached = Promise.withResolvers<void>();
  const loop = createLoop(context, { tracker, pacer, untilLsn: run.untilLsn, onReached: reached.resolve });
  const ownership = new SlotOwnership({
    clock: context.clock,
    log: context.log,
    timeoutMs: run.walSenderTimeoutMs,
    contact: stream,
    isOurs: async () => (await loadSlot(context.sql, context.options.slot.name))?.activePid === session.processId,
  });
  hooks.onSettled = () => loop.release({ urgent: context.publisher.pending.records === 0 });
  hooks.maySend = () => ownership.isFresh();
  let orderly = false;
  const asking = run.untilLsn === undefined ? undefined : setInterval(() => stream.sendStatus({ requestReply: true }), CATCH_UP_ASK_MS);
  const xmin = slotXmin(context);
  context.live.beginStream(stream);
  try {
    await xmin?.start();
    await stream.start(loop);
    ownership.start();
    await run.onStarted();
    if (run.untilLsn === undefined) context.heartbeat?.start();
    await Promise.race([stream.done(), reached.promise, aborted(run.stop), aborted(context.signal)]);
    context.signal.throwIfAborted();
    context.heartbeat?.stop();
    await settle(context, stream, { loop, tracker, pacer });
    orderly = true;
  } finally {
    clearInterval(asking);
    context.heartbeat?.stop();
    xmin?.stop();
    ownership.stop();
    pacer.stop();
    hooks.onSettled = () => {};
    context.live.endStream();
    await stream.close();
    // Behind an orderly end comes a snapshot, under the advisory lock; behind any other this attempt sends nothing more.
    hooks.maySend = () => orderly;
  }
}

function slotXmin(context: TaskContext): SlotXmin | undefined {
  const { options, sql, info, log } = context;
  const { xminFetchIntervalMs, name } = options.slot;
  return xminFetchIntervalMs === 0 ? undefined : new SlotXmin({ intervalMs: xminFetchIntervalMs, slot: name, sql, info, log });
}

function streamSettings(context: TaskContext, run: StreamingRun, session: PgSession): ConstructorParameters<typeof ReplicationStream>[1] {
  const { slot, publication, statusUpdateIntervalMs } = context.options;
  return {
    slotName: slot.name,
    publicationName: publication.name,
    startLsn: run.startLsn,
    messages: session.serverMajor >= 14,
    extraParams: slot.streamParams,
    statusIntervalMs: statusUpdateIntervalMs,
    walSenderTimeoutMs: run.walSenderTimeoutMs,
  };
}

type LoopParts = { tracker: AckTracker; pacer: ConfirmPacer; untilLsn: Lsn | undefined; onReached: () => void };

function createLoop(context: TaskContext, parts: LoopParts): StreamLoop {
  const { messagePrefixInclude, messagePrefixExclude } = context.options.events;
  const included = compileAny(messagePrefixInclude);
  const excluded = compileAny(messagePrefixExclude);
  return new StreamLoop({
    plans: context.plans,
    changes: context.changes,
    boundaries: context.boundaries,
    info: context.info,
    publisher: context.publisher,
    tracker: parts.tracker,
    clock: context.clock,
    log: context.log,
    writeMessage: (message) => context.serde.writeMessage(message),
    wantsMessage: (prefix) => (messagePrefixInclude.length > 0 ? included(prefix) : !excluded(prefix)),
    openMessageTopic: context.openMessageTopic,
    confirm: (lsn, options) => parts.pacer.confirm(lsn, options),
    untilLsn: parts.untilLsn,
    onReached: parts.onReached,
  });
}

/** Nothing more is read; what was sent is waited for and confirmed. */
async function settle(
  context: TaskContext,
  stream: ReplicationStream,
  parts: { loop: StreamLoop; tracker: AckTracker; pacer: ConfirmPacer },
): Promise<void> {
  stream.stopReading();
  parts.loop.end();
  const { publisher } = context;
  publisher.flush();
  try {
    await publisher.drain(AbortSignal.any([AbortSignal.timeout(DRAIN_DEADLINE_MS), context.signal]));
  } catch (error) {
    context.signal.throwIfAborted();
    if (publisher.failure !== undefined) throw publisher.failure;
    const { records, bytes } = publisher.pending;
    throw new SlotlineError('stop_timeout', { records, bytes }, { cause: error });
  }
  parts.tracker.release(publisher.settledOrdinal);
  parts.pacer.confirm(parts.tracker.durableLsn, { urgent: true });
  await untilConfirmed(context, parts.tracker.durableLsn);
}

/** Closing a socket with unread data resets it, and a status update under way would be lost: wait until the server has it. */
async function untilConfirmed(context: TaskContext, lsn: Lsn): Promise<void> {
  const deadlineMs = context.clock.monotonicMs() + CONFIRM_DEADLINE_MS;
  while (context.clock.monotonicMs() < deadlineMs && !context.signal.aborted) {
    const slot = await loadSlot(context.sql, context.options.slot.name);
    if (slot?.confirmedFlushLsn === undefined || slot.confirmedFlushLsn >= lsn) return;
    await wait(CONFIRM_POLL_MS, context.signal);
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
