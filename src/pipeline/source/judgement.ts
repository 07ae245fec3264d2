/**
 * Owns what a difference between two looks at the source means: which changes lose rows, which only need to be known, and for which tables.
 * Pure. Does not look (postgres/catalog/source-facts.ts) and does not decide what to do (watch.ts).
 */
import type { TableFilter } from '../../events/filter.ts';
import type { SourceFacts, SourceMember, SourcePublication, SourceTable } from '../../postgres/catalog/source-facts.ts';
import { type Sending, sendings, sourceNames } from './sending.ts';

/** `loss`: rows are or may be missing in Kafka. `warning`: a person should look. `info`: nothing is missing. */
type ChangeSeverity = 'loss' | 'warning' | 'info';

export type SourceChange = {
  readonly kind: string;
  readonly severity: ChangeSeverity;
  /** `schema.table`, sorted. Empty when the change is not about tables. */
  readonly tables: readonly string[];
  /** Tables whose rows are missing only if they hold any. */
  readonly oids: readonly number[];
  /** What has changed, in one sentence. */
  readonly what: string;
};

export type JudgementRules = {
  readonly filter: TableFilter;
  /** Operations that the connector does not send anyway. */
  readonly skipped: ReadonlySet<'c' | 'u' | 'd' | 't'>;
  /** The next start may take a snapshot, so the role must be able to read the tables. */
  readonly readsTables: boolean;
};

/** What changed between two looks, the worst first. */
export function judgeSource(before: SourceFacts, after: SourceFacts, rules: JudgementRules): SourceChange[] {
  const changes = [...judgePublication(before, after, rules), ...judgeTables(before, after, rules), ...judgeRights(before, after, rules)];
  const rank: Readonly<Record<ChangeSeverity, number>> = { loss: 0, warning: 1, info: 2 };
  return gathered(changes).sort((one, other) => rank[one.severity] - rank[other.severity]);
}

/** Captured tables whose changes the publication does not send at present. */
export function uncoveredTables(facts: SourceFacts, filter: TableFilter): SourceTable[] {
  const sent = sendings(facts, filter);
  const isWanted = (table: SourceTable): boolean => filter.includesTable(table.schema, table.table);
  return [...facts.tables.values()].filter(
    (table) => !table.isPartitioned && !table.isUnlogged && sent.get(table.oid) === undefined && isWanted(table),
  );
}

/** `schema.table` of everything that is captured and sent. */
export function capturedTables(facts: SourceFacts, { filter }: JudgementRules): string[] {
  return namesOf([...sendings(facts, filter).values()]);
}

/** What is wrong with the source at present, whatever it was before. */
export function standingTroubles(facts: SourceFacts, { filter }: JudgementRules): Pick<SourceChange, 'kind' | 'tables' | 'what'>[] {
  if (facts.publication === undefined) return [{ kind: 'publication_missing', tables: [], what: 'The publication does not exist' }];
  const troubles: Pick<SourceChange, 'kind' | 'tables' | 'what'>[] = [];
  const uncovered = uncoveredTables(facts, filter).map(({ schema, table }) => `${schema}.${table}`);
  const { role, freeSlots, freeWalsenders } = facts;
  if (uncovered.length > 0)
    troubles.push({ kind: 'table_uncovered', tables: uncovered.sort(), what: 'The publication does not send captured tables' });
  if (!role.mayReplicate)
    troubles.push({ kind: 'role_replication', tables: [], what: 'The role lacks REPLICATION: the next connection fails' });
  if (!role.mayConnect)
    troubles.push({ kind: 'role_login', tables: [], what: 'The role may not log in to the database: the next connection fails' });
  if (freeSlots <= 0) troubles.push({ kind: 'slots_used_up', tables: [], what: 'No replication slot is left' });
  if (freeWalsenders <= 0) troubles.push({ kind: 'walsenders_used_up', tables: [], what: 'No WAL sender is left' });
  return troubles;
}

