/**
 * Owns which schemas, tables and columns are captured. Compiles Debezium's regex lists once; does not read the catalog.
 * Source: Debezium's PostgreSQL connector, "schema.include.list" and following; io.debezium.relational.Selectors.
 */
import type { FilterOptions, ReplicaIdentityRule } from '../core/options.ts';
import { compileUserPattern, type UserPattern } from '../core/user-pattern.ts';

export interface TableFilter {
  includesTable(schema: string, table: string): boolean;
  /** For columns of the value. Key columns always stay in the key. */
  includesColumn(schema: string, table: string, column: string): boolean;
}

type Matcher = (name: string) => boolean;

const BUILTIN_SCHEMA = /^(?:pg_catalog|information_schema|pg_temp.*|pg_toast.*)$/i;
const BUILTIN_TABLES = new Set(['spatial_ref_sys']);

/** Throws SyntaxError for a pattern that does not compile; config/ has already compiled each once. */
export function compileFilter(options: FilterOptions): TableFilter {
  const schemas = compilePair(options.schemaInclude, options.schemaExclude);
  const tables = compilePair(options.tableInclude, options.tableExclude);
  const columns = compilePair(options.columnInclude, options.columnExclude);
  return {
    includesTable(schema, table) {
      if (options.tableIgnoreBuiltin && (BUILTIN_SCHEMA.test(schema) || BUILTIN_TABLES.has(table.toLowerCase()))) return false;
      return schemas(schema) && tables(`${schema}.${table}`);
    },
    includesColumn(schema, table, column) {
      return columns(`${schema}.${table}.${column}`);
    },
  };
}

/** Compiles one pattern: anchored and case-insensitive, as in Debezium's Predicates.includes. */
export function compilePattern(pattern: string): UserPattern {
  return compileUserPattern(pattern.trim(), 'i');
}

/** True when any pattern matches the whole name; an empty list matches nothing. */
export function compileAny(patterns: readonly string[]): Matcher {
  const compiled = patterns.map(compilePattern);
  return (name) => compiled.some((pattern) => pattern.test(name));
}

/** The replica identity for each table that exactly one rule matches. If several rules match, the table keeps the one it has. */
export function chooseIdentities<T extends { readonly schema: string; readonly table: string }>(
  rules: readonly ReplicaIdentityRule[],
  tables: readonly T[],
): {
  readonly wanted: readonly { readonly table: T; readonly identity: ReplicaIdentityRule['identity'] }[];
  readonly ambiguous: readonly T[];
} {
  const compiled = rules.map(({ table, identity }) => ({ pattern: compilePattern(table), identity }));
  const wanted: { readonly table: T; readonly identity: ReplicaIdentityRule['identity'] }[] = [];
  const ambiguous: T[] = [];
  for (const table of tables) {
    const [first, ...others] = compiled.filter(({ pattern }) => pattern.test(`${table.schema}.${table.table}`));
    if (others.length > 0) ambiguous.push(table);
    else if (first !== undefined) wanted.push({ table, identity: first.identity });
  }
  return { wanted, ambiguous };
}

function compilePair(include: readonly string[], exclude: readonly string[]): Matcher {
  if (include.length > 0) return compileAny(include);
  if (exclude.length === 0) return () => true;
  const excluded = compileAny(exclude);
  return (name) => !excluded(name);
}
