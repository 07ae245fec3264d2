import { describe, expect, it } from 'vitest';
import { CellKind, COLUMNS_MAX, TupleView } from '../pgoutput/tuple.ts';
import type { PgType } from '../values/pg-type.ts';
import { DEFAULT_VALUE_MODES } from '../values/pg-type.ts';
import { compileColumnRules } from './column-rules.ts';
import { compileFilter } from './filter.ts';
import type { KeyIndex } from './key-index.ts';
import { fieldNameAdjuster, schemaNameAdjuster } from './name-adjustment.ts';
import { keyCellsDiffer, type PlanSettings, planRows, selectKey, type TableFacts } from './row-plan.ts';
import { dataTopic, sanitizeTopicName } from './topic.ts';

const NO_LISTS = {
  schemaInclude: [],
  schemaExclude: [],
  tableInclude: [],
  tableExclude: [],
  columnInclude: [],
  columnExclude: [],
  tableIgnoreBuiltin: true,
};

const TYPES = new Map<number, PgType>([
  [23, { oid: 23, name: 'int4', schema: 'pg_catalog', kind: 'base' }],
  [25, { oid: 25, name: 'text', schema: 'pg_catalog', kind: 'base' }],
  [3220, { oid: 3220, name: 'pg_lsn', schema: 'pg_catalog', kind: 'base' }],
]);

const typeOf = (oid: number): PgType => {
  const type = TYPES.get(oid);
  if (type === undefined) throw new Error(`no type ${oid}`);
  return type;
};

const relation = {
  oid: 1,
  schema: 'shop',
  table: 'Orders',
  columns: [
    { name: 'b', typeOid: 23, typmod: -1, inKey: true },
    { name: 'a', typeOid: 23, typmod: -1, inKey: true },
    { name: 'note', typeOid: 25, typmod: -1, inKey: false },
  ],
};

const facts = (more: Partial<TableFacts> = {}): TableFacts => ({
  primaryKey: ['a', 'b'],
  uniqueIndexes: [],
  columns: new Map([
    ['a', { notNull: true }],
    ['b', { notNull: true }],
    ['note', { notNull: false }],
  ]),
  ...more,
});

const settings = (more: Partial<PlanSettings> = {}): PlanSettings => ({
  naming: { prefix: 'srv', delimiter: '.' },
  filter: compileFilter(NO_LISTS),
  keyColumns: [],
  modes: DEFAULT_VALUE_MODES,
  columnRules: compileColumnRules([]),
  adjustSchemaName: schemaNameAdjuster('none'),
  adjustFieldName: fieldNameAdjuster('none'),
  ...more,
});

function index(columns: readonly string[], more: Partial<KeyIndex> = {}): KeyIndex {
  const sound = { hasExpressions: false, partial: false, nullable: false, nullsEqual: false, immediate: true, valid: true };
  return { name: 'i', columns, keyColumns: columns, ...sound, ...more };
}

