/** Owns asking what a backend is doing at this moment, from another session. Never reads the text of its query. */
import type { PgSession, QueryOptions } from '../session/open-session.ts';

/**
 * `idle`: the backend has sent all that it was asked for. `sending`: it waits for the client to take more. `working`: neither of these,
 * or the role may not see it.
 */
type BackendState = 'gone' | 'idle' | 'sending' | 'working';

export async function loadBackendState(session: PgSession, pid: number, options: QueryOptions = {}): Promise<BackendState> {
  const rows = await session.query<{ state: string | null; waitEvent: string | null }>(STATE_SQL, [pid], options);
  const row = rows[0];
  if (row === undefined) return 'gone';
  if (row.waitEvent === 'ClientWrite') return 'sending';
  return row.state?.startsWith('idle') === true ? 'idle' : 'working';
}

/** Source: PostgreSQL manual, "The Cumulative Statistics System", wait events of type Client. */
const STATE_SQL = 'select state, wait_event as "waitEvent" from pg_catalog.pg_stat_activity where pid = $1';
