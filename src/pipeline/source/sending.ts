/**
 * Owns what the server makes of a publication: which tables' rows it sends, under which table's name, and by which of the publication's
 * entries. Pure. Source: PostgreSQL, pgoutput.c, get_rel_sync_entry.
 */
import type { TableFilter } from '../../events/filter.ts';
import type { SourceFacts, SourceMember, SourcePublication, SourceTable } from '../../postgres/catalog/source-facts.ts';

/** Why a table is sent: an entry of the publication. No other entry ever has the same name. */
type SendingSource = { readonly name: string; readonly isFirst: boolean; readonly isMember: boolean };

export type Sending = {
  /** OID of the table that holds the rows. */
  readonly oid: number;
  readonly wasMoved: boolean;
  /** OID of the table under whose name rows are sent: the table itself, or an ancestor with publish_via_partition_root. */
  readonly sentAs: number;
  /** The same as `schema.table`. */
  readonly topicTable: string;
  readonly sources: readonly SendingSource[];
  /** The entry whose row filter and columns apply. undefined: all rows and columns. */
  readonly member: SourceMember | undefined;
};

/** Every table whose rows are sent under a captured name, by OID. */
export function sendings({ publication, tables }: SourceFacts, filter: TableFilter): ReadonlyMap<number, Sending> {
  const found = new Map<number, Sending>();
  if (publication === undefined) return found;
  const entries = entriesOf(publication);
  for (const table of tables.values()) {
    if (table.isPartitioned || table.isUnlogged) continue;
    const sending = sendingOf(table, { publication, tables, entries });
    if (sending !== undefined && filter.includesTable(sending.as.schema, sending.as.table)) found.set(table.oid, sending.sending);
  }
  return found;
}

type Entries = {
  readonly all: SendingSource | undefined;
  readonly bySchema: ReadonlyMap<string, SendingSource>;
  readonly byTable: ReadonlyMap<number, SourceMember>;
};

function entriesOf({ oid, allTables, isFirst, schemas, members }: SourcePublication): Entries {
  return {
    all: allTables ? { name: `all ${oid}`, isFirst, isMember: false } : undefined,
    bySchema: new Map(schemas.map((one) => [one.schema, { name: `schema ${one.oid}`, isFirst: one.isFirst, isMember: false }])),
    byTable: new Map(members.map((member) => [member.table, member])),
  };
}

/** The names of all entries of the publication. */
export function sourceNames(publication: SourcePublication): ReadonlySet<string> {
  const { all, bySchema } = entriesOf(publication);
  const named = [...(all === undefined ? [] : [all]), ...bySchema.values()].map(({ name }) => name);
  return new Set([...named, ...publication.members.map(({ oid }) => memberName(oid))]);
}

function memberName(oid: number): string {
  return `member ${oid}`;
}

type Server = {
  readonly publication: SourcePublication;
  readonly tables: ReadonlyMap<number, SourceTable>;
  readonly entries: Entries;
};

function sendingOf(table: SourceTable, server: Server): { readonly sending: Sending; readonly as: SourceTable } | undefined {
  const { publication, entries } = server;
  const sources: SendingSource[] = [];
  let as = table;
  for (const one of withAncestors(table, server.tables)) {
    const own = ownSources(one, entries);
    if (own.length === 0) continue;
    sources.push(...own);
    if (publication.viaPartitionRoot) as = one;
  }
  if (sources.length === 0) return undefined;
  const isWhole = entries.all !== undefined || entries.bySchema.has(as.schema);
  const sending: Sending = {
    oid: table.oid,
    wasMoved: table.wasMoved,
    sentAs: as.oid,
    topicTable: `${as.schema}.${as.table}`,
    sources,
    member: isWhole ? undefined : entries.byTable.get(as.oid),
  };
  return { sending, as };
}

function ownSources(table: SourceTable, { all, bySchema, byTable }: Entries): SendingSource[] {
  const member = byTable.get(table.oid);
  const schema = bySchema.get(table.schema);
  return [
    ...(all === undefined ? [] : [all]),
    ...(schema === undefined ? [] : [schema]),
    ...(member === undefined ? [] : [{ name: memberName(member.oid), isFirst: member.isFirst, isMember: true }]),
  ];
}

/** The table itself first, its root last. */
function* withAncestors(table: SourceTable, tables: ReadonlyMap<number, SourceTable>): Generator<SourceTable> {
  for (let one: SourceTable | undefined = table; one !== undefined; one = one.parent === undefined ? undefined : tables.get(one.parent))
    yield one;
}
