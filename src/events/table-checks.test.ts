import { describe, expect, it } from 'vitest';
import { findFieldCollisions, findMissingKeyColumns, findTopicCollisions, findUnmatchedKeyEntries } from './table-checks.ts';

const EVENTS = {
  topicPrefix: 'p',
  topicDelimiter: '.',
  transactionMetadata: false,
  transactionTopic: 'transaction',
  heartbeat: { intervalMs: 0, topicPrefix: '__debezium-heartbeat', topicName: undefined, actionQuery: undefined },
  deadLetters: undefined,
};

const tables = (...names: string[]): { schema: string; table: string }[] => names.map((table) => ({ schema: 'public', table }));

describe('topic collisions', () => {
  it('are found all at once: by sanitising, and by the length of a topic', () => {
    const long = 'x'.repeat(240);
    const found = findTopicCollisions(EVENTS, 'offsets', tables('a b', 'a?b', 'c', `${long}1`, `${long}2`));
    expect(found).toEqual([
      { topic: 'p.public.a_b', claimants: ['public.a b', 'public.a?b'] },
      { topic: `p.public.${long}`, claimants: [`public.${long}1`, `public.${long}2`] },
    ]);
  });

  it('count dots too: schema and table are told apart by them alone', () => {
    const found = findTopicCollisions(EVENTS, 'offsets', [
      { schema: 'a.b', table: 'c' },
      { schema: 'a', table: 'b.c' },
    ]);
    expect(found).toEqual([{ topic: 'p.a.b.c', claimants: ['a.b.c', 'a.b.c'] }]);
  });

  it('with the topics of transactions, heartbeats, dead letters and offsets are found where these are sent', () => {
    const events = {
      ...EVENTS,
      transactionMetadata: true,
      transactionTopic: 'public.a',
      heartbeat: { ...EVENTS.heartbeat, intervalMs: 1000, topicName: 'p.public.b' },
      deadLetters: { topicName: 'p.public.d' },
    };
    expect(findTopicCollisions(events, 'p.public.c', tables('a', 'b', 'c', 'd')).map(({ claimants }) => claimants)).toEqual([
      ['public.a', 'transaction metadata'],
      ['public.b', 'heartbeats'],
      ['public.c', 'stored offsets'],
      ['public.d', 'dead letters'],
    ]);
    const off = { ...events, transactionMetadata: false, heartbeat: { ...events.heartbeat, intervalMs: 0 }, deadLetters: undefined };
    expect(findTopicCollisions(off, 'offsets', tables('a', 'b', 'c', 'd'))).toEqual([]);
  });
});

describe('key columns', () => {
  const described = [
    { schema: 'public', table: 'a', columns: [{ name: 'id' }, { name: 'Name' }] },
    { schema: 'public', table: 'b', columns: [{ name: 'id' }] },
  ];

  it('are missing if no table that the entry matches has them', () => {
    const keys = [
      { table: 'public\\.a', columns: ['id', 'nothere', 'name'] },
      { table: 'public\\..*', columns: ['Name', 'id|x', 'gone'] },
    ];
    expect(findMissingKeyColumns(keys, described)).toEqual([
      { column: 'nothere', tables: ['public.a'] },
      { column: 'gone', tables: ['public.a', 'public.b'] },
    ]);
  });

  it('are not missing if the entry matches no table: it may come later', () => {
    const keys = [{ table: 'public\\.later', columns: ['id'] }];
    expect(findMissingKeyColumns(keys, described)).toEqual([]);
    expect(findUnmatchedKeyEntries(keys, described)).toEqual(['public\\.later']);
  });
});

describe('field collisions', () => {
  const described = [
    { schema: 'public', table: 'a', columns: [{ name: 'a b' }, { name: 'a_b' }, { name: 'a-b' }, { name: 'c' }] },
    { schema: 'public', table: 'b', columns: [{ name: '1' }, { name: '_1' }] },
  ];
  const all = { includesColumn: () => true };

  it('are found all at once, where names are adjusted', () => {
    expect(findFieldCollisions('avro', all, described)).toEqual([
      { table: 'public.a', field: 'a_b', columns: ['a b', 'a_b', 'a-b'] },
      { table: 'public.b', field: '_1', columns: ['1', '_1'] },
    ]);
    expect(findFieldCollisions('avro_unicode', all, described)).toEqual([]);
    expect(findFieldCollisions('none', all, described)).toEqual([]);
  });

  it('do not count columns that are left out', () => {
    const included = { includesColumn: (_schema: string, table: string, column: string) => table === 'a' && column !== 'a b' };
    expect(findFieldCollisions('avro', included, described)).toEqual([{ table: 'public.a', field: 'a_b', columns: ['a_b', 'a-b'] }]);
  });
});
