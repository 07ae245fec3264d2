/**
 * Owns one reading: which of two sources of the same frames is read, and its beginning and end. Bulk decoding (catch-up.ts) while a large
 * backlog waits, else the replication stream (walsender.ts); the one begins where the other stood, between two transactions. Used twice:
 * for streaming proper, and for catching up to a snapshot's consistent point.
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
  /** The server accepted; from here the slot is held. */
  readonly onStarted: () => Promise<void>;
  /** Stop before the first commit at or after it. */
  readonly untilLsn: Lsn | undefined;
  /** An orderly stop is asked for. */
  readonly stop: AbortSignal;
  readonly walSenderTimeoutMs: number;
  readonly startLsn: Lsn;
  /** What is durable is stored by it, and then told to the slot. */
  readonly keeper: PositionKeeper;
  /** May throw: then reading ends with it. */
  readonly onNotice: (notice: ServerNotice) => void;
};

type LoopContext = Pick<
  AttemptContext,
  'boundaries' | 'clock' | 'controls' | 'openMessageTopic' | 'options' | 'plans' | 'positions' | 'publisher' | 'stream'
>;

type StreamingContext = LoopContext & StreamContext & CatchUpContext;

/** What frames are read from. */
export type Sources = { readonly catchUp: typeof catchUp; readonly readStream: typeof readStream };

/** Resolves at an orderly stop or at untilLsn, with everything acknowledged and confirmed. Rejects with what broke. */
export async function runStreaming(
  context: StreamingContext,
  run: StreamingRun,
  sources: Sources = { catchUp, readStream },
): Promise<void> {
  const reading = new Reading(context, run, sources);
  try {
    await reading.run();
  } catch (error) {
    // This attempt sends nothing more.
    reading.close();
    context.fence.close();
    throw error;
  }
  reading.close();
  // A snapshot may come behind it, under the advisory lock.
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
    writeMessage: (message) => context.controls.writeMessage(message),
    wantsMessage: (prefix) => (messagePrefixInclude.length > 0 ? included(prefix) : !excluded(prefix)),
    openMessageTopic: context.openMessageTopic,
    untilLsn,
  });
}
