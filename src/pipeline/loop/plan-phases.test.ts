/** What the stream and a snapshot each know of a table, and what holds for both. */
import { describe, expect, it } from 'vitest';
import { plansOfA, read, relation, SNAPSHOT, used } from '../../../test/pipeline/table-plans.ts';
import type { Lsn } from '../../core/lsn.ts';
import type { Catalog, TablePlans } from './table-plans.ts';

describe('the plans of a table that a snapshot reads', () => {
  it('are two, and the stream is given its own', async () => {
    const plans = plansOfA();
    const streamed = await plans.learn(relation('a'));
    const snapshotted = await plans.learn(relation('a', ['id', 'more']), SNAPSHOT);
    expect(plans.get(1)).toBe(streamed);
    expect(snapshotted?.plan.columns.map(({ name }) => name)).toEqual(['id', 'more']);
    await plans.learn(relation('a', ['id', 'other']));
    expect(plans.get(1)?.plan.columns.map(({ name }) => name)).toEqual(['id', 'other']);
    expect(snapshotted?.plan.columns.map(({ name }) => name)).toEqual(['id', 'more']);
  });

  it('are opened one by one, under one topic', async () => {
    const plans = plansOfA();
    await used(plans, relation('a'));
    const snapshotted = await plans.learn(relation('a'), SNAPSHOT);
    expect([plans.get(1)?.output.isOpen, snapshotted?.output.isOpen]).toEqual([true, false]);
    await snapshotted?.output.open({ withKey: true });
    expect(snapshotted?.output.topic).toEqual(plans.get(1)?.output.topic);
  });

  it('are none of the stream until that describes the table', async () => {
    const plans = plansOfA();
    await read(plans, relation('a'));
    expect(plans.get(1)).toBeUndefined();
    expect(plans.size).toBe(1);
    await plans.learn(relation('a'));
    expect(plans.size).toBe(1);
  });

  it('are none of the stream that has ended in front of the snapshot', async () => {
    const plans = plansOfA();
    await used(plans, relation('a'));
    await read(plans, relation('a'));
    expect(plans.get(1)).toBeUndefined();
    await plans.learn(relation('renamed'));
    expect(plans.get(1)).toBeNull();
  });

  it('leave the key to the stream, which may not tell it', async () => {
    const asked: unknown[] = [];
    const describe: Catalog['describe'] = async (_relation, { phase }, previousKey) => {
      asked.push([phase, previousKey]);
      const facts = { primaryKey: phase === 'snapshot' ? ['more'] : ['id'], uniqueIndexes: [], columns: new Map() };
      return { facts, typeOf: (oid) => ({ oid, name: 'int4', schema: 'pg_catalog', kind: 'base' }) };
    };
    const plans = plansOfA('public.a', { catalog: { describe } });
    const table = relation('a', ['id', 'more']);
    await plans.learn(table);
    await read(plans, table);
    await plans.learn(table);
    await plans.learn(table, SNAPSHOT);
    await plans.learn(table);
    expect(asked).toEqual([
      ['stream', undefined],
      ['snapshot', undefined],
      ['stream', ['more']],
      ['snapshot', undefined],
      ['stream', ['id']],
    ]);
  });

  it.each([
    ['is read', async (plans: TablePlans) => await (await plans.learn(relation('a b'), SNAPSHOT))?.output.open({ withKey: true })],
    ['was read', async (plans: TablePlans) => await read(plans, relation('a b'))],
    [
      'was read beside the stream',
      async (plans: TablePlans) => {
        await used(plans, relation('a b'));
        await plans.learn(relation('a b'), SNAPSHOT);
        plans.tableRead(1);
      },
    ],
  ])('keep the topic from another table while the first %s', async (_when, first) => {
    const plans = plansOfA('public.*');
    await first(plans);
    await expect(used(plans, relation('a?b', ['id'], 2))).rejects.toMatchObject({
      code: 'topic_name_collision',
      details: { tables: ['public.a b', 'public.a?b'] },
    });
  });

  it('leave the topic free once the stream knows the table by another name', async () => {
    const plans = plansOfA('public.*');
    await read(plans, relation('a b'));
    await used(plans, relation('c'));
    await used(plans, relation('a?b', ['id'], 2));
    expect(plans.get(2)?.output.topic.name).toBe('srv.public.a_b');
  });

  it('go together, with what was read, when the table was dropped', async () => {
    const plans = plansOfA('public.*', {
      catalog: { findDropped: async (oids) => ({ oids: oids.filter((oid) => oid !== 9), endLsn: 10 as Lsn }) },
    });
    await used(plans, relation('a b', ['id'], 1));
    const snapshotted = await plans.learn(relation('a b', ['id'], 1), SNAPSHOT);
    await snapshotted?.output.open({ withKey: true });
    await used(plans, relation('a?b', ['id'], 9));
    expect([plans.get(1)?.output.isOpen, snapshotted?.output.isOpen]).toEqual([false, false]);
    await read(plans, relation('c d', ['id'], 3));
    await used(plans, relation('c?d', ['id'], 9));
    expect(plans.size).toBe(4);
    plans.passed(10 as Lsn);
    expect(plans.size).toBe(1);
    expect(plans.get(9)?.output.topic.name).toBe('srv.public.c_d');
  });

  it('that want one topic of a dropped table at once do not both get it', async () => {
    const plans = plansOfA('public.*', {
      catalog: { findDropped: async (oids) => ({ oids: oids.filter((oid) => oid === 1), endLsn: 10 as Lsn }) },
    });
    await used(plans, relation('a b', ['id'], 1));
    const streamed = await plans.learn(relation('a?b', ['id'], 2));
    const snapshotted = await plans.learn(relation('a*b', ['id'], 3), SNAPSHOT);
    const outcomes = await Promise.allSettled([streamed, snapshotted].map((known) => known?.output.open({ withKey: true })));
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });
});
