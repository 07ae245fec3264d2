/**
 * Owns what is done about the captured tables before the slot is looked at: faults that names alone show, the publication,
 * replica identities. Does not choose the tables (events/filter.ts) and reads no row.
 */
import { SlotlineError, toSlotlineError } from '../core/errors.ts';
import { chooseIdentities } from '../events/filter.ts';
import { findFieldCollisions, findMissingKeyColumns, findTopicCollisions } from '../events/table-checks.ts';
import { type ListedTable, listTables, loadTables } from '../postgres/catalog.ts';
import { ensurePublication, foreignMembers, requireCovered } from '../postgres/publication.ts';
import { changeIdentity, planIdentityChanges } from '../postgres/replica-identity.ts';
import type { ServerFacts } from '../postgres/session.ts';
import type { TaskContext } from './task-context.ts';

/** Throws guardrail_exceeded, topic_name_collision, key_column_missing, field_name_collision, or what publication and replica identities need and lack. */
export async function prepareTables(context: TaskContext, server: ServerFacts): Promise<void> {
  const { sql, filter } = context;
  const captured = (await listTables(sql)).filter((table) => filter.includesTable(table.schema, table.table));
  requireFewTables(context, captured.length);
  await requireSoundNames(context, captured);
  await publishTables(context, server, captured);
  await setReplicaIdentities(context, server, captured);
}

function requireFewTables({ options, log }: TaskContext, tables: number): void {
  const { tablesMax, action } = options.guardrail;
  if (tablesMax === 0 || tables <= tablesMax) return;
  const error = new SlotlineError('guardrail_exceeded', { tables, limit: tablesMax });
  if (action === 'fail') throw error;
  log.warn('guardrail.exceeded', { tables, limit: tablesMax, remedy: error.remedy });
}

/** Every fault at once: a line for each, and the first of them ends the start. */
async function requireSoundNames(context: TaskContext, captured: readonly ListedTable[]): Promise<void> {
  const { events, offsetStorage } = context.options;
  const faults = findTopicCollisions(events, offsetStorage.topic, captured).map(
    ({ topic, claimants }) => new SlotlineError('topic_name_collision', { topic, tables: claimants }),
  );
  if (events.keyColumns.length > 0 || events.fieldNameAdjustment !== 'none') {
    const described = await loadTables(
      context.sql,
      captured.map(({ oid }) => oid),
    );
    for (const { column, tables } of findMissingKeyColumns(events.keyColumns, [...described.values()])) {
      faults.push(new SlotlineError('key_column_missing', { column, tables }));
    }
    for (const collision of findFieldCollisions(events.fieldNameAdjustment, context.filter, [...described.values()])) {
      faults.push(new SlotlineError('field_name_collision', collision));
    }
  }
  const [first] = faults;
  if (first === undefined) return;
  for (const fault of faults) context.log.error('start.fault', { code: fault.code, message: fault.message, remedy: fault.remedy });
  throw first;
}

/**
 * Creates or adjusts the publication. A captured table that it lacks would never be streamed: refused where the config
 * names tables, told where it captures whatever there is.
 */
async function publishTables(context: TaskContext, server: ServerFacts, captured: readonly ListedTable[]): Promise<void> {
  const { sql, options, log } = context;
  const { publication, change } = await ensurePublication(sql, {
    publication: options.publication,
    events: options.events,
    captured,
    inRecovery: server.inRecovery,
  });
  if (change !== 'none') log.info('publication.ensured', { publication: options.publication.name, change });
  if (options.publication.autocreateMode === 'filtered') tellForeignMembers(context, foreignMembers(publication, captured));
  try {
    await requireCovered(sql, publication, captured);
  } catch (error) {
    const known = toSlotlineError(error);
    const named = options.filter.tableInclude.length + options.filter.schemaInclude.length > 0;
    if (known.code !== 'publication_incomplete' || named) throw known;
    log.warn('publication.incomplete', { message: known.message, remedy: known.remedy });
  }
}

/** They stay: another connector or a subscriber may read them from this publication. */
function tellForeignMembers({ options, log }: TaskContext, oids: readonly number[]): void {
  if (oids.length === 0) return;
  const remedy = 'If nobody else reads them from it: alter publication … drop table …';
  log.warn('publication.shared', {
    publication: options.publication.name,
    tables: oids.length,
    message: 'It names tables that are not captured',
    remedy,
  });
}

/** What the server refuses is told and the connector goes on with the identity that the table has, as Debezium does. */
async function setReplicaIdentities(context: TaskContext, server: ServerFacts, captured: readonly ListedTable[]): Promise<void> {
  const { sql, options, log } = context;
  const { wanted, ambiguous } = chooseIdentities(options.publication.replicaIdentities, captured);
  for (const { schema, table } of ambiguous)
    log.warn('replica_identity.ambiguous', { table: `${schema}.${table}`, remedy: AMBIGUOUS_REMEDY });
  for (const change of await planIdentityChanges(sql, wanted)) {
    const { table, from, to } = change;
    if (server.inRecovery) {
      log.warn('replica_identity.not_set', {
        table,
        from,
        to,
        message: 'the server is a standby',
        remedy: `On the primary: ${change.sql}`,
      });
      continue;
    }
    const refused = await changeIdentity(sql, change, options.snapshot.lockTimeoutMs);
    if (refused === undefined) log.info('replica_identity.set', { table, from, to });
    else log.warn('replica_identity.not_set', { table, from, to, message: refused.message, remedy: refused.remedy });
  }
}

const AMBIGUOUS_REMEDY = 'Two entries of replica.identity.autoset.values match it, so it keeps what it has: let one match.';
