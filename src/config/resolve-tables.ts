/**
 * Owns the resolved form of options that name tables or columns in their keys: `column.*` families and the SELECTs of a
 * snapshot. Does not match anything: events/ and snapshot/ do.
 */
import type { ColumnRule, SnapshotOptions } from '../core/options.ts';
import type { ConfigReport, OptionValues } from './read-values.ts';
import { splitRegexList } from './regex-list.ts';

type RuleReader = { readonly key: RegExp; readonly change: (match: readonly string[]) => ColumnRule['change'] };

/** In the order in which Debezium asks: the first rule that matches a column is the only one that holds. */
const RULES: readonly RuleReader[] = [
  { key: /^column\.truncate\.to\.(\d+)\.chars$/, change: ([, length = '']) => ({ tag: 'truncate', length: Number(length) }) },
  { key: /^column\.mask\.with\.(\d+)\.chars$/, change: ([, length = '']) => ({ tag: 'mask', length: Number(length) }) },
  { key: /^column\.propagate\.source\.type$/, change: () => ({ tag: 'propagateColumn' }) },
  { key: /^datatype\.propagate\.source\.type$/, change: () => ({ tag: 'propagateDatatype' }) },
  {
    key: /^column\.mask\.hash\.([^.]+)\.with\.salt\.(.+)$/s,
    change: ([, algorithm = '', salt = '']) => ({ tag: 'hash', version: 'v1', algorithm, salt }),
  },
  {
    key: /^column\.mask\.hash\.v2\.([^.]+)\.with\.salt\.(.+)$/s,
    change: ([, algorithm = '', salt = '']) => ({ tag: 'hash', version: 'v2', algorithm, salt }),
  },
];

export function resolveColumnRules(values: OptionValues): ColumnRule[] {
  const members = [...values.members('column.'), ...values.members('datatype.')];
  return RULES.flatMap(({ key, change }) =>
    members.flatMap(([name, text]) => {
      const match = key.exec(name);
      return match === null ? [] : [{ change: change(match), patterns: splitRegexList(text) }];
    }),
  );
}

/** A table in the list without a SELECT of its own is a problem: Debezium warns and sends the whole table, which may be a leak. */
export function resolveSelectOverrides(values: OptionValues, report: ConfigReport): SnapshotOptions['selectOverrides'] {
  const list = 'snapshot.select.statement.overrides';
  return values.list(list).flatMap((table) => {
    const select = values.members(`${list}.`).get(`${list}.${table}`);
    if (select !== undefined) return [{ table, select }];
    report.add('invalid', values.keyOf(list), `names ${table}, but ${list}.${table} is missing`);
    return [];
  });
}
