/**
 * Owns the types of one database: arrays with their element, domains with their base, enums with their labels. Users' types are loaded
 * at the start; others, and later ones, by OID when they are met. Does not know how values of a type are converted (values/).
 *
 * A type stays as it was loaded until the next start, as in Debezium's TypeRegistry: a label that ALTER TYPE … ADD VALUE adds is streamed,
 * but is not in the schema, unless `relabel` takes the catalog's present labels.
 */
import type { PgType, PgTypeKind } from '../../values/pg-type.ts';
import type { PgSession, QueryOptions } from '../session/open-session.ts';

type TypeRow = {
  oid: number;
  name: string;
  schema: string;
  onSearchPath: boolean;
  kind: string;
  /** 0 where the type is not an array. */
  elementOid: number;
  /** 0 where the type is not a domain. */
  baseOid: number;
  baseTypmod: number;
  enumLabels: string[] | null;
};

/**
 * An array is the type that its element names as its array type: int2vector and oidvector have an element too but are
 * printed without braces.
 */
const TYPES_SELECT = `
select t.oid, t.typname::text as "name", n.nspname::text as "schema",
       n.nspname = any(pg_catalog.current_schemas(true)) as "onSearchPath",
       case when e.oid is not null then 'array' else t.typtype::text end as "kind",
       coalesce(e.oid, 0)::int8::float8 as "elementOid", t.typbasetype::int8::float8 as "baseOid", t.typtypmod as "baseTypmod",
       (select pg_catalog.array_agg(l.enumlabel::text order by l.enumsortorder)
          from pg_catalog.pg_enum l where l.enumtypid = t.oid) as "enumLabels"
  from pg_catalog.pg_type t
  join pg_catalog.pg_namespace n on n.oid = t.typnamespace
  left join pg_catalog.pg_type e on e.oid = t.typelem and e.typarray = t.oid`;

type TypeSource = Pick<PgSession, 'query'>;

const TYPES_SQL = `${TYPES_SELECT} where t.oid = any($1::oid[])`;

const LABELS_SQL = `
select l.enumtypid as "oid", pg_catalog.array_agg(l.enumlabel::text order by l.enumsortorder) as "labels"
  from pg_catalog.pg_enum l where l.enumtypid = any($1::oid[]) group by l.enumtypid`;

const BUILT_IN_SQL = `
select t.oid, t.typname::text as "name" from pg_catalog.pg_type t
 where t.typnamespace = 'pg_catalog'::regnamespace and t.typname = any($1::name[])`;

/** All types of users but row types and their arrays, which are never read. */
const USER_TYPES_SQL = `${TYPES_SELECT} where t.oid >= 16384 and t.typtype <> 'c' and coalesce(e.typtype, '') <> 'c'`;

/**
 * Debezium looks up the type of a streamed cell by name: first in the schema of the table, then among all types, where types made of other
 * types come last. If it finds a row type (every table has one, with its own name), it has no form for the value.
 */
const HIDDEN_TYPES_SQL = `
select h.oid, pg_catalog.array_agg(n.nspname::text) as "schemas",
       pg_catalog.array_agg(n.nspname::text) filter (where s.typtype = 'c') as "hidingSchemas",
       (pg_catalog.array_agg(s.typtype = 'c' order by s.typbasetype <> 0 or s.typcategory = 'A', s.ctid))[1] as "hiddenElsewhere"
  from pg_catalog.pg_type h
  join pg_catalog.pg_type s on s.typname = h.typname
  join pg_catalog.pg_namespace n on n.oid = s.typnamespace and n.nspname <> 'pg_toast'
 where h.typtype in ('d', 'e') and h.oid >= 16384
 group by h.oid having pg_catalog.bool_or(s.typtype = 'c')`;

type HiddenRow = {
  oid: number;
  /** The schemas that have a type of that name. */
  schemas: string[];
  hidingSchemas: string[];
  /** True where the type is hidden in tables of all other schemas. */
  hiddenElsewhere: boolean;
};

