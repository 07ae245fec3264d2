/** Owns the comparison of two sets of records of one case, through the masks, and how a difference is shown. */
import { type MaskedRecord, maskRecords } from './masks.ts';
import type { GoldenRecord } from './replay-cases.ts';

export type Side = { readonly name: string; readonly records: readonly GoldenRecord[] };

type Comparison = {
  /** The case's name without the suffix for schemas. */
  readonly group: string;
  readonly expected: Side;
  readonly actual: Side;
  /** Changes an expected line before it is compared: differences on purpose. */
  readonly adjust?: (line: string) => string;
};

/** One text for each record that differs, and for each topic and partition that has more or fewer of them. */
export function differences({ group, expected, actual, adjust = (line) => line }: Comparison): string[] {
  const timed = expected.records.some(({ timestamp }) => timestamp !== undefined);
  const wantedLines = linesByPlace(maskRecords(group, expected.records), { timed });
  const gotLines = linesByPlace(maskRecords(group, actual.records), { timed });
  const found: string[] = [];
  for (const place of new Set([...wantedLines.keys(), ...gotLines.keys()])) {
    const wanted = (wantedLines.get(place) ?? []).map(adjust);
    const got = gotLines.get(place) ?? [];
    if (wanted.length !== got.length) found.push(`${place}: ${wanted.length} records of ${expected.name}, ${got.length} of ${actual.name}`);
    for (let i = 0; i < Math.max(wanted.length, got.length); i++) {
      if (wanted[i] === got[i]) continue;
      const [left, right] = excerpts(wanted[i] ?? '(none)', got[i] ?? '(none)');
      found.push(`${place} record ${i}\n  ${expected.name} …${left}\n  ${actual.name} …${right}`);
    }
  }
  return found;
}

/** Records of one topic and partition in order, as lines of text. */
function linesByPlace(records: readonly MaskedRecord[], { timed }: { readonly timed: boolean }): Map<string, string[]> {
  const byPlace = new Map<string, string[]>();
  for (const { place, key, value, headers, timestamp } of records) {
    const line = `key ${key}\nvalue ${value}\nheaders ${headers.join(' ')}${timed ? `\ntimestamp ${timestamp}` : ''}`;
    byPlace.set(place, [...(byPlace.get(place) ?? []), line]);
  }
  return byPlace;
}

const EXCERPT_BEFORE = 60;
const EXCERPT_LENGTH = 260;

/** Both around the first byte that differs. */
function excerpts(wanted: string, got: string): [string, string] {
  let at = 0;
  while (at < wanted.length && wanted[at] === got[at]) at++;
  const from = Math.max(0, at - EXCERPT_BEFORE);
  return [wanted.slice(from, from + EXCERPT_LENGTH), got.slice(from, from + EXCERPT_LENGTH)];
}
