/**
 * Owns where events that match Debezium's mislead a consumer without a word: keys that do not tell one row from another, and snapshots that
 * hold what the stream never updates. A start logs each once, `check` lists them all; slotline.values.corrections cures both. Chooses no
 * key (events/row-plan.ts) and reads no row.
 */
import type { TaskOptions } from '../../core/options.ts';
import { whyNoKey } from '../../events/key-index.ts';
import type { TableDescription } from '../../postgres/catalog/catalog.ts';
import { loadPublication } from '../../postgres/catalog/publication.ts';
import { type ForeignRows, loadForeignRows, loadPublishedTables, type PublishedTable } from '../../postgres/catalog/published-tables.ts';
import { quoteTable } from '../../postgres/identifiers.ts';
import type { PgSession } from '../../postgres/session/open-session.ts';
import type { StaleLabels } from '../loop/relation-facts.ts';
import { type Judgement, nameOf, ok, shorten, warn } from './judgement.ts';
import { type CapturedTables, identifiesNoRow, isIdentified, keyOf } from './tables.ts';

export type Misleading = {
  /** `schema.table`. */
  readonly table: string;
  readonly column?: string;
  readonly reason: string;
  readonly remedy: string;
  readonly sql?: readonly string[];
};

/** The start does not log these in the beginning, but when it reaches the table (misleading-tables.ts). */
const SAID_LATER = { tried: true } as const;

const KEYS_REMEDY =
  'slotline.values.corrections=keys takes a key that tells every row from every other, or none. Or name columns in message.key.columns.';
const LABELS_REMEDY =
  'slotline.values.corrections=enums takes the labels of the catalog whenever the table is described; else the next start does.';
const SNAPSHOTS_REMEDY = 'slotline.values.corrections=snapshots leaves out what the stream never updates.';

/** Debezium keeps what it learns of a type until it is restarted. Labels are not printed: they are the values of cells. */
export function misleadingLabels({ table, column, type }: StaleLabels): Misleading {
  const order = type.added === 0 && type.gone === 0 ? ', and they stand in another order' : '';
  const reason = `The schema's \`allowed\` is what the type ${type.name} had at the start: new labels ${type.added}, gone ${type.gone}${order}`;
  return { table, column, reason, remedy: LABELS_REMEDY };
}

export function misleadingKeys(table: TableDescription, options: Pick<TaskOptions, 'events'>): Misleading[] {
  const key = keyOf(table, options);
  const found: Misleading[] = [];
  const index = table.uniqueIndexes.find((one) => !one.hasExpressions && one.columns.length > 0);
  const isByIndex = index !== undefined && table.primaryKey.length === 0 && sameNames(key, index.columns);
  if (isByIndex && !options.events.valueCorrections.has('keys')) {
    const included = index.columns.slice(index.keyColumns.length);
    const reasons = whyNoKey(index);
    if (included.length > 0) reasons.push(`has ${included.join(', ')} beside what is unique (INCLUDE), and a change there changes the key`);
    for (const reason of reasons) {
      found.push({ table: nameOf(table), reason: `The key is the unique index ${index.name}, which ${reason}`, remedy: KEYS_REMEDY });
    }
  }
  const unknown = identifiesNoRow(table) ? [] : key.filter((name) => !isIdentified(table, name));
  if (unknown.length > 0) {
    const reason = `A delete does not know ${unknown.join(', ')} of the key: the replica identity does not have it, and the delete has another key than the row`;
    const sql = [`alter table ${quoteTable(table)} replica identity full`];
    found.push({
      table: nameOf(table),
      reason,
      remedy: 'Give the table replica identity full, or a key of what its replica identity has.',
      sql,
    });
  }
  return found;
}

function sameNames(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((name, index) => name === other[index]);
}

/** Warns of tables without a key: their records are spread over partitions, so the changes of one row lose their order. */
export function checkKeys({ captured }: CapturedTables, options: Pick<TaskOptions, 'events'>): Judgement[] {
  const items: Judgement[] = [];
  const keyless = captured.filter((table) => keyOf(table, options).length === 0);
  if (keyless.length > 0) {
    const remedy = 'Add a primary key or a unique index, or name columns in message.key.columns.';
    items.push(warn('tables.keys', `Records have a null key, and no order per row: ${shorten(keyless.map(nameOf))}`, { remedy }));
  }
  const misleading = captured.flatMap((table) => misleadingKeys(table, options));
  items.push(...misleading.map(({ table, reason, ...mend }) => warn('tables.keys', reason, { where: table, ...mend, start: SAID_LATER })));
  if (items.length === 0 && captured.length > 0) items.push(ok('tables.keys', 'Every captured table has a key'));
  return items;
}

