/** The recorded cases of transforms are those of the list, and no two of them share a topic. */
import { expect, test } from 'vitest';
import { caseNames, TRANSFORMS_AVRO_FOLDER, TRANSFORMS_FOLDER } from './case-store.ts';
import { type GoldenCase, isTopicOf } from './replay-cases.ts';
import { readTransformCases } from './transform-cases.ts';

const CASES = readTransformCases();
const FORMS = CASES.flatMap(({ forms }) => forms);

test('every case is recorded in its forms as the list has it (npm run golden:record -- --transforms)', () => {
  const theme = ({ name, settings, setup, steps, topics, timestamps }: GoldenCase): unknown => ({
    ...{ name, settings, setup, steps, topics, timestamps },
  });
  expect(FORMS.filter(({ recorded }) => recorded === undefined).map(({ input }) => input.settings['topic.prefix'])).toEqual([]);
  for (const { input, recorded } of FORMS) if (recorded !== undefined) expect(theme(recorded)).toEqual(theme(input));
});

test('no other case is stored', () => {
  const names = (avro: boolean): string[] => FORMS.filter(({ form }) => (form === 'avro') === avro).map(({ input }) => input.name);
  expect(caseNames(TRANSFORMS_FOLDER).sort()).toEqual(names(false).sort());
  expect(caseNames(TRANSFORMS_AVRO_FOLDER).sort()).toEqual(names(true).sort());
});

test('each has its topics alone', () => {
  const shared = CASES.flatMap(({ name, forms }) => {
    const topics = new Set(forms.flatMap(({ recorded }) => recorded?.records.map(({ topic }) => topic) ?? []));
    const others = CASES.filter((other) => other.name !== name).flatMap((other) => other.forms.map(({ input }) => input));
    return [...topics].filter((topic) => others.some((other) => isTopicOf(other, topic)));
  });
  expect(shared).toEqual([]);
});

test('each has records', () => {
  expect(FORMS.filter(({ recorded }) => recorded?.records.length === 0).map(({ input }) => input.name)).toEqual([]);
});
