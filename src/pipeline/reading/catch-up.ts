/**
 * Owns reading a backlog in bulk (postgres/stream/bulk-decode.ts) into the stream loop, until little of it is left or this way does not
 * pay: the size of the slices, the watch that nobody else takes the slot, and the way back to the walsender between two transactions.
 * While no walsender holds the slot, the advisory lock of positions/turn.ts keeps our other processes away.
 */
import { SlotlineError, toSlotlineError } from '../../core/errors.ts';
import { formatLsn, type Lsn } from '../../core/lsn.ts';
import { Scope } from '../../core/scope.ts';
import { wait } from '../../core/time.ts';
import { loadFingerprints } from '../../postgres/catalog/catalog-moment.ts';
import type { ServerNotice } from '../../postgres/session/errors.ts';
import { openSession } from '../../postgres/session/open-session.ts';
import { BulkDecode, type Slice } from '../../postgres/stream/bulk-decode.ts';
import { loadSlot, loadSlotLag } from '../../postgres/stream/slot.ts';
import type { AttemptContext } from '../life/attempt-context.ts';
import type { StreamLoop } from '../loop/stream-loop.ts';
import { SlotAdvancer } from '../positions/slot-advancer.ts';
import { holdsLock } from '../positions/turn.ts';
import { CONFIRM_DEADLINE_MS, settle } from './orderly-end.ts';

const MEBIBYTE = 1024 * 1024;
const SLICE_BYTES = 16 * MEBIBYTE;
const READ_AHEAD_BYTES = 16 * MEBIBYTE;
const WATCH_MS = 500;
const TERMINATE_MS = 500;
/** The walsender takes over when the backlog is below the threshold divided by this. The gap keeps the two from alternating. */
const LEFT_SHARE = 8;
/** An open transaction makes the server read WAL again for each slice. Above this many times a slice's bytes, slices grow. */
const REREAD_FACTOR = 2;
/** Reading this many of the largest slices again costs the server more than streaming one. */
const GIVE_UP_SLICES = 8;
/** A server that sends nothing for so long is taken to have stopped decoding. */
const SILENCE_MAX_MS = 120_000;

type CatchUpParts = {
  readonly loop: StreamLoop;
  /** wal_sender_timeout: how long a proof of ownership counts. */
  readonly walSenderTimeoutMs: number;
  /** Aborts when an orderly stop is asked for. */
  readonly stop: AbortSignal;
  readonly onNotice: (notice: ServerNotice) => void;
  /** Called once frames come. */
  readonly onStarted: () => Promise<void>;
};

export type CatchUpContext = Pick<
  AttemptContext,
  'clock' | 'fence' | 'heartbeat' | 'live' | 'log' | 'options' | 'positions' | 'publisher' | 'signal' | 'sql'
>;

type CatchUpEnd =
  /** The walsender goes on where the loop stands. `mayAgain`: false when bulk reading did not pay or failed. */
  { readonly tag: 'handOver'; readonly mayAgain: boolean } | { readonly tag: 'stopped' };

/** Rejects with what ends the attempt. A failure of bulk reading alone is logged, and the result is handOver. */
export async function catchUp(context: CatchUpContext, parts: CatchUpParts): Promise<CatchUpEnd> {
  const { log, options } = context;
  const run = new BulkRun(context, parts);
  try {
    return await run.run();
  } catch (error) {
    const known = toSlotlineError(error);
    // A stop while bulk reading was being opened: hand over, for opening the stream also ends with the stop.
    if (parts.stop.aborted && run.mayFallBack && !context.signal.aborted) return { tag: 'handOver', mayAgain: false };
    // Rethrown if a transaction was handed over in part, since nothing can go on in its middle, or if the failure was not of bulk reading.
    if (!run.mayFallBack || context.signal.aborted) throw known;
    context.live.tell({ tag: 'catchUpGivenUp' });
    log.warn('catchup.fallback', { slot: options.slot.name, code: known.code, message: known.message, ...known.details });
    return { tag: 'handOver', mayAgain: false };
  } finally {
    await run.close();
  }
}

class BulkRun {
  readonly #context: CatchUpContext;
  readonly #parts: CatchUpParts;
  readonly #failed = Promise.withResolvers<never>();
  readonly #closing = new AsyncDisposableStack();
  #bulk: BulkDecode | undefined;
  readonly #fromLsn: Lsn;
  #sliceBytes: number;
  #askedLsn: Lsn;
  /** The end of the WAL at the last look. */
  #targetLsn: Lsn;
  #givenUp: string | undefined;
  #receivedBytes = 0;
  #receivedMs: number;

