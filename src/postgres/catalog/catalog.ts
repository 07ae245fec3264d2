/**
 * Owns reading table descriptions from the catalog. Does not choose keys or captured tables (events/), nor resolve types
 * (type-registry.ts). What it reads is as of the session's snapshot; catalog-moment.ts binds it to a transaction.
 *
 * Nullability, defaults and the order of indexes are what Debezium sees through pgjdbc's DatabaseMetaData.
 */
import { LSN_ZERO, type Lsn, parseLsn } from '../../core/lsn.ts';
import type { TableFacts } from '../../events/row-plan.ts';
import type { PgSession, QueryOptions } from '../session/open-session.ts';

type TableKind = 'table' | 'partitioned';

export type ListedTable = {
  readonly oid: number;
  readonly schema: string;
  readonly table: string;
  readonly kind: TableKind;
  /** An unlogged table is snapshotted and never streamed. */
  readonly unlogged: boolean;
  /** For a partition, the OID of the topmost partitioned table; else undefined. */
  readonly partitionRootOid: number | undefined;
  /** From the planner's statistics; -1: never analysed. */
  readonly estimatedRows: number;
};

type ReplicaIdentity = 'default' | 'full' | 'index' | 'nothing';

type ColumnDescription = {
  readonly name: string;
  readonly attnum: number;
  readonly typeOid: number;
  /** -1 for none. */
  readonly typmod: number;
  /** The column's constraint or that of its domain, as JDBC tells it. */
  readonly notNull: boolean;
  /** The text of pg_get_expr; undefined for none and for identity columns. For a serial it is `nextval(…)`, for a generated column its expression. */
  readonly defaultExpression: string | undefined;
  readonly generated: boolean;
  readonly identity: boolean;
};

type UniqueIndex = {
  readonly name: string;
  /** All columns of the index, those of INCLUDE too, as JDBC lists them; expressions left out. */
  readonly columns: readonly string[];
  readonly hasExpressions: boolean;
  readonly partial: boolean;
  readonly nullable: boolean;
  /** False after a failed CREATE INDEX CONCURRENTLY. */
  readonly valid: boolean;
  /** Without those of INCLUDE, expressions left out. */
  readonly keyColumns: readonly string[];
  /** The index is not deferrable: no two rows have equal values at any time. */
  readonly immediate: boolean;
  /** Nulls count as equal (15 and later). */
  readonly nullsEqual: boolean;
};

export type TableDescription = ListedTable & {
  readonly replicaIdentity: ReplicaIdentity;
  /** The columns of the index of REPLICA IDENTITY USING INDEX; empty otherwise. */
  readonly replicaIdentityIndexColumns: readonly string[];
  /** In attnum order, dropped ones left out. */
  readonly columns: readonly ColumnDescription[];
  /** In index order; empty without one. */
  readonly primaryKey: readonly string[];
  /** In pgjdbc's order of getIndexInfo: clustered first, then by name. The primary key is not among them. */
  readonly uniqueIndexes: readonly UniqueIndex[];
};

/** Lists every table that can be published or is unlogged, by schema and name; no temporary tables and none of the server's own. */
export async function listTables(session: PgSession, options: QueryOptions = {}): Promise<ListedTable[]> {
  const rows = await session.query<ListedRow>(`${LIST_SQL} order by n.nspname, c.relname`, [], options);
  return rows.map(listedTable);
}

/** Loads tables by OID, in one query. A table that is gone is missing from the result. */
export async function loadTables(
  session: PgSession,
  oids: readonly number[],
  options: QueryOptions = {},
): Promise<ReadonlyMap<number, TableDescription>> {
  const rows = await session.query<DescribedRow>(`${DESCRIBE_SQL} and c.oid = any($1::oid[])`, [oids], options);
  return new Map(rows.map((row) => [row.oid, describedTable(row)]));
}

/** Undefined where there is no such table (any more). */
export async function loadTable(
  session: PgSession,
  table: number | { readonly schema: string; readonly table: string },
  options: QueryOptions = {},
): Promise<TableDescription | undefined> {
  if (typeof table === 'number') return (await loadTables(session, [table], options)).get(table);
  const sql = `${DESCRIBE_SQL} and n.nspname = $1 and c.relname = $2`;
  const rows = await session.query<DescribedRow>(sql, [table.schema, table.table], options);
  return rows[0] === undefined ? undefined : describedTable(rows[0]);
}