/** An enum whose labels in the catalog differ from the loaded ones. */
export type Relabelled = {
  readonly oid: number;
  /** `schema.type`. */
  readonly name: string;
  readonly labels: readonly string[];
  readonly added: number;
  readonly gone: number;
};

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
  readonly #session: TypeSource;
  readonly #rows = new Map<number, TypeRow>();
  readonly #types = new Map<number, PgType>();
  readonly #hidden = new Map<number, HiddenRow>();

  constructor(session: TypeSource) {
    this.#session = session;
  }

  /** Loads every type of users as it is now. */
  async prime(options: QueryOptions = {}): Promise<void> {
    const rows = await this.#session.query<TypeRow>(USER_TYPES_SQL, [], options);
    for (const row of rows) this.#rows.set(row.oid, row);
    await this.resolve(
      rows.flatMap((row) => [row.elementOid, row.baseOid]),
      options,
    );
    for (const row of await this.#session.query<HiddenRow>(HIDDEN_TYPES_SQL, [], options)) this.#hidden.set(row.oid, row);
  }

  /**
   * Loads these types and the types that they are made of. Runs no query when all are known. A type that the catalog does not have is
   * looked up again the next time. `from`: a session that sees another moment.
   */
  async resolve(oids: readonly number[], options: QueryOptions & { readonly from?: TypeSource } = {}): Promise<void> {
    const session = options.from ?? this.#session;
    let missing = this.#unknown(oids);
    while (missing.length > 0) {
      const rows = await session.query<TypeRow>(TYPES_SQL, [missing], options);
      for (const row of rows) this.#rows.set(row.oid, row);
      missing = this.#unknown(rows.flatMap((row) => [row.elementOid, row.baseOid]));
    }
  }

  /** The OID of the enum that this type is, or that it is an array or a domain of. */
  enumUnder(oid: number): number | undefined {
    const row = this.#rows.get(oid);
    if (row === undefined) return undefined;
    if (row.enumLabels !== null) return row.oid;
    const under = row.elementOid === 0 ? row.baseOid : row.elementOid;
    return under === 0 ? undefined : this.enumUnder(under);
  }

  /** Finds the enums under these types whose labels have changed. Runs no query where there are no enums. */
  async findRelabelled(oids: readonly number[], options: QueryOptions = {}): Promise<readonly Relabelled[]> {
    const enums = [...new Set(oids.map((oid) => this.enumUnder(oid)).filter((oid) => oid !== undefined))];
    if (enums.length === 0) return [];
    const rows = await this.#session.query<{ oid: number; labels: string[] }>(LABELS_SQL, [enums], options);
    return rows.flatMap(({ oid, labels }) => {
      const row = this.#rows.get(oid);
      const known = row?.enumLabels ?? [];
      if (row === undefined || labels.join('\0') === known.join('\0')) return [];
      const added = labels.filter((label) => !known.includes(label)).length;
      const gone = known.filter((label) => !labels.includes(label)).length;
      return [{ oid, name: `${row.schema}.${row.name}`, labels, added, gone }];
    });
  }

  relabel(found: readonly Relabelled[]): void {
    for (const { oid, labels } of found) {
      const row = this.#rows.get(oid);
      if (row !== undefined) this.#rows.set(oid, { ...row, enumLabels: [...labels] });
    }
    // Arrays and domains hold the type that they are made of.
    if (found.length > 0) this.#types.clear();
  }

  has(oid: number): boolean {
    return this.#rows.has(oid);
  }

  /** Loads the types of pg_catalog that have these names, by name. */
  async resolveBuiltIn(names: readonly string[], options: QueryOptions = {}): Promise<ReadonlyMap<string, PgType>> {
    if (names.length === 0) return new Map();
    const rows = await this.#session.query<{ oid: number; name: string }>(BUILT_IN_SQL, [names], options);
    await this.resolve(
      rows.map(({ oid }) => oid),
      options,
    );
    return new Map(rows.map(({ oid, name }) => [name, this.get(oid)]));
  }

  /** As `get`, for a column of a table in that schema. */
  typeIn(tableSchema: string, oid: number): PgType {
    const type = this.get(oid);
    const row = this.#hidden.get(oid);
    if (row === undefined) return type;
    const isHidden = row.schemas.includes(tableSchema) ? row.hidingSchemas.includes(tableSchema) : row.hiddenElsewhere;
    return { ...type, isHidden, hidesDefault: row.hiddenElsewhere };
  }

  /** A type that `resolve` has loaded. A type that the catalog no longer has is of kind `pseudo` and named `unknown`. */
  get(oid: number): PgType {
    const known = this.#types.get(oid);
    if (known !== undefined) return known;
    const type = this.#build(this.#rows.get(oid) ?? goneType(oid));
    // A type that is asked for before it is resolved must not stay unknown.
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
