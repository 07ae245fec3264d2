/**
 * Owns how long the sessions of an attempt wait for an answer, and that a wait which becomes long is told. Not for those that have rules of
 * their own: making a slot waits for open transactions, moving one for the server's reading of WAL, a snapshot's rows come as fast as they
 * are taken.
 */
import { SlotlineError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { TaskOptions } from '../../core/options.ts';
import type { Clock } from '../../core/time.ts';
import type { QueryPatience } from '../../postgres/session/open-session.ts';
import type { SessionLimits } from '../../postgres/session/session.ts';
import type { LiveState } from '../life/live-state.ts';

/** A catalog read that is not answered by then is on a link that is dead: TCP alone would tell in minutes. */
const READ_TIMEOUT_MS = 30_000;
/** The catalog answers within milliseconds. */
const TELL_AFTER_MS = 2_000;
/** A server that is always slow is told of so often at most. */
const TOLD_AGAIN_MS = 60_000;

/** Of a session for the catalog and for what the start changes; `database.query.timeout.ms` is for what may wait for locks. */
export function limitsOf({ database }: Pick<TaskOptions, 'database'>, until: AbortSignal): SessionLimits {
  return { until, readTimeoutMs: READ_TIMEOUT_MS, queryTimeoutMs: database.queryTimeoutMs === 0 ? undefined : database.queryTimeoutMs };
}

/** How long a link over which something has to come may be silent. */
export function silenceLimitMs({ database }: Pick<TaskOptions, 'database'>): number {
  return database.queryTimeoutMs === 0 ? READ_TIMEOUT_MS : Math.min(READ_TIMEOUT_MS, database.queryTimeoutMs);
}

export type SilenceTelling = { readonly log: Log; readonly clock: Clock; readonly live: Pick<LiveState, 'tell'> };

/** What is told of it, and the line of the log. */
type Silence = { readonly code: 'pg_silent' | 'pg_link_silent'; readonly event: 'catalog.silent' | 'snapshot.silent' };

const OF_CATALOG: Silence = { code: 'pg_silent', event: 'catalog.silent' };

/** By default of the session on which the stream's catalog reads go: health shows while one has no answer, and the log tells it. */
export function tellSilence({ log, clock, live }: SilenceTelling, { code, event }: Silence = OF_CATALOG): QueryPatience {
  let silence: SlotlineError | undefined;
  let toldMs = Number.NEGATIVE_INFINITY;
  const begin = (): void => {
    const since = new Date(clock.nowMs() - TELL_AFTER_MS).toISOString();
    silence = new SlotlineError(code, { since });
    live.tell({ tag: 'serverSilent', error: silence });
    if (clock.monotonicMs() - toldMs < TOLD_AGAIN_MS) return;
    toldMs = clock.monotonicMs();
    log.warn(event, { code, message: silence.message, remedy: silence.remedy });
  };
  const end = (): void => {
    live.tell({ tag: 'serverAnswered', error: silence });
    silence = undefined;
  };
  return { afterMs: TELL_AFTER_MS, onUnanswered: (isUnanswered) => (isUnanswered ? begin() : end()) };
}
