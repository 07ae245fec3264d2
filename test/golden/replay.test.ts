/**
 * Every recorded case of a real Debezium, replayed through the real Slotline: the same statements must give the same topics, records,
 * order, keys, values and headers, byte for byte but for masks.ts and replay-differences.ts.
 */
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, it } from 'vitest';
import { maskValues } from './masks.ts';
import { type CaseGroup, type GoldenRecord, type RecordedText, readGroups, resolveCase } from './replay-cases.ts';
import { KNOWN_DIFFERENCES, type KnownDifference } from './replay-differences.ts';
import { deleteLeftTopics, type Replay, replayGroup, replayPlace } from './replay-run.ts';

const GROUPS = readGroups(fileURLToPath(new URL('spine', import.meta.url)));
const SHOWN_MAX = 6;

/** Records of one topic and partition in order, as lines of text. */
function lines(group: string, records: readonly GoldenRecord[]): Map<string, string[]> {
  const values = maskValues(
    group,
    records.map(({ value }) => shown(value)),
  );
  const byTopic = new Map<string, string[]>();
  for (const [i, { topic, partition, key, headers }] of records.entries()) {
    const place = `${topic} ${partition}`;
    const line = `key ${shown(key)}\nvalue ${values[i]}\nheaders ${headers.map(([header, value]) => `${header}=${shown(value)}`).join(' ')}`;
    byTopic.set(place, [...(byTopic.get(place) ?? []), line]);
  }
  return byTopic;
}

function shown(text: RecordedText): string | null {
  return typeof text === 'object' && text !== null ? `base64 ${text.base64}` : text;
}

const met = new Set<KnownDifference>();

/** The recording as Slotline is known to publish it. */
function withKnownDifferences(group: string, line: string): string {
  return KNOWN_DIFFERENCES.reduce((text, difference) => {
    if (!difference.cases.includes(group)) return text;
    const changed = text.replaceAll(difference.debezium, difference.slotline);
    if (changed !== text) met.add(difference);
    return changed;
  }, line);
}

function differences(group: CaseGroup, { golden, records }: Replay): string[] {
  const expected = lines(group.name, golden.records);
  const actual = lines(group.name, records);
  const found: string[] = [];
  for (const place of new Set([...expected.keys(), ...actual.keys()])) {
    const wanted = (expected.get(place) ?? []).map((line) => withKnownDifferences(group.name, line));
    const got = actual.get(place) ?? [];
    if (wanted.length !== got.length) found.push(`${place}: ${wanted.length} records recorded, ${got.length} replayed`);
    for (let i = 0; i < Math.max(wanted.length, got.length); i++) {
      if (wanted[i] !== got[i]) found.push(`${place} record ${i}\n${excerpt(wanted[i] ?? '(none)', got[i] ?? '(none)')}`);
    }
  }
  return found;
}

const EXCERPT_BEFORE = 60;
const EXCERPT_LENGTH = 260;

/** Both around the first byte that differs. */
function excerpt(wanted: string, got: string): string {
  let at = 0;
  while (at < wanted.length && wanted[at] === got[at]) at++;
  const from = Math.max(0, at - EXCERPT_BEFORE);
  return `  debezium …${wanted.slice(from, from + EXCERPT_LENGTH)}\n  slotline …${got.slice(from, from + EXCERPT_LENGTH)}`;
}

describe('a recorded Debezium', () => {
  beforeAll(() => deleteLeftTopics(GROUPS));

  for (const group of GROUPS) {
    const refusals = group.cases
      .map((golden) => resolveCase(golden, replayPlace('none', 'none')))
      .filter((result) => result.tag === 'refused');
    if (refusals.length > 0) {
      it.skip(`${group.name}: not honoured yet: ${refusals[0]?.why}`, () => {});
      continue;
    }
    it.concurrent(group.name, async ({ expect }) => {
      const replays = await replayGroup(group);
      const found = replays.flatMap((replay) => differences(group, replay).map((text) => `${replay.golden.name}: ${text}`));
      const unmet = KNOWN_DIFFERENCES.filter((difference) => difference.cases.includes(group.name) && !met.has(difference));
      found.push(...unmet.map(({ reason }) => `a known difference is gone: ${reason}`));
      if (found.length > SHOWN_MAX) found.splice(SHOWN_MAX, found.length, `and ${found.length - SHOWN_MAX} more`);
      expect(found.join('\n')).toBe('');
    });
  }
});
