import { describe, expect, test } from 'vitest';
import type { ResolvedOptions } from '../../core/options.ts';
import type { ConfigEnvironment } from '../environment.ts';
import { formatProblems, type Problem, problemsAsJson } from '../problems.ts';
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

  test('of several rules of one kind the first is the first of the Java map that Debezium reads', () => {
    const rule = (length: number) => ({ [`column.mask.with.${length}.chars`]: 'a' });
    const lengths = (more: object): readonly unknown[] =>
      resolved({ ...rule(1), ...rule(4), ...more }).events.columnRules.map(({ change }) =>
        'length' in change ? change.length : undefined,
      );
    // The map has 16 buckets for up to 12 keys, 32 for up to 24: the connector's own keys, and what Connect adds.
    expect(lengths({})).toEqual([4, 1]);
    const twelve = { 'driver.a': 'x', 'driver.b': 'x' };
    expect(lengths(twelve)).toEqual([4, 1]);
    expect(lengths({ ...twelve, 'slot.name': 's' })).toEqual([1, 4]);
    expect(lengths({ ...twelve, 'producer.linger.ms': '5', 'slotline.log.level': 'info' })).toEqual([4, 1]);
  });

  test.each([
    ['column.mask.hash.SHA_256.with.salt.s3cr3t', 'SHA3-512'],
    ['column.mask.hash.v2.MD4.with.salt.s3cr3t', 'SHA3-512'],
    ['column.mask.with.many.chars', 'whole number'],
    ['column.mask.with.-1.chars', 'whole number'],
    ['column.mask.with.100001.chars', '100000'],
    ['column.truncate.to.2147483648.chars', '2147483647'],
  ])('%s is one problem, for what it asks cannot be done', (key, reason) => {
    const problems = problemsOf({ [key]: 'public.t.c' });
    expect(problems).toMatchObject([{ kind: 'invalid', reason: expect.stringContaining(reason) }]);
    expect(formatProblems(problems)).not.toContain('s3cr3t');
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

  test('a pattern of message.key.columns that does not compile is a problem, also one of a column', () => {
    for (const value of ['public.(a:id', 'public.a:id,(b']) {
      expect(keysOf(problemsOf({ 'message.key.columns': value }))).toEqual(['message.key.columns']);
    }
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
