/**
 * Owns looking at the source while a connector runs: the publication with its members, the identity of every table, the role's rights,
 * free slots and walsenders. There are two queries: a fingerprint that is cheap with ten thousand tables, and all facts, which are loaded
 * when the fingerprint has changed. Does not judge (pipeline/source/judgement.ts) and does not decide when to look.
 *
 * System columns tell what values do not. An object that was dropped and made again has another OID. xmin changes with every ALTER. cmin 0
 * says that the first command of a transaction made the object, so the one that it replaced was dropped by an earlier transaction.
 */
import { SlotlineError } from '../../core/errors.ts';
import { type Lsn, parseLsn } from '../../core/lsn.ts';
import type { PgSession, QueryOptions } from '../session/open-session.ts';

export type SourceMember = {
  readonly oid: number;
  readonly table: number;
  /** The first command of a transaction made the membership: an earlier membership of the table ended in an earlier transaction. */
  readonly isFirst: boolean;
  /** A text that differs for different row filters. */
  readonly filter: string | undefined;
  /** Column numbers; undefined: all columns. */
  readonly columns: readonly number[] | undefined;
};

export type SourcePublication = {
  readonly oid: number;
  readonly isFirst: boolean;
  /** Changes with each ALTER, also with one that changes nothing. */
  readonly version: string;
  readonly owner: string;
  readonly allTables: boolean;
  readonly viaPartitionRoot: boolean;
  /** The words of the option `publish`. */
  readonly operations: readonly string[];
  /** Version 18: stored generated columns are sent. */
  readonly generatedColumns: boolean;
  readonly members: readonly SourceMember[];
  readonly schemas: readonly { readonly oid: number; readonly schema: string; readonly isFirst: boolean }[];
};

export type SourceTable = {
  readonly oid: number;
  readonly schema: string;
  readonly table: string;
  readonly isPartitioned: boolean;
  readonly isUnlogged: boolean;
  readonly identity: 'default' | 'full' | 'index' | 'nothing';
  /** The OID of the parent, for a partition. */
  readonly parent: number | undefined;
  /** The table once had another name, schema, owner or parent: its rows may have been written under that one. */
  readonly wasMoved: boolean;
  readonly isReadable: boolean;
};

export type SourceFacts = {
  /** The end of WAL before the look: a change that the look did not see comes after it. */
  readonly fromLsn: Lsn;
  /** The end of WAL after the look: a change that the look saw comes before it. */
  readonly toLsn: Lsn;
  readonly fingerprint: string;
  readonly publication: SourcePublication | undefined;
  readonly tables: ReadonlyMap<number, SourceTable>;
  readonly role: { readonly mayReplicate: boolean; readonly mayConnect: boolean };
  readonly freeSlots: number;
  readonly freeWalsenders: number;
};

type SourceGlance = Pick<SourceFacts, 'fromLsn' | 'toLsn' | 'fingerprint'>;

const WAL_LSN = `case when pg_catalog.pg_is_in_recovery() then pg_catalog.pg_last_wal_replay_lsn() else pg_catalog.pg_current_wal_insert_lsn() end::text`;
const LSN_SQL = `select coalesce(${WAL_LSN}, '0/0') as lsn`;

/** Objects with smaller OIDs are the server's own. */
const FIRST_USER_OID = 16_384;
const WATCHED_TABLES = `c.relkind in ('r', 'p') and c.relpersistence <> 't' and c.oid >= ${FIRST_USER_OID}`;
/** Row filters, column lists and publications of schemas came with this version. */
const MEMBER_DETAILS_SINCE = 15;

/** A sum of hashes does not depend on the order, so the query needs no sort and builds no long text. */
const hashOf = (text: string): string =>
  `coalesce(pg_catalog.bit_xor(pg_catalog.hashtextextended(${text}, 0)), 0)::text || ':' || count(*)`;

const RIGHTS = `
       (select r.rolreplication or r.rolsuper from pg_catalog.pg_roles r where r.rolname = session_user) as "mayReplicate",
       (select pg_catalog.has_database_privilege(session_user, pg_catalog.current_database(), 'connect')
               and r.rolcanlogin and coalesce(r.rolvaliduntil > pg_catalog.now(), true)
          from pg_catalog.pg_roles r where r.rolname = session_user) as "mayConnect",
       pg_catalog.current_setting('max_replication_slots')::int4 - (select count(*) from pg_catalog.pg_replication_slots)::int4 as "freeSlots",
       pg_catalog.current_setting('max_wal_senders')::int4 - (select count(*) from pg_catalog.pg_stat_replication)::int4 as "freeWalsenders"`;

