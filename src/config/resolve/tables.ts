/**
 * Owns the resolved form of options that name tables or columns in their keys: `column.*` families and the SELECTs of a
 * snapshot. Does not match anything: events/ and snapshot/ do.
 */
import { inHashMapOrder, stringHash } from '../../core/java/hash-map-order.ts';
import { MESSAGE_DIGESTS, nodeDigestName } from '../../core/java/message-digest.ts';
import type { ColumnRule, SnapshotOptions } from '../../core/options.ts';
import type { ConfigReport, OptionValues } from './read-values.ts';
import { splitRegexList } from './regex-list.ts';

type Change = ColumnRule['change'];

/** The change that a key asks for, or why there is no such change. */
type Asked = { readonly tag: 'change'; readonly change: Change } | { readonly tag: 'wrong'; readonly reason: string };

type RuleReader = { readonly key: RegExp; readonly read: (parts: readonly string[]) => Asked };

const LENGTH_MAX = 2_147_483_647;
/** Every masked value has this length; a longer one could not be sent. */
const MASK_LENGTH_MAX = 100_000;

/** In Debezium's order: only the first rule that matches a column is applied. */
const RULES: readonly RuleReader[] = [
  { key: /^column\.truncate\.to\.([^.]+)\.chars$/, read: ([digits = '']) => readLength('truncate', digits, LENGTH_MAX) },
  { key: /^column\.mask\.with\.([^.]+)\.chars$/, read: ([digits = '']) => readLength('mask', digits, MASK_LENGTH_MAX) },
  { key: /^column\.propagate\.source\.type$/, read: () => ({ tag: 'change', change: { tag: 'propagateColumn' } }) },
  { key: /^datatype\.propagate\.source\.type$/, read: () => ({ tag: 'change', change: { tag: 'propagateDatatype' } }) },
  { key: /^column\.mask\.hash\.([^.]+)\.with\.salt\.(.+)$/s, read: ([algorithm = '', salt = '']) => readHash('v1', algorithm, salt) },
  { key: /^column\.mask\.hash\.v2\.([^.]+)\.with\.salt\.(.+)$/s, read: ([algorithm = '', salt = '']) => readHash('v2', algorithm, salt) },
];

export function resolveColumnRules(values: OptionValues, report: ConfigReport): ColumnRule[] {
  const members = inConnectOrder([...values.members('column.'), ...values.members('datatype.')], report.keys());
  return RULES.flatMap(({ key, read }) =>
    members.flatMap(([name, text]) => {
      const match = key.exec(name);
      if (match === null) return [];
      const asked = read(match.slice(1));
      if (asked.tag === 'change') return [{ change: asked.change, patterns: splitRegexList(text) }];
      report.add('invalid', name, asked.reason);
      return [];
    }),
  );
}

function readLength(tag: 'truncate' | 'mask', digits: string, max: number): Asked {
  const length = Number(digits);
  if (/^\d+$/.test(digits) && length <= max) return { tag: 'change', change: { tag, length } };
  return { tag: 'wrong', reason: `has a count of characters that is not a whole number from 0 to ${max}` };
}

function readHash(version: 'v1' | 'v2', algorithm: string, salt: string): Asked {
  if (nodeDigestName(algorithm) !== undefined) return { tag: 'change', change: { tag: 'hash', version, algorithm, salt } };
  return { tag: 'wrong', reason: `names a hash algorithm that is not one of ${MESSAGE_DIGESTS.join(', ')}` };
}

/** Keys that belong to Connect's worker, or that only Slotline has. */
const NOT_IN_CONNECTOR =
  /^(?:slotline\.|offset\.storage\.|bootstrap\.servers$|security\.protocol$|sasl\.|ssl\.|client\.|producer\.(?!override\.))/;
/** Keys that a connector in Connect has in any case, and one that Connect adds. */
const ALWAYS_IN_CONNECTOR = ['connector.class', 'name', 'plugin.name', 'task.class'];

/**
 * Debezium reads its rules from a java.util.HashMap of the whole config. So of two rules of one kind the first in that map's order wins,
 * not the one written first. The order depends on the size of the map, so we count the keys that the same connector has in Connect.
 */
function inConnectOrder(members: readonly (readonly [string, string])[], keys: readonly string[]): (readonly [string, string])[] {
  const all = new Set([...keys.filter((key) => !NOT_IN_CONNECTOR.test(key)), ...ALWAYS_IN_CONNECTOR]);
  const positions = new Map(inHashMapOrder([...all], { hashOf: stringHash }).map((key, position) => [key, position]));
  return members.toSorted(([a], [b]) => (positions.get(a) ?? 0) - (positions.get(b) ?? 0));
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
