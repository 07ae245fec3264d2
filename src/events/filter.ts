/**
 * Owns which schemas, tables and columns are captured. Compiles Debezium's regex lists once; does not read the catalog.
 * Source: Debezium's PostgreSQL connector, "schema.include.list" and following; io.debezium.relational.Selectors.
 */
import type { FilterOptions, ReplicaIdentityRule } from '../core/options.ts';

export interface TableFilter {
  includesTable(schema: string, table: string): boolean;
  /** Columns of the value; key columns always stay in the key. */
  includesColumn(schema: string, table: string, column: string): boolean;
}

type Matcher = (name: string) => boolean;

const BUILTIN_SCHEMA = /^(?:pg_catalog|information_schema|pg_temp.*|pg_toast.*)$/i;
const BUILTIN_TABLES = new Set(['spatial_ref_sys']);

/** Throws SyntaxError for a pattern that does not compile; config/ has already tried each. */
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

/** One pattern, anchored and case-insensitive, as Debezium's Predicates.includes. */
export function compilePattern(pattern: string): RegExp {
  return new RegExp(`^(?:${pattern.trim()})$`, 'i');
}

/** True when any pattern matches the whole name; an empty list matches nothing. */
export function compileAny(patterns: readonly string[]): Matcher {
  const compiled = patterns.map(compilePattern);
  return (name) => compiled.some((pattern) => pattern.test(name));
}

/** The rules of replica.identity.autoset.values that match a table; with more than one Debezium leaves the table as it is. */
export function compileIdentityRules(
  rules: readonly ReplicaIdentityRule[],
): (table: { readonly schema: string; readonly table: string }) => ReplicaIdentityRule['identity'][] {
  const compiled = rules.map(({ table, identity }) => ({ pattern: compilePattern(table), identity }));
  return ({ schema, table }) => {
    const name = `${schema}.${table}`;
    return compiled.filter(({ pattern }) => pattern.test(name)).map(({ identity }) => identity);
  };
}

function compilePair(include: readonly string[], exclude: readonly string[]): Matcher {
  if (include.length > 0) return compileAny(include);
  if (exclude.length === 0) return () => true;
  const excluded = compileAny(exclude);
  return (name) => !excluded(name);
}
