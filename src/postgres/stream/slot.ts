/**
 * Owns the replication slot as SQL and replication commands see it: its state, creating it with an exported snapshot,
 * dropping it, its lag. Does not stream from it (replication-stream.ts).
 */
import { SlotlineError } from '../../core/errors.ts';
import { formatLsn, type Lsn, parseLsn } from '../../core/lsn.ts';
import { quoteIdentifier } from '../identifiers.ts';
import type { PgSession, QueryOptions } from '../session/open-session.ts';

const SLOT_PLUGIN = 'pgoutput';

type WalStatus = 'reserved' | 'extended' | 'unreserved' | 'lost';

export type SlotState = {
  readonly name: string;
  readonly kind: 'logical' | 'physical';
  readonly plugin: string | undefined;
  readonly database: string | undefined;
  readonly temporary: boolean;
  readonly active: boolean;
  readonly activePid: number | undefined;
  readonly restartLsn: Lsn | undefined;
  readonly confirmedFlushLsn: Lsn | undefined;
  /** The oldest transaction whose catalog rows the server keeps for the slot. */
  readonly catalogXmin: number | undefined;
  readonly walStatus: WalStatus | undefined;
  /** Bytes that may still be written before the slot is in danger; undefined: no limit is set. */
  readonly safeWalSizeBytes: number | undefined;
  readonly twoPhase: boolean;
  /** False before version 17. */
  readonly failover: boolean;
  /** The slot is synchronised to this standby and cannot be used until promotion. False before version 17. */
  readonly synced: boolean;
  /** Version 17: wal_removed, rows_removed, wal_level_insufficient; 18: idle_timeout. */
  readonly invalidationReason: string | undefined;
};

/** Undefined where there is no slot of that name. */
export async function loadSlot(session: PgSession, name: string, options: QueryOptions = {}): Promise<SlotState | undefined> {
  const rows = await session.query<SlotRow>(SLOT_SQL, [name], options);
  const row = rows[0];
  if (row === undefined) return undefined;
  return {
    name,
    kind: row.kind === 'logical' ? 'logical' : 'physical',
    plugin: row.plugin ?? undefined,
    database: row.database ?? undefined,
    temporary: row.temporary,
    active: row.active,
    activePid: row.activePid ?? undefined,
    restartLsn: row.restartLsn === null ? undefined : parseLsn(row.restartLsn),
    confirmedFlushLsn: row.confirmedFlushLsn === null ? undefined : parseLsn(row.confirmedFlushLsn),
    catalogXmin: row.catalogXmin === null ? undefined : Number(row.catalogXmin),
    walStatus: WAL_STATUSES.find((status) => status === row.walStatus),
    safeWalSizeBytes: row.safeWalSize ?? undefined,
    twoPhase: row.twoPhase,
    failover: row.failover,
    synced: row.synced,
    invalidationReason: row.invalidationReason ?? undefined,
  };
}

const WAL_STATUSES: readonly WalStatus[] = ['reserved', 'extended', 'unreserved', 'lost'];

type SlotRow = {
  kind: string;
  plugin: string | null;
  database: string | null;
  temporary: boolean;
  active: boolean;
  activePid: number | null;
  restartLsn: string | null;
  confirmedFlushLsn: string | null;
  catalogXmin: string | null;
  walStatus: string | null;
  safeWalSize: number | null;
  twoPhase: boolean;
  failover: boolean;
  synced: boolean;
  invalidationReason: string | null;
};

/** Reads columns of later versions through jsonb, which gives null where they do not exist. */
const SLOT_SQL = `
select s.slot_type as "kind", s.plugin::text, s.database::text, s.temporary, s.active, s.active_pid as "activePid",
       s.restart_lsn::text as "restartLsn", s.confirmed_flush_lsn::text as "confirmedFlushLsn",
       s.catalog_xmin::text as "catalogXmin",
       s.wal_status as "walStatus", s.safe_wal_size::float8 as "safeWalSize", s.two_phase as "twoPhase",
       coalesce((j.row->>'failover')::bool, false) as "failover",
       coalesce((j.row->>'synced')::bool, false) as "synced",
       j.row->>'invalidation_reason' as "invalidationReason"
  from pg_catalog.pg_replication_slots s, lateral (select pg_catalog.to_jsonb(s)) as j(row)
 where s.slot_name = $1`;

