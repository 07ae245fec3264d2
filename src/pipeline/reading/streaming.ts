/**
 * Owns one run over the replication stream: opening it, the loop, confirming, watching that the slot is still ours, and
 * the orderly end. Used twice: for streaming proper, and for catching up to a snapshot's consistent point.
 */
import { SlotlineError } from '../../core/errors.ts';
import { formatLsn, type Lsn } from '../../core/lsn.ts';
import { Scope } from '../../core/scope.ts';
import { wait } from '../../core/time.ts';
import { compileAny } from '../../events/filter.ts';
import type { ServerNotice } from '../../postgres/session/errors.ts';
import { openSession, type PgSession } from '../../postgres/session/open-session.ts';
import { ReplicationStream } from '../../postgres/stream/replication-stream.ts';
import { loadSlot, loadSlotLag } from '../../postgres/stream/slot.ts';
import type { TaskContext } from '../life/task-context.ts';
import { StreamLoop } from '../loop/stream-loop.ts';
import { AckTracker } from '../positions/ack-tracker.ts';
import { ConfirmPacer } from '../positions/confirm-pacer.ts';
import type { PositionKeeper } from '../positions/position-keeper.ts';
import { lockProof, releaseLock, tryLock } from '../positions/turn.ts';
import { catchUp } from './catch-up.ts';
import { SlotXmin } from './slot-xmin.ts';

/** SIGTERM has ten seconds in all (architecture §5). */
const DRAIN_DEADLINE_MS = 8_000;
const CONFIRM_DEADLINE_MS = 1_000;
const CONFIRM_POLL_MS = 10;
/** While catching up to a snapshot an idle server is asked often where it stands. */
const CATCH_UP_ASK_MS = 100;
const START_MIN_MS = 30_000;
/** How often it is looked how far behind the stream is. */
const LAG_LOOK_MAX_MS = 2_000;
/** A stream that stands between no two transactions for so long goes on as it is. */
const PAUSE_DEADLINE_MS = 10_000;
/** After bulk reading did not pay or did not work the stream is left alone for a while. */
const NO_BULK_MS = 600_000;

type StreamingRun = {
  /** The server accepted; from here the slot is held. */
  readonly onStarted: () => Promise<void>;
  /** Stop before the first commit at or after it. */
  readonly untilLsn: Lsn | undefined;
  /** An orderly stop is asked for. */
  readonly stop: AbortSignal;
  readonly walSenderTimeoutMs: number;
  readonly startLsn: Lsn;
  /** What is durable goes through it to the slot. */
  readonly positions: PositionKeeper;
};

type StreamEnd = 'ended' | 'behind';

/** Hooks of the context that reach the run that is current. */
export class StreamingHooks {
  onSettled: () => void = () => {};
  /** May throw: then reading ends with it. */
  onNotice: (notice: ServerNotice) => void = () => {};
}

/** What is read from at the moment. */
type Source = { confirm(lsn: Lsn): void };

/** While none is open. */
const NO_SOURCE: Source = { confirm: () => {} };

/** Resolves at an orderly stop or at untilLsn, with everything acknowledged and confirmed. Rejects with what broke. */
export async function runStreaming(context: TaskContext, hooks: StreamingHooks, run: StreamingRun): Promise<void> {
  const reading = new Reading(context, hooks, run);
  try {
    await reading.run();
  } finally {
    reading.close();
  }
}

/**
 * One loop over two sources of the same frames: bulk decoding while a large backlog waits, else the replication stream. The one begins
 * where the other stood, between two transactions.
 */
class Reading {
  readonly #context: TaskContext;
  readonly #hooks: StreamingHooks;
  readonly #run: StreamingRun;
  readonly #tracker: AckTracker;
  readonly #pacer: ConfirmPacer;
  readonly #loop: StreamLoop;
  readonly #reached = Promise.withResolvers<void>();
  readonly #xmin: SlotXmin | undefined;
  #source: Source = NO_SOURCE;
  #orderly = false;
  #started = false;
  #noBulkUntilMs: number;

