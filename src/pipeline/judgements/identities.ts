/** Owns the check of replica.identity.autoset.values: which tables the start would alter, and which it may not. Changes nothing. */
import type { TaskOptions } from '../../core/options.ts';
import { chooseIdentities } from '../../events/filter.ts';
import type { TableDescription } from '../../postgres/catalog/catalog.ts';
import { type IdentityChange, planIdentityChanges } from '../../postgres/catalog/replica-identity.ts';
import type { PgSession } from '../../postgres/session/open-session.ts';
import type { ServerFacts } from '../../postgres/session/server-facts.ts';
import { type Judgement, nameOf, ok, warn } from './judgement.ts';
import type { CapturedTables } from './tables.ts';

export const IDENTITY_CHANGES = 'tables.replica_identity_autoset';
const CHECK = IDENTITY_CHANGES;

export async function checkIdentityChanges(
  session: PgSession,
  options: Pick<TaskOptions, 'publication'>,
  server: { readonly facts: ServerFacts; readonly captured: readonly TableDescription[] },
): Promise<{ readonly items: Judgement[]; readonly changes: readonly IdentityChange[] }> {
  const rules = options.publication.replicaIdentities;
  if (rules.length === 0) return { items: [], changes: [] };
  const { wanted, ambiguous: unclear } = chooseIdentities(rules, server.captured);
  const items = unclear.map(ambiguous);
  const changes = await planIdentityChanges(session, wanted);
  items.push(...changes.map((change) => changeItem(change, server.facts)));
  if (items.length === 0) items.push(ok(CHECK, `Replica identities are as replica.identity.autoset.values asks: ${wanted.length} tables`));
  return { items, changes: server.facts.inRecovery ? [] : changes.filter(({ mayAlter }) => mayAlter) };
}

/** The tables as they will be after the changes that the start makes. */
export function withChanges(tables: CapturedTables, changes: readonly IdentityChange[]): CapturedTables {
  const byOid = new Map(changes.map((change) => [change.oid, change]));
  const captured = tables.captured.map((table) => {
    const identity = byOid.get(table.oid)?.identity.tag;
    // The index's columns are not looked up: all are assumed. An unsuitable index is refused by the server.
    const indexColumns = identity === 'index' ? table.columns.map(({ name }) => name) : table.replicaIdentityIndexColumns;
    return identity === undefined ? table : { ...table, replicaIdentity: identity, replicaIdentityIndexColumns: indexColumns };
  });
  return { ...tables, captured };
}

function ambiguous(table: TableDescription): Judgement {
  const what = 'More than one entry of replica.identity.autoset.values matches: the start leaves the replica identity as it is';
  return warn(CHECK, what, { where: nameOf(table), remedy: 'Let one entry match.' });
}

function changeItem(change: IdentityChange, facts: ServerFacts): Judgement {
  const extra = { where: change.table, sql: [change.sql] };
  const what = `Replica identity is ${change.from} and is to be ${change.to}`;
  if (facts.inRecovery) return warn(CHECK, `${what}: this server is a standby`, { ...extra, remedy: 'On the primary:' });
  if (!change.mayAlter) return warn(CHECK, `${what}: the role does not own the table`, { ...extra, remedy: 'By its owner:' });
  return ok(CHECK, `${what}: the start sets it`, extra);
}
