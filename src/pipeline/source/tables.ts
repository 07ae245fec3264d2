/**
 * Owns what is done about the captured tables before anything is read: refusing what is judged wrong (judgements/), setting up the
 * publication, setting replica identities. Does not choose the tables (events/filter.ts) and reads no row.
 */
import { toSlotlineError } from '../../core/errors.ts';
import { chooseIdentities } from '../../events/filter.ts';
import type { Continuity } from '../../offsets/continuity.ts';
import { type ListedTable, listTables } from '../../postgres/catalog/catalog.ts';
import { ensurePublication, requireCovered } from '../../postgres/catalog/publication.ts';
import { changeIdentity, planIdentityChanges } from '../../postgres/catalog/replica-identity.ts';
import { openSession, type PgSession } from '../../postgres/session/open-session.ts';
import type { ServerFacts } from '../../postgres/session/server-facts.ts';
import type { SlotState } from '../../postgres/stream/slot.ts';
import type { StartDecision } from '../../snapshot/decision.ts';
import { IDENTITY_CHANGES } from '../judgements/identities.ts';
import { checkGuardrail, checkTopicNames } from '../judgements/names.ts';
import { judgePreconditions } from '../judgements/preconditions.ts';
import { namesTables } from '../judgements/publication.ts';
import { refuseFaults, tellWarnings } from '../judgements/told.ts';
import type { AttemptContext } from '../life/attempt-context.ts';
import { watched } from '../reading/wait-watch.ts';

type Preparation = {
  readonly server: ServerFacts;
  readonly slot: SlotState | undefined;
  readonly decision: StartDecision;
  readonly continuity: Continuity;
  readonly hasRun: boolean;
  /** The task judges for the first time: everything that `check` knows is judged. Later attempts look only at names and the publication. */
  readonly isFirst: boolean;
};

type TablesContext = Pick<AttemptContext, 'clock' | 'filter' | 'live' | 'log' | 'options' | 'signal' | 'sql'>;

/** Throws what `check` fails for, and what the publication and the replica identities need and do not get. */
export async function prepareTables(context: TablesContext, { server, isFirst, ...known }: Preparation): Promise<void> {
  const { sql, options, filter, log } = context;
  if (isFirst) {
    const judgements = await judgePreconditions(sql, options, { facts: server, ...known });
    refuseFaults(log, judgements);
    // Changes of replica identities are logged where they are made.
    tellWarnings(
      log,
      judgements.filter(({ check }) => check !== IDENTITY_CHANGES),
    );
  }
  const captured = (await listTables(sql)).filter((table) => filter.includesTable(table.schema, table.table));
  if (!isFirst) refuseFaults(log, [...checkGuardrail(options, captured), ...checkTopicNames(options, captured)]);
  await publishTables(context, server, captured);
  await setReplicaIdentities(context, server, captured);
}

/** Creates or adjusts the publication. Refuses when it lacks a captured table and the config names tables: that would never be streamed. */
async function publishTables(context: TablesContext, server: ServerFacts, captured: readonly ListedTable[]): Promise<void> {
  const { sql, options, log } = context;
  const request = { publication: options.publication, events: options.events, captured, inRecovery: server.inRecovery };
  const ensuring = ensurePublication(sql, request, { signal: context.signal });
  const { publication, change } = await watchedDdl(context, `Setting up the publication ${options.publication.name}`, ensuring);
  if (change !== 'none') log.info('publication.ensured', { publication: options.publication.name, change });
  try {
    await requireCovered(sql, publication, captured);
  } catch (error) {
    const known = toSlotlineError(error);
    if (known.code !== 'publication_incomplete' || namesTables(options)) throw known;
  }
}
/** If the server refuses a change, that is logged, and the table keeps its replica identity, as with Debezium. */
async function setReplicaIdentities(context: TablesContext, server: ServerFacts, captured: readonly ListedTable[]): Promise<void> {
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
    const changing = changeIdentity(sql, change, options.snapshot.lockTimeoutMs);
    const refused = await watchedDdl(context, `Setting the replica identity of ${table}`, changing);
    if (refused === undefined) log.info('replica_identity.set', { table, from, to });
    else log.warn('replica_identity.not_set', { table, from, to, message: refused.message, remedy: refused.remedy });
  }
}

const AMBIGUOUS_REMEDY = 'Two entries of replica.identity.autoset.values match it, so it keeps what it has: let one match.';

/** Watches what the statement waits for. The session that runs it is busy, so another one is opened to look. */
async function watchedDdl<T>(context: TablesContext, what: string, work: Promise<T>): Promise<T> {
  const { sql, options, signal } = context;
  let looking: Promise<PgSession> | undefined;
  const session = (): Promise<PgSession> => {
    looking ??= openSession(options.database, { applicationName: 'Slotline Watch', signal });
    return looking;
  };
  try {
    return await watched(context, { of: 'postgres', what, pid: sql.processId, session, signal }, work);
  } finally {
    await (await looking?.catch(() => undefined))?.close();
  }
}
