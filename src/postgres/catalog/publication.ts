/**
 * Owns the publication: what it sends, whether that covers the captured tables, and creating or changing it as
 * publication.autocreate.mode says. Does not choose the captured tables (events/filter.ts).
 * Source: io.debezium.connector.postgresql.connection.PostgresReplicationConnection, initPublication.
 */
import { type ErrorCode, type ErrorDetails, SlotlineError } from '../../core/errors.ts';
import type { EventOptions, PublicationOptions } from '../../core/options.ts';
import { quoteIdentifier, quoteTable } from '../identifiers.ts';
import type { PgSession, QueryOptions } from '../session/open-session.ts';
import type { ListedTable } from './catalog.ts';

export type PublishedOperation = 'c' | 'u' | 'd' | 't';

export type PublicationState = {
  readonly name: string;
  readonly allTables: boolean;
  readonly viaPartitionRoot: boolean;
  readonly operations: ReadonlySet<PublishedOperation>;
  /** What the server sends, as pg_publication_tables shows it: partitions, or with via_partition_root their root. */
  readonly publishedOids: ReadonlySet<number>;
  /** Tables named in it, each with whether rows or columns are left out by a WHERE or a column list (15 and later). */
  readonly members: readonly PublicationMember[];
  /** It names whole schemas (15 and later). */
  readonly namesSchemas: boolean;
};

type PublicationMember = { readonly oid: number; readonly filtersRows: boolean; readonly listsColumns: boolean };

/** Undefined where there is no such publication. */
export async function loadPublication(session: PgSession, name: string): Promise<PublicationState | undefined> {
  const rows = await session.query<PublicationRow>(PUBLICATION_SQL, [name]);
  const row = rows[0];
  if (row === undefined) return undefined;
  const operations = new Set<PublishedOperation>();
  if (row.inserts) operations.add('c');
  if (row.updates) operations.add('u');
  if (row.deletes) operations.add('d');
  if (row.truncates) operations.add('t');
  return {
    name,
    allTables: row.allTables,
    viaPartitionRoot: row.viaPartitionRoot,
    operations,
    publishedOids: new Set(row.publishedOids),
    members: row.members,
    namesSchemas: row.namesSchemas,
  };
}

type PublicationRow = {
  allTables: boolean;
  viaPartitionRoot: boolean;
  inserts: boolean;
  updates: boolean;
  deletes: boolean;
  truncates: boolean;
  publishedOids: number[];
  members: PublicationMember[];
  namesSchemas: boolean;
};

/** Reads columns and tables of version 15 through jsonb or to_regclass, which give null where they do not exist. */
const PUBLICATION_SQL = `
select p.puballtables as "allTables", p.pubviaroot as "viaPartitionRoot", p.pubinsert as "inserts",
       p.pubupdate as "updates", p.pubdelete as "deletes", p.pubtruncate as "truncates",
       array(select c.oid::int8::float8
               from pg_catalog.pg_publication_tables t
               join pg_catalog.pg_namespace n on n.nspname = t.schemaname
               join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = t.tablename
              where t.pubname = p.pubname) as "publishedOids",
       (select coalesce(pg_catalog.json_agg(pg_catalog.json_build_object('oid', r.prrelid::int8,
                 'filtersRows', pg_catalog.to_jsonb(r)->>'prqual' is not null,
                 'listsColumns', pg_catalog.to_jsonb(r)->>'prattrs' is not null)), '[]')
          from pg_catalog.pg_publication_rel r where r.prpubid = p.oid) as "members",
       exists (select from pg_catalog.pg_depend d
                where d.classid = pg_catalog.to_regclass('pg_catalog.pg_publication_namespace')
                  and d.refclassid = 'pg_catalog.pg_publication'::pg_catalog.regclass and d.refobjid = p.oid) as "namesSchemas"
  from pg_catalog.pg_publication p
 where p.pubname = $1`;

/** Captured tables whose changes the publication does not send; an unlogged table has none to send. */
export async function loadUncovered(
  session: PgSession,
  publication: PublicationState,
  captured: readonly ListedTable[],
): Promise<ListedTable[]> {
  if (publication.allTables) return [];
  const published = publication.publishedOids;
  // A partitioned table without partitions is not listed as published; its first partition will be.
  const named = new Set(publication.members.map(({ oid }) => oid));
  const missing = captured.filter((table) => !table.unlogged && !published.has(table.oid) && !named.has(table.oid));
  if (missing.length === 0) return [];
  const families = await loadFamilies(session, missing);
  return missing.filter((table) => !isCovered(publication, families.get(table.oid) ?? NO_FAMILY));
}

type Family = { readonly ancestors: readonly number[]; readonly leaves: readonly number[] };

