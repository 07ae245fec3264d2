/**
 * Owns the types of one database, resolved lazily by OID: arrays to their element, domains to what they are over, enums
 * to their labels. Does not know how values of a type are converted (values/).
 *
 * What was learnt of a type stays until the next start, as in Debezium's TypeRegistry: a label that ALTER TYPE … ADD VALUE adds
 * is streamed, and is not in the schema.
 */
import type { PgType, PgTypeKind } from '../values/pg-type.ts';
import type { PgSession, QueryOptions } from './connection.ts';

type TypeRow = {
  oid: number;
  name: string;
  schema: string;
  onSearchPath: boolean;
  kind: string;
  /** 0: not an array. */
  elementOid: number;
  /** 0: not a domain. */
  baseOid: number;
  baseTypmod: number;
  enumLabels: string[] | null;
};

/**
 * An array is the type that its element names as its array type: int2vector and oidvector have an element too but are
 * printed without braces.
 */
const TYPES_SQL = `
select t.oid, t.typname::text as "name", n.nspname::text as "schema",
       n.nspname = any(pg_catalog.current_schemas(true)) as "onSearchPath",
       case when e.oid is not null then 'array' else t.typtype::text end as "kind",
       coalesce(e.oid, 0)::int8::float8 as "elementOid", t.typbasetype::int8::float8 as "baseOid", t.typtypmod as "baseTypmod",
       (select pg_catalog.array_agg(l.enumlabel::text order by l.enumsortorder)
          from pg_catalog.pg_enum l where l.enumtypid = t.oid) as "enumLabels"
  from pg_catalog.pg_type t
  join pg_catalog.pg_namespace n on n.oid = t.typnamespace
  left join pg_catalog.pg_type e on e.oid = t.typelem and e.typarray = t.oid
 where t.oid = any($1::oid[])`;

const KINDS: Readonly<Record<string, PgTypeKind>> = {
  array: 'array',
  b: 'base',
  c: 'composite',
  d: 'domain',
  e: 'enum',
  m: 'multirange',
  p: 'pseudo',
  r: 'range',
};

export class TypeRegistry {
  readonly #session: Pick<PgSession, 'query'>;
  readonly #rows = new Map<number, TypeRow>();
  readonly #types = new Map<number, PgType>();

  constructor(session: Pick<PgSession, 'query'>) {
    this.#session = session;
  }

  /** Loads these types and what they are made of. Cheap when all are known: then nothing is asked. */
  async resolve(oids: readonly number[], options: QueryOptions = {}): Promise<void> {
    let missing = this.#unknown(oids);
    while (missing.length > 0) {
      const rows = await this.#session.query<TypeRow>(TYPES_SQL, [missing], options);
      for (const oid of missing) this.#rows.set(oid, goneType(oid));
      for (const row of rows) this.#rows.set(row.oid, row);
      missing = this.#unknown(rows.flatMap((row) => [row.elementOid, row.baseOid]));
    }
  }

  /** A type that `resolve` was given. One that the catalog does not have any more is of kind `pseudo`, named `unknown`. */
  get(oid: number): PgType {
    const known = this.#types.get(oid);
    if (known !== undefined) return known;
    const type = this.#build(this.#rows.get(oid) ?? goneType(oid));
    // A type asked for before it was resolved must not stay unknown.
    if (this.#rows.has(oid)) this.#types.set(oid, type);
    return type;
  }

  #unknown(oids: readonly number[]): number[] {
    return [...new Set(oids)].filter((oid) => oid !== 0 && !this.#rows.has(oid));
  }

  #build(row: TypeRow): PgType {
    return {
      oid: row.oid,
      name: row.name,
      schema: row.schema,
      kind: KINDS[row.kind] ?? 'base',
      ...(row.onSearchPath ? {} : { offSearchPath: true }),
      ...(row.elementOid === 0 ? {} : { element: this.get(row.elementOid) }),
      ...(row.baseOid === 0 ? {} : { base: this.get(row.baseOid), baseTypmod: row.baseTypmod }),
      ...(row.enumLabels === null ? {} : { enumLabels: row.enumLabels }),
    };
  }
}

function goneType(oid: number): TypeRow {
  return {
    oid,
    name: 'unknown',
    schema: 'pg_catalog',
    onSearchPath: true,
    kind: 'p',
    elementOid: 0,
    baseOid: 0,
    baseTypmod: -1,
    enumLabels: null,
  };
}
