/**
 * Owns what is judged of the publication: what the start would do to it (planned in postgres/catalog/publication.ts), whether the role may,
 * what it leaves out, and which tables of the database could not be updated or deleted from because of it.
 */
import type { TaskOptions } from '../../core/options.ts';
import { type BlockedTable, type BlockingReason, loadBlockedTables, unblockingSql } from '../../postgres/catalog/blocked-writes.ts';
import type { ListedTable } from '../../postgres/catalog/catalog.ts';
import {
  addTablesSql,
  foreignMembers,
  loadUncovered,
  type PublicationPlan,
  type PublicationRequest,
  type PublicationState,
  type PublishedOperation,
  planPublication,
} from '../../postgres/catalog/publication.ts';
import type { IdentityChange } from '../../postgres/catalog/replica-identity.ts';
import { quoteIdentifier, quoteTable } from '../../postgres/identifiers.ts';
import type { PgSession } from '../../postgres/session/open-session.ts';
import type { ServerFacts } from '../../postgres/session/server-facts.ts';
import { count, fail, failure, type Judgement, NAMES_MAX, nameOf, ok, shorten, warn } from './judgement.ts';

const CHECK = 'postgres.publication';

type PublicationQuestion = {
  readonly facts: Pick<ServerFacts, 'inRecovery'>;
  readonly captured: readonly ListedTable[];
  /** The replica identities that the start sets right after the publication. */
  readonly changes: readonly IdentityChange[];
};

export type PublicationVerdict = { readonly items: readonly Judgement[]; readonly plan: PublicationPlan };

export async function judgePublication(
  session: PgSession,
  options: Pick<TaskOptions, 'events' | 'filter' | 'publication'>,
  question: PublicationQuestion,
): Promise<PublicationVerdict> {
  const { publication, events } = options;
  const { captured } = question;
  const request: PublicationRequest = { publication, events, captured, inRecovery: question.facts.inRecovery };
  const plan = await planPublication(session, request);
  const items = [...(await judgePlan(session, options, { plan, request }))];
  if (plan.tag === 'keep' || plan.tag === 'alter') items.push(...judgeContents(request, plan));
  if (plan.tag !== 'refuse')
    items.push(...judgeBlocked(await blockedBy(session, request, plan), { ...question, name: publication.name, plan }));
  return { items, plan };
}

type Planned = { readonly plan: PublicationPlan; readonly request: PublicationRequest };

async function judgePlan(
  session: PgSession,
  options: Pick<TaskOptions, 'filter'>,
  { plan, request }: Planned,
): Promise<readonly Judgement[]> {
  const { name, autocreateMode } = request.publication;
  switch (plan.tag) {
    case 'refuse':
      return judgeRefused(plan.error, request);
    case 'create': {
      const obstacle = await creationObstacle(session, request);
      if (obstacle !== undefined) return [mayNot(`The start may not create the publication ${name}`, obstacle, plan.sql)];
      const uncovered = autocreateMode === 'no_tables' ? request.captured.filter(({ unlogged }) => !unlogged) : [];
      if (uncovered.length > 0) return [judgeUncovered(uncovered, request, options)];
      return [ok(CHECK, `The publication ${name} does not exist yet; the start creates it (${autocreateMode})`)];
    }
    case 'alter': {
      const what = `The publication ${name} does not send ${shorten(plan.added.map(nameOf))}`;
      const obstacle = await alterationObstacle(session, name, plan.added);
      return [obstacle === undefined ? ok(CHECK, `${what}; the start adds them`) : mayNot(what, obstacle, plan.sql)];
    }
    case 'keep': {
      const uncovered = await loadUncovered(session, plan.publication, request.captured);
      if (uncovered.length === 0) return [ok(CHECK, `The publication ${name} sends every captured table`)];
      return [judgeUncovered(uncovered, request, options)];
    }
  }
}

function judgeRefused(error: Extract<PublicationPlan, { tag: 'refuse' }>['error'], request: PublicationRequest): readonly Judgement[] {
  const { name } = request.publication;
  const { sql } = error.details;
  const start = { error };
  switch (error.code) {
    case 'publication_missing': {
      const remedy = 'By a role that owns the tables and may create in the database.';
      const extra = { sql: typeof sql === 'string' ? [sql] : [], remedy, start };
      return [fail(CHECK, error.code, `The publication ${name} does not exist`, extra)];
    }
    case 'publication_unsuitable': {
      const what = `The publication ${name} is for all tables and publication.autocreate.mode is filtered`;
      return [fail(CHECK, error.code, what, { sql: [`drop publication ${quoteIdentifier(name)}`], start })];
    }
    // checkCaptured() reports it.
    case 'table_none_captured':
      return [];
    default:
      return [failure(CHECK, error)];
  }
}

function mayNot(what: string, obstacle: string, sql: string): Judgement {
  return fail(CHECK, 'pg_privilege_missing', what, { sql: [sql], remedy: `${obstacle} By a role that may:`, start: { tried: true } });
}

/** Fails when the config names tables. Warns when it captures whatever there is: then whatever is published is taken as wanted. */
function judgeUncovered(uncovered: readonly ListedTable[], request: PublicationRequest, options: Pick<TaskOptions, 'filter'>): Judgement {
  const { name } = request.publication;
  const sql = [addTablesSql(name, uncovered)];
  const what = `The publication ${name} does not send ${shorten(uncovered.map(nameOf))}`;
  // The start tries anyway: it adjusts the publication first, and then refuses by an error of its own (source/tables.ts).
  if (namesTables(options)) return fail(CHECK, 'publication_incomplete', what, { sql, start: { tried: true } });
  return warn(CHECK, what, { sql, start: { event: 'publication.incomplete' } });
}

