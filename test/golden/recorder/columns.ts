/**
 * Owns finding out which types the columns of a case have, as the server names them, so that the coverage table is computed from the
 * recordings alone. Does not judge what a case covers (coverage.ts).
 */
import type pg from 'pg';
import type { CaseColumns } from '../replay-cases.ts';

/** Kinds that the name does not tell: `mood (enum)`, `d2 (domain over numeric(8,2))`; nested domains down to their base. */
const COLUMNS_SQL = `
  with recursive down as (
    select a.attrelid, a.attnum, a.atttypid as type, format_type(a.atttypid, a.atttypmod) as text, 0 as depth
    from pg_attribute a
    join pg_class c on c.oid = a.attrelid
    join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and a.attnum > 0 and not a.attisdropped
      and n.nspname <> 'information_schema' and n.nspname not like 'pg\\_%'
      and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
    union all
    select d.attrelid, d.attnum, t.typbasetype,
           d.text || ' (domain over ' || format_type(t.typbasetype, t.typtypmod), d.depth + 1
    from down d join pg_type t on t.oid = d.type where t.typtype = 'd'
  )
  select distinct on (n.nspname, c.relname, a.attnum)
         n.nspname || '.' || c.relname as relation, a.attname as name,
         d.text
           || case coalesce(e.typtype, t.typtype) when 'e' then ' (enum)' when 'c' then ' (composite)' when 'm' then ' (multirange)' else '' end
           || repeat(')', d.depth) as text
  from down d
  join pg_class c on c.oid = d.attrelid
  join pg_namespace n on n.oid = c.relnamespace
  join pg_attribute a on a.attrelid = d.attrelid and a.attnum = d.attnum
  join pg_type t on t.oid = d.type
  left join pg_type e on e.oid = t.typelem and t.typcategory = 'A'
  order by n.nspname, c.relname, a.attnum, d.depth desc`;

type Row = { readonly relation: string; readonly name: string; readonly text: string };

/** Adds what the tables look like now; a column that had another type before keeps it in front: `integer then bigint`. */
export async function addColumns(client: pg.Client, columns: CaseColumns): Promise<void> {
  const { rows } = await client.query<Row>(COLUMNS_SQL);
  for (const { relation, name, text } of rows) {
    const table = columns[relation] ?? {};
    columns[relation] = table;
    const known = table[name];
    if (known === undefined) table[name] = text;
    else if (!known.split(' then ').includes(text)) table[name] = `${known} then ${text}`;
  }
}
