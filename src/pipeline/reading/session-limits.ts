/**
 * Owns how long the sessions of an attempt wait for an answer, and that a long wait is logged. Not for waits with rules of their own:
 * making a slot waits for open transactions, moving a slot waits while the server reads WAL, and a snapshot's rows come as fast as they
 * are taken.
 */
import { SlotlineError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { TaskOptions } from '../../core/options.ts';
import type { Clock } from '../../core/time.ts';
import type { QueryPatience } from '../../postgres/session/open-session.ts';
import type { SessionLimits } from '../../postgres/session/session.ts';
import type { LiveState } from '../life/live-state.ts';

/** A catalog query that has no answer by then is on a dead link. TCP alone would take minutes to notice. */
const READ_TIMEOUT_MS = 30_000;
/** A longer wait is reported: the catalog normally answers within milliseconds. */
const TELL_AFTER_MS = 2_000;
/** The pause between two log lines about a server that stays slow. */
const TOLD_AGAIN_MS = 60_000;

/** For a session that reads the catalog or makes the start's changes. Statements that may wait for locks use database.query.timeout.ms. */
export function limitsOf(options: Pick<TaskOptions, 'database'>, until: AbortSignal): SessionLimits {
  const { queryTimeoutMs } = options.database;
  return { until, readTimeoutMs: silenceLimitMs(options), queryTimeoutMs: queryTimeoutMs === 0 ? undefined : queryTimeoutMs };
}

/** How long a link may be silent when something has to come over it. */
export function silenceLimitMs({ database }: Pick<TaskOptions, 'database'>): number {
  return database.queryTimeoutMs === 0 ? READ_TIMEOUT_MS : Math.min(READ_TIMEOUT_MS, database.queryTimeoutMs);
}

export type SilenceTelling = { readonly log: Log; readonly clock: Clock; readonly live: Pick<LiveState, 'tell'> };

/** The error that health shows, and the name of the log line. */
type Silence = { readonly code: 'pg_silent' | 'pg_link_silent'; readonly event: 'catalog.silent' | 'snapshot.silent' };

const OF_CATALOG: Silence = { code: 'pg_silent', event: 'catalog.silent' };

/** Reports a query without an answer in health and in the log. By default for the session on which the stream reads the catalog. */
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