  constructor(context: CatchUpContext, parts: CatchUpParts) {
    this.#context = context;
    this.#parts = parts;
    this.#fromLsn = context.positions.markedLsn;
    this.#askedLsn = this.#fromLsn;
    this.#targetLsn = this.#fromLsn;
    this.#sliceBytes = Math.min(SLICE_BYTES, context.options.catchUp.sliceBytesMax);
    this.#receivedMs = context.clock.monotonicMs();
    this.#failed.promise.catch(() => {});
  }

  /** True when only bulk reading failed, and no transaction was handed over in part. */
  get mayFallBack(): boolean {
    return !this.#parts.loop.inTransaction && (this.#bulk === undefined || this.#bulk.hasFailed);
  }

  async close(): Promise<void> {
    await this.#closing.disposeAsync();
  }

  async run(): Promise<CatchUpEnd> {
    const { log, clock, signal, positions } = this.#context;
    const { loop, stop, onStarted } = this.#parts;
    const fromLsn = this.#fromLsn;
    const startedMs = clock.monotonicMs();
    await this.#lookAhead();
    log.info('catchup.started', { lsn: formatLsn(fromLsn), backlogBytes: this.#targetLsn - fromLsn });
    const scope = this.#closing.use(new Scope());
    const opening = scope.any(stop, signal);
    const advancer = await this.#openAdvancer(opening);
    const bulk = await this.#openBulk(opening);
    this.#watch();
    this.#holdFence(advancer);
    this.#confirmTo(advancer);
    await onStarted();
    const reading = bulk.run(loop, { nextEdge: () => this.#nextEdge(), onSlice: (slice) => this.#onSlice(slice) });
    await Promise.race([reading, this.#failed.promise, scope.aborted(stop), scope.aborted(signal)]);
    signal.throwIfAborted();
    bulk.stopReading();
    if (stop.aborted) {
      await this.#stop(advancer);
      return { tag: 'stopped' };
    }
    await this.#settle(advancer);
    const lsn = positions.markedLsn;
    const seconds = Math.round((clock.monotonicMs() - startedMs) / 100) / 10;
    log.info('catchup.completed', { lsn: formatLsn(lsn), bytes: lsn - fromLsn, seconds, reason: this.#givenUp });
    return { tag: 'handOver', mayAgain: this.#givenUp === undefined };
  }

  async #openAdvancer(opening: AbortSignal): Promise<SlotAdvancer> {
    const { options, signal, clock, log } = this.#context;
    const session = await openSession(options.database, { applicationName: 'Slotline Slot', signal: opening, until: signal });
    this.#closing.defer(() => session.close());
    return new SlotAdvancer({
      session,
      slotName: options.slot.name,
      fromLsn: this.#context.positions.durableLsn,
      everyMs: options.statusUpdateIntervalMs,
      clock,
      log,
      onFailure: (error) => this.#failed.reject(error),
    });
  }

  async #openBulk(opening: AbortSignal): Promise<BulkDecode> {
    const { options, signal, sql } = this.#context;
    const session = await openSession(options.database, { applicationName: 'Slotline Catch-up', signal: opening, until: signal });
    this.#closing.defer(() => session.close());
    const settings = {
      slotName: options.slot.name,
      publicationName: options.publication.name,
      messages: session.serverMajor >= 14,
      extraParams: options.slot.streamParams,
      fingerprints: (oids: readonly number[]) => loadFingerprints(sql, oids, { signal }),
      readAheadBytes: READ_AHEAD_BYTES,
      onNotice: this.#parts.onNotice,
    };
    const bulk = await BulkDecode.open(session, settings, this.#fromLsn);
    this.#bulk = bulk;
    this.#closing.defer(async () => {
      // A server that is decoding notices a closed connection only when it sends, so its backend is terminated.
      if (bulk.isAwaited)
        await sql
          .query('select pg_catalog.pg_terminate_backend($1)', [bulk.processId], { timeoutMs: TERMINATE_MS, untilAborted: false })
          .catch(() => {});
      await bulk.close();
    });
    return bulk;
  }

  /** Proof: the session asked holds the lock, nobody else reads the slot, and nobody else moved it. */
  #holdFence(advancer: SlotAdvancer): void {
    const { sql, options, fence, positions } = this.#context;
    const isOurs = async (): Promise<boolean> => {
      if (!(await holdsLock(sql, options.slot.name))) return false;
      const slot = await loadSlot(sql, options.slot.name);
      const reader = slot?.activePid === advancer.processId ? undefined : slot?.activePid;
      const isMoved = (slot?.confirmedFlushLsn ?? 0) > positions.durableLsn;
      if (slot !== undefined && reader === undefined && !isMoved) return true;
      const holder = reader === undefined ? 'somebody who moved it' : `process ${reader}`;
      this.#failed.reject(
        slot === undefined
          ? new SlotlineError('slot_missing', { slot: options.slot.name })
          : new SlotlineError('slot_in_use', { slot: slot.name, holder }),
      );
      return false;
    };
    fence.hold({ state: 'bulk', timeoutMs: this.#parts.walSenderTimeoutMs, isOurs });
  }

  /** From now on, stored positions are confirmed by moving the slot. */
  #confirmTo(advancer: SlotAdvancer): void {
    const { live, positions } = this.#context;
    positions.confirmTo(advancer);
    const bulk = {
      get receivedLsn() {
        return positions.markedLsn;
      },
      get confirmedLsn() {
        return advancer.advancedLsn;
      },
    };
    live.tell({ tag: 'streamBegun', positions: bulk });
  }

  #watch(): void {
    const { log } = this.#context;
    const scope = this.#closing.use(new Scope());
    scope.every(WATCH_MS, () => this.#noticeSilence());
    const onFailure = (error: unknown): void => log.debug('catchup.lag_unknown', { code: toSlotlineError(error).code });
    scope.ask(WATCH_MS, () => this.#lookAhead(), onFailure);
  }

  async #lookAhead(): Promise<void> {
    const lag = await loadSlotLag(this.#context.sql, this.#context.options.slot.name);
    if (lag !== undefined && lag.currentLsn > this.#targetLsn) this.#targetLsn = lag.currentLsn;
  }

  #noticeSilence(): void {
    const bulk = this.#bulk;
    const nowMs = this.#context.clock.monotonicMs();
    if (bulk === undefined || !bulk.isAwaited || bulk.receivedBytes !== this.#receivedBytes || bulk.waitingBytes > 0 || bulk.isHeld) {
      this.#receivedBytes = bulk?.receivedBytes ?? 0;
      this.#receivedMs = nowMs;
    } else if (nowMs - this.#receivedMs > SILENCE_MAX_MS) {
      bulk.fail(new SlotlineError('stream_silent', { silentMs: Math.round(nowMs - this.#receivedMs) }));
    }
  }

  /** The end of the next slice; undefined when so little is left that a walsender does as well. */
  #nextEdge(): Lsn | undefined {
    const left = this.#targetLsn - this.#askedLsn;
    if (this.#givenUp !== undefined || left <= this.#context.options.catchUp.thresholdBytes / LEFT_SHARE) return undefined;
    this.#askedLsn = (this.#askedLsn + Math.min(left, this.#sliceBytes)) as Lsn;
    return this.#askedLsn;
  }

  /**
   * The server reads each slice from restart_lsn. That moves with the running-xacts records, which are logged every 15 s, and stays while
   * a transaction is open. So slices grow with the distance, and no WAL is read more than a few times. A transaction that is larger than
   * the largest slice is left to the walsender, which spools it once.
   */
  #onSlice({ endLsn, restartLsn, frames }: Slice): void {
    this.#parts.loop.onKeepalive(endLsn, false);
    const bytesMax = this.#context.options.catchUp.sliceBytesMax;
    const reread = endLsn - restartLsn;
    if (frames > 0 && reread <= REREAD_FACTOR * this.#sliceBytes) return;
    if (this.#sliceBytes >= bytesMax && reread > GIVE_UP_SLICES * bytesMax) this.#givenUp = 'a transaction is open for too long';
    else this.#sliceBytes = Math.min(bytesMax, Math.max(2 * this.#sliceBytes, Math.ceil(reread / REREAD_FACTOR)));
  }

  /** The walsender begins where the slot stands. So this waits for what is in flight, and moves the slot to the end of what was handed over. */
  async #settle(advancer: SlotAdvancer): Promise<void> {
    const { publisher, positions, signal } = this.#context;
    publisher.flush();
    await Promise.race([publisher.drain(signal), this.#failed.promise]);
    await Promise.race([positions.store(signal), this.#failed.promise]);
    signal.throwIfAborted();
    await Promise.race([advancer.finish(positions.durableLsn), this.#failed.promise]);
  }

  /** Ends in order at a stop. A slow slot move is not waited for: what it would have confirmed is sent again. */
  async #stop(advancer: SlotAdvancer): Promise<void> {
    const { heartbeat, positions, signal } = this.#context;
    heartbeat?.stop();
    await settle(this.#context, this.#parts.loop);
    await Promise.race([advancer.finish(positions.confirmableLsn), wait(CONFIRM_DEADLINE_MS, signal)]);
  }
}
