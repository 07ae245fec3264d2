/**
 * Owns what a publication sends for each table: which columns, which rows, under which name. Owns too which rows of a SELECT from a table
 * are never sent under that table's name. Does not own the publication itself (publication.ts).
 */
import type { PgSession } from '../session/open-session.ts';

export type PublishedTable = {
  /** Names of the columns; undefined before version 15, where all but generated columns are sent. */
  readonly columns: ReadonlySet<string> | undefined;
  /** An expression of SQL, as the server prints it. */
  readonly rowFilter: string | undefined;
};

/** By the OID of the table under whose name changes are sent: partitions, or with via_partition_root their root. */
export async function loadPublishedTables(session: PgSession, publication: string): Promise<ReadonlyMap<number, PublishedTable>> {
  const rows = await session.query<PublishedRow>(PUBLISHED_SQL, [publication]);
  return new Map(
    rows.map(({ oid, columns, rowFilter }) => [
      oid,
      { columns: columns === null ? undefined : new Set(columns), rowFilter: rowFilter ?? undefined },
    ]),
  );
}

type PublishedRow = { oid: number; columns: string[] | null; rowFilter: string | null };

/** Reads columns of version 15 through jsonb, which gives null where they do not exist. */
const PUBLISHED_SQL = `
select c.oid, pg_catalog.to_jsonb(t)->'attnames' as "columns", pg_catalog.to_jsonb(t)->>'rowfilter' as "rowFilter"
  from pg_catalog.pg_publication_tables t
  join pg_catalog.pg_namespace n on n.nspname = t.schemaname
  join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = t.tablename
 where t.pubname = $1`;

/** Rows that a SELECT from the table gives besides its own. */
export type ForeignRows = {
  /** Tables that inherit from it; partitions are not among them. */
  readonly hasChildren: boolean;
  /** Partitions whose changes are in no WAL: foreign and unlogged tables. */
  readonly silentPartitions: readonly number[];
};

export async function loadForeignRows(session: PgSession, oids: readonly number[]): Promise<ReadonlyMap<number, ForeignRows>> {
  const rows = await session.query<ForeignRows & { oid: number }>(FOREIGN_ROWS_SQL, [oids]);
  return new Map(rows.map((row) => [row.oid, row]));
}

const FOREIGN_ROWS_SQL = `
select c.oid, c.relkind = 'r' and exists (select from pg_catalog.pg_inherits i where i.inhparent = c.oid) as "hasChildren",
       array(select l.oid::int8::float8 from pg_catalog.pg_partition_tree(c.oid) p
               join pg_catalog.pg_class l on l.oid = p.relid
              where c.relkind = 'p' and p.isleaf and (l.relkind = 'f' or l.relpersistence = 'u')) as "silentPartitions"
  from pg_catalog.pg_class c where c.oid = any($1::oid[])`;
