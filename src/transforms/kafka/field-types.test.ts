import { describe, expect, it } from 'vitest';
import { arrayType, builtIn, extension, numericTypmod } from '../../../test/oracles/columns.ts';
import { ChainRunner, jsonOf, type RunnerOptions, type TestColumn, textOfHalf } from '../../../test/transforms/chain-runner.ts';

const K = 'org.apache.kafka.connect.transforms.';
const UNWRAP = { type: 'io.debezium.transforms.ExtractNewRecordState' };
const ID: TestColumn = { name: 'id', type: 'int4', notNull: true };
const CONNECT_TIMES = { time: 'connect' } as const;

type Options = Record<string, string>;
type Column = Omit<TestColumn, 'name'>;

/** A row with one more column, which the transform changes. */
function chain(column: Column, stage: { type: string } & Options, more: Partial<RunnerOptions> = {}): ChainRunner {
  return new ChainRunner({ columns: [ID, { name: 'v', ...column }], stages: [UNWRAP, stage], ...more });
}

async function field(
  column: Column,
  stage: { type: string } & Options,
  text: string | null,
  more?: Partial<RunnerOptions>,
): Promise<string> {
  const sent = await chain(column, stage, more).create('1', text);
  return textOfHalf(sent?.value)?.replace(/^\{"id":1,"v":(.*)\}$/s, '$1') ?? 'none';
}

const DECIMAL: Column = { type: 'numeric', typmod: numericTypmod(12, 2) };

describe('MaskField', () => {
  const mask = (more: Options = {}) => ({ type: `${K}MaskField$Value`, fields: 'v,nowhere', ...more });

  it.each<[string, Column, string, string]>([
    ['text', { type: 'text' }, 'secret', '""'],
    ['a number', { type: 'int8' }, '7', '0'],
    ['a fraction', { type: 'float8' }, '7.5', '0.0'],
    ['a truth value', { type: 'bool' }, 't', 'false'],
    ['a list', { type: arrayType(builtIn('int4')) }, '{1,2}', '[]'],
    ['a decimal without a scale', { type: 'numeric', typmod: numericTypmod(5, 0) }, '7', '"AA=="'],
  ])('puts the empty value in the place of %s', async (_, column, text, expected) => {
    expect(await field(column, mask(), text)).toBe(expected);
    expect(await field(column, mask(), null)).toBe('null');
  });

  it.each<[Column, string, string, string]>([
    [{ type: 'text' }, 'x', 'secret', '"x"'],
    [{ type: 'int4' }, '12.9', '7', '12'],
    [{ type: 'int2' }, '70000', '7', '4464'],
    [{ type: 'float8' }, '-0', '7', '0.0'],
    [DECIMAL, '0.00', '7', '"AA=="'],
  ])('puts a replacement in the place of %o', async (column, replacement, text, expected) => {
    expect(await field(column, mask({ replacement }), text)).toBe(expected);
  });

  it('masks the default that a null is read as', async () => {
    const column = { type: 'int4', defaultExpression: '7' };
    expect(await field(column, mask(), null)).toBe('0');
    const raw = mask({ 'replace.null.with.default': 'false' });
    expect(await field(column, raw, null, { converters: { key: 'json', value: 'json with nulls' } })).toBe('null');
  });

  it.each<[Column, Options, string, string]>([
    [{ type: 'bytea' }, {}, '\\x00', 'Cannot mask value of type: bytes'],
    [{ type: 'point' }, {}, '(1,2)', 'Cannot mask value of type: struct'],
    [DECIMAL, {}, '7', 'Schema has scale 2, value has scale 0'],
    [{ type: 'bool' }, { replacement: 'x' }, 't', 'Cannot mask value of type boolean with custom replacement.'],
    [{ type: 'int4' }, { replacement: 'x' }, '7', 'Unable to convert x (class java.lang.String) to number'],
  ])('fails at %o with %o, but not at a null', async (column, options, text, reason) => {
    await expect(field(column, mask(options), text)).rejects.toThrow(reason);
    expect(await field(column, mask(options), null)).toBe('null');
  });

  it('fails at a tombstone', async () => {
    const stages = [mask({ fields: 'op' })];
    const runner = new ChainRunner({ columns: [ID], stages });
    await expect(runner.send({ kind: 'delete', before: ['1'] })).rejects.toThrow(
      'Only Map objects supported in absence of schema for [mask fields], found: null',
    );
  });
});

