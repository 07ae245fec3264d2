/**
 * Owns the checks of the captured tables: that there are any, grants for the snapshot, row-level security, replica identity, keys. Does
 * not look at the publication (publication.ts) or at topics (cli/check/kafka.ts).
 */
import type { TaskOptions } from '../../core/options.ts';
import { compileAny, compilePattern, type TableFilter } from '../../events/filter.ts';
import { selectKey } from '../../events/row-plan.ts';
import { type ListedTable, listTables, loadTables, type TableDescription, tableFacts } from '../../postgres/catalog/catalog.ts';
import type { PublicationPlan } from '../../postgres/catalog/publication.ts';
import { quoteIdentifier, quoteTable } from '../../postgres/identifiers.ts';
import type { PgSession } from '../../postgres/session/open-session.ts';
import type { StartDecision } from '../../snapshot/decision.ts';
import { findOverride } from '../../snapshot/select-override.ts';
import { count, fail, type Judgement, nameOf, ok, shorten, warn } from './judgement.ts';
import { isSnapshot } from './start.ts';

export type CapturedTables = {
  /** Every table of the database. */
  readonly all: readonly ListedTable[];
  readonly captured: readonly TableDescription[];
  /** Partitions that are not captured although their root is. The server uses their replica identity for the root's changes. */
  readonly hiddenPartitions: readonly TableDescription[];
};

export async function loadCaptured(session: PgSession, filter: TableFilter): Promise<CapturedTables> {
  const all = await listTables(session);
  const captured = all.filter(({ schema, table }) => filter.includesTable(schema, table));
  const capturedOids = new Set(captured.map(({ oid }) => oid));
  const hidden = all.filter(
    ({ oid, kind, partitionRootOid }) =>
      kind === 'table' && !capturedOids.has(oid) && partitionRootOid !== undefined && capturedOids.has(partitionRootOid),
  );
  const described = await loadTables(
    session,
    [...captured, ...hidden].map(({ oid }) => oid),
  );
  const pick = (tables: readonly ListedTable[]): TableDescription[] =>
    tables.map(({ oid }) => described.get(oid)).filter((table) => table !== undefined);
  return { all, captured: pick(captured), hiddenPartitions: pick(hidden) };
}

/** No captured table is a failure only if the publication must name its tables. Otherwise tables that are made later will be captured. */
export function checkCaptured(tables: CapturedTables, options: Pick<TaskOptions, 'filter'>, plan: PublicationPlan): Judgement[] {
  const { captured } = tables;
  if (captured.length === 0) {
    const remedy = 'Check the schema and table include and exclude lists, and that the tables exist in this database.';
    const error = plan.tag === 'refuse' && plan.error.code === 'table_none_captured' ? plan.error : undefined;
    if (error !== undefined) return [fail('tables.captured', error.code, 'No table is captured', { remedy, start: { error } })];
    return [warn('tables.captured', 'No table is captured', { remedy })];
  }
  const names = captured.map(nameOf);
  const items = [ok('tables.captured', `${count(captured.length, 'table')} captured: ${shorten(names)}`)];
  for (const pattern of options.filter.tableInclude) {
    if (names.some((name) => compilePattern(pattern).test(name))) continue;
    items.push(warn('tables.include', `table.include.list has an entry that matches no table: ${pattern}`));
  }
  const unlogged = captured.filter((table) => table.unlogged);
  if (unlogged.length > 0) {
    const sql = unlogged.map((table) => `alter table ${quoteTable(table)} set logged`);
    items.push(warn('tables.unlogged', `Unlogged tables are snapshotted and never streamed: ${shorten(unlogged.map(nameOf))}`, { sql }));
  }
  return items;
}

type GrantRow = { oid: number; mayRead: boolean; mayUse: boolean; isFiltered: boolean };

/** SELECT may be granted column by column. Then it must be granted for every column, since the snapshot names them all. */
const GRANTS_SQL = `
select c.oid, pg_catalog.has_table_privilege(c.oid, 'select')
              or (pg_catalog.has_any_column_privilege(c.oid, 'select')
                  and not exists (select from pg_catalog.pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
                                     and not pg_catalog.has_column_privilege(c.oid, a.attnum, 'select'))) as "mayRead",
       pg_catalog.has_schema_privilege(c.relnamespace, 'usage') as "mayUse",
       pg_catalog.row_security_active(c.oid) as "isFiltered"
  from pg_catalog.pg_class c where c.oid = any($1::oid[])`;

