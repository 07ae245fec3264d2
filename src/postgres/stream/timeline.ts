/** Owns finding where a server's timeline left another one. Does not own what follows from it (offsets/continuity.ts). */
import { type Lsn, parseLsn } from '../../core/lsn.ts';
import type { PgSession } from '../session/open-session.ts';

/**
 * Where the history of `timeline`, the server's own, leaves `from`. Undefined: `timeline` does not stem from `from`. `session` is a replication
 * session. Source: PostgreSQL manual, "Streaming Replication Protocol", TIMELINE_HISTORY; xlog.c writes `timeline\tLSN\treason` per line.
 */
export async function loadForkLsn(session: PgSession, o: { readonly timeline: number; readonly from: number }): Promise<Lsn | undefined> {
  if (o.timeline <= 1) return undefined;
  const rows = await session.simple(`TIMELINE_HISTORY ${o.timeline}`);
  for (const line of (rows[0]?.content ?? '').split('\n')) {
    const [timeline = '', lsn] = line.trim().split(/\s+/, 2);
    if (Number(timeline) === o.from && timeline !== '' && lsn !== undefined) return parseLsn(lsn);
  }
  return undefined;
}