describe('Cast', () => {
  const to = (type: string, more: Options = {}) => ({ type: `${K}Cast$Value`, spec: `v:${type}`, ...more });

  it.each<[Column, string, string, string]>([
    [{ type: 'int4' }, 'int8', '200', '-56'],
    [{ type: 'int8' }, 'int32', '4294967297', '1'],
    [{ type: 'int8' }, 'float64', '9223372036854775807', '9.223372036854776E18'],
    [{ type: 'int8' }, 'int64', '9223372036854775807', '9223372036854775807'],
    [{ type: 'int4' }, 'boolean', '256', 'true'],
    [{ type: 'float8' }, 'int64', '1e30', '9223372036854775807'],
    [{ type: 'float8' }, 'int8', '1e30', '-1'],
    [{ type: 'float8' }, 'int32', 'NaN', '0'],
    [{ type: 'float8' }, 'boolean', '0.5', 'false'],
    [{ type: 'float8' }, 'string', '0.00001', '"1.0E-5"'],
    [{ type: 'float4' }, 'float64', '0.1', '0.10000000149011612'],
    [{ type: 'bool' }, 'int16', 't', '1'],
    [{ type: 'bool' }, 'string', 'f', '"false"'],
    [DECIMAL, 'int32', '-12.99', '-12'],
    [DECIMAL, 'float32', '1.10', '1.1'],
    [DECIMAL, 'string', '1.50', '"1.50"'],
    [{ type: 'numeric', typmod: numericTypmod(12, 10) }, 'string', '0', '"0E-10"'],
    [{ type: 'text' }, 'int32', '+7', '7'],
    [{ type: 'text' }, 'float64', ' 1.5f ', '1.5'],
    [{ type: 'text' }, 'boolean', 'TRUE', 'true'],
    [{ type: 'date' }, 'string', '2024-01-01', '"19723"'],
    [{ type: 'bytea' }, 'string', '\\x00ff', '"AP8="'],
  ])('makes of %o a %s', async (column, type, text, expected) => {
    expect(await field(column, to(type), text)).toBe(expected);
  });

  it.each<[Column, string, string, string]>([
    [{ type: 'timestamp', typmod: 3 }, 'string', '2024-01-01 10:00:00', '"2024-01-01T10:00:00.000Z"'],
    [{ type: 'timestamp', typmod: 3 }, 'string', '2024-01-01 00:00:00', '"2024-01-01"'],
    [{ type: 'date' }, 'int64', '2024-01-01', '19723'],
  ])("makes of Connect's %o a %s", async (column, type, text, expected) => {
    expect(await field(column, to(type), text, { modes: CONNECT_TIMES })).toBe(expected);
  });

  it('keeps what the field allows, and casts its default; the rest of the schema is lost', async () => {
    const column = { type: 'date', defaultExpression: "'2024-01-01'::date" };
    const runner = chain(column, to('string'), { converters: { key: 'json', value: 'json with schemas' } });
    const sent = jsonOf((await runner.create('1', null))?.value);
    expect(sent).toMatchObject({ payload: { v: '19723' } });
    const { fields } = (sent as { schema: { fields: unknown[] } }).schema;
    expect(fields[1]).toEqual({ field: 'v', type: 'string', optional: true, default: '19723' });
  });

  it('casts a whole, and leaves a null with its schema', async () => {
    const stages = [UNWRAP, { type: `${K}ExtractField$Value`, field: 'v' }, { type: `${K}Cast$Value`, spec: 'string' }];
    const runner = new ChainRunner({
      columns: [ID, { name: 'v', type: 'int4' }],
      stages,
      converters: { key: 'json', value: 'json with schemas' },
    });
    expect(textOfHalf((await runner.create('1', '7'))?.value)).toBe('{"schema":{"type":"string","optional":true},"payload":"7"}');
    expect(textOfHalf((await runner.create('1', null))?.value)).toBe('{"schema":{"type":"int32","optional":true},"payload":null}');
  });

  it.each<[Column, string, string, string]>([
    [{ type: 'text' }, 'int8', '128', 'Value was out of range for requested data type'],
    [{ type: 'text' }, 'float32', 'x', 'Value was out of range for requested data type'],
    [{ type: arrayType(builtIn('int4')) }, 'string', '{1}', 'does not support casting from ARRAY; supported types are [INT8, '],
    [{ type: extension('hstore') }, 'string', '', 'does not support casting from MAP'],
    [{ type: 'bytea' }, 'int32', '\\x00', 'Unexpected type in Cast transformation: bytes'],
  ])('fails at %o to %s, but not at a null', async (column, type, text, reason) => {
    const more = { modes: { hstore: 'map' } } as const;
    await expect(field(column, to(type), text, more)).rejects.toThrow(reason);
    expect(await field(column, to(type), null, more)).toBe('null');
  });

  it.each(['v:decimal', 'a:int8:b', 'int8,v:int8'])('refuses the spec %s', (spec) => {
    expect(() => chain({ type: 'int4' }, { type: `${K}Cast$Value`, spec })).toThrow(/Invalid|single cast/);
  });
});