describe('row plan', () => {
  it('takes the key in primary-key order and the row in attribute order', () => {
    const plan = planRows(relation, facts(), typeOf, settings());
    expect(plan.key.map((column) => column.name)).toEqual(['a', 'b']);
    expect(plan.columns.map((column) => column.name)).toEqual(['b', 'a', 'note']);
    expect(plan.topic).toBe('srv.shop.Orders');
    expect(plan.envelopeSchema).toMatchObject({ name: 'srv.shop.Orders.Envelope', version: 2 });
  });

  it('keeps a key whose columns have no known type, without fields', () => {
    const unknown = { ...relation, columns: [{ name: 'a', typeOid: 3220, typmod: -1, inKey: true }, ...relation.columns.slice(2)] };
    const plan = planRows(unknown, facts({ primaryKey: ['a'] }), typeOf, settings());
    expect(plan.key).toEqual([]);
    expect(plan.keySchema).toEqual({ type: 'struct', optional: false, name: 'srv.shop.Orders.Key', fields: [] });
    expect(planRows(unknown, facts({ primaryKey: [] }), typeOf, settings()).keySchema).toBeUndefined();
  });

  it('takes a key cell that was not sent for another one: what stands for it decides', () => {
    const plan = planRows(relation, facts({ primaryKey: ['note'] }), typeOf, settings());
    const cells = (kind: number) => {
      const view = new TupleView();
      view.count = 3;
      view.kinds[2] = kind;
      return view;
    };
    expect(keyCellsDiffer(plan, cells(CellKind.null), cells(CellKind.unchanged))).toBe(true);
    expect(keyCellsDiffer(plan, cells(CellKind.null), cells(CellKind.null))).toBe(false);
    expect(keyCellsDiffer(plan, cells(CellKind.text), cells(CellKind.text))).toBe(false);
  });

  it('keeps an excluded column in the key', () => {
    const filter = compileFilter({ ...NO_LISTS, columnExclude: ['shop.orders.a'] });
    const plan = planRows(relation, facts(), typeOf, settings({ filter }));
    expect(plan.columns.map((column) => column.name)).toEqual(['b', 'note']);
    expect(plan.key.map((column) => column.name)).toEqual(['a', 'b']);
  });

  it('gives an excluded key column no constraint and no default while streaming, and no cell in a snapshot', () => {
    const filter = compileFilter({ ...NO_LISTS, columnExclude: ['shop.orders.a'] });
    const keyOf = (phase: 'snapshot' | 'stream', one = filter) =>
      planRows(relation, facts(), typeOf, settings({ filter: one, modes: { ...DEFAULT_VALUE_MODES, phase } })).key[0];
    expect(keyOf('stream')).toMatchObject({ name: 'a', index: 1, codec: { schema: { optional: true } } });
    expect(keyOf('snapshot')).toMatchObject({ name: 'a', index: COLUMNS_MAX, codec: { schema: { optional: false } } });
    // If no column is included, all are read.
    expect(keyOf('snapshot', compileFilter({ ...NO_LISTS, columnInclude: ['nothing'] }))).toMatchObject({ name: 'a', index: 1 });
  });

  it('prefers message.key.columns, then the primary key, then the first unique index without expressions', () => {
    const custom = [{ table: 'shop\\.orders', columns: ['note', 'b'] }];
    expect(selectKey(relation, facts(), { keyColumns: custom, corrected: false })).toEqual(['note', 'b']);
    expect(selectKey(relation, facts(), { keyColumns: [{ table: 'other\\.t', columns: ['x'] }], corrected: false })).toEqual(['a', 'b']);
    const unique = facts({
      primaryKey: [],
      uniqueIndexes: [index(['a'], { hasExpressions: true }), index(['note'])],
    });
    expect(selectKey(relation, unique, { keyColumns: [], corrected: false })).toEqual(['note']);
    expect(selectKey(relation, facts({ primaryKey: [] }), { keyColumns: [], corrected: false })).toEqual([]);
  });

  it('with corrected keys, prefers the index of the replica identity, and takes a unique index only if it tells every row from every other', () => {
    const corrected = { keyColumns: [], corrected: true };
    expect(selectKey(relation, facts({ identityKey: ['note'] }), corrected)).toEqual(['note']);
    expect(selectKey(relation, facts({ identityKey: [] }), corrected)).toEqual(['a', 'b']);
    const doubtful = [{ nullable: true }, { partial: true }, { valid: false }, { immediate: false }, { hasExpressions: true }];
    for (const more of doubtful) {
      const uniqueIndexes = [index(['a'], more), index(['note', 'b'], { keyColumns: ['note'] })];
      expect(selectKey(relation, facts({ primaryKey: [], uniqueIndexes }), corrected)).toEqual(['note']);
      expect(selectKey(relation, facts({ primaryKey: [], uniqueIndexes: [index(['a'], more)] }), corrected)).toEqual([]);
    }
    const nullsEqual = [index(['a'], { nullable: true, nullsEqual: true })];
    expect(selectKey(relation, facts({ primaryKey: [], uniqueIndexes: nullsEqual }), corrected)).toEqual(['a']);
  });

  it('changes columns of values by their rules, never of keys', () => {
    const columnRules = compileColumnRules([{ change: { tag: 'propagateColumn' }, patterns: ['shop\\.orders\\..*'] }]);
    const plan = planRows(relation, facts(), typeOf, settings({ columnRules }));
    expect(plan.columns.map((column) => column.codec.schema.parameters?.[0])).toEqual([
      ['__debezium.source.column.type', 'INT4'],
      ['__debezium.source.column.type', 'INT4'],
      ['__debezium.source.column.type', 'TEXT'],
    ]);
    expect(plan.key.map((column) => column.codec.schema.parameters)).toEqual([undefined, undefined]);
  });

  it('adjusts names of schemas and fields, and leaves the topic as it is', () => {
    const odd = { ...relation, table: 'or-ders', columns: relation.columns.map((column) => ({ ...column, name: `${column.name}-x` })) };
    const adjusted = settings({ adjustSchemaName: schemaNameAdjuster('avro'), adjustFieldName: fieldNameAdjuster('avro') });
    const plan = planRows(odd, facts({ primaryKey: ['a-x'] }), typeOf, adjusted);
    expect(plan.topic).toBe('srv.shop.or-ders');
    expect(plan.keySchema).toMatchObject({ name: 'srv.shop.or_ders.Key', fields: [{ field: 'a_x' }] });
    expect(plan.rowSchema).toMatchObject({
      name: 'srv.shop.or_ders.Value',
      fields: [{ field: 'b_x' }, { field: 'a_x' }, { field: 'note_x' }],
    });
    expect(plan.envelopeSchema.name).toBe('srv.shop.or_ders.Envelope');
    expect(plan.columns.map((column) => column.name)).toEqual(['b-x', 'a-x', 'note-x']);
  });

  it('refuses a table in which two columns become one field', () => {
    const twins = { ...relation, columns: ['a b', 'a_b'].map((name) => ({ name, typeOid: 25, typmod: -1, inKey: false })) };
    const collide = () => planRows(twins, facts({ primaryKey: [] }), typeOf, settings({ adjustFieldName: fieldNameAdjuster('avro') }));
    expect(collide).toThrow(expect.objectContaining({ code: 'field_name_collision' }));
  });

  it('has no key where the publication leaves the primary key out, whatever unique index there is', () => {
    const unpublished = facts({ primaryKey: ['gone'], uniqueIndexes: [index(['note'])] });
    expect(selectKey(relation, unpublished, { keyColumns: [], corrected: false })).toEqual([]);
  });

  it('streams a quoted column name without its quotes, and finds nothing about it in the catalog', () => {
    const quoted = { ...relation, columns: relation.columns.map((column) => ({ ...column, name: `"${column.name}""s"` })) };
    const known = facts({ primaryKey: ['"a""s"'], columns: new Map([['"a""s"', { notNull: true }]]) });
    const plan = planRows(quoted, known, typeOf, settings());
    expect(plan.columns.map(({ field, codec }) => [field, codec.schema.optional])).toEqual([
      ['b"s', true],
      ['a"s', true],
      ['note"s', true],
    ]);
    expect(plan.keySchema).toBeUndefined();
    const read = planRows(quoted, known, typeOf, settings({ modes: { ...settings().modes, phase: 'snapshot' } }));
    expect(read.columns[1]).toMatchObject({ field: '"a""s"', codec: { schema: { optional: false } } });
  });

  it('has no key schema without a key', () => {
    const plan = planRows(relation, facts({ primaryKey: [] }), typeOf, settings());
    expect(plan.keySchema).toBeUndefined();
  });
});

