import { describe, expect, test } from 'vitest';
import type { ResolvedOptions } from '../core/options.ts';
import type { ConfigEnvironment } from './environment.ts';
import { formatProblems, type Problem, problemsAsJson } from './problems.ts';
import { resolveConfig } from './resolve.ts';

const NOTHING: ConfigEnvironment = { variables: {}, readFile: () => '' };

const REQUIRED = {
  'database.hostname': 'localhost',
  'database.user': 'u',
  'database.dbname': 'd',
  'topic.prefix': 'srv',
  'bootstrap.servers': 'localhost:9092',
};

function resolved(more: Readonly<Record<string, unknown>>): ResolvedOptions {
  const result = resolveConfig({ ...REQUIRED, ...more }, NOTHING);
  if (result.tag === 'refused') throw new Error(formatProblems(result.problems));
  return result.options;
}

function problemsOf(more: Readonly<Record<string, unknown>>): readonly Problem[] {
  const result = resolveConfig({ ...REQUIRED, ...more }, NOTHING);
  return result.tag === 'refused' ? result.problems : [];
}

const keysOf = (problems: readonly Problem[]): string[] => problems.map((each) => each.key);

describe('options that shape events and sources', () => {
  test('column rules stand in the order in which Debezium asks, whatever the order in the file', () => {
    const { columnRules } = resolved({
      'column.mask.hash.v2.SHA-256.with.salt.s.x': 'a',
      'column.mask.hash.MD5.with.salt.y': 'b',
      'datatype.propagate.source.type': '.+\\.numeric',
      'column.propagate.source.type': 'c,d',
      'column.mask.with.0.chars': 'e',
      'column.mask.with.12.chars': 'f',
      'column.truncate.to.3.chars': 'g\\,h',
    }).events;
    expect(columnRules).toEqual([
      { change: { tag: 'truncate', length: 3 }, patterns: ['g,h'] },
      { change: { tag: 'mask', length: 0 }, patterns: ['e'] },
      { change: { tag: 'mask', length: 12 }, patterns: ['f'] },
      { change: { tag: 'propagateColumn' }, patterns: ['c', 'd'] },
      { change: { tag: 'propagateDatatype' }, patterns: ['.+\\.numeric'] },
      { change: { tag: 'hash', version: 'v1', algorithm: 'MD5', salt: 'y' }, patterns: ['b'] },
      { change: { tag: 'hash', version: 'v2', algorithm: 'SHA-256', salt: 's.x' }, patterns: ['a'] },
    ]);
  });

  test('replica identities are read in any case, with the name of an index as it is', () => {
    const { replicaIdentities } = resolved({
      'replica.identity.autoset.values': 'public\\.a:FULL, .*\\.b:default,public.c:Nothing ,public.d:INDEX d_idx',
    }).publication;
    expect(replicaIdentities).toEqual([
      { table: 'public\\.a', identity: { tag: 'full' } },
      { table: '.*\\.b', identity: { tag: 'default' } },
      { table: 'public.c', identity: { tag: 'nothing' } },
      { table: 'public.d', identity: { tag: 'index', index: 'd_idx' } },
    ]);
  });

  test.each(['public.a', 'public.a:SOME', 'public.a:INDEX', '(:FULL'])('replica identity %s cannot be read', (value) => {
    expect(keysOf(problemsOf({ 'replica.identity.autoset.values': value }))).toEqual(['replica.identity.autoset.values']);
  });

  test('each table of snapshot.select.statement.overrides needs its SELECT', () => {
    const list = 'snapshot.select.statement.overrides';
    const select = 'select * from public.a where x > 1, y';
    expect(resolved({ [list]: 'public.a', [`${list}.public.a`]: select }).snapshot.selectOverrides).toEqual([
      { table: 'public.a', select },
    ]);
    const problems = problemsOf({ [list]: 'public.a,public.b,public.c', [`${list}.public.a`]: select });
    expect(keysOf(problems)).toEqual([list, list]);
    expect(formatProblems(problems)).toContain('names public.c');
  });

  test.each([
    ['column.mask.hash.SHA-256.with.salt.s3cr3t', '('],
    ['column.mask.hash.v2.SHA-256.with.salt.s3cr3t', 'a++'],
  ])('a salt is never printed, also where its option is wrong: %s', (key, value) => {
    const problems = problemsOf({ [key]: value });
    expect(problems).toHaveLength(1);
    expect(formatProblems(problems) + JSON.stringify(problemsAsJson(problems))).not.toContain('s3cr3t');
    expect(formatProblems(problems)).toContain('.with.salt.***');
  });

  test.each([
    'column.mask.with.5.chars',
    'column.truncate.to.9.chars',
    'column.mask.hash.SHA-256.with.salt.x',
    'column.propagate.source.type',
    'datatype.propagate.source.type',
    'snapshot.include.collection.list',
    'message.prefix.include.list',
    'message.prefix.exclude.list',
    'column.include.list',
    'column.exclude.list',
    'schema.include.list',
    'schema.exclude.list',
    'table.exclude.list',
  ])('a pattern of %s that does not compile is a problem of that key', (key) => {
    expect(problemsOf({ [key]: 'good,(bad' })).toMatchObject([{ kind: 'invalid', reason: expect.stringContaining('"(bad"') }]);
  });
});
