/** Owns what a person is told to do after a change of the source: the snapshot, the slot, the SQL. Pure. docs/operating.md says the same. */
import type { TaskOptions } from '../../core/options.ts';
import { quoteIdentifier, quoteLiteral } from '../../postgres/identifiers.ts';

const TABLES_SHOWN = 20;

export function shownList(tables: readonly string[]): readonly string[] | undefined {
  if (tables.length === 0) return undefined;
  return tables.length <= TABLES_SHOWN ? tables : [...tables.slice(0, TABLES_SHOWN), `… ${tables.length - TABLES_SHOWN} more`];
}

export function shown(tables: readonly string[]): string {
  return (shownList(tables) ?? []).join(', ');
}

/** Tells how to take a snapshot of these tables alone. The slot stays. */
export function snapshotRemedy(tables: readonly string[], options: Pick<TaskOptions, 'publication'>): string {
  const list =
    tables.length === 0 || tables.length > TABLES_SHOWN ? '' : ` and snapshot.include.collection.list=${tables.map(asPattern).join(',')}`;
  const right = `Put the publication ${options.publication.name} right, then start once with snapshot.mode=always${list}`;
  return `${right}: that sends every row that is there now; deletes that were missed are not in it. slotline.source.changed.action=warn goes on without.`;
}

/** A list's entries are regular expressions that are separated by commas, and a dot matches anything: both are escaped. */
function asPattern(table: string): string {
  return table.replaceAll(/[\\^$.*+?()[\]{}|,]/g, (sign) => `\\${sign}`);
}

export function newSlotRemedy(options: Pick<TaskOptions, 'publication' | 'slot'>): string {
  const slot = quoteLiteral(options.slot.name);
  return `Make the publication ${quoteIdentifier(options.publication.name)} again if it is gone, drop the slot (select pg_drop_replication_slot(${slot})) and start with snapshot.mode=when_needed: before version 18 PostgreSQL cannot read past changes that were made while the publication was missing.`;
}

export function standingRemedy(kind: string, { publication, database }: Pick<TaskOptions, 'database' | 'publication'>): string {
  switch (kind) {
    case 'publication_missing':
      return `Make the publication ${publication.name} again; rows that are written until then are missing.`;
    case 'table_uncovered':
      return `alter publication ${quoteIdentifier(publication.name)} add table …, then a snapshot of what the tables hold by then.`;
    case 'role_replication':
      return `alter role ${quoteIdentifier(database.user)} replication`;
    case 'role_login':
      return `Let the role ${quoteIdentifier(database.user)} log in to the database again: LOGIN, VALID UNTIL, CONNECT.`;
    case 'slots_used_up':
      return 'Drop a slot that nobody needs, or raise max_replication_slots.';
    case 'walsenders_used_up':
      return 'End a connection that nobody needs, or raise max_wal_senders.';
    default:
      return 'See the log: source.changed.';
  }
}