/** Joins changes of one kind to one change with all their tables. */
function gathered(changes: readonly SourceChange[]): SourceChange[] {
  const byKind = new Map<string, SourceChange>();
  for (const change of changes) {
    const known = byKind.get(change.kind);
    if (known === undefined) byKind.set(change.kind, change);
    else
      byKind.set(change.kind, {
        ...known,
        tables: [...new Set([...known.tables, ...change.tables])],
        oids: [...known.oids, ...change.oids],
      });
  }
  return [...byKind.values()].map((change) => ({ ...change, tables: change.tables.toSorted() }));
}

const OPERATION_LETTERS = { insert: 'c', update: 'u', delete: 'd', truncate: 't' } as const;

function judgePublication(before: SourceFacts, after: SourceFacts, { filter, skipped }: JudgementRules): SourceChange[] {
  const was = before.publication;
  const is = after.publication;
  if (was === undefined) return [];
  const tables = namesOf([...sendings(before, filter).values()]);
  if (is === undefined) return [loss('publication_dropped', tables, 'The publication was dropped')];
  if (is.oid !== was.oid) return [publicationReplaced(is, tables), ...judgeOperations(was, is, { tables, skipped })];
  const changes = judgeOperations(was, is, { tables, skipped });
  if (was.generatedColumns && !is.generatedColumns) {
    changes.push(loss('generated_columns_left', tables, 'The publication does not send generated columns any more'));
  }
  if (was.version !== is.version && isSame(was, is)) {
    const what = 'The publication was altered and is as before: if something was switched off in between, its rows are missing';
    changes.push({ kind: 'publication_touched', severity: 'warning', tables: [], oids: [], what });
  }
  return changes;
}

function publicationReplaced(is: SourcePublication, tables: readonly string[]): SourceChange {
  if (is.isFirst) return loss('publication_replaced', tables, 'The publication was dropped and made again');
  const what = 'The publication was dropped and made again within one transaction';
  return { kind: 'publication_replaced_at_once', severity: 'warning', tables, oids: [], what };
}

function judgeOperations(
  was: SourcePublication,
  is: SourcePublication,
  o: { readonly tables: readonly string[]; readonly skipped: JudgementRules['skipped'] },
): SourceChange[] {
  const words = Object.keys(OPERATION_LETTERS) as (keyof typeof OPERATION_LETTERS)[];
  const left = words.filter((word) => was.operations.includes(word) && !is.operations.includes(word));
  const lost = left.filter((word) => !o.skipped.has(OPERATION_LETTERS[word]));
  const added = words.filter((word) => !was.operations.includes(word) && is.operations.includes(word));
  const changes: SourceChange[] = [];
  if (lost.length > 0) changes.push(loss('operations_left', o.tables, `The publication does not send ${lost.join(', ')} any more`));
  if (added.length > 0) changes.push(info('operations_added', o.tables, `The publication sends ${added.join(', ')} too`));
  return changes;
}

function isSame(was: SourcePublication, is: SourcePublication): boolean {
  return (
    was.owner === is.owner &&
    was.allTables === is.allTables &&
    was.viaPartitionRoot === is.viaPartitionRoot &&
    was.generatedColumns === is.generatedColumns &&
    was.operations.join() === is.operations.join()
  );
}

type Looks = {
  readonly before: SourceFacts;
  readonly after: SourceFacts;
  readonly filter: TableFilter;
  /** Entries of the publication that existed at the first look. */
  readonly oldSources: ReadonlySet<string>;
  /** The table took over a name under which another table was sent, and no table of before is sent under it any more. */
  readonly tookOver: (sending: Sending) => boolean;
};

