import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { compatibilityPage, findProperty } from '../scripts/compatibility.ts';
import { DEBEZIUM_PROPERTIES } from '../scripts/debezium-properties.ts';
import { generatedFiles, withNotYetBlock } from '../scripts/generate-docs.ts';
import type { CaseGroup } from './golden/replay-cases.ts';

const ROOT = new URL('..', import.meta.url);

describe('generated documents', () => {
  test.each([...generatedFiles()])('%s is what the tables say (npm run docs writes it)', (path, text) => {
    const url = new URL(path, ROOT);
    expect(existsSync(url) ? readFileSync(url, 'utf8') : '').toBe(text);
  });

  test('the README says which options are refused, and keeps all other text', () => {
    const readme = 'before\n<!-- not-yet:start -->\nLINE OF YESTERDAY\n<!-- not-yet:end -->\nafter\n';
    const text = withNotYetBlock(readme);
    expect(text).toContain('`exactly.once.support`');
    expect(text).not.toContain('YESTERDAY');
    expect(text.startsWith('before\n') && text.endsWith('\nafter\n')).toBe(true);
    expect(withNotYetBlock(text)).toBe(text);
  });

  test('a README without the markers is an error', () => {
    expect(() => withNotYetBlock('nothing')).toThrow('not-yet:start');
  });
});

describe('the page on compatibility', () => {
  const golden = {
    name: 'one-case',
    settings: { 'tombstones.on.delete': 'false', 'column.truncate.to.3.chars': 'x' },
    setup: [],
    steps: [],
    records: [],
  };
  const group: CaseGroup = { name: 'one-case', cases: [golden] };
  const rows = compatibilityPage([group]).split('\n');
  const rowOf = (name: string): string[] =>
    rows.filter((row) => row.startsWith(`| \`${name}\` |`) && /\| (honoured|differs|no effect|not yet) \|/.test(row));

  test('tells of every property of Debezium what becomes of it', () => {
    const names = DEBEZIUM_PROPERTIES.flatMap((topic) => topic.names);
    expect(names.length).toBeGreaterThan(180);
    expect(new Set(names).size).toBe(names.length);
    expect(names.filter((name) => rowOf(name).length !== 1)).toEqual([]);
  });

  test('names the cases that show a property', () => {
    for (const name of ['tombstones.on.delete', 'column.truncate.to.<n>.chars']) expect(rowOf(name)[0]).toContain('one-case');
    expect(rowOf('skipped.operations')[0]).not.toContain('one-case');
  });

  test('cannot be written without the option table', () => {
    expect(() => findProperty('nothing.like.this')).toThrow('nothing.like.this');
  });
});
