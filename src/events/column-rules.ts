/**
 * Owns which rule applies to a column: masks, hashes, truncation and propagated source types. What a rule does to a column is in
 * values/column-change.ts. Asked once per relation version.
 * Source: io.debezium.relational.mapping.ColumnMappers.
 */
import type { ColumnRule } from '../core/options.ts';
import { compilePattern } from './filter.ts';

type RuledColumn = {
  readonly schema: string;
  readonly table: string;
  readonly column: string;
  /** The type's name, spelled as the source type has it. */
  readonly typeName: string;
};

/** The change for a column of a value; undefined: none. Keys are never changed. */
export type ColumnRules = (column: RuledColumn) => ColumnRule['change'] | undefined;

/** Only the first rule that matches applies: a truncated column is not masked too, and a masked one is not propagated too. */
export function compileColumnRules(rules: readonly ColumnRule[]): ColumnRules {
  const compiled = rules.map(({ change, patterns }) => ({ change, patterns: patterns.map(compilePattern) }));
  return ({ schema, table, column, typeName }) => {
    const name = `${schema}.${table}.${column}`;
    const typed = `${schema}.${table}.${typeName}`;
    const matches = ({ change, patterns }: (typeof compiled)[number]): boolean => {
      const subject = change.tag === 'propagateDatatype' ? typed : name;
      return patterns.some((pattern) => pattern.test(subject));
    };
    return compiled.find(matches)?.change;
  };
}
