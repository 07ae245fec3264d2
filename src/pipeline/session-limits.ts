/**
 * Owns how long the sessions of an attempt wait for an answer. Not for those that have rules of their own: making a slot waits for open
 * transactions, moving one for the server's reading of WAL, a snapshot's rows come as fast as they are taken.
 */
import type { ResolvedOptions } from '../core/options.ts';
import type { SessionLimits } from '../postgres/pg-session.ts';

/** A catalog read that is not answered by then is on a link that is dead: TCP alone would tell in minutes. */
const READ_TIMEOUT_MS = 30_000;

/** Of a session for the catalog and for what the start changes; `database.query.timeout.ms` is for what may wait for locks. */
export function limitsOf({ database }: ResolvedOptions, until: AbortSignal): SessionLimits {
  return { until, readTimeoutMs: READ_TIMEOUT_MS, queryTimeoutMs: database.queryTimeoutMs === 0 ? undefined : database.queryTimeoutMs };
}