function judgeTables(before: SourceFacts, after: SourceFacts, { filter }: JudgementRules): SourceChange[] {
  if (before.publication === undefined || after.publication === undefined) return [];
  const were = sendings(before, filter);
  const are = sendings(after, filter);
  const looks = { before, after, filter, oldSources: sourceNames(before.publication), tookOver: takeovers(were, are) };
  const changes: SourceChange[] = [];
  for (const was of were.values()) {
    const table = after.tables.get(was.oid);
    const is = are.get(was.oid);
    if (table === undefined) continue;
    if (is === undefined) changes.push(leftTable(was, table, looks));
    else changes.push(...judgeSending(was, is, looks), ...judgeIdentity(before.tables.get(was.oid), table));
  }
  for (const is of are.values()) if (!were.has(is.oid)) changes.push(cameIn(is, looks));
  return changes;
}

function takeovers(were: ReadonlyMap<number, Sending>, are: ReadonlyMap<number, Sending>): Looks['tookOver'] {
  const oidsBefore = new Map<string, Set<number>>();
  for (const { topicTable, oid } of were.values()) oidsBefore.set(topicTable, (oidsBefore.get(topicTable) ?? new Set()).add(oid));
  return ({ oid, topicTable }) => {
    const predecessors = oidsBefore.get(topicTable);
    if (predecessors === undefined || predecessors.has(oid)) return false;
    return [...predecessors].every((one) => are.get(one)?.topicTable !== topicTable);
  };
}

/** The table was sent, still exists, and is not sent any more. */
function leftTable(was: Sending, table: SourceTable, { before, after, filter }: Looks): SourceChange {
  const names = [was.topicTable];
  if (table.isUnlogged) return loss('table_unlogged', names, 'The table is unlogged now: nothing of it is sent');
  const old = before.tables.get(was.sentAs);
  const now = after.tables.get(was.sentAs);
  const isRenamed = old !== undefined && now !== undefined && (old.schema !== now.schema || old.table !== now.table);
  if (isRenamed) {
    const what = `The table is named ${now.schema}.${now.table} now, which is not captured: its changes are missing from the next start, or the next change of its columns, on`;
    return { kind: 'table_renamed_away', severity: 'warning', tables: names, oids: [], what };
  }
  if (before.publication?.viaPartitionRoot !== after.publication?.viaPartitionRoot) {
    return loss('partition_root_changed', names, 'publish_via_partition_root was changed: rows are sent under a name that is not captured');
  }
  if (before.tables.get(was.oid)?.parent !== table.parent && !filter.includesTable(table.schema, table.table)) {
    return info('partition_detached', names, 'A partition was detached: what is written to it now is not captured');
  }
  return loss('table_left', names, 'The publication does not send the table any more');
}

function judgeSending(was: Sending, is: Sending, looks: Looks): SourceChange[] {
  const changes: SourceChange[] = [];
  const names = [is.topicTable];
  const isPublicationKept = looks.before.publication?.oid === looks.after.publication?.oid;
  if (isPublicationKept && is.sources.every(({ name }) => !looks.oldSources.has(name))) {
    if (is.sources.every(({ isFirst }) => isFirst)) {
      changes.push(loss('table_left_and_back', names, 'The table left the publication and came back'));
    } else if (sameMember(was.member, is.member)) {
      changes.push(memberReplaced(names));
    }
  }
  if (was.member?.filter !== is.member?.filter) {
    if (is.member?.filter === undefined) changes.push(info('row_filter_dropped', names, 'The publication sends all rows now'));
    else changes.push(loss('row_filter_changed', names, 'The publication leaves out rows by another WHERE than before'));
  }
  const columns = is.member?.columns;
  if (columns !== undefined && (was.member?.columns === undefined || was.member.columns.some((column) => !columns.includes(column)))) {
    changes.push(loss('columns_left', names, 'The publication leaves columns out that it has sent'));
  } else if (was.member?.columns !== undefined && was.member.columns.length !== columns?.length) {
    changes.push(info('columns_added', names, 'The publication sends more columns'));
  }
  if (was.topicTable !== is.topicTable && looks.tookOver(is)) {
    const what = `The table took the name of another: what it held before was sent as ${was.topicTable}`;
    changes.push({ ...loss('table_replaced', names, what), oids: [is.oid] });
  } else if (was.topicTable !== is.topicTable) {
    changes.push(info('table_renamed', [was.topicTable, is.topicTable], `Changes of ${was.topicTable} go on as ${is.topicTable}`));
  }
  return changes;
}