/** Throws `slot_unsuitable` or `slot_lost`. A slot that is in use passes: streaming will wait for it. */
export function requireUsableSlot(slot: SlotState, database: string): void {
  const unsuitable = unsuitability(slot, database);
  if (unsuitable !== undefined) throw new SlotlineError('slot_unsuitable', { slot: slot.name, reason: unsuitable });
  if (isLost(slot)) {
    throw new SlotlineError('slot_lost', {
      slot: slot.name,
      walStatus: slot.walStatus,
      invalidationReason: slot.invalidationReason,
    });
  }
}

/** Says in words why this slot can never be ours; undefined if it can. */
export function unsuitability(slot: SlotState, database: string): string | undefined {
  if (slot.kind !== 'logical') return 'it is a physical slot';
  if (slot.plugin !== SLOT_PLUGIN) return `its plugin is ${slot.plugin}`;
  if (slot.database !== database) return `it belongs to database ${slot.database}`;
  if (slot.temporary) return 'it is temporary';
  if (slot.synced) return 'it is synchronised from a primary and usable only after promotion';
  return undefined;
}

export function isLost(slot: SlotState): boolean {
  return slot.walStatus === 'lost' || slot.invalidationReason !== undefined;
}

export type NewSlot = {
  readonly name: string;
  /** The server drops the slot when the session ends; for the snapshot beside an existing slot. */
  readonly temporary?: boolean;
  /** For version 17 and later and slots that are not temporary; otherwise ignored silently, as in Debezium. */
  readonly failover?: boolean;
};

export type CreatedSlot = {
  readonly consistentPoint: Lsn;
  /** For `set transaction snapshot` in another session, until this session runs its next command or ends. */
  readonly snapshotName: string;
};

/**
 * Creates a logical pgoutput slot; `session` is a replication session. Waits for every transaction that is open now to
 * end, hence no limit of time by default. Throws slot_in_use (another process made it just now),
 * replication_slots_exhausted, wal_level_not_logical, pg_privilege_missing.
 */
export async function createSlot(session: PgSession, slot: NewSlot, options: QueryOptions = {}): Promise<CreatedSlot> {
  const rows = await session.simple(createCommand(slot, session.serverMajor), { ...options, subject: 'slot' });
  const consistentPoint = rows[0]?.consistent_point;
  const snapshotName = rows[0]?.snapshot_name;
  if (typeof consistentPoint !== 'string' || typeof snapshotName !== 'string') {
    throw new SlotlineError('pg_query_failed', { slot: slot.name, message: 'CREATE_REPLICATION_SLOT gave no consistent point' });
  }
  return { consistentPoint: parseLsn(consistentPoint), snapshotName };
}

/** Source: PostgreSQL manual, "Streaming Replication Protocol": options in parentheses since 15, FAILOVER since 17. */
function createCommand(slot: NewSlot, serverMajor: number): string {
  const temporary = slot.temporary === true ? ' TEMPORARY' : '';
  const head = `CREATE_REPLICATION_SLOT ${quoteIdentifier(slot.name)}${temporary} LOGICAL ${SLOT_PLUGIN}`;
  if (serverMajor < 15) return `${head} EXPORT_SNAPSHOT`;
  const failover = slot.failover === true && slot.temporary !== true && serverMajor >= 17 ? ', FAILOVER' : '';
  return `${head} (SNAPSHOT 'export'${failover})`;
}

