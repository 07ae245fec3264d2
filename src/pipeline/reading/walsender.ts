/**
 * Owns reading by the replication stream: opening it where the reading stands, the fence and the confirmations that go with it, and leaving
 * it: at a stop, at the LSN to read to, or where a backlog has grown that is better read in bulk.
 */
import type { Lsn } from '../../core/lsn.ts';
import { Scope } from '../../core/scope.ts';
import { wait } from '../../core/time.ts';
import type { ServerNotice } from '../../postgres/session/errors.ts';
import { openSession, type PgSession } from '../../postgres/session/open-session.ts';
import { ReplicationStream, type StreamSettings } from '../../postgres/stream/replication-stream.ts';
import { loadSlot } from '../../postgres/stream/slot.ts';
import type { AttemptContext } from '../life/attempt-context.ts';
import type { StreamLoop } from '../loop/stream-loop.ts';
import { holdLock, releaseLock, tryLock } from '../positions/turn.ts';
import type { Backlog } from './backlog.ts';
import { settle, untilConfirmed } from './orderly-end.ts';

/** While catching up to a snapshot an idle server is asked often where it stands. */
const CATCH_UP_ASK_MS = 100;
const START_MIN_MS = 30_000;
/** How often it is looked how far behind the stream is. */
const LAG_LOOK_MAX_MS = 2_000;
/** A stream that stands between no two transactions for so long goes on as it is. */
const STAND_DEADLINE_MS = 10_000;

export type StreamContext = Pick<
  AttemptContext,
  'clock' | 'fence' | 'heartbeat' | 'live' | 'log' | 'options' | 'positions' | 'publisher' | 'signal' | 'sql'
>;

type StreamParts = {
  readonly loop: StreamLoop;
  readonly backlog: Backlog;
  /** Stop before the first commit at or after it. */
  readonly untilLsn: Lsn | undefined;
  readonly walSenderTimeoutMs: number;
  /** An orderly stop is asked for. */
  readonly stop: AbortSignal;
  readonly onNotice: (notice: ServerNotice) => void;
  /** The server accepted; from here the slot is held. */
  readonly onStarted: () => Promise<void>;
};

/** behind: the loop stands between two transactions and the lock is held; a backlog waits that is better read in bulk. */
type StreamEnd = 'ended' | 'behind';

export async function readStream(context: StreamContext, parts: StreamParts): Promise<StreamEnd> {
  const { options, positions, signal } = context;
  const { loop, stop, untilLsn } = parts;
  using scope = new Scope();
  const leaving = new AbortController();
  // While no source is open a stop waits for no server: everything was acknowledged by the last one, or comes again.
  const opening = scope.any(stop, signal);
  const stoppedOr = (error: unknown): 'stopped' => {
    signal.throwIfAborted();
    if (stop.aborted) return 'stopped';
    throw error;
  };
  const request = { replication: true, applicationName: 'Slotline Streaming', signal: opening };
  const session = await openSession(options.database, request).catch(stoppedOr);
  if (session === 'stopped') return 'ended';
  const stream = new ReplicationStream(session, streamSettings(context, parts, session), context.clock);
  if (untilLsn !== undefined) scope.every(CATCH_UP_ASK_MS, () => stream.sendStatus({ requestReply: true }));
  loop.resume();
  context.live.tell({ tag: 'streamBegun', positions: stream });
  try {
    const starting = stream.start(loop, { signal: opening, timeoutMs: startTimeoutMs(context) });
    if ((await starting.catch(stoppedOr)) === 'stopped') return 'ended';
    positions.confirmTo(stream);
    holdFence(context, parts, { session, stream });
    await parts.onStarted();
    const ended = [stream.done(), loop.reached, scope.aborted(stop), scope.aborted(signal)];
    const behind = untilFarBehind(context, parts, leaving.signal);
    const end = await Promise.race([...ended.map((one) => one.then(() => 'ended' as const)), behind]);
    signal.throwIfAborted();
    if (end === 'behind') return end;
    context.heartbeat?.stop();
    stream.stopReading();
    await settle(context, loop);
    await untilConfirmed(context, positions.confirmableLsn);
    return 'ended';
  } finally {
    leaving.abort();
    await stream.close();
  }
}

/** The walsender that holds the slot is this stream's. */
function holdFence(
  { fence, sql, options }: StreamContext,
  { walSenderTimeoutMs }: StreamParts,
  { session, stream }: { readonly session: PgSession; readonly stream: ReplicationStream },
): void {
  fence.hold({
    state: 'walsender',
    timeoutMs: walSenderTimeoutMs,
    contact: stream,
    isOurs: async () => (await loadSlot(sql, options.slot.name))?.activePid === session.processId,
  });
}

/** Resolves once the stream stands between two transactions with more behind it than the threshold, and the lock is held again. */
async function untilFarBehind(context: StreamContext, parts: StreamParts, leaving: AbortSignal): Promise<'behind'> {
  const { sql, options, log } = context;
  const { backlog, loop } = parts;
  while (!leaving.aborted) {
    await wait(Math.min(LAG_LOOK_MAX_MS, options.statusUpdateIntervalMs), leaving);
    if (leaving.aborted) continue;
    const endLsn = await backlog.findFarEnd().catch(() => undefined);
    if (endLsn === undefined || !(await tryLock(sql, options.slot.name))) continue;
    using scope = new Scope();
    // Not standing: what lay behind was one transaction, or it went by in time.
    const standsAt = await loop.standBelow(backlog.farBelow(endLsn), scope.any(leaving, scope.timeout(STAND_DEADLINE_MS)));
    if (standsAt !== undefined) {
      holdLock(context, parts);
      log.info('stream.behind', { backlogBytes: endLsn - standsAt });
      return 'behind';
    }
    await releaseLock(sql, options.slot.name).catch(() => {});
  }
  return await new Promise(() => {});
}

/** The server answers once it has the slot: as long as a login may take, and longer where that is short. */
function startTimeoutMs({ options }: StreamContext): number {
  return Math.max(options.database.connectTimeoutMs, START_MIN_MS);
}

function streamSettings({ options, positions }: StreamContext, parts: StreamParts, session: PgSession): StreamSettings {
  const { slot, publication, statusUpdateIntervalMs } = options;
  return {
    slotName: slot.name,
    publicationName: publication.name,
    startLsn: positions.markedLsn,
    confirmedLsn: positions.durableLsn,
    messages: session.serverMajor >= 14,
    extraParams: slot.streamParams,
    statusIntervalMs: statusUpdateIntervalMs,
    walSenderTimeoutMs: parts.walSenderTimeoutMs,
    onNotice: parts.onNotice,
  };
}
