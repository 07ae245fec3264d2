/**
 * Owns finding the tables for which the server refuses UPDATE and DELETE because of a publication, one that exists or one that is about
 * to be made. Tables that are not captured count too: a publication for all tables covers every table of the database. Changes nothing.
 * Source: PostgreSQL, src/backend/executor/execReplication.c, CheckCmdReplicaIdentity; src/backend/utils/cache/relcache.c,
 * RelationBuildPublicationDesc; src/backend/commands/publicationcmds.c, pub_rf_contains_invalid_column, pub_contains_invalid_column.
 */

import { quoteIdentifier, quoteTable } from '../identifiers.ts';
import type { PgSession } from '../session/open-session.ts';

/** A publication that does not exist yet. */
export type PlannedPublication = {
  readonly allTables: boolean;
  readonly viaPartitionRoot: boolean;
  readonly publishesUpdates: boolean;
  readonly publishesDeletes: boolean;
  /** publish_generated_columns=stored (18). */
  readonly publishesGenerated: boolean;
  /** Tables named in it, without a WHERE and without a column list. */
  readonly members: readonly number[];
};

export type BlockingReason =
  /** No primary key that counts (a deferrable one does not), an index that is gone, or replica identity nothing. */
  | 'identity'
  /** Its WHERE reads a column that is not in the replica identity (15 and later). */
  | 'filter'
  /** Its column list lacks a column of the replica identity (15 and later). */
  | 'columns'
  /** The replica identity holds a generated column that is not published (18 and later). */
  | 'generated'
  /** The same with a virtual column, which no setting publishes. */
  | 'virtual';

export type BlockedTable = {
  readonly schema: string;
  readonly table: string;
  readonly oid: number;
  readonly reason: BlockingReason;
  /** It has a primary key that counts as a replica identity. */
  readonly hasKey: boolean;
};

/** Sorted by schema and name. Empty where the publication sends neither updates nor deletes. `added`: tables that will be added to an existing publication. */
export async function loadBlockedTables(
  session: PgSession,
  publication: string | PlannedPublication,
  added: readonly number[] = [],
): Promise<readonly BlockedTable[]> {
  if (typeof publication === 'string')
    return await session.query<BlockedTable>(BLOCKED_SQL, [publication, false, false, false, false, false, added]);
  const { allTables, viaPartitionRoot, publishesUpdates, publishesDeletes, publishesGenerated, members } = publication;
  const planned = [allTables, viaPartitionRoot, publishesUpdates, publishesDeletes, publishesGenerated, members];
  return await session.query<BlockedTable>(BLOCKED_SQL, [null, ...planned]);
}

/** The statement that makes the table writable again; undefined where a person has to choose one. */
export function unblockingSql(table: BlockedTable, publication: string): string | undefined {
  if (table.reason === 'identity') return `alter table ${quoteTable(table)} replica identity full`;
  if (table.reason !== 'generated' && table.reason !== 'virtual') return undefined;
  if (table.hasKey) return `alter table ${quoteTable(table)} replica identity default`;
  return table.reason === 'virtual'
    ? undefined
    : `alter publication ${quoteIdentifier(publication)} set (publish_generated_columns = stored)`;
}