/** The entry was removed and added in one transaction, or set twice. In between it may have been narrower. */
function memberReplaced(tables: readonly string[]): SourceChange {
  const what =
    'The table is in the publication by another entry that says what the one before said: rows or columns in between may be missing';
  return { kind: 'table_member_replaced', severity: 'warning', tables, oids: [], what };
}

function sameMember(was: SourceMember | undefined, is: SourceMember | undefined): boolean {
  return was?.filter === is?.filter && was?.columns?.join() === is?.columns?.join();
}

function judgeIdentity(was: SourceTable | undefined, is: SourceTable): SourceChange[] {
  if (was === undefined || was.identity === is.identity) return [];
  const what = 'The replica identity is another one: updates and deletes tell other old values, or are refused by the server';
  const severity = is.identity === 'nothing' ? 'warning' : 'info';
  return [{ kind: `replica_identity_${is.identity}`, severity, tables: [`${is.schema}.${is.table}`], oids: [], what }];
}

/** The table was not sent before, and is sent now. */
function cameIn(is: Sending, looks: Looks): SourceChange {
  const names = [is.topicTable];
  const oids = [is.oid];
  // Listed after it was made: rows written in between are missing. An entry for all tables, or for a schema, covers a table from its first row on.
  const joinedLater = is.sources.every(({ name, isMember, isFirst }) => isMember && isFirst && !looks.oldSources.has(name));
  const mayHold = looks.before.tables.has(is.oid) || is.wasMoved || joinedLater;
  if (looks.tookOver(is)) {
    if (!mayHold) return info('table_made_again', names, 'The table was dropped and made again: rows of the old one have no delete');
    return { ...loss('table_replaced', names, 'Another table took the name: what it held before was not sent'), oids };
  }
  if (!mayHold) return info('table_new', names, 'A new table is captured');
  const what = 'A table is captured from now on: what it held before was not sent';
  return { kind: 'table_joined', severity: 'warning', tables: names, oids, what };
}

function judgeRights(before: SourceFacts, after: SourceFacts, { filter, readsTables }: JudgementRules): SourceChange[] {
  const changes: SourceChange[] = [];
  const warn = (kind: string, what: string, tables: readonly string[] = []): void => {
    changes.push({ kind, severity: 'warning', tables, oids: [], what });
  };
  if (before.role.mayReplicate && !after.role.mayReplicate)
    warn('role_replication', 'The role has lost REPLICATION: the next connection fails');
  if (before.role.mayConnect && !after.role.mayConnect)
    warn('role_login', 'The role may not log in to the database any more: the next connection fails');
  if (before.freeSlots > 0 && after.freeSlots <= 0)
    warn('slots_used_up', 'No replication slot is left: a snapshot and reading in bulk need one');
  if (before.freeWalsenders > 0 && after.freeWalsenders <= 0)
    warn('walsenders_used_up', 'No WAL sender is left: the stream cannot be opened again once it breaks');
  if (!readsTables) return changes;
  for (const table of after.tables.values()) {
    if (table.isReadable || before.tables.get(table.oid)?.isReadable !== true || !filter.includesTable(table.schema, table.table)) continue;
    warn('table_unreadable', 'The role may not SELECT any more, and the next start takes a snapshot', [`${table.schema}.${table.table}`]);
  }
  return changes;
}

function namesOf(sent: readonly Sending[]): string[] {
  return [...new Set(sent.map(({ topicTable }) => topicTable))].sort();
}

function loss(kind: string, tables: readonly string[], what: string): SourceChange {
  return { kind, severity: 'loss', tables, oids: [], what };
}

function info(kind: string, tables: readonly string[], what: string): SourceChange {
  return { kind, severity: 'info', tables, oids: [], what };
}