/** Of slots and walsenders it only counts whether any are free, not how many. */
const fingerprintSql = (major: number): string => `
select pg_catalog.concat_ws(' ', g."publication", g."members", g."schemas", g."tables", g."parents", g."names",
         g."mayReplicate", g."mayConnect", g."freeSlots" > 0, g."freeWalsenders" > 0) as "fingerprint", ${WAL_LSN} as "lsn"
  from (
select (select pg_catalog.to_jsonb(p)::text || p.xmin::text from pg_catalog.pg_publication p where p.pubname = $1) as "publication",
       (select ${hashOf(`r.oid::text || ' ' || r.xmin::text`)}
          from pg_catalog.pg_publication_rel r join pg_catalog.pg_publication p on p.oid = r.prpubid where p.pubname = $1) as "members",
       ${major < MEMBER_DETAILS_SINCE ? 'null' : SCHEMAS_FINGERPRINT} as "schemas",
       (select ${hashOf(
         `pg_catalog.concat_ws(' ', c.oid, c.relnamespace, c.relname, c.relpersistence, c.relreplident, c.relispartition, c.relacl)`,
       )} from pg_catalog.pg_class c where ${WATCHED_TABLES}) as "tables",
       (select ${hashOf(`i.inhrelid::text || ' ' || i.inhparent::text`)} from pg_catalog.pg_inherits i) as "parents",
       (select ${hashOf(`n.oid::text || ' ' || n.nspname || coalesce(n.nspacl::text, '')`)} from pg_catalog.pg_namespace n
         where n.nspname !~ '^pg_(toast_)?temp_') as "names",${RIGHTS}) g`;

const SCHEMAS_FINGERPRINT = `(select ${hashOf(`s.oid::text || ' ' || s.xmin::text`)}
          from pg_catalog.pg_publication_namespace s join pg_catalog.pg_publication p on p.oid = s.pnpubid where p.pubname = $1)`;

/** A row that was made in the publication's transaction is as new as the publication, so that one's cmin counts. */
const isFirst = (row: string): string => `case when ${row}.xmin = p.xmin then p.cmin::text = '0' else ${row}.cmin::text = '0' end`;

const membersSql = (major: number): string => `
select coalesce(pg_catalog.json_agg(pg_catalog.json_build_object('oid', r.oid::int8, 'table', r.prrelid::int8, 'isFirst', ${isFirst('r')}${
  major < MEMBER_DETAILS_SINCE ? '' : MEMBER_DETAILS
})), '[]')
  from pg_catalog.pg_publication_rel r where r.prpubid = p.oid`;

const MEMBER_DETAILS = `,
         'filter', pg_catalog.md5(pg_catalog.pg_get_expr(r.prqual, r.prrelid)), 'columns', r.prattrs::int2[]`;

const SCHEMAS_SQL = `
select coalesce(pg_catalog.json_agg(pg_catalog.json_build_object('oid', s.oid::int8, 'schema', n.nspname, 'isFirst', ${isFirst('s')})), '[]')
  from pg_catalog.pg_publication_namespace s join pg_catalog.pg_namespace n on n.oid = s.pnnspid where s.pnpubid = p.oid`;

const publicationSql = (major: number): string => `
select pg_catalog.json_build_object('oid', p.oid::int8, 'isFirst', p.cmin::text = '0', 'version', p.xmin::text, 'owner', p.pubowner::text,
         'allTables', p.puballtables, 'viaPartitionRoot', p.pubviaroot,
         'operations', pg_catalog.array_remove(array[case when p.pubinsert then 'insert' end, case when p.pubupdate then 'update' end,
                          case when p.pubdelete then 'delete' end, case when p.pubtruncate then 'truncate' end], null),
         'generatedColumns', coalesce(pg_catalog.to_jsonb(p)->>'pubgencols' = 's', false),
         'members', (${membersSql(major)}),
         'schemas', ${major < MEMBER_DETAILS_SINCE ? "'[]'::json" : `(${SCHEMAS_SQL})`})
  from pg_catalog.pg_publication p where p.pubname = $1`;

/**
 * The row type is renamed, moved and given away with its table; the system columns never change after the table was made.
 * ATTACH PARTITION touches every other column, and CREATE … PARTITION OF at most those with a default.
 */
