/**
 * Owns reading a table's description as of a transaction that the stream shows. The same statement, and so the same snapshot, tells whether
 * sessions see the transaction yet: the stream has a commit a moment before they do, and under synchronous replication until a standby has
 * answered. Owns too telling whether descriptions have changed since. Does not wait (pipeline/loop/relation-facts.ts).
 */

import type { PgSession, QueryOptions } from '../session/open-session.ts';
import { type DescribedRow, describedTable, describeSql, NAMES_COLUMNS_SQL, type TableDescription } from './catalog.ts';

export type MomentAnswer = {
  /**
   * `visible`: the transaction is over, and the description is what it left. `untouched`: the transaction holds none of the locks that a
   * change of the table takes; this tells something only if a later answer is not `visible`. `invisible`: the description may be older than
   * the transaction. `locked`: a generated column could not be described without waiting for somebody who changes the table.
   */
  readonly state: 'visible' | 'untouched' | 'invisible' | 'locked';
  /** undefined: there is no such table (any more, or yet). */
  readonly table: TableDescription | undefined;
};

/** `xid` as BEGIN has it, 32 bits. One round trip. */
export async function loadTableAt(
  session: Pick<PgSession, 'query'>,
  at: { readonly oid: number; readonly xid: number },
  options: QueryOptions = {},
): Promise<MomentAnswer> {
  const rows = await session.query<MomentRow>(MOMENT_SQL, [at.oid, at.xid], options);
  const row = rows[0];
  if (row === undefined) return { state: 'invisible', table: undefined };
  return { state: stateOf(row), table: row.oid === null ? undefined : describedTable({ ...row, oid: row.oid }) };
}

type Seen = { readonly visible: boolean; readonly untouched: boolean; readonly locked: boolean };
type MomentRow = Omit<DescribedRow, 'oid'> & { readonly oid: number | null } & Seen;

function stateOf({ visible, untouched, locked }: Seen): MomentAnswer['state'] {
  if (locked) return 'locked';
  if (visible) return 'visible';
  return untouched ? 'untouched' : 'invisible';
}

/**
 * The 64-bit xid whose lower half is $2. It is the one nearest to the snapshot's xmax, because transactions that still matter are less than
 * 2^31 apart.
 */
const FULL_XID_SQL = `
select s.snapshot, greatest(3, s.xmax
         + ((($2::int8 - s.xmax) % 4294967296 + 6442450944) % 4294967296) - 2147483648)::text::xid8 as xid
  from (select c.snapshot, pg_catalog.pg_snapshot_xmax(c.snapshot)::text::int8 as xmax
          from (select pg_catalog.pg_current_snapshot() as snapshot) c) s`;

/**
 * Whoever changes a table, or an index of it, holds a lock on it that writers of rows do not take, up to the moment at which its transaction
 * becomes visible. A domain may be changed without a lock on the tables that use it. Read only where the transaction is not visible.
 */
const UNTOUCHED_SQL = `
exists (select from locks x
         where x.locktype = 'transactionid' and x.transactionid::text = $2::int8::text and x.granted
           and not exists (select from locks l
                            where l.virtualtransaction = x.virtualtransaction and l.locktype = 'relation' and l.granted
                              and l.mode in ('ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock',
                                             'AccessExclusiveLock')
                              and (l.relation = $1::oid
                                   or l.relation in (select k.indexrelid from pg_catalog.pg_index k where k.indrelid = $1::oid))))
and not exists (select from pg_catalog.pg_attribute a join pg_catalog.pg_type t on t.oid = a.atttypid
                 where a.attrelid = $1::oid and t.typtype = 'd')`;

/** True where somebody has, or waits for, the exclusive lock: then every other request for a lock waits too. */
const LOCKED_SQL = "exists (select from locks l where l.locktype = 'relation' and l.relation = $1::oid and l.mode = 'AccessExclusiveLock')";

const NEEDS_LOCK_SQL = `
exists (select from pg_catalog.pg_attribute a join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
         where a.attrelid = $1::oid and not a.attisdropped and ${NAMES_COLUMNS_SQL})`;

const MOMENT_SQL = `
with moment as materialized (select pg_catalog.pg_visible_in_snapshot(f.xid, f.snapshot) as visible from (${FULL_XID_SQL}) f),
     locks as materialized (select l.* from pg_catalog.pg_locks l where l.mode <> 'AccessShareLock')
select m.visible, case when m.visible then false else (${UNTOUCHED_SQL}) end as untouched,
       case when ${NEEDS_LOCK_SQL} then ${LOCKED_SQL} else false end as locked, t.*
  from moment m
  left join (${describeSql(`case when ${LOCKED_SQL} then null else pg_catalog.pg_get_expr(d.adbin, d.adrelid) end`)}
             and c.oid = $1::oid) t on true`;

export type Fingerprints = {
  /** The fingerprint of each description; a table that is gone has none. */
  readonly byOid: ReadonlyMap<number, string>;
  /** Sessions see what every transaction before this one has left, 32 bits. */
  readonly xmin: number;
};

/** Loads fingerprints of many tables in one round trip. A fingerprint changes when the answer of loadTableAt does. */
export async function loadFingerprints(
  session: Pick<PgSession, 'query'>,
  oids: readonly number[],
  options: QueryOptions = {},
): Promise<Fingerprints> {
  const rows = await session.query<{ xmin: string; oid: number | null; fingerprint: string | null }>(FINGERPRINTS_SQL, [oids], options);
  const known = rows.flatMap(({ oid, fingerprint }) => (oid === null || fingerprint === null ? [] : [[oid, fingerprint] as const]));
  return { byOid: new Map(known), xmin: Number(rows[0]?.xmin ?? 0) };
}

const FINGERPRINTS_SQL = `
select (pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot())::text::int8 % 4294967296)::text as xmin, t.oid,
       pg_catalog.hashtextextended(t."columns"::text || t."indexes"::text || t."replicaIdentity", 0)::text as fingerprint
  from (select 1) one
  left join (${describeSql('d.adbin::text')} and c.oid = any($1::oid[])) t on true`;
