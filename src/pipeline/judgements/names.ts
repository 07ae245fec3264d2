/**
 * Owns the checks of names: topics that more than one source would write to, key columns that do not exist, and list entries that match
 * nothing captured, which are usually typing errors.
 */
import { SlotlineError } from '../../core/errors.ts';
import type { ColumnRule, TaskOptions } from '../../core/options.ts';
import { compileFilter, compilePattern } from '../../events/filter.ts';
import { findFieldCollisions, findMissingKeyColumns, findTopicCollisions, findUnmatchedKeyEntries } from '../../events/table-checks.ts';
import type { ListedTable, TableDescription } from '../../postgres/catalog/catalog.ts';
import { findOverride, parseTableName } from '../../snapshot/select-override.ts';
import { fail, type Judgement, nameOf, ok, shorten, warn } from './judgement.ts';

export function checkGuardrail({ guardrail }: Pick<TaskOptions, 'guardrail'>, captured: readonly ListedTable[]): Judgement[] {
  const { tablesMax, action } = guardrail;
  const tables = captured.length;
  if (tablesMax === 0 || tables <= tablesMax) return [];
  const what = `${tables} tables are captured, and guardrail.collections.max is ${tablesMax}`;
  const error = new SlotlineError('guardrail_exceeded', { tables, limit: tablesMax });
  if (action === 'fail') return [fail('tables.guardrail', error.code, what, { start: { error } })];
  const start = { event: 'guardrail.exceeded', fields: { tables, limit: tablesMax } };
  return [warn('tables.guardrail', what, { remedy: error.remedy, start })];
}

/** Needs no Kafka: topic names are computed. */
export function checkTopicNames(options: Pick<TaskOptions, 'events' | 'offsetStorage'>, captured: readonly ListedTable[]): Judgement[] {
  const collisions = findTopicCollisions(options.events, options.offsetStorage.topic, captured);
  if (collisions.length === 0) return captured.length === 0 ? [] : [ok('tables.topics', 'Every captured table has a topic of its own')];
  return collisions.map(({ topic, claimants }) =>
    fail('tables.topics', 'topic_name_collision', `${claimants.join(' and ')} map to one topic`, {
      where: topic,
      start: { error: new SlotlineError('topic_name_collision', { topic, tables: claimants }) },
    }),
  );
}

export function checkKeyColumns(options: Pick<TaskOptions, 'events'>, captured: readonly TableDescription[]): Judgement[] {
  const { keyColumns } = options.events;
  const missing = findMissingKeyColumns(keyColumns, captured).map(({ column, tables }) =>
    fail('tables.key_columns', 'key_column_missing', `message.key.columns names ${column}, which no matching table has`, {
      where: shorten(tables),
      start: { error: new SlotlineError('key_column_missing', { column, tables }) },
    }),
  );
  const unmatched = findUnmatchedKeyEntries(keyColumns, captured).map((pattern) =>
    matchesNothing('tables.key_columns', 'message.key.columns', pattern),
  );
  return [...missing, ...unmatched];
}

export function checkFieldNames(options: Pick<TaskOptions, 'events' | 'filter'>, captured: readonly TableDescription[]): Judgement[] {
  const collisions = findFieldCollisions(options.events.fieldNameAdjustment, compileFilter(options.filter), captured);
  return collisions.map((collision) => {
    const { table, field, columns } = collision;
    const start = { error: new SlotlineError('field_name_collision', collision) };
    return fail('tables.fields', 'field_name_collision', `${columns.join(' and ')} become one field, ${field}`, { where: table, start });
  });
}

/** Warns of entries that match no column: such a mask hides nothing. */
export function checkColumnLists(options: Pick<TaskOptions, 'events' | 'filter'>, captured: readonly TableDescription[]): Judgement[] {
  const { filter, events } = options;
  const lists: (readonly [option: string, patterns: readonly string[]])[] = [
    ['column.include.list', filter.columnInclude],
    ['column.exclude.list', filter.columnExclude],
    ...events.columnRules.filter(isAboutColumns).map((rule) => [optionOf(rule), rule.patterns] as const),
  ];
  if (lists.every(([, patterns]) => patterns.length === 0)) return [];
  const names = captured.flatMap((table) => table.columns.map((column) => `${nameOf(table)}.${column.name}`));
  return lists.flatMap(([option, patterns]) => unmatched('tables.columns', { option, patterns, names }));
}

export function checkSnapshotLists(options: Pick<TaskOptions, 'snapshot'>, captured: readonly TableDescription[]): Judgement[] {
  const { includeCollections, selectOverrides } = options.snapshot;
  const option = 'snapshot.include.collection.list';
  const items = unmatched('tables.snapshot', { option, patterns: includeCollections, names: captured.map(nameOf) });
  for (const override of selectOverrides) {
    if (captured.some((table) => findOverride([override], table) !== undefined)) continue;
    items.push(matchesNothing('tables.snapshot', 'snapshot.select.statement.overrides', parseTableName(override.table)));
  }
  return items;
}

function unmatched(
  check: string,
  list: { readonly option: string; readonly patterns: readonly string[]; readonly names: readonly string[] },
): Judgement[] {
  const idle = list.patterns.filter((pattern) => {
    const compiled = compilePattern(pattern);
    return !list.names.some((name) => compiled.test(name));
  });
  return idle.map((pattern) => matchesNothing(check, list.option, pattern));
}

function matchesNothing(check: string, option: string, entry: string): Judgement {
  return warn(check, `${option} has an entry that matches nothing captured: ${entry}`);
}

function isAboutColumns({ change }: ColumnRule): boolean {
  return change.tag !== 'propagateDatatype';
}

/** The name of the option that a rule comes from. For a hash its salt is left out. */
function optionOf({ change }: ColumnRule): string {
  switch (change.tag) {
    case 'truncate':
      return `column.truncate.to.${change.length}.chars`;
    case 'mask':
      return `column.mask.with.${change.length}.chars`;
    case 'hash':
      return `column.mask.hash.${change.version === 'v2' ? 'v2.' : ''}${change.algorithm}.with.salt.***`;
    case 'propagateColumn':
      return 'column.propagate.source.type';
    case 'propagateDatatype':
      return 'datatype.propagate.source.type';
  }
}