/** Reads columns and tables of later versions through jsonb or to_regclass, which give null where they do not exist. */
const BLOCKED_SQL = `
with pub as (
  select p.oid, p.puballtables as everything, p.pubviaroot as via_root, p.pubupdate as updates, p.pubdelete as deletes,
         coalesce(pg_catalog.to_jsonb(p)->>'pubgencols', 'n') = 's' as generated
    from pg_catalog.pg_publication p where p.pubname = $1::text
  union all
  select null, $2::bool, $3::bool, $4::bool, $5::bool, $6::bool where $1::text is null
), member as (
  select r.prrelid::oid as relid, pg_catalog.to_jsonb(r)->>'prattrs' as attrs, pg_catalog.to_jsonb(r)->>'prqual' as qual
    from pg_catalog.pg_publication_rel r join pub on r.prpubid = pub.oid
  union all
  select named.relid, null, null from pg_catalog.unnest($7::oid[]) as named(relid)
), member_schema as (
  select s.refobjid as nspoid
    from pg_catalog.pg_depend d join pub on d.refobjid = pub.oid
    join pg_catalog.pg_depend s on s.classid = d.classid and s.objid = d.objid
   where d.classid = pg_catalog.to_regclass('pg_catalog.pg_publication_namespace')
     and d.refclassid = 'pg_catalog.pg_publication'::pg_catalog.regclass
     and s.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass
), facts as (
  select c.oid, n.nspname::text as "schema", c.relname::text as "table", c.relreplident as identity, pub.generated,
         pg_catalog.current_setting('server_version_num')::int4 as version,
         m.attrs, m.qual, coalesce(m.relid, c.oid) as sent_as, identity.attnums,
         array(select a.attname from pg_catalog.pg_attribute a where a.attrelid = c.oid and a.attnum = any(identity.attnums)) as identity_names,
         exists (select from pg_catalog.pg_index i where i.indrelid = c.oid and i.indisprimary and i.indisvalid and i.indimmediate) as has_key
    from pub cross join pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    left join lateral (
           select a.relid::oid as relid
             from pg_catalog.pg_partition_ancestors(c.oid) with ordinality as a(relid, position)
             join pg_catalog.pg_class p on p.oid = a.relid
            where p.oid in (select relid from member) or p.relnamespace in (select nspoid from member_schema)
            order by a.position desc limit 1) as top on c.relispartition
    left join lateral (
           select array(select k.attnum from pg_catalog.unnest(i.indkey::int2[]) with ordinality as k(attnum, position)
                         where k.position <= i.indnkeyatts) as attnums
             from pg_catalog.pg_index i
            where i.indrelid = c.oid and i.indisvalid and i.indisunique and i.indimmediate and i.indpred is null
              and case c.relreplident when 'd' then i.indisprimary when 'i' then i.indisreplident else false end
            limit 1) as identity on true
    left join member m on m.relid = case when pub.via_root and top.relid is not null then top.relid else c.oid end
   where c.relkind = 'r' and c.relpersistence = 'p' and c.oid >= 16384 and (pub.updates or pub.deletes)
     and (pub.everything or top.relid is not null or c.oid in (select relid from member)
          or c.relnamespace in (select nspoid from member_schema))
), judged as (
  select f.*,
         case
           when f.identity <> 'f' and f.qual is not null and exists (
                  select from pg_catalog.regexp_matches(f.qual, ':varattno (\\d+)', 'g') as v(attnum)
                    join pg_catalog.pg_attribute a on a.attrelid = f.sent_as and a.attnum = v.attnum[1]::int2
                   where a.attname <> all(f.identity_names)) then 'filter'
           when f.attrs is not null and (f.identity = 'f' or exists (
                  select from pg_catalog.unnest(f.identity_names) as i(name)
                   where i.name not in (
                         select a.attname from pg_catalog.pg_attribute a
                          where a.attrelid = f.sent_as
                            and a.attnum = any(pg_catalog.regexp_split_to_array(pg_catalog.btrim(f.attrs, '[] '), '[ ,]+')::int2[])))) then 'columns'
           when f.version >= 180000 and f.identity = 'f' and exists (
                  select from pg_catalog.pg_attribute a
                   where a.attrelid = f.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = 'v') then 'virtual'
           when f.version >= 180000 and (f.attrs is null or f.identity = 'f') and exists (
                  select from pg_catalog.pg_attribute a
                   where a.attrelid = f.oid and a.attnum > 0 and not a.attisdropped and (f.identity = 'f' or a.attnum = any(f.attnums))
                     and a.attgenerated = 's' and not f.generated) then 'generated'
           when f.identity <> 'f' and f.attnums is null then 'identity'
         end as reason
    from facts f
)
select j.oid, j."schema", j."table", j.reason, j.has_key as "hasKey" from judged j where j.reason is not null order by 2, 3`;