const TABLES_SQL = `
select pg_catalog.json_agg(pg_catalog.json_build_array(c.oid::int8, n.nspname, c.relname, c.relkind = 'p', c.relpersistence = 'u', c.relreplident,
         case when c.relispartition then (select i.inhparent::int8 from pg_catalog.pg_inherits i where i.inhrelid = c.oid) end,
         t.xmin::text <> a.xmin::text or t.cmin::text <> a.cmin::text
         or (c.relispartition and not exists (select from pg_catalog.pg_attribute b where b.attrelid = c.oid and b.attnum > 0
               and b.xmin::text = a.xmin::text and b.cmin::text = a.cmin::text)),
         pg_catalog.has_table_privilege(c.oid, 'select') and pg_catalog.has_schema_privilege(n.oid, 'usage')))
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  left join pg_catalog.pg_type t on t.oid = c.reltype
  left join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = -6
 where ${WATCHED_TABLES}`;

const factsSql = (major: number): string => `
select f."fingerprint", f."lsn", (${publicationSql(major)}) as "publication", (${TABLES_SQL}) as "tables",${RIGHTS}
  from (${fingerprintSql(major)}) f`;

type FactsRow = {
  fingerprint: string;
  lsn: string | null;
  publication: PublicationRow | null;
  tables: readonly TableRow[] | null;
  mayReplicate: boolean | null;
  mayConnect: boolean | null;
  freeSlots: number;
  freeWalsenders: number;
};
type PublicationRow = Omit<SourcePublication, 'members'> & {
  readonly members: readonly (Omit<SourceMember, 'filter' | 'columns'> & {
    readonly filter?: string | null;
    readonly columns?: readonly number[] | null;
  })[];
};
type TableRow = readonly [number, string, string, boolean, boolean, string, number | null, boolean | null, boolean];

/** Loads the fingerprint: one row, whatever the number of tables. */
export async function glanceAtSource(session: PgSession, publication: string, options: QueryOptions = {}): Promise<SourceGlance> {
  const fromLsn = await loadLsn(session, options);
  const rows = await session.query<Pick<FactsRow, 'fingerprint' | 'lsn'>>(fingerprintSql(session.serverMajor), [publication], options);
  const row = rows[0];
  if (row === undefined) throw new SlotlineError('pg_query_failed', { ...session.address, message: 'no row of source facts' });
  return { fromLsn, toLsn: parseLsn(row.lsn ?? '0/0'), fingerprint: row.fingerprint };
}

export async function loadSourceFacts(session: PgSession, publication: string, options: QueryOptions = {}): Promise<SourceFacts> {
  const fromLsn = await loadLsn(session, options);
  const rows = await session.query<FactsRow>(factsSql(session.serverMajor), [publication], options);
  const row = rows[0];
  if (row === undefined) throw new SlotlineError('pg_query_failed', { ...session.address, message: 'no row of source facts' });
  return {
    fromLsn,
    toLsn: parseLsn(row.lsn ?? '0/0'),
    fingerprint: row.fingerprint,
    publication: row.publication === null ? undefined : publicationOf(row.publication),
    tables: new Map((row.tables ?? []).map((table) => [table[0], tableOf(table)])),
    role: { mayReplicate: row.mayReplicate ?? true, mayConnect: row.mayConnect ?? true },
    freeSlots: row.freeSlots,
    freeWalsenders: row.freeWalsenders,
  };
}

/** Finds which of these tables have rows. It does not wait for a locked table: that one counts as having rows. */
export async function tablesWithRows(session: PgSession, oids: readonly number[], options: QueryOptions): Promise<ReadonlySet<number>> {
  const sql =
    'select t.oid::int8::float8 as "oid" from pg_catalog.unnest($1::oid[]) as t(oid) where pg_catalog.pg_relation_size(t.oid) > 0';
  try {
    const rows = await session.query<{ oid: number }>(sql, [oids], options);
    return new Set(rows.map(({ oid }) => oid));
  } catch (error) {
    options.signal?.throwIfAborted();
    if (!(error instanceof SlotlineError)) throw error;
    return new Set(oids);
  }
}

async function loadLsn(session: PgSession, options: QueryOptions): Promise<Lsn> {
  const rows = await session.query<{ lsn: string }>(LSN_SQL, [], options);
  return parseLsn(rows[0]?.lsn ?? '0/0');
}

function publicationOf(row: PublicationRow): SourcePublication {
  return {
    ...row,
    members: row.members.map((member) => ({
      ...member,
      filter: member.filter ?? undefined,
      columns: member.columns ?? undefined,
    })),
  };
}

const IDENTITIES: Readonly<Record<string, SourceTable['identity']>> = { d: 'default', f: 'full', i: 'index', n: 'nothing' };

function tableOf([oid, schema, table, isPartitioned, isUnlogged, identity, parent, wasMoved, isReadable]: TableRow): SourceTable {
  const known = { oid, schema, table, isPartitioned, isUnlogged, isReadable };
  return { ...known, identity: IDENTITIES[identity] ?? 'default', parent: parent ?? undefined, wasMoved: wasMoved ?? true };
}