const NO_FAMILY: Family = { ancestors: [], leaves: [] };

/** With via_partition_root a partition is sent under an ancestor; without, a partitioned table is sent as its leaves. */
function isCovered(publication: PublicationState, family: Family): boolean {
  const { viaPartitionRoot, publishedOids } = publication;
  if (viaPartitionRoot) return family.ancestors.some((oid) => publishedOids.has(oid));
  return family.leaves.length > 0 && family.leaves.every((oid) => publishedOids.has(oid));
}

/** Families by OID; a table that is gone has none. */
export async function loadFamilies(session: PgSession, tables: readonly Pick<ListedTable, 'oid'>[]): Promise<ReadonlyMap<number, Family>> {
  const oids = tables.map(({ oid }) => oid);
  const rows = await session.query<Family & { oid: number }>(FAMILIES_SQL, [oids]);
  return new Map(rows.map((row) => [row.oid, row]));
}

const FAMILIES_SQL = `
select t.oid, array(select a.relid::oid::int8::float8 from pg_catalog.pg_partition_ancestors(t.oid) as a(relid)
                     where a.relid::oid <> t.oid) as "ancestors",
       array(select p.relid::oid::int8::float8 from pg_catalog.pg_partition_tree(t.oid) p
              where p.isleaf and p.relid::oid <> t.oid) as "leaves"
  from pg_catalog.unnest($1::oid[]) as t(oid)`;

export type PublicationRequest = {
  readonly publication: PublicationOptions;
  readonly captured: readonly ListedTable[];
  readonly events: Pick<EventOptions, 'skippedOperations' | 'skippedOperationsGiven'>;
  /** The server is a standby and cannot create a publication: it must exist already. */
  readonly inRecovery: boolean;
};

/** What the start does to the publication before it reads anything. `check` judges by it, and ensurePublication carries it out. */
export type PublicationPlan =
  | { readonly tag: 'keep'; readonly publication: PublicationState }
  | { readonly tag: 'create'; readonly sql: string }
  /** Tables are added; none is taken out. */
  | { readonly tag: 'alter'; readonly publication: PublicationState; readonly added: readonly ListedTable[]; readonly sql: string }
  | { readonly tag: 'refuse'; readonly error: SlotlineError };

/**
 * Changes nothing. Refuses with publication_missing, publication_unsuitable (filtered wanted, for all tables found) or
 * table_none_captured (filtered, and nothing to name).
 */
export async function planPublication(session: PgSession, request: PublicationRequest): Promise<PublicationPlan> {
  const { name, autocreateMode } = request.publication;
  const existing = await loadPublication(session, name);
  const namesNothing = !request.captured.some(({ unlogged }) => !unlogged);
  if (existing === undefined) {
    if (autocreateMode === 'disabled' || request.inRecovery) {
      const sql = namesNothing && autocreateMode !== 'all_tables' ? undefined : createPublicationSql(request);
      return refuse('publication_missing', { ...where(session), publication: name, sql });
    }
    if (autocreateMode === 'filtered' && namesNothing) return refuse('table_none_captured', { publication: name });
    return { tag: 'create', sql: createPublicationSql(request) };
  }
  if (autocreateMode !== 'filtered' || request.inRecovery) return { tag: 'keep', publication: existing };
  if (existing.allTables) {
    const reason = 'it is for all tables and publication.autocreate.mode is filtered';
    return refuse('publication_unsuitable', { ...where(session), publication: name, reason });
  }
  const added = await loadUncovered(session, existing, request.captured);
  if (added.length > 0) return { tag: 'alter', publication: existing, added, sql: addTablesSql(name, added) };
  // The publication names tables, but none that is captured: the lists are probably wrong.
  if (existing.members.length > 0 && namesNothing) return refuse('table_none_captured', { publication: name });
  return { tag: 'keep', publication: existing };
}

function refuse(code: ErrorCode, details: ErrorDetails): PublicationPlan {
  return { tag: 'refuse', error: new SlotlineError(code, details) };
}

type EnsuredPublication = {
  readonly publication: PublicationState;
  readonly change: 'none' | 'created' | 'altered';
};

/**
 * Brings the publication to what the mode wants: creates it, or adds tables. Takes nothing out and changes no member, because another
 * connector or a subscriber may read it too. Throws what planPublication refuses, and pg_privilege_missing (with the SQL).
 */
export async function ensurePublication(
  session: PgSession,
  request: PublicationRequest,
  options: QueryOptions = {},
): Promise<EnsuredPublication> {
  const plan = await planPublication(session, request);
  const { name } = request.publication;
  switch (plan.tag) {
    case 'refuse':
      throw plan.error;
    case 'keep':
      return { publication: plan.publication, change: 'none' };
    case 'alter':
      await addTables(session, plan.sql, options);
      return { publication: await reload(session, name), change: 'altered' };
    case 'create': {
      const created = await createPublication(session, request, options);
      return created === undefined ? ensurePublication(session, request, options) : { publication: created, change: 'created' };
    }
  }
}

