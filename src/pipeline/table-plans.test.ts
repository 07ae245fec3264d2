import { describe, expect, it } from 'vitest';
import { compileFilter } from '../events/filter.ts';
import type { PlanSettings } from '../events/row-plan.ts';
import type { RelationMessage } from '../pgoutput/messages.ts';
import type { RowSerializer } from '../serde/serializer.ts';
import type { ValueModes } from '../values/pg-type.ts';
import { type Catalog, TablePlans } from './table-plans.ts';

const MODES: ValueModes = {
  decimal: 'precise',
  time: 'adaptive',
  interval: 'numeric',
  binary: 'bytes',
  hstore: 'json',
  moneyFractionDigits: 2,
  includeUnknownDatatypes: false,
  unavailablePlaceholder: '__debezium_unavailable_value',
  corrections: new Set(),
  phase: 'stream',
};

function relation(table: string, columns: readonly string[] = ['id'], oid = 1): Omit<RelationMessage, 'tag'> {
  return {
    oid,
    schema: 'public',
    table,
    replicaIdentity: 'default',
    columns: columns.map((name) => ({ name, typeOid: 23, typmod: -1, inKey: name === 'id' })),
  };
}

/** Captures public.a alone, or what the pattern says. */
function plansOfA(pattern = 'public.a'): TablePlans {
  const filter = compileFilter({
    schemaInclude: [],
    schemaExclude: [],
    tableInclude: [pattern],
    tableExclude: [],
    columnInclude: [],
    columnExclude: [],
    tableIgnoreBuiltin: true,
  });
  const catalog: Catalog = {
    loadFacts: async () => ({ primaryKey: ['id'], uniqueIndexes: [], columns: new Map([['id', { notNull: true }]]) }),
    resolveTypes: async () => {},
    typeOf: (_schema, oid) => ({ oid, name: 'int4', schema: 'pg_catalog', kind: 'base' }),
  };
  const settings: PlanSettings = {
    naming: { prefix: 'srv', delimiter: '.' },
    filter,
    keyColumns: [],
    modes: MODES,
    columnRules: () => undefined,
    adjustSchemaName: (name) => name,
    adjustFieldName: (name) => name,
  };
  const compile = (): RowSerializer => ({ writeKey: () => true, writeKeyHeader: () => {}, writeValue: () => {} });
  const openTopic = async (name: string) => ({ name, partitionCount: 1, recordBatchBytesMax: 1_000_000 });
  return new TablePlans({ catalog, filter, settings, compile, openTopic, skipUnchanged: false });
}

describe('a table that is renamed out of the captured ones', () => {
  it('goes on under its old name while its columns stay', async () => {
    const plans = plansOfA();
    await plans.learn(relation('a'));
    await plans.learn(relation('renamed'));
    expect(plans.get(1)).toMatchObject({ collection: 'public.a', topic: { name: 'srv.public.a' } });
  });

  it('is not captured any more with other columns', async () => {
    const plans = plansOfA();
    await plans.learn(relation('a'));
    await plans.learn(relation('renamed', ['id', 'more']));
    expect(plans.get(1)).toBeNull();
    await plans.learn(relation('renamed'));
    expect(plans.get(1)).toBeNull();
  });

  it('is not captured where only the snapshot had read it', async () => {
    const plans = plansOfA();
    await plans.learn(relation('a'), 'snapshot');
    await plans.learn(relation('renamed'));
    expect(plans.get(1)).toBeNull();
  });
});

describe('a topic', () => {
  it('of two tables stops the connector', async () => {
    const plans = plansOfA('public.*');
    await plans.learn(relation('a b', ['id'], 1));
    await expect(plans.learn(relation('a?b', ['id'], 2))).rejects.toMatchObject({
      code: 'topic_name_collision',
      details: { tables: ['public.a b', 'public.a?b'] },
    });
  });

  it('is free again once its table has another name', async () => {
    const plans = plansOfA('public.*');
    await plans.learn(relation('a b', ['id'], 1));
    await plans.learn(relation('c', ['id'], 1));
    await plans.learn(relation('a?b', ['id'], 2));
    expect(plans.get(2)).toMatchObject({ topic: { name: 'srv.public.a_b' } });
  });

  it('goes on with a table that was dropped and created again', async () => {
    const plans = plansOfA();
    await plans.learn(relation('a', ['id'], 1));
    await plans.learn(relation('a', ['id'], 2));
    expect(plans.get(2)).toMatchObject({ topic: { name: 'srv.public.a' } });
  });
});
