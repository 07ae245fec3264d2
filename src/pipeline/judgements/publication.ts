/** Owns the checks of the publication: what the start would do to it, whether the role may, what it leaves out. */
import type { ResolvedOptions } from '../../core/options.ts';
import type { ListedTable } from '../../postgres/catalog.ts';
import type { PgSession } from '../../postgres/connection.ts';
import { quoteIdentifier, quoteTable } from '../../postgres/identifiers.ts';
import {
  addTablesSql,
  createPublicationSql,
  loadPublication,
  loadUncovered,
  type PublicationRequest,
  type PublicationState,
  type PublishedOperation,
} from '../../postgres/publication.ts';
import type { ServerFacts } from '../../postgres/session.ts';
import { fail, type Judgement, ok, warn } from './judgement.ts';
import { nameOf, shorten } from './tables.ts';

const CHECK = 'postgres.publication';

export async function checkPublication(
  session: PgSession,
  options: ResolvedOptions,
  server: { readonly facts: ServerFacts; readonly captured: readonly ListedTable[] },
): Promise<Judgement[]> {
  const { publication, events } = options;
  const request: PublicationRequest = { publication, events, captured: server.captured, inRecovery: server.facts.inRecovery };
  const existing = await loadPublication(session, publication.name);
  if (existing === undefined) return [await checkMissing(session, request)];
  const coverage = await checkCoverage(session, request, { existing, options });
  return [...coverage, ...checkContents(request, existing)];
}

async function checkMissing(session: PgSession, request: PublicationRequest): Promise<Judgement> {
  const { name, autocreateMode } = request.publication;
  if (autocreateMode === 'disabled' || request.inRecovery) {
    const sql = request.captured.some(({ unlogged }) => !unlogged) ? [createPublicationSql(request)] : [];
    const remedy = 'By a role that owns the tables and may create in the database.';
    return fail(CHECK, 'publication_missing', `The publication ${name} does not exist`, { sql, remedy });
  }
  if (autocreateMode === 'filtered' && request.captured.every(({ unlogged }) => unlogged)) {
    return fail(CHECK, 'table_none_captured', `The publication ${name} cannot be created without a table`);
  }
  const obstacle = await creationObstacle(session, request);
  if (obstacle === undefined) return ok(CHECK, `The publication ${name} does not exist yet; the start creates it (${autocreateMode})`);
  const extra = { sql: [createPublicationSql(request)], remedy: `${obstacle} By a role that may:` };
  return fail(CHECK, 'pg_privilege_missing', `The start may not create the publication ${name}`, extra);
}

type RightsRow = { isSuperuser: boolean; mayCreate: boolean; foreign: string[] };

/** Ownership counts through membership, as the server sees it. */
const RIGHTS_SQL = `
select r.rolsuper as "isSuperuser",
       pg_catalog.has_database_privilege(pg_catalog.current_database(), 'create') as "mayCreate",
       array(select (n.nspname || '.' || c.relname)::text from pg_catalog.pg_class c
               join pg_catalog.pg_namespace n on n.oid = c.relnamespace
              where c.oid = any($1::oid[]) and not pg_catalog.pg_has_role(c.relowner, 'usage')) as "foreign"
  from pg_catalog.pg_roles r where r.rolname = current_user`;

async function creationObstacle(session: PgSession, request: PublicationRequest): Promise<string | undefined> {
  const { autocreateMode } = request.publication;
  const rows = await session.query<RightsRow>(RIGHTS_SQL, [request.captured.map(({ oid }) => oid)]);
  const row = rows[0];
  if (row === undefined || row.isSuperuser) return undefined;
  if (autocreateMode === 'all_tables')
    return 'A publication for all tables takes a superuser; publication.autocreate.mode=filtered does not.';
  if (!row.mayCreate) return `The role lacks CREATE on the database.`;
  if (autocreateMode === 'no_tables' || row.foreign.length === 0) return undefined;
  return `The role does not own ${shorten(row.foreign)}.`;
}

