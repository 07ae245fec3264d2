/**
 * Owns reading by the replication stream. It opens the stream where the reading stands, with its fence and its confirmations, and leaves it
 * at a stop, at the LSN to read to, or when a backlog has grown that is better read in bulk.
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

/** How often an idle server is asked where it stands while catching up to a snapshot. */
const CATCH_UP_ASK_MS = 100;
const START_MIN_MS = 30_000;
/** How often at least to look how far behind the stream is. */
const LAG_LOOK_MAX_MS = 2_000;
/** When no boundary between two transactions comes within this time, the stream goes on. */
const STAND_DEADLINE_MS = 10_000;

export type StreamContext = Pick<
  AttemptContext,
  'clock' | 'fence' | 'heartbeat' | 'live' | 'log' | 'options' | 'positions' | 'publisher' | 'signal' | 'sql'
>;

type StreamParts = {
  readonly loop: StreamLoop;
  readonly backlog: Backlog;
  /** The reading stops before the first commit at or after this LSN. */
  readonly untilLsn: Lsn | undefined;
  readonly walSenderTimeoutMs: number;
  /** Aborts when an orderly stop is asked for. */
  readonly stop: AbortSignal;
  readonly onNotice: (notice: ServerNotice) => void;
  /** Called once the server has accepted. From here on the slot is held. */
  readonly onStarted: () => Promise<void>;
};

/** `behind`: the loop stands between two transactions, the lock is held, and a backlog waits that is better read in bulk. */
type StreamEnd = 'ended' | 'behind';

export async function readStream(context: StreamContext, parts: StreamParts): Promise<StreamEnd> {
  const { options, positions, signal } = context;
  const { loop, stop, untilLsn } = parts;
  using scope = new Scope();
  const leaving = new AbortController();
  // A stop does not wait for the server while no source is open: what the last source sent is acknowledged, or will be sent again.
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

/** Proof: the walsender on the slot is that of this stream. */
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

/** Resolves once the stream stands between two transactions, is behind by more than the threshold, and we hold the lock again. */
async function untilFarBehind(context: StreamContext, parts: StreamParts, leaving: AbortSignal): Promise<'behind'> {
  const { sql, options, log } = context;
  const { backlog, loop } = parts;
  while (!leaving.aborted) {
    await wait(Math.min(LAG_LOOK_MAX_MS, options.statusUpdateIntervalMs), leaving);
    if (leaving.aborted) continue;
    const endLsn = await backlog.findFarEnd().catch(() => undefined);
    if (endLsn === undefined || !(await tryLock(sql, options.slot.name))) continue;
    using scope = new Scope();
    // undefined: the backlog was a single transaction, or it was read in the meantime.
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

/** The server answers once it has the slot. That may take as long as a login, but we allow at least START_MIN_MS. */
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