/** Drops the slot after waiting until nobody uses it; `session` is a replication session. It is no error if the slot is gone already. */
export async function dropSlot(session: PgSession, name: string, options: QueryOptions = {}): Promise<void> {
  try {
    await session.simple(`DROP_REPLICATION_SLOT ${quoteIdentifier(name)} WAIT`, { ...options, subject: 'slot' });
  } catch (error) {
    if (error instanceof SlotlineError && error.code === 'slot_missing') return;
    throw error;
  }
}

/** The name of a session's own slot beside `slotName`. A slot's name has at most 63 characters. */
export function temporarySlotName(slotName: string, purpose: string, pid: number): string {
  const suffix = `_${purpose}_${pid}`;
  return `${slotName.slice(0, 63 - suffix.length)}${suffix}`;
}

/** The name of the temporary copy from which a session reads a backlog (bulk-decode.ts). */
export function bulkCopyName(slotName: string, pid: number): string {
  return temporarySlotName(slotName, 'bulk', pid);
}

/** Moves a slot that nobody reads to exactly this position. Throws slot_in_use, slot_missing, slot_lost. */
export async function advanceSlot(session: PgSession, name: string, lsn: Lsn): Promise<void> {
  const sql = 'select 1 from pg_catalog.pg_replication_slot_advance($1::name, $2::pg_lsn)';
  await session.query(sql, [name, formatLsn(lsn)], { subject: 'slot' });
}

/** True while somebody reads the slot's backlog in bulk, from a copy that is named after the slot. */
export async function isReadInBulk(session: PgSession, name: string, options: QueryOptions = {}): Promise<boolean> {
  const sql = 'select slot_name::text as "name", active_pid as "pid" from pg_catalog.pg_replication_slots where temporary and active';
  const rows = await session.query<{ name: string; pid: number }>(sql, [], options);
  return rows.some((row) => row.name === bulkCopyName(name, row.pid));
}

/** The pid of the walsender that makes the slot, or the temporary slot of a snapshot beside it, at this moment: a slot without a position. */
export async function findSlotMaker(session: PgSession, name: string, options: QueryOptions = {}): Promise<number | undefined> {
  const sql = `
    select slot_name::text as "name", active_pid as "pid" from pg_catalog.pg_replication_slots
     where slot_type = 'logical' and active and confirmed_flush_lsn is null`;
  const rows = await session.query<{ name: string; pid: number }>(sql, [], options);
  return rows.find((row) => row.name === name || row.name === temporarySlotName(name, 'snap', row.pid))?.pid;
}

export type SlotLag = {
  readonly currentLsn: Lsn;
  /** WAL that was written and not confirmed; undefined while the slot has no position. */
  readonly lagBytes: number | undefined;
  /** WAL that the server keeps for the slot. */
  readonly retainedBytes: number | undefined;
};

export async function loadSlotLag(
  session: Pick<PgSession, 'query'>,
  name: string,
  options: QueryOptions = {},
): Promise<SlotLag | undefined> {
  const rows = await session.query<LagRow>(LAG_SQL, [name], options);
  const row = rows[0];
  if (row === undefined) return undefined;
  return {
    currentLsn: parseLsn(row.currentLsn),
    lagBytes: row.lagBytes ?? undefined,
    retainedBytes: row.retainedBytes ?? undefined,
  };
}

type LagRow = { currentLsn: string; lagBytes: number | null; retainedBytes: number | null };

const LAG_SQL = `
select w.lsn::text as "currentLsn",
       greatest(pg_catalog.pg_wal_lsn_diff(w.lsn, s.confirmed_flush_lsn), 0)::float8 as "lagBytes",
       greatest(pg_catalog.pg_wal_lsn_diff(w.lsn, s.restart_lsn), 0)::float8 as "retainedBytes"
  from pg_catalog.pg_replication_slots s,
       (select case when pg_catalog.pg_is_in_recovery() then pg_catalog.pg_last_wal_receive_lsn()
                    else pg_catalog.pg_current_wal_lsn() end) as w(lsn)
 where s.slot_name = $1`;
