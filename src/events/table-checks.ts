/**
 * Owns what can be wrong between the config and the captured tables, judged by names alone: topics that several sources write to, key columns
 * that no table has, columns that become one field. It finds all of them at once; the caller reports them.
 */
import type { EventOptions, NameAdjustment } from '../core/options.ts';
import { compilePattern, type TableFilter } from './filter.ts';
import { fieldNameAdjuster } from './name-adjustment.ts';
import { dataTopic, deadLetterTopic, heartbeatTopic, messageTopic, type TopicNaming, transactionTopic } from './topic.ts';

type NamedTable = { readonly schema: string; readonly table: string };
type CheckedTable = NamedTable & { readonly columns: readonly { readonly name: string }[] };

type TopicCollision = {
  readonly topic: string;
  /** Two or more: tables as `schema.table`, and in plain words whatever else writes to the topic. */
  readonly claimants: readonly string[];
};

export function topicNaming(events: Pick<EventOptions, 'topicPrefix' | 'topicDelimiter'>): TopicNaming {
  return { prefix: events.topicPrefix, delimiter: events.topicDelimiter };
}

/** A topic belongs to one table, or to transactions, heartbeats, messages or offsets. Only heartbeats of several connectors may share one. */
export function findTopicCollisions(
  events: Pick<EventOptions, 'topicPrefix' | 'topicDelimiter' | 'transactionMetadata' | 'transactionTopic' | 'heartbeat' | 'deadLetters'>,
  offsetTopic: string,
  tables: readonly NamedTable[],
): TopicCollision[] {
  const naming = topicNaming(events);
  const claims: (readonly [topic: string, claimant: string])[] = tables.map(
    ({ schema, table }) => [dataTopic(naming, schema, table), `${schema}.${table}`] as const,
  );
  claims.push([offsetTopic, 'stored offsets'], [messageTopic(naming), 'logical decoding messages']);
  if (events.transactionMetadata) claims.push([transactionTopic(naming, events.transactionTopic), 'transaction metadata']);
  if (events.heartbeat.intervalMs > 0) claims.push([heartbeatTopic(naming, events.heartbeat), 'heartbeats']);
  if (events.deadLetters !== undefined) claims.push([deadLetterTopic(naming, events.deadLetters), 'dead letters']);
  const byTopic = Map.groupBy(claims, ([topic]) => topic);
  return [...byTopic]
    .filter(([, claimed]) => claimed.length > 1)
    .map(([topic, claimed]) => ({ topic, claimants: claimed.map(([, claimant]) => claimant) }));
}

type MissingKeyColumn = {
  /** As message.key.columns names it. */
  readonly column: string;
  /** The captured tables that the entry matches. None of them has the column. */
  readonly tables: readonly string[];
};

/** Debezium silently uses the primary key instead. Entries that match no captured table are not listed here. */
export function findMissingKeyColumns(keyColumns: EventOptions['keyColumns'], tables: readonly CheckedTable[]): MissingKeyColumn[] {
  const missing: MissingKeyColumn[] = [];
  for (const { table: tablePattern, columns } of keyColumns) {
    const pattern = compilePattern(tablePattern);
    const matched = tables.filter((table) => pattern.test(nameOf(table)));
    if (matched.length === 0) continue;
    for (const column of columns) {
      const columnPattern = compilePattern(`${tablePattern}\\.${column}`);
      const exists = matched.some((table) => table.columns.some(({ name }) => columnPattern.test(`${nameOf(table)}.${name}`)));
      if (!exists) missing.push({ column, tables: matched.map(nameOf) });
    }
  }
  return missing;
}

type FieldCollision = {
  /** `schema.table`. */
  readonly table: string;
  readonly field: string;
  /** Two or more columns. */
  readonly columns: readonly string[];
};

/** Columns whose adjusted names are equal. A struct cannot have both, and Debezium stops at them too. */
export function findFieldCollisions(
  adjustment: NameAdjustment,
  filter: Pick<TableFilter, 'includesColumn'>,
  tables: readonly CheckedTable[],
): FieldCollision[] {
  if (adjustment === 'none') return [];
  const fieldOf = fieldNameAdjuster(adjustment);
  return tables.flatMap((table) => {
    const included = table.columns.filter(({ name }) => filter.includesColumn(table.schema, table.table, name));
    const byField = Map.groupBy(included, ({ name }) => fieldOf(name));
    return [...byField]
      .filter(([, columns]) => columns.length > 1)
      .map(([field, columns]) => ({ table: nameOf(table), field, columns: columns.map(({ name }) => name) }));
  });
}

/** Entries of message.key.columns that match no captured table: typing errors, or tables that do not exist yet. */
export function findUnmatchedKeyEntries(keyColumns: EventOptions['keyColumns'], tables: readonly NamedTable[]): string[] {
  return keyColumns.map(({ table }) => table).filter((table) => !tables.some((one) => compilePattern(table).test(nameOf(one))));
}

function nameOf({ schema, table }: NamedTable): string {
  return `${schema}.${table}`;
}