async function checkCoverage(
  session: PgSession,
  request: PublicationRequest,
  found: { readonly existing: PublicationState; readonly options: ResolvedOptions },
): Promise<Judgement[]> {
  const { existing, options } = found;
  const { name, autocreateMode } = request.publication;
  if (autocreateMode === 'filtered' && existing.allTables) {
    const what = `The publication ${name} is for all tables and publication.autocreate.mode is filtered`;
    return [fail(CHECK, 'publication_unsuitable', what, { sql: [`drop publication ${quoteIdentifier(name)}`] })];
  }
  const uncovered = await loadUncovered(session, existing, request.captured);
  if (uncovered.length === 0) return [ok(CHECK, `The publication ${name} sends every captured table`)];
  const sql = [addTablesSql(name, uncovered)];
  const what = `The publication ${name} does not send ${shorten(uncovered.map(nameOf))}`;
  if (autocreateMode === 'filtered') {
    const obstacle = await alterationObstacle(session, request);
    if (obstacle === undefined) return [ok(CHECK, `${what}; the start adds them`)];
    return [fail(CHECK, 'pg_privilege_missing', what, { sql, remedy: `${obstacle} By a role that may:` })];
  }
  const named = options.filter.tableInclude.length + options.filter.schemaInclude.length > 0;
  // Without include lists whatever is published is what is wanted: told, not refused.
  return [named ? fail(CHECK, 'publication_incomplete', what, { sql }) : warn(CHECK, what, { sql })];
}

const OWNS_SQL = `
select pg_catalog.pg_has_role(p.pubowner, 'usage') as "owns" from pg_catalog.pg_publication p where p.pubname = $1`;

async function alterationObstacle(session: PgSession, request: PublicationRequest): Promise<string | undefined> {
  const rows = await session.query<{ owns: boolean }>(OWNS_SQL, [request.publication.name]);
  if (rows[0]?.owns === false) return 'The role does not own the publication.';
  const rights = await session.query<RightsRow>(RIGHTS_SQL, [request.captured.map(({ oid }) => oid)]);
  const foreign = rights[0]?.isSuperuser === true ? [] : (rights[0]?.foreign ?? []);
  return foreign.length === 0 ? undefined : `The role does not own ${shorten(foreign)}.`;
}

const OPERATION_WORDS: readonly (readonly [PublishedOperation, string])[] = [
  ['c', 'insert'],
  ['u', 'update'],
  ['d', 'delete'],
  ['t', 'truncate'],
];

function checkContents(request: PublicationRequest, existing: PublicationState): Judgement[] {
  const items: Judgement[] = [];
  const name = quoteIdentifier(existing.name);
  const sent = OPERATION_WORDS.filter(([operation]) => existing.operations.has(operation)).map(([, word]) => word);
  const wanted = OPERATION_WORDS.filter(([operation]) => !request.events.skippedOperations.has(operation));
  const missing = wanted.map(([, word]) => word).filter((word) => !sent.includes(word));
  if (missing.length > 0) {
    const publish = OPERATION_WORDS.map(([, word]) => word).filter((word) => missing.includes(word) || sent.includes(word));
    const sql = [`alter publication ${name} set (publish = '${publish.join(', ')}')`];
    items.push(warn('postgres.publication_operations', `The publication does not send: ${missing.join(', ')}`, { sql }));
  }
  if (request.publication.viaPartitionRoot && !existing.viaPartitionRoot) {
    const what = 'publish.via.partition.root=true takes effect only when Slotline creates the publication; this one sends partitions';
    const sql = [`alter publication ${name} set (publish_via_partition_root = true)`];
    items.push(warn('postgres.publication_via_root', what, { sql }));
  }
  const byOid = new Map(request.captured.map((table) => [table.oid, table]));
  for (const member of existing.members) {
    const table = byOid.get(member.oid);
    if (table === undefined || !(member.filtersRows || member.listsColumns)) continue;
    const what = member.filtersRows ? 'The publication leaves rows out by a WHERE' : 'The publication leaves columns out by a list';
    const remedy = 'The snapshot reads whole rows and all of them. To send all:';
    const sql = [`alter publication ${name} drop table ${quoteTable(table)}`, addTablesSql(existing.name, [table])];
    items.push(warn('postgres.publication_filter', what, { where: nameOf(table), remedy, sql }));
  }
  return items;
}
