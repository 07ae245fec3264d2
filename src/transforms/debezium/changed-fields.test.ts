/** ExtractChangedRecordState, and with HeaderToValue and ExtractNewRecordState behind it. */
import { describe, expect, it } from 'vitest';
import { arrayType, builtIn, numericTypmod } from '../../../test/oracles/columns.ts';
import { ChainRunner, jsonOf, type TestColumn } from '../../../test/transforms/chain-runner.ts';

const CHANGED = {
  type: 'io.debezium.transforms.ExtractChangedRecordState',
  'header.changed.name': 'changed',
  'header.unchanged.name': 'unchanged',
};
const UNWRAP = { type: 'io.debezium.transforms.ExtractNewRecordState' };
const COLUMNS: readonly TestColumn[] = [
  { name: 'id', type: 'int4', notNull: true },
  { name: 'a', type: 'text' },
  { name: 'b', type: 'text', notNull: true },
];

describe('names of changed fields', () => {
  it('stand in headers, empty ones too', async () => {
    const runner = new ChainRunner({ columns: COLUMNS, stages: [CHANGED] });
    const [update] = await runner.send({ kind: 'update', before: ['1', 'x', 'y'], after: ['1', null, 'y'] });
    expect(update?.headers).toEqual(['changed=["a"]', 'unchanged=["id","b"]']);
    expect((await runner.create('1', 'x', 'y'))?.headers).toEqual(['changed=[]', 'unchanged=[]']);
    expect((await runner.send({ kind: 'update', after: ['1', 'x', 'y'] }))[0]?.headers).toEqual(['changed=[]', 'unchanged=[]']);
    const both = await runner.send({ kind: 'delete', before: ['1', 'x', 'y'] });
    expect(both.map((sent) => sent?.headers)).toEqual([
      ['changed=[]', 'unchanged=[]'],
      ['changed=[]', 'unchanged=[]'],
    ]);
    expect((await runner.message('p', 'c'))?.headers).toEqual([]);
  });

  const ALIKE: readonly (readonly [TestColumn, string | null, string | null])[] = [
    [{ name: 'v', type: 'float8' }, 'NaN', 'NaN'],
    [{ name: 'v', type: 'numeric', typmod: numericTypmod(6, 2) }, '1.5', '1.50'],
    [{ name: 'v', type: 'bytea' }, '\\x00ff', '\\x00ff'],
    [{ name: 'v', type: 'point' }, '(1,2)', '(1,2)'],
    [{ name: 'v', type: arrayType(builtIn('text')) }, '{a,NULL}', '{a,NULL}'],
    [{ name: 'v', type: 'bit', typmod: 3 }, null, null],
    [{ name: 'v', type: 'int4', defaultExpression: '1' }, null, null],
  ];
  const CHANGES: readonly (readonly [TestColumn, string | null, string | null])[] = [
    [{ name: 'v', type: 'float8' }, '0', '-0'],
    [{ name: 'v', type: 'numeric' }, '1.5', '1.51'],
    [{ name: 'v', type: 'bytea' }, '\\x00ff', '\\x00fe'],
    [{ name: 'v', type: arrayType(builtIn('text')) }, '{a,NULL}', '{a,b}'],
    [{ name: 'v', type: 'bit', typmod: 3 }, '101', '101'],
    [{ name: 'v', type: 'int4', defaultExpression: '1' }, null, '1'],
    [{ name: 'v', type: 'int8' }, '9007199254740993', '9007199254740992'],
  ];
  const headersOf = async (column: TestColumn, before: string | null, after: string | null): Promise<readonly string[]> => {
    const runner = new ChainRunner({ columns: [{ name: 'id', type: 'int4' }, column], stages: [CHANGED] });
    const [sent] = await runner.send({ kind: 'update', before: ['1', before], after: ['1', after] });
    return sent?.headers ?? [];
  };
  it.each(ALIKE)('are compared as Java does: %j of %s and %s is unchanged', async (column, before, after) => {
    expect(await headersOf(column, before, after)).toEqual(['changed=[]', 'unchanged=["id","v"]']);
  });
  it.each(CHANGES)('are compared as Java does: %j of %s and %s is changed', async (column, before, after) => {
    expect(await headersOf(column, before, after)).toEqual(['changed=["v"]', 'unchanged=["id"]']);
  });
});

const TO_VALUE = { type: 'io.debezium.transforms.HeaderToValue', headers: 'changed', fields: 'changed_fields', operation: 'move' };

