/**
 * Owns waiting for one's turn: of all processes on one slot only one may take a snapshot or stream. While nobody streams, an advisory lock
 * decides; while somebody does, the slot itself decides, for the server lets only one walsender hold it. A standby asks twice a second and
 * takes over when both are free. Only another process of the same connector may be a standby. So whoever has its turn keeps a second lock,
 * which says to whom the turn belongs.
 */
import { SlotlineError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { TaskOptions } from '../../core/options.ts';
import { Scope } from '../../core/scope.ts';
import { wait } from '../../core/time.ts';
import type { PgSession } from '../../postgres/session/open-session.ts';
import type { Fence } from './fence.ts';
import type { Positions } from './positions.ts';

const POLL_MS = 500;

type OwnershipWait = {
  /** Aborts when the session is lost or a stop is asked for. */
  readonly signal: AbortSignal;
  /** Aborts when the first start has waited long enough. */
  readonly startDeadline: AbortSignal;
  /** Told who has the turn; undefined once it is ours. */
  readonly onHolder?: (holder: string | undefined) => void;
  /** Our identity: the same text for the same connector, prefix and task. */
  readonly owner: string;
  /** Called when the turn is another connector's. Returns the error that ends the start. */
  readonly onForeign: (holder: string) => Promise<SlotlineError>;
};

/** Resolves when this session holds the lock and the slot has no reader. Throws slot_in_use at the deadline, or when `signal` aborts. */
export async function awaitOwnership(session: PgSession, slotName: string, log: Log, until: OwnershipWait): Promise<void> {
  using scope = new Scope();
  const signal = scope.any(until.signal, until.startDeadline);
  let told = false;
  let holder: string | undefined;
  while (!signal.aborted) {
    holder = await tryOwn(session, slotName);
    until.onHolder?.(holder);
    const foreign = await foreignHolder(session, slotName, until.owner);
    if (foreign !== undefined) {
      until.onHolder?.(undefined);
      throw await until.onForeign(`process ${foreign}`);
    }
    if (holder === undefined) {
      // Taken while we hold the slot's lock: whoever gets its turn has looked for this lock before.
      await session.query(`select pg_catalog.pg_advisory_lock_shared(${HOLDER_KEYS})`, [slotName, until.owner]);
      if (told) log.info('standby.takes_over', { slot: slotName });
      return;
    }
    if (!told) log.info('standby.waiting', { slot: slotName, holder, remedy: 'This process takes over when the other ends.' });
    told = true;
    await wait(POLL_MS, signal);
  }
  if (!until.signal.aborted) throw new SlotlineError('slot_in_use', { slot: slotName, holder });
  throw new SlotlineError('stream_ended', { reason: 'stopped while waiting' });
}

/** The identity of a process on a slot: the same for the same connector, prefix and task. */
export function turnOwner(options: Pick<TaskOptions, 'events' | 'name' | 'taskId'>): string {
  return JSON.stringify([options.name, options.events.topicPrefix, options.taskId]);
}

/** Releases the lock once the walsender holds the slot. A frozen process must not keep the lock. */
export async function releaseLock(session: PgSession, slotName: string): Promise<void> {
  await session.query(`select pg_catalog.pg_advisory_unlock(${LOCK_KEY})`, [slotName]);
}

/** Takes the lock again before a walsender lets go of the slot. False: another process has it, perhaps only for the moment of a look. */
export async function tryLock(session: PgSession, slotName: string): Promise<boolean> {
  const locked = await session.query<{ locked: boolean }>(`select pg_catalog.pg_try_advisory_lock(${LOCK_KEY}) as locked`, [slotName]);
  return locked[0]?.locked === true;
}

type LockParts = {
  readonly fence: Pick<Fence, 'hold'>;
  readonly positions: Pick<Positions, 'confirmTo'>;
  readonly sql: PgSession;
  readonly options: Pick<TaskOptions, 'slot'>;
};

/** For the time when no source is open: the lock keeps others out and proves the right to send, and nothing is confirmed. */
export function holdLock({ fence, positions, sql, options }: LockParts, server: { readonly walSenderTimeoutMs: number }): void {
  positions.confirmTo(undefined);
  const isOurs = (): Promise<boolean> => holdsLock(sql, options.slot.name);
  fence.hold({ state: 'lock', timeoutMs: server.walSenderTimeoutMs, isOurs });
}

/** Whether this very session still holds the lock. Behind a pooler, another session may. */
export async function holdsLock(session: PgSession, slotName: string): Promise<boolean> {
  const rows = await session.query<{ held: boolean }>(HELD_SQL, [slotName]);
  return rows[0]?.held === true;
}

const LOCK_KEY = `pg_catalog.hashtextextended('slotline slot ' || $1::text, 0)`;

/** Source: PostgreSQL manual, "pg_locks": a bigint key is classid (high half) and objid (low half), with objsubid 1. */
const HELD_SQL = `
select exists (
  select from pg_catalog.pg_locks l, (select ${LOCK_KEY}) as k(key)
   where l.pid = pg_catalog.pg_backend_pid() and l.locktype = 'advisory' and l.granted and l.objsubid = 1
     and l.classid::int8 = ((k.key >> 32) & 4294967295) and l.objid::int8 = (k.key & 4294967295)) as held`;
/** A shared lock, because the successor of a frozen process takes it too. */
const HOLDER_KEYS = "pg_catalog.hashtext('slotline turn ' || $1::text), pg_catalog.hashtext($2::text)";

/** The backend of another connector that has, or had, its turn on this slot and still exists. */
export async function foreignHolder(session: PgSession, slotName: string, owner: string): Promise<number | undefined> {
  const rows = await session.query<{ pid: number }>(FOREIGN_HOLDER_SQL, [slotName, owner]);
  return rows[0]?.pid;
}

/** Keys of two int4 stand in classid and objid, which are unsigned, with objsubid 2. Source: manual, pg_locks. */
const FOREIGN_HOLDER_SQL = `
select l.pid
  from pg_catalog.pg_locks l
 where l.locktype = 'advisory' and l.granted and l.objsubid = 2
   and l.database = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())
   and l.classid::int8 = pg_catalog.hashtext('slotline turn ' || $1::text)::int8 & 4294967295
   and l.objid::int8 <> pg_catalog.hashtext($2::text)::int8 & 4294967295
 order by l.pid limit 1`;

/** Tries to take the turn. undefined: it is ours. Else: who has it. */
export async function tryOwn(session: PgSession, slotName: string): Promise<string | undefined> {
  if (!(await tryLock(session, slotName))) return 'another process that is starting or taking a snapshot';
  const active = await session.query<{ active_pid: number | null }>(
    'select active_pid from pg_catalog.pg_replication_slots where slot_name = $1 and active',
    [slotName],
  );
  const pid = active[0]?.active_pid;
  if (pid === undefined || pid === null) return undefined;
  await releaseLock(session, slotName);
  return `walsender ${pid}`;
}
