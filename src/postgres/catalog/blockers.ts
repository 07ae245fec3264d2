/**
 * Owns asking what a backend of the server waits for at this moment, and which processes block it: the end of a transaction, a lock on a
 * table, a record of WAL on a standby. Never reads the text of a query, because it may hold a row.
 */
import type { PgSession, QueryOptions } from '../session/open-session.ts';

type Blocker = {
  /** Undefined for a prepared transaction, which has no process. */
  readonly pid: number | undefined;
  /** The name that PREPARE TRANSACTION gave it. */
  readonly prepared: string | undefined;
  readonly application: string | undefined;
  readonly user: string | undefined;
  /** `active`, `idle in transaction` …; undefined for a role that may not see it. */
  readonly state: string | undefined;
  /** How long its transaction has been open. */
  readonly transactionSeconds: number | undefined;
  /** How long ago its last query began. */
  readonly querySeconds: number | undefined;
};

export type BackendWait = {
  /** The transaction that is waited for, as text; undefined where it is something else. */
  readonly xid: string | undefined;
  /** `schema.table` where a lock on it is waited for. */
  readonly table: string | undefined;
  /** How long it has waited; undefined where the server does not say. */
  readonly seconds: number | undefined;
  /** The server is a standby, and the backend waits for WAL only. */
  readonly forPrimary: boolean;
  readonly blockers: readonly Blocker[];
};

/** Undefined where the backend waits for nobody, or is gone. */
export async function loadBackendWait(session: PgSession, pid: number, options: QueryOptions = {}): Promise<BackendWait | undefined> {
  const rows = await session.query<WaitRow>(WAIT_SQL, [pid], options);
  const row = rows[0];
  if (row === undefined || (row.blockers.length === 0 && !row.forPrimary)) return undefined;
  return {
    xid: row.xid ?? undefined,
    table: row.table ?? undefined,
    seconds: row.seconds ?? undefined,
    forPrimary: row.forPrimary,
    blockers: row.blockers.map((blocker) => ({
      pid: blocker.pid === 0 || blocker.pid === null ? undefined : blocker.pid,
      prepared: blocker.prepared ?? undefined,
      application: blocker.application ?? undefined,
      user: blocker.user ?? undefined,
      state: blocker.state ?? undefined,
      transactionSeconds: blocker.transactionSeconds ?? undefined,
      querySeconds: blocker.querySeconds ?? undefined,
    })),
  };
}

type WaitRow = {
  xid: string | null;
  table: string | null;
  seconds: number | null;
  forPrimary: boolean;
  blockers: { [Field in keyof Blocker]: Exclude<Blocker[Field], undefined> | null }[];
};

/** pg_blocking_pids names a prepared transaction as pid 0. `waitstart` is there from 14 on. */
const WAIT_SQL = `
select l.transactionid::text as "xid",
       (select (n.nspname || '.' || c.relname)::text from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
         where c.oid = l.relation) as "table",
       extract(epoch from pg_catalog.clock_timestamp() - l.waitstart)::float8 as "seconds",
       pg_catalog.pg_is_in_recovery() and l.pid is null and a.backend_type = 'walsender' as "forPrimary",
       coalesce((
         select pg_catalog.json_agg(pg_catalog.json_build_object(
                  'pid', b.pid, 'prepared', p.gid, 'application', s.application_name, 'user', coalesce(s.usename, p.owner), 'state', s.state,
                  'transactionSeconds', extract(epoch from pg_catalog.clock_timestamp() - coalesce(s.xact_start, p.prepared))::float8,
                  'querySeconds', extract(epoch from pg_catalog.clock_timestamp() - s.query_start)::float8) order by s.xact_start)
           from (select distinct blocking.pid from pg_catalog.unnest(pg_catalog.pg_blocking_pids(a.pid)) as blocking(pid)) as b
           left join pg_catalog.pg_stat_activity s on s.pid = b.pid
           left join pg_catalog.pg_prepared_xacts p on b.pid = 0 and p.transaction = l.transactionid), '[]') as "blockers"
  from pg_catalog.pg_stat_activity a
  left join pg_catalog.pg_locks l on l.pid = a.pid and not l.granted
 where a.pid = $1
 limit 1`;

/** For people: `pid 4711 (psql, shop) in a transaction that is open for 75 s, idle in transaction, its last query began 70 s ago`. */
export function describeWait(wait: BackendWait): string {
  if (wait.blockers.length === 0) return 'the primary to log its running transactions (select pg_log_standby_snapshot() there)';
  const lock = wait.table === undefined ? '' : `a lock on ${wait.table}, held by `;
  const xid = wait.xid === undefined ? '' : `transaction ${wait.xid} of `;
  return `${lock}${xid}${wait.blockers.map(describeBlocker).join(' and ')}`;
}

function describeBlocker(blocker: Blocker): string {
  const { pid, prepared, application, user, state, transactionSeconds, querySeconds } = blocker;
  const names = [application, user].filter((name) => name !== undefined && name !== '').join(', ');
  const who = pid === undefined ? `the prepared transaction ${prepared ?? ''}`.trim() : `pid ${pid}`;
  const parts = [
    names === '' ? who : `${who} (${names})`,
    transactionSeconds === undefined ? undefined : `open for ${Math.round(transactionSeconds)} s`,
    state,
    querySeconds === undefined ? undefined : `last query began ${Math.round(querySeconds)} s ago`,
  ];
  return parts.filter((part) => part !== undefined).join(', ');
}