describe('headers as fields', () => {
  it('are fields of the row behind ExtractNewRecordState', async () => {
    const stages = [CHANGED, TO_VALUE, { ...UNWRAP, 'add.fields': 'changed_fields', 'add.headers': 'op' }];
    const converters = { key: 'json', value: 'json with schemas' };
    const runner = new ChainRunner({ columns: COLUMNS, stages, converters });
    const sent: unknown[] = [];
    for (const after of [
      ['1', 'x', 'z'],
      ['1', 'w', 'y'],
    ]) {
      const [update] = await runner.send({ kind: 'update', before: ['1', 'x', 'y'], after });
      expect(update?.headers).toEqual(['unchanged=', '__op=u'].map((start) => expect.stringContaining(start)));
      sent.push(jsonOf(update?.value));
    }
    expect(sent).toMatchObject([{ payload: { __changed_fields: ['b'] } }, { payload: { __changed_fields: ['a'] } }]);
    const items = { type: 'string', optional: true };
    const field = { type: 'array', items, optional: true, name: 'changed', field: '__changed_fields' };
    expect(sent[0]).toMatchObject({ schema: { fields: [{}, {}, {}, field] } });
  });

  it('stay headers if they are copied, and are left alone on tombstones', async () => {
    const stages = [CHANGED, { ...TO_VALUE, operation: 'copy' }];
    const runner = new ChainRunner({ columns: COLUMNS, stages });
    const [deleted, tombstone] = await runner.send({ kind: 'delete', before: ['1', 'x', 'y'] });
    expect(deleted?.headers).toEqual(['changed=[]', 'unchanged=[]']);
    expect(jsonOf(deleted?.value)).toMatchObject({ op: 'd', changed_fields: [] });
    expect(tombstone?.headers).toEqual(['changed=[]', 'unchanged=[]']);
    expect((await runner.message('p', 'c'))?.topic).toBe('srv.message');
  });

  it('may go into structs, new ones or those that are there, which are required then', async () => {
    const stage = { ...TO_VALUE, headers: 'changed,unchanged,changed', fields: 'after.changed,meta.unchanged' };
    expect(() => new ChainRunner({ columns: COLUMNS, stages: [CHANGED, stage] })).toThrow("'fields' config must have the same number");
    const stages = [CHANGED, { ...TO_VALUE, headers: 'changed,unchanged', fields: 'after.changed,info.unchanged' }];
    const runner = new ChainRunner({ columns: COLUMNS, stages });
    const sent = jsonOf((await runner.create('1', 'x', 'y'))?.value);
    expect(sent).toMatchObject({ before: null, after: { id: 1, a: 'x', b: 'y', changed: [] }, info: { unchanged: [] } });
    await expect(runner.send({ kind: 'delete', before: ['1', 'x', 'y'] })).rejects.toThrow('null value for field that is required');
    const deep = new ChainRunner({ columns: COLUMNS, stages: [CHANGED, { ...TO_VALUE, fields: 'after.info.x' }] });
    expect(jsonOf((await deep.create('1', 'x', 'y'))?.value)).toMatchObject({ after: { id: 1, info: {} } });
    // The name of the column stands in the path.
    const found = new ChainRunner({ columns: COLUMNS, stages: [CHANGED, { ...TO_VALUE, fields: 'after.a.x' }] });
    await expect(found.create('1', 'x', 'y')).rejects.toThrow("Field 'a' is a primitive type");
    const taken = new ChainRunner({
      columns: COLUMNS,
      stages: [CHANGED, { ...TO_VALUE, headers: 'changed,unchanged', fields: 'after.c,meta.x' }],
    });
    expect(jsonOf((await taken.create('1', null, 'y'))?.value)).toMatchObject({ after: { a: null, c: [] } });
    await expect(taken.create('1', 'x', 'y')).rejects.toThrow('Only Struct objects supported for [Nested field], found: string in a');
    const primitive = new ChainRunner({ columns: COLUMNS, stages: [CHANGED, { ...TO_VALUE, fields: 'op.x' }] });
    await expect(primitive.create('1', 'x', 'y')).rejects.toThrow(
      "Field 'op' is a primitive type, not a struct. Cannot add nested field 'op.x'.",
    );
  });
});

describe('fields that a header names', () => {
  const runner = (options: Record<string, string> = {}): ChainRunner => {
    const stage = { ...UNWRAP, 'drop.fields.header.name': 'unchanged', 'delete.tombstone.handling.mode': 'rewrite', ...options };
    return new ChainRunner({ columns: COLUMNS, stages: [CHANGED, stage] });
  };
  const update = { kind: 'update', before: ['1', 'x', 'y'], after: ['1', 'x', 'z'] } as const;

  it('are left out of the value where they are optional, record by record', async () => {
    const one = runner({ 'add.fields': 'op' });
    expect(jsonOf((await one.send(update))[0]?.value)).toEqual({ id: 1, b: 'z', __deleted: 'false', __op: 'u' });
    const [other] = await one.send({ ...update, after: ['1', 'w', 'y'] });
    expect(jsonOf(other?.value)).toEqual({ id: 1, a: 'w', b: 'y', __deleted: 'false', __op: 'u' });
    expect(other?.headers).toEqual(['changed=["a"]', 'unchanged=["id","b"]']);
    expect(jsonOf((await one.create('1', 'x', 'y'))?.value)).toEqual({ id: 1, a: 'x', b: 'y', __deleted: 'false', __op: 'c' });
    expect(jsonOf((await one.send({ kind: 'delete', before: ['1', 'x', 'y'] }))[0]?.value)).toMatchObject({ __deleted: 'true', __op: 'd' });
  });

  it('are left out of value and key whatever they are, if the options say so', async () => {
    const [sent] = await runner({ 'drop.fields.keep.schema.compatible': 'false', 'drop.fields.from.key': 'true' }).send(update);
    expect(jsonOf(sent?.value)).toEqual({ b: 'z', __deleted: 'false' });
    expect(jsonOf(sent?.key)).toEqual({});
  });
});