describe('filter', () => {
  it('anchors patterns and ignores case', () => {
    const filter = compileFilter({ ...NO_LISTS, tableInclude: ['public\\.orders', 'shop\\..*'] });
    expect(filter.includesTable('Public', 'ORDERS')).toBe(true);
    expect(filter.includesTable('public', 'orders2')).toBe(false);
    expect(filter.includesTable('shop', 'anything')).toBe(true);
  });

  it('leaves out built-in tables, unless table.ignore.builtin is false', () => {
    expect(compileFilter(NO_LISTS).includesTable('pg_catalog', 'pg_class')).toBe(false);
    expect(compileFilter(NO_LISTS).includesTable('public', 'spatial_ref_sys')).toBe(false);
    expect(compileFilter(NO_LISTS).includesTable('public', 'Spatial_Ref_Sys')).toBe(false);
    const open = compileFilter({ ...NO_LISTS, tableIgnoreBuiltin: false });
    expect(open.includesTable('public', 'spatial_ref_sys')).toBe(true);
  });

  it('applies schema and table lists together', () => {
    const filter = compileFilter({ ...NO_LISTS, schemaInclude: ['public'], tableExclude: ['public\\.audit.*'] });
    expect(filter.includesTable('public', 'orders')).toBe(true);
    expect(filter.includesTable('public', 'audit_log')).toBe(false);
    expect(filter.includesTable('other', 'orders')).toBe(false);
  });
});

describe('topic names', () => {
  it('replaces what Kafka does not take, unit by unit', () => {
    expect(dataTopic({ prefix: 'srv', delimiter: '.' }, 'public', 'größe 😀')).toBe('srv.public.gr__e___');
    expect(sanitizeTopicName('..')).toBe('__');
    expect(sanitizeTopicName('x'.repeat(300))).toHaveLength(249);
  });
});
