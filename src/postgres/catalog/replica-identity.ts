/**
 * Owns setting the replica identity of tables (replica.identity.autoset.values): what a table has now, the statement that
 * changes it, running it. Which table is to have which identity is told by the caller (events/filter.ts matches names).
 * Source: io.debezium.connector.postgresql.connection.PostgresReplicationConnection, initReplicaIdentity.
 */
import { SlotlineError, toSlotlineError } from '../../core/errors.ts';
import type { ReplicaIdentityRule } from '../../core/options.ts';
import { quoteIdentifier, quoteTable } from '../identifiers.ts';
import type { PgSession } from '../session/open-session.ts';

export type WantedIdentity = {
  readonly table: { readonly oid: number; readonly schema: string; readonly table: string };
  readonly identity: ReplicaIdentityRule['identity'];
};

export type IdentityChange = {
  readonly oid: number;
  /** `schema.table` */
  readonly table: string;
  readonly identity: ReplicaIdentityRule['identity'];
  /** As SQL writes it: `full`, `using index "i"`. */
  readonly from: string;
  readonly to: string;
  readonly sql: string;
  /** True where the role is the owner, or a member of the owner: others may not change the table. */
  readonly mayAlter: boolean;
};

/** Plans the changes that are due. Tables that have the wanted identity already, and tables that are gone, need none. */
export async function planIdentityChanges(session: PgSession, wanted: readonly WantedIdentity[]): Promise<IdentityChange[]> {
  if (wanted.length === 0) return [];
  const rows = await session.query<IdentityRow>(IDENTITIES_SQL, [wanted.map(({ table }) => table.oid)]);
  const current = new Map(rows.map((row) => [row.oid, row]));
  const changes: IdentityChange[] = [];
  for (const { table, identity } of wanted) {
    const row = current.get(table.oid);
    if (row === undefined) continue;
    const from = row.identity === 'i' ? usingIndex(row.identityIndex ?? '') : (IDENTITY_WORDS[row.identity] ?? '');
    const to = identity.tag === 'index' ? usingIndex(indexName(identity.index, row.indexes)) : identity.tag;
    if (from === to) continue;
    const sql = `alter table ${quoteTable(table)} replica identity ${to}`;
    changes.push({ oid: table.oid, table: `${table.schema}.${table.table}`, identity, from, to, sql, mayAlter: row.mayAlter });
  }
  return changes;
}

/**
 * Runs one change. Returns the error where the server refuses it (no right, no such index), after which the session goes on;
 * throws where trying again may help: the table's lock was not free in time, the session is lost.
 */
export async function changeIdentity(
  session: PgSession,
  change: IdentityChange,
  lockTimeoutMs: number,
): Promise<SlotlineError | undefined> {
  // The statement needs an exclusive lock. While it waits, every reader of the table waits behind it.
  const sql = `begin; set local lock_timeout = ${lockTimeoutMs}; ${change.sql}; commit`;
  try {
    await session.simple(sql);
    return undefined;
  } catch (thrown) {
    const error = toSlotlineError(thrown);
    const { sqlState } = error.details;
    if (typeof sqlState !== 'string') throw error;
    await session.simple('rollback');
    const told = new SlotlineError(error.code, { ...error.details, table: change.table, sql: change.sql }, { cause: error });
    if (TRY_AGAIN_STATES.has(sqlState)) throw told;
    return told;
  }
}

/** lock_not_available, deadlock_detected, query_canceled. */
const TRY_AGAIN_STATES = new Set(['55P03', '40P01', '57014']);

type IdentityRow = {
  oid: number;
  identity: string;
  identityIndex: string | null;
  indexes: string[];
  mayAlter: boolean;
};

const IDENTITIES_SQL = `
select c.oid, c.relreplident::text as "identity",
       (select x.relname::text from pg_catalog.pg_index i join pg_catalog.pg_class x on x.oid = i.indexrelid
         where i.indrelid = c.oid and i.indisreplident) as "identityIndex",
       array(select x.relname::text from pg_catalog.pg_index i join pg_catalog.pg_class x on x.oid = i.indexrelid
              where i.indrelid = c.oid) as "indexes",
       pg_catalog.pg_has_role(c.relowner, 'usage') as "mayAlter"
  from pg_catalog.pg_class c
 where c.oid = any($1::oid[])`;

const IDENTITY_WORDS: Readonly<Record<string, string>> = { d: 'default', f: 'full', n: 'nothing' };

/** Debezium writes the name without quotes, so that the server folds it; a name in mixed case is found too. */
function indexName(name: string, indexes: readonly string[]): string {
  const folded = name.toLowerCase();
  return !indexes.includes(name) && indexes.includes(folded) ? folded : name;
}

function usingIndex(name: string): string {
  return `using index ${quoteIdentifier(name)}`;
}