/** True when the config names tables or schemas to include, instead of capturing whatever there is. */
export function namesTables({ filter }: Pick<TaskOptions, 'filter'>): boolean {
  return filter.tableInclude.length + filter.schemaInclude.length > 0;
}

type RightsRow = { isSuperuser: boolean; mayCreate: boolean; foreign: string[] };

/** What the role may do. Owning a table through membership in a role counts, as it does for the server. */
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

const OWNS_SQL = `
select pg_catalog.pg_has_role(p.pubowner, 'usage') as "owns" from pg_catalog.pg_publication p where p.pubname = $1`;

async function alterationObstacle(session: PgSession, name: string, added: readonly ListedTable[]): Promise<string | undefined> {
  const rows = await session.query<{ owns: boolean }>(OWNS_SQL, [name]);
  if (rows[0]?.owns === false) return 'The role does not own the publication.';
  const rights = await session.query<RightsRow>(RIGHTS_SQL, [added.map(({ oid }) => oid)]);
  const foreign = rights[0]?.isSuperuser === true ? [] : (rights[0]?.foreign ?? []);
  return foreign.length === 0 ? undefined : `The role does not own ${shorten(foreign)}.`;
}

const OPERATION_WORDS: readonly (readonly [PublishedOperation, string])[] = [
  ['c', 'insert'],
  ['u', 'update'],
  ['d', 'delete'],
  ['t', 'truncate'],
];

type Existing = Extract<PublicationPlan, { tag: 'keep' | 'alter' }>;

function judgeContents(request: PublicationRequest, { publication: existing }: Existing): readonly Judgement[] {
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
  if (request.publication.autocreateMode === 'filtered') items.push(...judgeShared(request, existing));
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

/** Tables of the publication that are not captured stay in it: another connector or a subscriber may read them. */
function judgeShared(request: PublicationRequest, existing: PublicationState): readonly Judgement[] {
  const tables = foreignMembers(existing, request.captured).length;
  if (tables === 0) return [];
  const message = 'It names tables that are not captured';
  const remedy = 'If nobody else reads them from it: alter publication … drop table …';
  const start = { event: 'publication.shared', fields: { publication: existing.name, tables, message } };
  return [
    warn('postgres.publication_shared', `The publication ${existing.name} names ${count(tables, 'table')} that are not captured`, {
      remedy,
      start,
    }),
  ];
}

/** The tables that block writes with the publication as the start leaves it. */
async function blockedBy(session: PgSession, request: PublicationRequest, plan: PublicationPlan): Promise<readonly BlockedTable[]> {
  const oidsOf = (tables: readonly ListedTable[]): number[] => tables.filter(({ unlogged }) => !unlogged).map(({ oid }) => oid);
  const { publication, events, captured } = request;
  switch (plan.tag) {
    case 'refuse':
      return [];
    case 'keep':
      return await loadBlockedTables(session, plan.publication.name);
    case 'alter':
      return await loadBlockedTables(session, plan.publication.name, oidsOf(plan.added));
    case 'create': {
      const publishes = (operation: 'u' | 'd'): boolean => !events.skippedOperationsGiven || !events.skippedOperations.has(operation);
      return await loadBlockedTables(session, {
        allTables: publication.autocreateMode === 'all_tables',
        viaPartitionRoot: publication.viaPartitionRoot,
        publishesUpdates: publishes('u'),
        publishesDeletes: publishes('d'),
        publishesGenerated: false,
        members: publication.autocreateMode === 'filtered' ? oidsOf(captured) : [],
      });
    }
  }
}

const REASON_WORDS: Readonly<Record<BlockingReason, string>> = {
  identity: 'have no replica identity',
  filter: 'have a WHERE in the publication that reads more than their replica identity',
  columns: 'have a column list in the publication that lacks columns of their replica identity',
  generated: 'have a generated column in their replica identity that is not published',
  virtual: 'have a virtual column in their replica identity',
};

type Blocked = PublicationQuestion & { readonly name: string; readonly plan: PublicationPlan };

/** Warns, before the publication is made, that the server will refuse UPDATE and DELETE of these tables, whether captured or not. */
function judgeBlocked(blocked: readonly BlockedTable[], { name, plan, captured, changes }: Blocked): readonly Judgement[] {
  const mended = new Set(changes.filter(({ identity }) => identity.tag !== 'nothing').map(({ oid }) => oid));
  const tables = blocked.filter(({ oid, reason }) => !(reason === 'identity' && mended.has(oid)));
  if (tables.length === 0) return [];
  const capturedOids = new Set(captured.map(({ oid }) => oid));
  const notCaptured = tables.filter(({ oid }) => !capturedOids.has(oid)).length;
  const reasons = [...Map.groupBy(tables, ({ reason }) => reason)].map(([reason, of]) => `${of.length} ${REASON_WORDS[reason]}`);
  const verb = plan.tag === 'keep' ? 'makes' : 'will make';
  const others = notCaptured === 0 ? '' : ` (${notCaptured} of them not captured)`;
  const what = `The publication ${name} ${verb} the server refuse UPDATE and DELETE of ${count(tables.length, 'table')}${others}: ${reasons.join(', ')}`;
  const sql = tables.slice(0, NAMES_MAX).flatMap((table) => unblockingSql(table, name) ?? []);
  const remedy =
    'Applications that write to them fail from then on. Give them a primary key, or run the SQL; for tables that are not captured publication.autocreate.mode=filtered leaves them alone.';
  const fields = { tables: tables.length, notCaptured };
  return [
    warn('postgres.publication_blocks_writes', what, {
      where: shorten(tables.map(nameOf)),
      sql,
      remedy,
      start: { event: 'publication.blocks_writes', fields },
    }),
  ];
}