/** Finds which of these relations no longer exist, and the end of WAL after that was seen: all their changes are before it. */
export async function findDropped(session: PgSession, oids: readonly number[], options: QueryOptions = {}): Promise<DroppedRelations> {
  const rows = await session.query<{ oids: number[]; lsn: string | null }>(DROPPED_SQL, [oids], options);
  const { oids: dropped = [], lsn } = rows[0] ?? {};
  return typeof lsn === 'string' ? { oids: dropped.map(Number), endLsn: parseLsn(lsn) } : { oids: [], endLsn: LSN_ZERO };
}

export type DroppedRelations = { readonly oids: readonly number[]; readonly endLsn: Lsn };

const DROPPED_SQL = `
select coalesce((select pg_catalog.array_agg(o.oid::int8::float8) from pg_catalog.unnest($1::oid[]) as o(oid)
          where not exists (select from pg_catalog.pg_class c where c.oid = o.oid)), '{}') as "oids",
       case when pg_catalog.pg_is_in_recovery()
            then greatest(pg_catalog.pg_last_wal_receive_lsn(), pg_catalog.pg_last_wal_replay_lsn())
            else pg_catalog.pg_current_wal_insert_lsn() end::text as "lsn"`;

/** What a row plan needs. A table that is gone has no facts: its last events are planned from the Relation message alone. */
export function tableFacts(table: TableDescription | undefined): TableFacts {
  if (table === undefined) return { primaryKey: [], uniqueIndexes: [], columns: new Map() };
  const { primaryKey, uniqueIndexes, columns, replicaIdentityIndexColumns } = table;
  return {
    primaryKey,
    uniqueIndexes,
    identityKey: replicaIdentityIndexColumns,
    columns: new Map(columns.map((column) => [column.name, column])),
  };
}

type ListedRow = {
  oid: number;
  schema: string;
  table: string;
  kind: string;
  unlogged: boolean;
  partitionRootOid: number | null;
  estimatedRows: number;
};

export type DescribedRow = ListedRow & {
  replicaIdentity: string;
  columns: readonly (Omit<ColumnDescription, 'defaultExpression'> & {
    defaultExpression: string | null;
  })[];
  indexes: readonly DescribedIndex[];
};

type DescribedIndex = Omit<UniqueIndex, 'keyColumns'> & {
  primary: boolean;
  replicaIdentity: boolean;
  /** How many columns and expressions stand before INCLUDE. */
  keyCount: number;
  includedColumns: readonly string[];
};

/** OIDs below this are the server's own objects (FirstNormalObjectId), which are never published. */
const FIRST_USER_OID = 16_384;

const LISTED_COLUMNS = `
       c.oid, n.nspname::text as "schema", c.relname::text as "table", c.relkind::text as "kind",
       c.relpersistence = 'u' as "unlogged",
       case when c.relispartition then pg_catalog.pg_partition_root(c.oid)::oid end as "partitionRootOid",
       c.reltuples::float8 as "estimatedRows"`;

const LISTED_FROM = `
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where c.relkind in ('r', 'p') and c.relpersistence <> 't' and c.oid >= ${FIRST_USER_OID}`;

const LIST_SQL = `select ${LISTED_COLUMNS} ${LISTED_FROM}`;

/** Only the expression of a generated column may name columns. */
export const NAMES_COLUMNS_SQL = "a.attgenerated <> '' and d.adbin::text like '%{VAR %'";

/**
 * pgjdbc, PgDatabaseMetaData.getColumns: attnotnull or the domain's; the default is pg_get_expr of pg_attrdef. With the table's OID that function
 * locks the table, and so waits for an ALTER TABLE that is not over. Without the OID it cannot print expressions that name columns.
 */
const columnsSql = (namingColumns: string): string => `
select pg_catalog.json_agg(pg_catalog.json_build_object(
         'name', a.attname, 'attnum', a.attnum, 'typeOid', a.atttypid::int8, 'typmod', a.atttypmod,
         'notNull', a.attnotnull or (t.typtype = 'd' and t.typnotnull),
         'defaultExpression', case when ${NAMES_COLUMNS_SQL} then ${namingColumns} else pg_catalog.pg_get_expr(d.adbin, 0) end,
         'generated', a.attgenerated <> '', 'identity', a.attidentity <> '') order by a.attnum)
  from pg_catalog.pg_attribute a
  join pg_catalog.pg_type t on t.oid = a.atttypid
  left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
 where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped`;