describe('Flatten', () => {
  const flat = (columns: readonly TestColumn[], more: Partial<RunnerOptions> = {}) =>
    new ChainRunner({ columns, stages: [{ type: `${K}Flatten$Value`, delimiter: '_' }], ...more });
  const QTY: TestColumn = { name: 'qty', type: 'int4', defaultExpression: '7' };

  it('puts fields of structs at the first level; a row that is not there shows the defaults of its columns', async () => {
    const runner = flat([ID, QTY]);
    const made = jsonOf((await runner.create('1', null))?.value);
    expect(made).toMatchObject({ before_id: null, before_qty: 7, after_id: 1, after_qty: 7, source_snapshot: 'false', op: 'c' });
    const [updated] = await runner.send({ kind: 'update', after: ['1', '5'] });
    expect(jsonOf(updated?.value)).toMatchObject({ before_id: null, before_qty: 7, after_qty: 5 });
    const [full] = await runner.send({ kind: 'update', before: ['1', '3'], after: ['1', '5'] });
    expect(jsonOf(full?.value)).toMatchObject({ before_id: 1, before_qty: 3, after_qty: 5 });
  });

  it('reads a null within a row as its default, and a row that is not there as nulls', async () => {
    const runner = flat([ID, QTY], { converters: { key: 'json', value: 'json with nulls' } });
    expect(jsonOf((await runner.create('1', null))?.value)).toMatchObject({ before_qty: null, after_qty: 7 });
  });

  it('keeps the name of the envelope, and makes optional what is in something optional', async () => {
    const runner = flat([ID], { converters: { key: 'json', value: 'json with schemas' } });
    const { schema } = jsonOf((await runner.create('1'))?.value) as { schema: { fields: { field: string }[] } };
    expect(schema).toMatchObject({ name: 'srv.public.t.Envelope', version: 2, optional: false });
    expect(schema.fields.find(({ field: name }) => name === 'after_id')).toEqual({ field: 'after_id', type: 'int32', optional: true });
    expect(schema.fields.find(({ field: name }) => name === 'source_lsn')).toMatchObject({ type: 'int64', optional: true });
  });

  it('takes structs in columns apart, keeps lists, and refuses maps', async () => {
    const columns: readonly TestColumn[] = [ID, { name: 'p', type: 'point' }, { name: 'l', type: arrayType(builtIn('int4')) }];
    const stages = [UNWRAP, { type: `${K}Flatten$Value` }];
    const sent = await new ChainRunner({ columns, stages }).create('1', '(1,2)', '{3}');
    expect(jsonOf(sent?.value)).toMatchObject({ id: 1, 'p.x': 1, 'p.y': 2, l: [3] });
    const maps = new ChainRunner({ columns: [ID, { name: 'm', type: extension('hstore') }], stages, modes: { hstore: 'map' } });
    await expect(maps.create('1', null)).rejects.toThrow(
      'Flatten transformation does not support MAP for record with schemas (for field m).',
    );
  });
});