/** What the stream sends; a snapshot of tables is compared with it. */
export type SentFacts = {
  /** undefined: the publication is still to be made. */
  readonly published: ReadonlyMap<number, PublishedTable> | undefined;
  readonly foreignRows: ReadonlyMap<number, ForeignRows>;
  readonly viaPartitionRoot: boolean;
};

export async function loadSentFacts(
  session: PgSession,
  options: Pick<TaskOptions, 'publication'>,
  oids: readonly number[],
): Promise<SentFacts> {
  const { name } = options.publication;
  const publication = await loadPublication(session, name);
  return {
    published: publication === undefined ? undefined : await loadPublishedTables(session, name),
    foreignRows: await loadForeignRows(session, oids),
    viaPartitionRoot: publication?.viaPartitionRoot ?? options.publication.viaPartitionRoot,
  };
}

/** The columns of the table that the stream sends. */
export function sentColumns(table: TableDescription, facts: SentFacts): ReadonlySet<string> {
  const listed = facts.published?.get(table.oid)?.columns;
  const columns = table.columns.filter(({ name, generated }) => (listed === undefined ? !generated : listed.has(name)));
  return new Set(columns.map(({ name }) => name));
}

/** True when the table's changes come under its own name. */
export function isSent(table: TableDescription, facts: SentFacts): boolean {
  return whyNotSent(table, facts) === undefined;
}

function whyNotSent(table: TableDescription, { published, viaPartitionRoot }: SentFacts): string | undefined {
  if (table.unlogged) return 'It is unlogged: its changes are in no WAL';
  if (published?.has(table.oid)) return undefined;
  if (table.kind === 'partitioned' && !viaPartitionRoot) return 'Changes come under the names of its partitions';
  if (table.partitionRootOid !== undefined && viaPartitionRoot) return 'Changes come under the name of the table that it is a partition of';
  return published === undefined ? undefined : 'The publication does not send its changes';
}

/** The rows and columns that a snapshot would hold and the stream would never update. */
export function misleadingSnapshot(table: TableDescription, facts: SentFacts): Misleading[] {
  const tell = (reason: string): Misleading => ({ table: nameOf(table), reason, remedy: SNAPSHOTS_REMEDY });
  const notSent = whyNotSent(table, facts);
  if (notSent !== undefined) return [tell(`${notSent}, and the rows of the snapshot are never updated`)];
  const reasons: string[] = [];
  const sent = sentColumns(table, facts);
  const missing = table.columns.filter(({ name }) => !sent.has(name)).map(({ name }) => name);
  if (missing.length > 0) reasons.push(`The publication does not send ${missing.join(', ')}: the snapshot has them, the stream does not`);
  if (facts.published?.get(table.oid)?.rowFilter !== undefined) {
    reasons.push('The publication leaves rows out by a WHERE: the snapshot has them, and their changes do not come');
  }
  const foreign = facts.foreignRows.get(table.oid);
  if (foreign?.hasChildren === true) {
    reasons.push('A snapshot of it has the rows of the tables that inherit from it too; their changes come under their own names');
  }
  if (foreign !== undefined && foreign.silentPartitions.length > 0) {
    reasons.push('Partitions of it are foreign or unlogged tables: the snapshot has their rows, and their changes are in no WAL');
  }
  return reasons.map(tell);
}

/** Leaves out what other checks report: unlogged tables, and the publication's missing tables, column lists and row filters. */
export async function checkSnapshotContents(
  session: PgSession,
  options: Pick<TaskOptions, 'events' | 'publication' | 'snapshot'>,
  captured: readonly TableDescription[],
): Promise<Judgement[]> {
  if (options.snapshot.mode === 'no_data' || options.events.valueCorrections.has('snapshots') || captured.length === 0) return [];
  const facts = await loadSentFacts(
    session,
    options,
    captured.map(({ oid }) => oid),
  );
  return captured
    .filter((table) => !table.unlogged)
    .flatMap((table) => misleadingSnapshot(table, facts))
    .filter(({ reason }) => !/^The publication (?:does not send its|leaves rows)/.test(reason))
    .map(({ table, reason, remedy }) => warn('tables.snapshot', reason, { where: table, remedy, start: SAID_LATER }));
}
