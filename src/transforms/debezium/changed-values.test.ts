/** VectorToJsonConverter, SwapGeometryCoordinates and ExtractSchemaToNewRecord. */
import { describe, expect, it } from 'vitest';
import { arrayType, extension } from '../../../test/oracles/columns.ts';
import { ChainRunner, jsonOf, type TestColumn } from '../../../test/transforms/chain-runner.ts';

const D = 'io.debezium.transforms.';
const WITH_SCHEMAS = { key: 'json', value: 'json with schemas' };

it('vectors become JSON text, in rows that are there', async () => {
  const columns: readonly TestColumn[] = [
    { name: 'id', type: 'int4' },
    { name: 'v', type: extension('vector') },
    { name: 'h', type: extension('halfvec') },
    { name: 's', type: extension('sparsevec'), notNull: true },
  ];
  const runner = new ChainRunner({ columns, stages: [{ type: `${D}VectorToJsonConverter` }], converters: WITH_SCHEMAS });
  const row = ['1', '[1,2.5,1e-7]', '[0.5,1]', '{5:-2,1:0.5}/5'] as const;
  const { schema, payload } = jsonOf((await runner.create(...row))?.value) as { schema: { fields: object[] }; payload: object };
  expect(payload).toMatchObject({
    before: null,
    after: {
      id: 1,
      v: '{ "values": [1.0, 2.5, 1.0E-7] }',
      h: '{ "values": [0.5, 1.0] }',
      s: '{ "dimensions": 5, "vector": { "1": 0.5, "5": -2.0 } }',
    },
  });
  const json = { type: 'string', name: 'io.debezium.data.Json', version: 1 };
  expect(schema.fields[1]).toMatchObject({ optional: true, fields: [{}, { ...json, optional: true }, {}, { ...json, optional: false }] });
  const [deleted, tombstone] = await runner.send({ kind: 'delete', before: ['1', null, null, '{}/5'] });
  expect(jsonOf(deleted?.value)).toMatchObject({ payload: { before: { v: null, s: '{ "dimensions": 5, "vector": {  } }' }, after: null } });
  expect(tombstone?.value).toBeNull();
});

describe('coordinates', () => {
  const columns: readonly TestColumn[] = [
    { name: 'id', type: 'int4' },
    { name: 'g', type: extension('geometry') },
    { name: 'a', type: arrayType(extension('geometry')) },
    { name: 'p', type: 'point' },
  ];
  const swapped = async (ewkb: string, options: Record<string, string> = {}): Promise<string> => {
    const runner = new ChainRunner({ columns, stages: [{ type: `${D}SwapGeometryCoordinates`, ...options }] });
    const sent = jsonOf((await runner.create('1', ewkb, null, '(1,2)'))?.value) as { after: { g: { wkb: string }; p: { x: number } } };
    expect(sent.after.p.x).toBe(1);
    return Buffer.from(sent.after.g.wkb, 'base64').toString('hex').toUpperCase();
  };
  const [ONE, TWO, THREE] = ['000000000000F03F', '0000000000000040', '0000000000000840'];
  const SRID = 'E6100000';

  it.each([
    ['a point', `0101000020${SRID}${ONE}${TWO}`, `0101000020${SRID}${TWO}${ONE}`],
    ['a point with height', `01010000A0${SRID}${ONE}${TWO}${THREE}`, `01010000A0${SRID}${TWO}${ONE}${THREE}`],
    ['a line', `0102000020${SRID}02000000${ONE}${TWO}${TWO}${THREE}`, `0102000020${SRID}02000000${TWO}${ONE}${THREE}${TWO}`],
    ['a polygon', `0103000020${SRID}0100000001000000${ONE}${TWO}`, `0103000020${SRID}0100000001000000${TWO}${ONE}`],
    ['points', `0104000020${SRID}010000000101000000${ONE}${TWO}`, `0104000020${SRID}010000000101000000${TWO}${ONE}`],
    [
      'a collection',
      `0107000020${SRID}02000000010200000001000000${ONE}${TWO}0101000000${ONE}${TWO}`,
      `0107000020${SRID}02000000010200000001000000${TWO}${ONE}0101000000${TWO}${ONE}`,
    ],
  ])('of %s are swapped', async (_, ewkb, expected) => {
    expect(await swapped(ewkb)).toBe(expected);
  });

  it('stay in other reference systems, and where there is none', async () => {
    const point = `0101000020${SRID}${ONE}${TWO}`;
    expect(await swapped(point, { srids: '3857' })).toBe(point);
    expect(await swapped(`0101000000${ONE}${TWO}`)).toBe(`0101000000${ONE}${TWO}`);
  });

  it('of what is no geometry are refused', async () => {
    await expect(swapped(`0101000020${SRID}${ONE}`)).rejects.toThrow('Failed to swap EWKB/WKB coordinates');
    await expect(swapped(`0109000020${SRID}${ONE}`)).rejects.toThrow('Invalid geometry type: 9');
  });
});

it('the schema of a table is in the value only where the columns tell their types', async () => {
  const runner = new ChainRunner({ columns: [{ name: 'id', type: 'int4' }], stages: [{ type: `${D}ExtractSchemaToNewRecord` }] });
  await expect(runner.create('1')).rejects.toThrow('Ensure that enable configurations "column.propagate.source.type"');
  expect((await runner.message('p', 'c'))?.topic).toBe('srv.message');
});
