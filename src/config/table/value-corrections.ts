/** Owns the reading of slotline.values.corrections. What each correction changes is in values/. */

import { VALUE_CORRECTIONS, type ValueCorrection } from '../../core/options.ts';
import { splitRegexList } from '../resolve/regex-list.ts';

const ALL = 'all';

export function resolveCorrections(names: readonly string[]): ReadonlySet<ValueCorrection> {
  const all = names.includes(ALL);
  return new Set(VALUE_CORRECTIONS.filter((name) => all || names.includes(name)));
}

export function checkCorrections(value: string): string | undefined {
  const known: readonly string[] = [...VALUE_CORRECTIONS, ALL];
  const unknown = splitRegexList(value).find((name) => !known.includes(name));
  return unknown === undefined ? undefined : `must be a list of ${known.join(', ')}`;
}