/** Checks SELECT on the tables and USAGE on their schemas. The snapshot needs both, the stream needs neither. */
export async function checkGrants(
  session: PgSession,
  options: Pick<TaskOptions, 'database' | 'snapshot'>,
  { captured, decision }: { readonly captured: readonly TableDescription[]; readonly decision: StartDecision | undefined },
): Promise<Judgement[]> {
  if (options.snapshot.mode === 'no_data') return [ok('tables.grants', 'No grants are needed: snapshot.mode=no_data reads no table')];
  if (decision !== undefined && !isSnapshot(decision)) return [ok('tables.grants', 'No grants are needed: the start reads no table')];
  const read = captured.filter((table) => isReadWhole(options, table));
  const rows = await session.query<GrantRow>(GRANTS_SQL, [read.map(({ oid }) => oid)]);
  const byOid = new Map(rows.map((row) => [row.oid, row]));
  const role = quoteIdentifier(options.database.user);
  const unusable = read.filter(({ oid }) => byOid.get(oid)?.mayUse === false);
  const unreadable = read.filter(({ oid }) => byOid.get(oid)?.mayRead === false);
  const items: Judgement[] = [];
  if (unusable.length + unreadable.length > 0) {
    const schemas = [...new Set(unusable.map(({ schema }) => schema))];
    const sql = schemas.map((schema) => `grant usage on schema ${quoteIdentifier(schema)} to ${role}`);
    if (unreadable.length > 0) sql.push(`grant select on ${unreadable.map(quoteTable).join(', ')} to ${role}`);
    const names = shorten([...new Set([...unusable, ...unreadable].map(nameOf))]);
    items.push(
      fail('tables.grants', 'pg_privilege_missing', `The snapshot may not read ${names}`, {
        sql,
        remedy: 'By their owner or a superuser.',
      }),
    );
  } else {
    items.push(ok('tables.grants', 'The role may read every captured table'));
  }
  const filtered = read.filter(({ oid }) => byOid.get(oid)?.isFiltered === true);
  if (filtered.length > 0) {
    const what = `Row-level security hides rows of ${shorten(filtered.map(nameOf))} from this role`;
    const remedy = 'By a superuser. The snapshot refuses to read such a table rather than leave rows out.';
    items.push(fail('tables.row_security', 'pg_privilege_missing', what, { sql: [`alter role ${role} bypassrls`], remedy }));
  }
  return items;
}

/** True when the snapshot reads the table by a SELECT of its own, not by one of the config. */
function isReadWhole({ snapshot }: Pick<TaskOptions, 'snapshot'>, table: TableDescription): boolean {
  const { includeCollections, selectOverrides } = snapshot;
  if (includeCollections.length > 0 && !compileAny(includeCollections)(nameOf(table))) return false;
  return findOverride(selectOverrides, table) === undefined;
}

/** Lists each table whose updates and deletes the server cannot identify; the others are only counted. */
export function checkReplicaIdentity(tables: CapturedTables): Judgement[] {
  const streamed = [...tables.captured, ...tables.hiddenPartitions].filter((table) => table.kind === 'table' && !table.unlogged);
  const silent = streamed.filter(identifiesNoRow);
  const items: Judgement[] = silent.map((table) =>
    warn('tables.replica_identity', identityProblem(table), {
      where: nameOf(table),
      sql: [`alter table ${quoteTable(table)} replica identity full`],
      remedy: 'The server refuses updates and deletes of it while they are published: only inserts come. Give it a primary key, or:',
    }),
  );
  const counts = new Map<string, number>();
  for (const table of streamed) {
    if (silent.includes(table)) continue;
    const text = IDENTITY_TEXT[table.replicaIdentity];
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  for (const [text, tableCount] of counts)
    items.push(ok('tables.replica_identity', `${count(tableCount, 'table')} with replica identity ${text}`));
  return items;
}

export function identifiesNoRow(table: TableDescription): boolean {
  if (table.replicaIdentity === 'nothing') return true;
  if (table.replicaIdentity === 'index') return table.replicaIdentityIndexColumns.length === 0;
  return table.replicaIdentity === 'default' && table.primaryKey.length === 0;
}

function identityProblem(table: TableDescription): string {
  if (table.replicaIdentity === 'nothing') return 'Replica identity is nothing';
  return table.replicaIdentity === 'index' ? 'The index of the replica identity is gone' : 'No primary key and replica identity default';
}

const IDENTITY_TEXT: Readonly<Record<TableDescription['replicaIdentity'], string>> = {
  default: 'default: `before` has the key only, a large value that did not change comes as the placeholder',
  full: 'full: `before` is whole',
  index: 'using an index: `before` has its columns only',
  nothing: 'nothing',
};

export function keyOf(table: TableDescription, options: Pick<TaskOptions, 'events'>): readonly string[] {
  const columns = table.columns.map(({ name, typeOid, typmod }) => ({ name, typeOid, typmod, inKey: false }));
  const { keyColumns, valueCorrections } = options.events;
  const settings = { keyColumns, corrected: valueCorrections.has('keys') };
  return selectKey({ schema: table.schema, table: table.table, columns }, tableFacts(table), settings);
}

/** True when updates and deletes carry the old value of the column. */
export function isIdentified(table: TableDescription, column: string): boolean {
  if (table.replicaIdentity === 'full') return true;
  return (table.replicaIdentity === 'index' ? table.replicaIdentityIndexColumns : table.primaryKey).includes(column);
}
