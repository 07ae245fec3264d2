/**
 * Owns options of transforms that newer releases ignore without a word, and what they mean now. Their old meaning is honoured, because configs
 * still carry them: a mask that is not applied would be a leak.
 */

import { UNWRAP } from './debezium.ts';
import type { StageValues } from './stage-spec.ts';

type OldOptions = {
  /** The options with the new ones in them. */
  readonly values: StageValues;
  /** The old ones that were read. */
  readonly used: readonly string[];
  readonly problem: { readonly option: string; readonly reason: string } | undefined;
  /** Undefined where a newer release does the same. */
  readonly note: string | undefined;
};

const NOTHING = { used: [], problem: undefined, note: undefined };

/** `mode` is slotline.unwrap.legacy. */
export function honourOldOptions(type: string, values: StageValues, mode: 'honour' | 'ignore'): OldOptions {
  if (mode === 'ignore') return { ...NOTHING, values };
  if (type === UNWRAP) return honourDeleteHandling(values);
  return type.startsWith('org.apache.kafka.connect.transforms.ReplaceField$') ? honourFieldLists(values) : { ...NOTHING, values };
}

const MODE = 'delete.tombstone.handling.mode';
const OLD_MODE = 'delete.handling.mode';
const OLD_DROP = 'drop.tombstones';

/** By delete.handling.mode: what drop.tombstones=true and =false were. Debezium read the pair until 3.1. */
const DELETE_HANDLING: Readonly<Record<string, readonly [drop: string, keep: string]>> = {
  // The delete is dropped and its tombstone kept, or the delete becomes the tombstone: the topic has the same.
  drop: ['drop', 'delete-to-tombstone'],
  none: ['tombstone', 'tombstone-with-tombstone'],
  rewrite: ['rewrite', 'rewrite-with-tombstone'],
};

function honourDeleteHandling(values: StageValues): OldOptions {
  const used = [OLD_DROP, OLD_MODE].filter((name) => values.has(name));
  if (used.length === 0 || values.has(MODE)) return { ...NOTHING, values };
  const mode = (values.get(OLD_MODE) ?? 'drop').trim().toLowerCase();
  const meanings = DELETE_HANDLING[mode];
  if (meanings === undefined) return { ...NOTHING, values, used, problem: { option: OLD_MODE, reason: 'must be one of drop, rewrite, none' } };
  const drop = (values.get(OLD_DROP) ?? 'true').trim().toLowerCase();
  if (drop !== 'true' && drop !== 'false') return { ...NOTHING, values, used, problem: { option: OLD_DROP, reason: 'must be true or false' } };
  const meaning = meanings[drop === 'true' ? 0 : 1];
  const note = `${used.map((name) => `${name}=${name === OLD_MODE ? mode : drop}`).join(', ')} is honoured as ${MODE}=${meaning}. Debezium 3.2 and later ignore it, with the mode tombstone; slotline.unwrap.legacy=ignore does so too`;
  return { values: new Map([...values, [MODE, meaning]]), used, problem: undefined, note: meaning === 'tombstone' ? undefined : note };
}

const FIELD_LISTS: readonly (readonly [old: string, now: string])[] = [
  ['blacklist', 'exclude'],
  ['whitelist', 'include'],
];

/** Kafka read the old names until 3.9. */
function honourFieldLists(values: StageValues): OldOptions {
  const pairs = FIELD_LISTS.filter(([old, now]) => values.has(old) && !values.has(now));
  if (pairs.length === 0) return { ...NOTHING, values };
  return {
    values: new Map([...values, ...pairs.map(([old, now]) => [now, values.get(old) ?? ''] as const)]),
    used: pairs.map(([old]) => old),
    problem: undefined,
    note: `${pairs.map(([old, now]) => `${old} is honoured as ${now}`).join(', ')}. Kafka 4 and later ignore the old name; slotline.unwrap.legacy=ignore does so too`,
  };
}