const INDEX_COLUMNS_SQL = `
select coalesce(pg_catalog.json_agg(a.attname order by k.position), '[]'),
       coalesce(pg_catalog.bool_or(not a.attnotnull) filter (where k.position <= i.indnkeyatts), false),
       coalesce(pg_catalog.json_agg(a.attname order by k.position) filter (where k.position > i.indnkeyatts), '[]')
  from pg_catalog.unnest(i.indkey::int2[]) with ordinality as k(attnum, position)
  join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum`;

/** pgjdbc, PgDatabaseMetaData.getIndexInfo: order by NON_UNIQUE, TYPE (clustered 1, hash 2, other 3), INDEX_NAME. */
const INDEXES_SQL = `
select pg_catalog.json_agg(pg_catalog.json_build_object(
         'name', x.relname, 'columns', k.columns, 'hasExpressions', 0 = any(i.indkey::int2[]),
         'partial', i.indpred is not null, 'nullable', k.nullable, 'valid', i.indisvalid, 'primary', i.indisprimary,
         'replicaIdentity', i.indisreplident, 'keyCount', i.indnkeyatts, 'includedColumns', k.included,
         'immediate', i.indimmediate, 'nullsEqual', coalesce((pg_catalog.to_jsonb(i)->>'indnullsnotdistinct')::bool, false)) order by not i.indisclustered, x.relname)
  from pg_catalog.pg_index i
  join pg_catalog.pg_class x on x.oid = i.indexrelid
  cross join lateral (${INDEX_COLUMNS_SQL}) as k(columns, nullable, included)
 where i.indrelid = c.oid and i.indisunique`;

/** `namingColumns` is the SQL that prints an expression `d` which names columns of the table. */
export const describeSql = (namingColumns: string): string => `select ${LISTED_COLUMNS}, c.relreplident::text as "replicaIdentity",
       coalesce((${columnsSql(namingColumns)}), '[]') as "columns",
       coalesce((${INDEXES_SQL}), '[]') as "indexes" ${LISTED_FROM}`;

const DESCRIBE_SQL = describeSql('pg_catalog.pg_get_expr(d.adbin, d.adrelid)');

const REPLICA_IDENTITIES: Readonly<Record<string, ReplicaIdentity>> = { d: 'default', f: 'full', i: 'index', n: 'nothing' };

function listedTable(row: ListedRow): ListedTable {
  return {
    oid: row.oid,
    schema: row.schema,
    table: row.table,
    kind: row.kind === 'p' ? 'partitioned' : 'table',
    unlogged: row.unlogged,
    partitionRootOid: row.partitionRootOid ?? undefined,
    estimatedRows: row.estimatedRows,
  };
}

export function describedTable(row: DescribedRow): TableDescription {
  const primary = row.indexes.find((index) => index.primary);
  const identity = row.indexes.find((index) => index.replicaIdentity);
  return {
    ...listedTable(row),
    replicaIdentity: REPLICA_IDENTITIES[row.replicaIdentity] ?? 'nothing',
    replicaIdentityIndexColumns: row.replicaIdentity === 'i' && identity !== undefined ? keyColumns(identity) : [],
    columns: row.columns.map((column) => ({
      ...column,
      defaultExpression: column.defaultExpression ?? undefined,
    })),
    primaryKey: primary === undefined ? [] : keyColumns(primary),
    uniqueIndexes: row.indexes.filter((index) => !index.primary).map(uniqueIndex),
  };
}

/** Without the columns of INCLUDE. */
function keyColumns(index: { readonly columns: readonly string[]; readonly keyCount: number }): readonly string[] {
  return index.columns.slice(0, index.keyCount);
}

function uniqueIndex(index: DescribedIndex): UniqueIndex {
  const { name, columns, includedColumns, hasExpressions, partial, nullable, valid, immediate, nullsEqual } = index;
  const columnsOfKey = columns.slice(0, columns.length - includedColumns.length);
  return { name, columns, keyColumns: columnsOfKey, hasExpressions, partial, nullable, valid, immediate, nullsEqual };
}