/** Throws `publication_incomplete` with the SQL that mends it. */
export async function requireCovered(session: PgSession, publication: PublicationState, captured: readonly ListedTable[]): Promise<void> {
  const uncovered = await loadUncovered(session, publication, captured);
  if (uncovered.length === 0) return;
  const tables = uncovered.map(({ schema, table }) => `${schema}.${table}`);
  const sql = addTablesSql(publication.name, uncovered);
  throw new SlotlineError('publication_incomplete', { ...where(session), publication: publication.name, tables, sql });
}

/** The statement that the mode runs. With `disabled` it is for a person, and names the captured tables. */
function createPublicationSql(request: PublicationRequest): string {
  const { name, autocreateMode, viaPartitionRoot } = request.publication;
  const parameters: string[] = [];
  if (viaPartitionRoot) parameters.push('publish_via_partition_root = true');
  if (request.events.skippedOperationsGiven) parameters.push(`publish = '${publishedList(request.events.skippedOperations)}'`);
  const withClause = parameters.length === 0 ? '' : ` with (${parameters.join(', ')})`;
  return `create publication ${quoteIdentifier(name)}${tablesClause(autocreateMode, request.captured)}${withClause}`;
}

export function addTablesSql(name: string, tables: readonly NamedTable[]): string {
  return `alter publication ${quoteIdentifier(name)} add table ${tableList(tables)}`;
}

function tablesClause(mode: PublicationOptions['autocreateMode'], captured: readonly ListedTable[]): string {
  if (mode === 'all_tables') return ' for all tables';
  if (mode === 'no_tables') return '';
  return ` for table ${namedTables(captured)}`;
}

/** An unlogged table cannot be published. */
function namedTables(captured: readonly ListedTable[]): string {
  const logged = captured.filter((table) => !table.unlogged);
  if (logged.length === 0) throw new SlotlineError('table_none_captured', {});
  return tableList(logged);
}

type NamedTable = Pick<ListedTable, 'schema' | 'table'>;

function tableList(tables: readonly NamedTable[]): string {
  return tables.map(quoteTable).join(', ');
}

const PUBLISH_WORDS: readonly (readonly [PublishedOperation, string])[] = [
  ['c', 'insert'],
  ['u', 'update'],
  ['d', 'delete'],
  ['t', 'truncate'],
];

function publishedList(skipped: ReadonlySet<PublishedOperation>): string {
  return PUBLISH_WORDS.filter(([operation]) => !skipped.has(operation))
    .map(([, word]) => word)
    .join(', ');
}

/** Undefined where another process created it in between. */
async function createPublication(
  session: PgSession,
  request: PublicationRequest,
  options: QueryOptions,
): Promise<PublicationState | undefined> {
  try {
    await run(session, createPublicationSql(request), options);
  } catch (error) {
    if (error instanceof SlotlineError && error.details.sqlState === DUPLICATE_OBJECT) return undefined;
    throw error;
  }
  return reload(session, request.publication.name);
}

const DUPLICATE_OBJECT = '42710';

/** It is no error if another process added one of the tables meanwhile. The check of the coverage finds what is still missing. */
async function addTables(session: PgSession, sql: string, options: QueryOptions): Promise<void> {
  try {
    await run(session, sql, options);
  } catch (error) {
    if (!(error instanceof SlotlineError) || error.details.sqlState !== DUPLICATE_OBJECT) throw error;
  }
}

/**
 * Members that are not captured. PostgreSQL does not tell who else reads a publication, so they stay in it: other readers would silently
 * miss a table that is taken out, while we only skip its rows.
 */
export function foreignMembers(publication: PublicationState, captured: readonly ListedTable[]): number[] {
  const wanted = new Set(captured.map(({ oid }) => oid));
  return publication.members.map(({ oid }) => oid).filter((oid) => !wanted.has(oid));
}

async function reload(session: PgSession, name: string): Promise<PublicationState> {
  const publication = await loadPublication(session, name);
  if (publication === undefined) throw new SlotlineError('publication_missing', { ...where(session), publication: name });
  return publication;
}

async function run(session: PgSession, sql: string, options: QueryOptions): Promise<void> {
  try {
    await session.simple(sql, { ...options, subject: 'publication' });
  } catch (error) {
    if (error instanceof SlotlineError) throw new SlotlineError(error.code, { ...error.details, sql }, { cause: error });
    throw error;
  }
}

function where(session: PgSession): ErrorDetails {
  return { ...session.address };
}
