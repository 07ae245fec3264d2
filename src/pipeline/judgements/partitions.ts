/**
 * Owns the question under which table's name the changes of partitions come, and whether the lists capture that name. Without
 * publish_via_partition_root changes come under the partition's name. A config that includes only the partitioned table would then get its
 * rows in the snapshot, and no change after it. With publish_via_partition_root it is the other way round.
 */
import type { TaskOptions } from '../../core/options.ts';
import type { TableFilter } from '../../events/filter.ts';
import type { ListedTable } from '../../postgres/catalog/catalog.ts';
import { loadFamilies, type PublicationPlan } from '../../postgres/catalog/publication.ts';
import { quoteIdentifier } from '../../postgres/identifiers.ts';
import type { PgSession } from '../../postgres/session/open-session.ts';
import { fail, type Judgement, nameOf, shorten, warn } from './judgement.ts';
import { namesTables } from './publication.ts';

const CHECK = 'tables.partitions';

type PartitionQuestion = {
  /** Every table of the database, captured or not. */
  readonly all: readonly ListedTable[];
  readonly filter: Pick<TableFilter, 'includesTable'>;
  readonly plan: PublicationPlan;
};

export async function judgePartitions(
  session: PgSession,
  options: Pick<TaskOptions, 'allowLoss' | 'filter' | 'publication' | 'snapshot'>,
  question: PartitionQuestion,
): Promise<readonly Judgement[]> {
  const { all, filter, plan } = question;
  if (plan.tag === 'refuse' || options.snapshot.mode === 'initial_only') return [];
  const isCaptured = ({ schema, table }: ListedTable): boolean => filter.includesTable(schema, table);
  const viaRoot = plan.tag === 'create' ? options.publication.viaPartitionRoot : plan.publication.viaPartitionRoot;
  const asked = all.filter((table) => isCaptured(table) && (viaRoot ? table.partitionRootOid !== undefined : table.kind === 'partitioned'));
  if (asked.length === 0) return [];
  const families = await loadFamilies(session, asked);
  const byOid = new Map(all.map((table) => [table.oid, table]));
  const found = (oids: readonly number[]): ListedTable[] => oids.map((oid) => byOid.get(oid)).filter((table) => table !== undefined);
  const isSentUnder = sentUnder(options, { plan, all, isCaptured });
  return asked.flatMap((table) => {
    const { ancestors = [], leaves = [] } = families.get(table.oid) ?? {};
    if (!viaRoot) {
      const silent = found(leaves).filter((leaf) => !leaf.unlogged && !isCaptured(leaf));
      return silent.length === 0 ? [] : [judgeRoot(options, table, silent)];
    }
    // Ancestors go from the parent to the root; changes come under the name of the last one that is published.
    const name = found(ancestors).findLast(isSentUnder);
    return name === undefined || isCaptured(name) ? [] : [judgeLeaf(options, table, name)];
  });
}

type Scope = { readonly plan: PublicationPlan; readonly all: readonly ListedTable[]; readonly isCaptured: (table: ListedTable) => boolean };

/** Whether the publication, as it will be after the start, contains the table. */
function sentUnder(options: Pick<TaskOptions, 'publication'>, { plan, isCaptured }: Scope): (table: ListedTable) => boolean {
  if (plan.tag === 'keep') {
    const { allTables, publishedOids } = plan.publication;
    return ({ oid }) => allTables || publishedOids.has(oid);
  }
  if (plan.tag === 'alter') {
    const added = new Set(plan.added.map(({ oid }) => oid));
    return ({ oid }) => added.has(oid) || plan.publication.publishedOids.has(oid);
  }
  return plan.tag === 'create' && options.publication.autocreateMode === 'all_tables' ? () => true : isCaptured;
}

function judgeRoot(
  options: Pick<TaskOptions, 'allowLoss' | 'filter' | 'publication'>,
  root: ListedTable,
  silent: readonly ListedTable[],
): Judgement {
  const what = `Changes of ${nameOf(root)} come under the names of its partitions, and these are not captured`;
  const remedy = `List the partitions too, or send changes under the root's name: publish.via.partition.root=true where Slotline makes the publication.`;
  const sql = [`alter publication ${quoteIdentifier(options.publication.name)} set (publish_via_partition_root = true)`];
  return judged(options, what, { where: shorten(silent.map(nameOf)), remedy, sql });
}

function judgeLeaf(options: Pick<TaskOptions, 'allowLoss' | 'filter' | 'publication'>, leaf: ListedTable, name: ListedTable): Judgement {
  const what = `Changes of ${nameOf(leaf)} come under the name of ${nameOf(name)}, and that is not captured`;
  const remedy = 'List the partitioned table instead, or send changes under the names of partitions: publish.via.partition.root=false.';
  const sql = [`alter publication ${quoteIdentifier(options.publication.name)} set (publish_via_partition_root = false)`];
  return judged(options, what, { where: nameOf(leaf), remedy, sql });
}

/** Fails when the config names tables, for it would never get a change of this one; warns when it allows loss or names no tables. */
function judged(options: Pick<TaskOptions, 'allowLoss' | 'filter'>, what: string, extra: Parameters<typeof warn>[2]): Judgement {
  const isRefused = namesTables(options) && !options.allowLoss;
  return isRefused ? fail(CHECK, 'partitions_not_captured', what, extra) : warn(CHECK, what, extra);
}
