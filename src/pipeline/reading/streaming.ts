/**
 * Owns one reading: its beginning, its end, and which of the two sources is read. A large backlog is read in bulk (catch-up.ts), all else
 * by the replication stream (walsender.ts). Both give the same frames, and one begins where the other stood, between two transactions.
 * A reading serves for streaming, and for catching up to the consistent point of a snapshot.
 */
import type { Lsn } from '../../core/lsn.ts';
import { compileAny } from '../../events/filter.ts';
import type { ServerNotice } from '../../postgres/session/errors.ts';
import type { AttemptContext } from '../life/attempt-context.ts';
import { StreamLoop } from '../loop/stream-loop.ts';
import type { PositionKeeper } from '../positions/position-keeper.ts';
import { holdLock, releaseLock } from '../positions/turn.ts';
import { Backlog } from './backlog.ts';
import { type CatchUpContext, catchUp } from './catch-up.ts';
import { SlotXmin } from './slot-xmin.ts';
import { readStream, type StreamContext } from './walsender.ts';

export type StreamingRun = {
  /** Called once the server has accepted. From here on the slot is held. */
  readonly onStarted: () => Promise<void>;
  /** The reading stops before the first commit at or after this LSN. */
  readonly untilLsn: Lsn | undefined;
  /** Aborts when an orderly stop is asked for. */
  readonly stop: AbortSignal;
  readonly walSenderTimeoutMs: number;
  readonly startLsn: Lsn;
  /** Stores durable positions before they are confirmed. */
  readonly keeper: PositionKeeper;
  /** Called with each notice of the server. If it throws, the reading ends with that. */
  readonly onNotice: (notice: ServerNotice) => void;
};

type LoopContext = Pick<AttemptContext, 'boundaries' | 'clock' | 'controls' | 'options' | 'plans' | 'positions' | 'publisher' | 'stream'>;

type StreamingContext = LoopContext & StreamContext & CatchUpContext;

/** The two sources of frames. */
export type Sources = { readonly catchUp: typeof catchUp; readonly readStream: typeof readStream };

/** Resolves at an orderly stop or at untilLsn, with everything acknowledged and confirmed. Rejects with what failed. */
export async function runStreaming(
  context: StreamingContext,
  run: StreamingRun,
  sources: Sources = { catchUp, readStream },
): Promise<void> {
  const reading = new Reading(context, run, sources);
  try {
    await reading.run();
  } catch (error) {
    // After a failure this attempt sends nothing more.
    reading.close();
    context.fence.close();
    throw error;
  }
  reading.close();
  // A snapshot may follow, and it needs the advisory lock.
  holdLock(context, run);
}

class Reading {
  readonly #context: StreamingContext;
  readonly #run: StreamingRun;
  readonly #sources: Sources;
  readonly #loop: StreamLoop;
  readonly #backlog: Backlog;
  readonly #xmin: SlotXmin | undefined;
  #started = false;

  constructor(context: StreamingContext, run: StreamingRun, sources: Sources) {
    this.#context = context;
    this.#run = run;
    this.#sources = sources;
    context.positions.begin({ fromLsn: run.startLsn, keeper: run.keeper });
    this.#loop = createLoop(context, run.untilLsn);
    this.#backlog = new Backlog(context, { isStreamed: run.untilLsn !== undefined });
    this.#xmin = slotXmin(context);
  }

  async run(): Promise<void> {
    await this.#xmin?.start();
    for (let end = 'behind'; end === 'behind'; ) {
      if ((await this.#backlog.findFarEnd()) !== undefined && (await this.#readInBulk()) === 'stopped') return;
      end = await this.#sources.readStream(this.#context, {
        ...this.#run,
        loop: this.#loop,
        backlog: this.#backlog,
        onStarted: () => this.#onStarted('walsender'),
      });
    }
  }

  close(): void {
    const { heartbeat, positions, live } = this.#context;
    heartbeat?.stop();
    this.#xmin?.stop();
    positions.rest();
    live.tell({ tag: 'streamEnded' });
  }

  async #readInBulk(): Promise<'stopped' | 'handOver'> {
    this.#loop.resume();
    const end = await this.#sources.catchUp(this.#context, {
      ...this.#run,
      loop: this.#loop,
      onStarted: () => this.#onStarted('bulk'),
    });
    if (end.tag === 'stopped') return 'stopped';
    holdLock(this.#context, this.#run);
    if (!end.mayAgain) this.#backlog.leaveAlone();
    return 'handOver';
  }

  async #onStarted(source: 'bulk' | 'walsender'): Promise<void> {
    this.#context.live.tell({ tag: 'readingFrom', source });
    if (this.#run.untilLsn !== undefined) return;
    if (source === 'walsender') await releaseLock(this.#context.sql, this.#context.options.slot.name);
    if (this.#started) return;
    this.#started = true;
    await this.#run.onStarted();
    this.#context.heartbeat?.start();
  }
}

function slotXmin({ options, sql, stream, log }: Pick<AttemptContext, 'options' | 'sql' | 'stream' | 'log'>): SlotXmin | undefined {
  const { xminFetchIntervalMs, name } = options.slot;
  return xminFetchIntervalMs === 0 ? undefined : new SlotXmin({ intervalMs: xminFetchIntervalMs, slot: name, sql, info: stream.info, log });
}

function createLoop(context: LoopContext, untilLsn: Lsn | undefined): StreamLoop {
  const { messagePrefixInclude, messagePrefixExclude } = context.options.events;
  const included = compileAny(messagePrefixInclude);
  const excluded = compileAny(messagePrefixExclude);
  return new StreamLoop({
    plans: context.plans,
    changes: context.stream.changes,
    boundaries: context.boundaries,
    info: context.stream.info,
    publisher: context.publisher,
    positions: context.positions,
    clock: context.clock,
    controls: context.controls,
    wantsMessage: (prefix) => (messagePrefixInclude.length > 0 ? included(prefix) : !excluded(prefix)),
    untilLsn,
  });
}
