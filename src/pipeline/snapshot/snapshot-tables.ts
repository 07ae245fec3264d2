/**
 * Owns which tables a snapshot reads, and what of each: all that is captured, as Debezium does, or with slotline.values.corrections=snapshots
 * what the stream sends too. Reads no row (snapshot/initial.ts).
 */
import { compileAny } from '../../events/filter.ts';
import { listTables, loadTables, type TableDescription } from '../../postgres/catalog/catalog.ts';
import type { PgSession } from '../../postgres/session/open-session.ts';
import { orderTables, type SnapshotTable } from '../../snapshot/initial.ts';
import { findOverride } from '../../snapshot/select-override.ts';
import { isSent, loadSentFacts, misleadingSnapshot, type SentFacts, sentColumns } from '../judgements/misleading.ts';
import type { AttemptContext } from '../life/attempt-context.ts';
import { tellOnce } from '../loop/misleading-tables.ts';

export type ChosenTable = TableDescription & Pick<SnapshotTable, 'select' | 'only' | 'conditions'>;

export async function chooseSnapshotTables(
  context: Pick<AttemptContext, 'filter' | 'live' | 'log' | 'options'>,
  reader: PgSession,
): Promise<ChosenTable[]> {
  const { options, filter } = context;
  const listed = (await listTables(reader)).filter((table) => filter.includesTable(table.schema, table.table));
  const included = compileAny(options.snapshot.includeCollections);
  const wanted =
    options.snapshot.includeCollections.length === 0 ? listed : listed.filter((table) => included(`${table.schema}.${table.table}`));
  const oids = wanted.map((table) => table.oid);
  const described = await loadTables(reader, oids);
  const tables = orderTables(wanted, options.filter.tableInclude)
    .map((table) => described.get(table.oid))
    .filter((table) => table !== undefined);
  const facts = await loadSentFacts(reader, options, oids);
  const overrides = options.snapshot.selectOverrides;
  if (options.events.valueCorrections.has('snapshots')) {
    for (const table of tables)
      if (!isSent(table, facts)) context.log.info('snapshot.table_left_out', { table: `${table.schema}.${table.table}` });
    return tables.filter((table) => isSent(table, facts)).map((table) => asStreamed(table, facts, findOverride(overrides, table)));
  }
  return tables.map((table) => {
    const select = findOverride(overrides, table);
    if (select === undefined) tellOnce(context, 'table.snapshot_misleading', misleadingSnapshot(table, facts));
    return { ...table, select };
  });
}

/** A SELECT of the config says itself what it reads. */
function asStreamed(table: TableDescription, facts: SentFacts, select: string | undefined): ChosenTable {
  if (select !== undefined) return { ...table, select };
  const sent = sentColumns(table, facts);
  const silent = facts.foreignRows.get(table.oid)?.silentPartitions ?? [];
  const conditions = [
    facts.published?.get(table.oid)?.rowFilter,
    silent.length === 0 ? undefined : `tableoid not in (${silent.join(', ')})`,
  ];
  return {
    ...table,
    columns: table.columns.filter(({ name }) => sent.has(name)),
    only: table.kind === 'table',
    conditions: conditions.filter((condition) => condition !== undefined),
  };
}