  constructor(context: TaskContext, hooks: StreamingHooks, run: StreamingRun) {
    this.#context = context;
    this.#hooks = hooks;
    this.#run = run;
    this.#tracker = new AckTracker(run.startLsn);
    this.#pacer = new ConfirmPacer((lsn, urgent) => run.positions.request(lsn, { records: context.publisher.settledOrdinal, urgent }));
    run.positions.onStored = (lsn) => {
      context.log.debug('lsn.confirmed', { lsn: formatLsn(lsn) });
      this.#source.confirm(lsn);
    };
    this.#loop = createLoop(context, {
      tracker: this.#tracker,
      pacer: this.#pacer,
      untilLsn: run.untilLsn,
      onReached: this.#reached.resolve,
    });
    this.#xmin = slotXmin(context);
    // Catching up to a snapshot ends in the middle of a backlog, at one LSN exactly: the stream tells it.
    this.#noBulkUntilMs = run.untilLsn === undefined && context.options.catchUp.enabled ? 0 : Number.POSITIVE_INFINITY;
    hooks.onSettled = () => this.#loop.release({ urgent: context.publisher.pending.records === 0 });
  }

  async run(): Promise<void> {
    await this.#xmin?.start();
    for (let end: StreamEnd = 'behind'; end === 'behind'; ) {
      if ((await this.#isFarBehind()) && (await this.#readInBulk()) === 'stopped') break;
      end = await this.#readStream();
    }
    this.#orderly = true;
  }

  close(): void {
    this.#context.heartbeat?.stop();
    this.#xmin?.stop();
    this.#pacer.stop();
    this.#run.positions.onStored = () => {};
    this.#context.live.endStream();
    this.#hooks.onSettled = () => {};
    // Behind an orderly end may come a snapshot, under the advisory lock; behind any other this attempt sends nothing more.
    if (this.#orderly) this.#holdLock();
    else this.#context.fence.close();
  }

  async #isFarBehind(): Promise<boolean> {
    const { clock, sql, options } = this.#context;
    if (clock.monotonicMs() < this.#noBulkUntilMs) return false;
    const lag = await loadSlotLag(sql, options.slot.name);
    return lag !== undefined && this.#isFar(lag.currentLsn);
  }

  async #readInBulk(): Promise<'stopped' | 'handOver'> {
    const context = this.#context;
    const run = this.#run;
    const loop = this.#loop;
    const tracker = this.#tracker;
    loop.resume();
    const end = await catchUp(context, {
      loop,
      tracker,
      timeoutMs: run.walSenderTimeoutMs,
      stop: run.stop,
      onNotice: (notice) => this.#hooks.onNotice(notice),
      onSource: (source) => {
        this.#source = source;
        context.live.beginStream(source);
      },
      onStarted: () => this.#onStarted('bulk'),
      onHandOver: async (signal) => {
        this.#request();
        await run.positions.flush(signal);
      },
      onStop: async (confirm) => {
        context.heartbeat?.stop();
        await this.#settle();
        // A call that takes longer is not waited for: what it would have confirmed comes again.
        await Promise.race([confirm(this.#storedLsn()), wait(CONFIRM_DEADLINE_MS, context.signal)]);
      },
    });
    if (end.tag === 'stopped') return 'stopped';
    this.#holdLock();
    if (!end.mayAgain) this.#noBulkUntilMs = context.clock.monotonicMs() + NO_BULK_MS;
    return 'handOver';
  }

  async #onStarted(source: 'bulk' | 'walsender'): Promise<void> {
    this.#context.live.isReadingInBulk = source === 'bulk';
    if (this.#run.untilLsn !== undefined) return;
    if (source === 'walsender') await releaseLock(this.#context.sql, this.#context.options.slot.name);
    if (this.#started) return;
    this.#started = true;
    await this.#run.onStarted();
    this.#context.heartbeat?.start();
  }

  async #readStream(): Promise<StreamEnd> {
    const context = this.#context;
    const run = this.#run;
    const loop = this.#loop;
    const { markedLsn: startLsn, durableLsn: flushedLsn } = this.#tracker;
    using scope = new Scope();
    const leaving = new AbortController();
    // While no source is open a stop waits for no server: everything was settled by the last one, or comes again.
    const opening = scope.any(run.stop, context.signal);
    const session = await openSession(context.options.database, {
      replication: true,
      applicationName: 'Slotline Streaming',
      signal: opening,
    }).catch((error: unknown) => this.#stoppedOr(error));
    if (session === 'stopped') return 'ended';
    const onNotice = (notice: ServerNotice): void => this.#hooks.onNotice(notice);
    const settings = { ...streamSettings(context, run, { session, startLsn, flushedLsn }), onNotice };
    const stream = new ReplicationStream(session, settings, context.clock);
    if (run.untilLsn !== undefined) scope.every(CATCH_UP_ASK_MS, () => stream.sendStatus({ requestReply: true }));
    loop.resume();
    context.live.beginStream(stream);
    try {
      const starting = stream.start(loop, { signal: opening, timeoutMs: startTimeoutMs(context) });
      if ((await starting.catch((error: unknown) => this.#stoppedOr(error))) === 'stopped') return 'ended';
      this.#source = stream;
      context.fence.hold('walsender', {
        timeoutMs: run.walSenderTimeoutMs,
        contact: stream,
        isOurs: async () => (await loadSlot(context.sql, context.options.slot.name))?.activePid === session.processId,
      });
      await this.#onStarted('walsender');
      const behind = this.#watchLag(leaving.signal);
      const ended = [stream.done(), this.#reached.promise, scope.aborted(run.stop), scope.aborted(context.signal)];
      const end = await Promise.race([...ended.map((one) => one.then(() => 'ended' as const)), behind]);
      context.signal.throwIfAborted();
      if (end === 'behind') return end;
      context.heartbeat?.stop();
      stream.stopReading();
      await this.#settle();
      await untilConfirmed(context, this.#storedLsn());
      return 'ended';
    } finally {
      leaving.abort();
      await stream.close();
    }
  }

  /** What was thrown while the stream was being opened: nothing is to be settled then. */
  #stoppedOr(error: unknown): 'stopped' {
    this.#context.signal.throwIfAborted();
    if (this.#run.stop.aborted) return 'stopped';
    throw error;
  }

  /** Resolves once the stream stands between two transactions with more behind it than the threshold, and the lock is held again. */
  async #watchLag(leaving: AbortSignal): Promise<'behind'> {
    const { clock, sql, options, log } = this.#context;
    while (!leaving.aborted) {
      await wait(Math.min(LAG_LOOK_MAX_MS, options.statusUpdateIntervalMs), leaving);
      if (leaving.aborted || clock.monotonicMs() < this.#noBulkUntilMs) continue;
      const lag = await loadSlotLag(sql, options.slot.name).catch(() => undefined);
      if (lag === undefined || !this.#isFar(lag.currentLsn) || !(await tryLock(sql, options.slot.name))) continue;
      const stands = await this.#pauseWhileFar(lag.currentLsn, leaving);
      if (stands) {
        this.#holdLock();
        log.info('stream.behind', { backlogBytes: lag.currentLsn - this.#tracker.markedLsn });
        return 'behind';
      }
      await releaseLock(sql, options.slot.name).catch(() => {});
    }
    return await new Promise(() => {});
  }

  #isFar(currentLsn: Lsn): boolean {
    return currentLsn - this.#tracker.markedLsn > this.#context.options.catchUp.thresholdBytes;
  }

  /** False: what lay behind was one transaction, or it went by in time. */
  #pauseWhileFar(currentLsn: Lsn, leaving: AbortSignal): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const scope = new Scope();
    scope.after(PAUSE_DEADLINE_MS, () => resolve(false));
    scope.listen(leaving, () => resolve(false));
    this.#loop.pauseAtBoundary(() => {
      const isFar = this.#isFar(currentLsn);
      resolve(isFar);
      return isFar;
    });
    return promise.finally(() => {
      scope[Symbol.dispose]();
      this.#loop.pauseAtBoundary(undefined);
    });
  }

  /** While no source is open the lock keeps others out. */
  #holdLock(): void {
    const { fence, sql, options } = this.#context;
    this.#source = NO_SOURCE;
    fence.hold('lock', lockProof(sql, options.slot.name, this.#run));
  }

  /** What was taken in is waited for, and what is durable of it told. */
  async #settle(): Promise<void> {
    const context = this.#context;
    const { publisher } = context;
    this.#loop.end();
    publisher.flush();
    try {
      using scope = new Scope();
      await publisher.drain(scope.any(scope.timeout(DRAIN_DEADLINE_MS), context.signal));
    } catch (error) {
      context.signal.throwIfAborted();
      if (publisher.failure !== undefined) throw publisher.failure;
      const { records, bytes } = publisher.pending;
      throw new SlotlineError('stop_timeout', { records, bytes }, { cause: error });
    }
    this.#tracker.release(publisher.settledOrdinal);
    this.#pacer.stop();
    this.#request();
    using scope = new Scope();
    await this.#run.positions.flush(scope.any(scope.timeout(CONFIRM_DEADLINE_MS), context.signal));
    context.signal.throwIfAborted();
  }

  #request(): void {
    this.#run.positions.request(this.#tracker.durableLsn, { records: this.#context.publisher.settledOrdinal, urgent: false });
  }

  /** What the slot may stand at. */
  #storedLsn(): Lsn {
    return Math.min(this.#tracker.durableLsn, this.#run.positions.storedLsn) as Lsn;
  }
}

function slotXmin(context: TaskContext): SlotXmin | undefined {
  const { options, sql, info, log } = context;
  const { xminFetchIntervalMs, name } = options.slot;
  return xminFetchIntervalMs === 0 ? undefined : new SlotXmin({ intervalMs: xminFetchIntervalMs, slot: name, sql, info, log });
}

/** The server answers once it has the slot: as long as a login may take, and longer where that is short. */
function startTimeoutMs({ options }: TaskContext): number {
  return Math.max(options.database.connectTimeoutMs, START_MIN_MS);
}

type StreamPlace = { readonly session: PgSession; readonly startLsn: Lsn; readonly flushedLsn: Lsn };

function streamSettings(
  context: TaskContext,
  run: StreamingRun,
  { session, startLsn, flushedLsn }: StreamPlace,
): ConstructorParameters<typeof ReplicationStream>[1] {
  const { slot, publication, statusUpdateIntervalMs } = context.options;
  return {
    slotName: slot.name,
    publicationName: publication.name,
    startLsn,
    flushedLsn,
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

/** Closing a socket with unread data resets it, and a status update under way would be lost: wait until the server has it. */
async function untilConfirmed(context: TaskContext, lsn: Lsn): Promise<void> {
  const deadlineMs = context.clock.monotonicMs() + CONFIRM_DEADLINE_MS;
  while (context.clock.monotonicMs() < deadlineMs && !context.signal.aborted) {
    const slot = await loadSlot(context.sql, context.options.slot.name);
    if (slot?.confirmedFlushLsn === undefined || slot.confirmedFlushLsn >= lsn) return;
    await wait(CONFIRM_POLL_MS, context.signal);
  }
}
