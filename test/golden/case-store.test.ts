/** A case that is written and read again is the same text, and the stored schemas are those that cases have. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  AVRO_FOLDER,
  dropUnusedSchemas,
  readCase,
  SPINE_FOLDER,
  schemaHash,
  schemaHashes,
  TRANSFORMS_AVRO_FOLDER,
  TRANSFORMS_FOLDER,
  writeCase,
} from './case-store.ts';
import type { GoldenCase, RecordedText } from './replay-cases.ts';

const SCHEMA = '{"type":"struct","fields":[{"type":"string","default":"a}\\"{"}],"optional":false}';
const WITH_SCHEMA = `{"schema":${SCHEMA},"payload":{"id":12345678901234567890,"t":"},\\"payload\\":"}}`;

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'slotline-cases-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function caseOf(name: string, ...values: readonly RecordedText[]): GoldenCase {
  const records = values.map((value) => ({ topic: 't', partition: 0, key: value, value, headers: [['h', value]] as const }));
  return { name, settings: {}, setup: ['create table t ()'], steps: [], records };
}

describe('a case', () => {
  test.each<readonly [string, RecordedText]>([
    ['a schema and numbers beyond 2^53', WITH_SCHEMA],
    ['no schema', '{"id":1}'],
    ['a null', null],
    ['bytes', { base64: '/w==' }],
    ['a schema of null', '{"schema":null,"payload":null}'],
    ['other members', `{"schema":${SCHEMA},"payload":1,"more":2}`],
    ['spaces', `{"schema":${SCHEMA}, "payload":1}`],
    ['a half of a surrogate pair in its schema', `{"schema":{"doc":"\ud800"},"payload":1}`],
    ['an end too early', '{"schema":{"type":'],
  ])('with %s is read as it was written', (_, text) => {
    const golden = caseOf('one', text);
    writeCase(folder, golden);
    expect(readCase(folder, 'one')).toEqual(golden);
  });

  test('has one line for each record, and a schema once for the folder', () => {
    writeCase(folder, caseOf('one', WITH_SCHEMA, WITH_SCHEMA));
    writeCase(folder, { ...caseOf('two'), schemas: [SCHEMA] });
    expect(readdirSync(folder).sort()).toEqual(['one.json', 'schemas.txt', 'two.json']);
    expect(readFileSync(join(folder, 'schemas.txt'), 'utf8')).toBe(`${schemaHash(SCHEMA)} ${SCHEMA}\n`);
    const lines = readFileSync(join(folder, 'one.json'), 'utf8').split('\n');
    expect(lines.filter((line) => line.startsWith('  {"topic"'))).toHaveLength(2);
    expect(JSON.parse(lines.join('\n')).records).toHaveLength(2);
    expect(readCase(folder, 'two')).toMatchObject({ schemas: [SCHEMA] });
  });

  test('without records has none when it is read', () => {
    const { records: _, ...input } = caseOf('new');
    writeCase(folder, input);
    expect(readCase(folder, 'new')).toEqual(input);
  });

  test('leaves no schema behind', () => {
    writeCase(folder, caseOf('one', WITH_SCHEMA));
    writeCase(folder, caseOf('one', '{"id":1}'));
    dropUnusedSchemas(folder);
    expect(readFileSync(join(folder, 'schemas.txt'), 'utf8')).toBe('');
  });
});

test.each([SPINE_FOLDER, AVRO_FOLDER, TRANSFORMS_FOLDER, TRANSFORMS_AVRO_FOLDER])(
  '%s has each schema once, by its hash, and no other',
  (recorded) => {
    const { used, listed } = schemaHashes(recorded);
    expect([...listed.keys()].sort()).toEqual([...used].sort());
    expect([...listed].filter(([hash, text]) => hash !== schemaHash(text))).toEqual([]);
    const hashes = readFileSync(join(recorded, 'schemas.txt'), 'utf8').trimEnd().split('\n');
    expect(hashes).toEqual([...hashes].sort());
    expect(hashes).toHaveLength(listed.size);
  },
);
