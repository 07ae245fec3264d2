/** The recorded cases show every type in every mode and phase, and every option that changes events. */
import { describe, expect, test } from 'vitest';
import { readGroups } from './case-store.ts';
import { coverage, PHASE_TITLES } from './coverage.ts';
import { type CaseGroup, type GoldenCase, topicPrefix } from './replay-cases.ts';

const GROUPS = readGroups();

describe('the recorded cases', () => {
  // Tens of megabytes are parsed.
  test('leave no cell of the coverage table empty', { timeout: 60_000 }, () => {
    const empty = coverage(GROUPS).filter(({ cases }) => cases.length === 0);
    expect(
      empty.map(({ section, title, mode, phase }) => [section, title, mode, phase && PHASE_TITLES[phase]].filter(Boolean).join(' | ')),
    ).toEqual([]);
  });

  test('are recorded, without schemas and with (npm run golden:record)', () => {
    const incomplete = GROUPS.filter(({ cases }) => cases.length !== 2 || cases.some(({ records }) => records.length === 0));
    expect(incomplete.map(({ name }) => name)).toEqual([]);
  });

  test('have topics of their own: no prefix is that of another', () => {
    const prefixes = GROUPS.flatMap(({ cases }) => cases.map(topicPrefix));
    expect(prefixes.filter((prefix, i) => prefixes.indexOf(prefix) !== i)).toEqual([]);
  });

  test('are at least 80', () => {
    expect(GROUPS.length).toBeGreaterThanOrEqual(80);
  });
});

describe('a cell', () => {
  const value = (op: string, image: unknown): string =>
    JSON.stringify({ before: op === 'd' ? image : null, after: op === 'd' ? null : image, source: { schema: 'public', table: 't' }, op });

  function cellCases(o: { type: string; records: readonly string[]; settings?: Record<string, string>; steps?: string[][] }): string[] {
    const golden: GoldenCase = {
      name: 'one',
      settings: o.settings ?? {},
      setup: [],
      steps: o.steps ?? [],
      columns: { 'public.t': { c: o.type } },
      records: o.records.map((text) => ({ topic: 'p.public.t', partition: 0, key: '{"id":1}', value: text, headers: [] })),
    };
    const group: CaseGroup = { name: 'one', cases: [golden] };
    return coverage([group])
      .filter(({ cases, phase }) => cases.length > 0 && phase !== undefined)
      .map(({ title, mode, phase }) => `${title} ${mode} ${phase}`.replaceAll('  ', ' '));
  }

  test('is filled by a value, not by null', () => {
    const records = [value('c', { c: 'x' }), value('u', { c: null }), value('d', { c: null })];
    expect(cellCases({ type: 'text', records, steps: [['update t set c = null']] })).toEqual(['text c']);
    expect(cellCases({ type: 'text', records: [value('d', { c: 'x' }), value('r', { c: 'x' })] })).toEqual(['text r', 'text d']);
  });

  test('of unchanged TOAST is filled by the placeholder of the type', () => {
    const placeholder = '__debezium_unavailable_value';
    expect(cellCases({ type: 'text', records: [value('u', { c: placeholder })] })).toEqual(['text toast']);
    expect(cellCases({ type: 'integer[]', records: [value('u', { c: [...Buffer.from(placeholder)] })] })).toEqual(['integer[] toast']);
    expect(
      cellCases({ type: 'text', settings: { 'unavailable.value.placeholder': 'gone' }, records: [value('u', { c: 'gone' })] }),
    ).toEqual(['text toast']);
  });

  test('of unchanged TOAST is filled by a null that no statement has set', () => {
    const records = [value('c', { c: 'x' }), value('u', { c: null })];
    expect(cellCases({ type: 'ltree', records, steps: [['update t set other = 1']] })).toEqual(['ltree c', 'ltree toast']);
    expect(cellCases({ type: 'ltree', records, steps: [['update t set other = 1, c = null']] })).toEqual(['ltree c']);
  });

  test('of a mode is filled by a case with that mode', () => {
    expect(cellCases({ type: 'money', records: [value('r', { c: '1' })] })).toEqual(['money precise r']);
    expect(cellCases({ type: 'money', settings: { 'decimal.handling.mode': 'string' }, records: [value('r', { c: '1' })] })).toEqual([
      'money string r',
    ]);
  });

  test('of a type that is left out is filled by a row without the field', () => {
    expect(cellCases({ type: 'box', records: [value('r', { id: 1 })] })).toEqual(['box left out r']);
    expect(cellCases({ type: 'box', records: [value('r', { id: 1, c: 'x' })] })).toEqual([]);
  });
});
