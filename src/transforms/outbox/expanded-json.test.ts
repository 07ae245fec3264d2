/** Payloads of JSON that become structs, as the EventRouter publishes them. */
import { describe, expect, it } from 'vitest';
import { avscType } from '../../../test/oracles/avsc.ts';
import { ChainRunner, jsonOf, textOfHalf } from '../../../test/transforms/chain-runner.ts';

const COLUMNS = [
  { name: 'id', type: 'int4', notNull: true },
  { name: 'aggregatetype', type: 'text' },
  { name: 'aggregateid', type: 'text' },
  { name: 'payload', type: 'text' },
  { name: 'kind', type: 'text' },
] as const;

type Options = Record<string, string>;

function runner(options: Options = {}, converter = 'json with schemas'): ChainRunner {
  const stage = { type: 'io.debezium.transforms.outbox.EventRouter', 'table.expand.json.payload': 'true', ...options };
  return new ChainRunner({ columns: COLUMNS, stages: [stage], converters: { key: 'json', value: converter } });
}

async function expanded(payload: string | null, options: Options = {}): Promise<unknown> {
  return jsonOf((await runner(options).create('1', 'order', '7', payload, 'k'))?.value);
}

const struct = (name: string, fields: readonly object[], optional = true): object => ({ type: 'struct', fields, optional, name });
const field = (name: string, type: string, more: object = {}): object => ({ type, optional: true, ...more, field: name });

describe('a payload of JSON', () => {
  it('is a struct of what is in it, in the order of the text', async () => {
    const payload = '{"s":"a","i":1,"l":5000000000,"d":1.50,"b":true,"n":null,"e":[],"o":{"p":{"x":1},"q":[{"y":1}]},"1":2}';
    expect(await expanded(payload)).toEqual({
      schema: struct('payload', [
        field('s', 'string'),
        field('i', 'int32'),
        field('l', 'int64'),
        field('d', 'double'),
        field('b', 'boolean'),
        {
          ...struct('payload.o', [
            { ...struct('payload.o.p', [field('x', 'int32')]), field: 'p' },
            field('q', 'array', { items: struct('payload.o.q', [field('y', 'int32')]) }),
          ]),
          field: 'o',
        },
        field('1', 'int32'),
      ]),
      payload: { s: 'a', i: 1, l: 5_000_000_000, d: 1.5, b: true, o: { p: { x: 1 }, q: [{ y: 1 }] }, '1': 2 },
    });
  });

  it('keeps nulls and empty arrays where the options say so', async () => {
    const options = { 'table.json.payload.null.behavior': 'optional_bytes', 'table.json.payload.empty.array.behavior': 'optional_string' };
    expect(await expanded('{"n":null,"e":[],"m":[null]}', options)).toEqual({
      schema: struct('payload', [
        field('n', 'bytes'),
        field('e', 'array', { items: { type: 'string', optional: true } }),
        field('m', 'array', { items: { type: 'bytes', optional: true } }),
      ]),
      payload: { n: null, e: [], m: [null] },
    });
  });

  it('merges the members of objects in an array to one struct, which is required then', async () => {
    expect(await expanded('{"a":[{"x":1},null,{"x":2},{"x":3}]}')).toMatchObject({ payload: { a: [{ x: 1 }, null, { x: 2 }, { x: 3 }] } });
    expect(await expanded('{"a":[{"x":1},{"y":"z"}]}')).toEqual({
      schema: struct('payload', [field('a', 'array', { items: struct('payload.a', [field('x', 'int32'), field('y', 'string')], false) })]),
      payload: {
        a: [
          { x: 1, y: null },
          { x: null, y: 'z' },
        ],
      },
    });
  });

  it('begins its names anew in arrays of arrays', async () => {
    expect(await expanded('{"a":[[{"o":{"x":1}}]]}')).toMatchObject({
      schema: { fields: [{ items: { items: { fields: [{ name: 'o' }] } } }] },
      payload: { a: [[{ o: { x: 1 } }]] },
    });
  });

  it.each(['', 'plain', ' {"a":1}', '{"a":1', '{"a":[1,"x"]}', '{"a":[1,2.5]}', '{"a":[null]}', '{"a":[[]]}'])(
    '%j stays text',
    async (payload) => {
      expect(await expanded(payload)).toEqual({ schema: { type: 'string', optional: true }, payload });
    },
  );

  it('that is an empty array is text without a schema', async () => {
    expect(await expanded('[] ')).toEqual({ schema: null, payload: '[] ' });
    await expect(expanded('[]', { 'table.fields.additional.placement': 'kind:envelope' })).rejects.toThrow('no schema');
  });

  it.each([
    ['[1]', 'Invalid type for ARRAY'],
    ['{"a":9223372036854775808}', 'Invalid type for STRUCT'],
    ['{"a":[{"x":1},{"x":"y","z":1}]}', 'Invalid type for STRUCT'],
    ['{"a":[{"x":1},{"y":1},null]}', 'Invalid type for STRUCT'],
    ['{"a":[["x"],[1]]}', 'Invalid type for STRUCT'],
  ])('%s is refused, as Debezium fails at it, without a word of what is in it', async (payload, reason) => {
    await expect(expanded(payload)).rejects.toThrow(`${reason}: class java.lang.String`);
  });

  it('has adjusted names, and null where a name has changed', async () => {
    expect(await expanded('{"a-b":1,"c":2}', { 'field.name.adjustment.mode': 'avro' })).toMatchObject({
      schema: { fields: [{ field: 'a_b' }, { field: 'c' }] },
      payload: { a_b: null, c: 2 },
    });
  });

  it('may have any names', async () => {
    const payload = '{"constructor":"a","__proto__":{"toString":1},"o":[{"x":1},{"valueOf":2}]}';
    const sent = await runner({}, 'json').create('1', 'order', '7', payload, 'k');
    expect(textOfHalf(sent?.value)).toBe(
      '{"constructor":"a","__proto__":{"toString":1},"o":[{"x":1,"valueOf":null},{"x":null,"valueOf":2}]}',
    );
  });
});

describe('payloads of different schemas', () => {
  it('each have a route, and the text of a JSON column too', async () => {
    const router = runner({ 'route.tombstone.on.empty.payload': 'true' }, 'json');
    const texts: (string | null)[] = [];
    for (const payload of ['{"a":1}', '{"b":"x"}', 'text', '{"a":2}', ' ', null, '{"a":2}'])
      texts.push(textOfHalf((await router.create('1', 'order', '7', payload, 'k'))?.value));
    expect(texts).toEqual(['{"a":1}', '{"b":"x"}', '"text"', '{"a":2}', null, null, '{"a":2}']);
  });

  it('have envelopes whose names the first event of each gives', async () => {
    const router = runner({ 'table.fields.additional.placement': 'kind:envelope' });
    const name = async (route: string, payload: string): Promise<unknown> =>
      jsonOf((await router.create('1', route, '7', payload, 'k'))?.value);
    expect(await name('a', '{"x":1}')).toMatchObject({
      schema: { name: 'srv.public.t.a.Value' },
      payload: { payload: { x: 1 }, kind: 'k' },
    });
    expect(await name('b', '{"x":2}')).toMatchObject({ schema: { name: 'srv.public.t.a.Value' } });
    expect(await name('b', '{"y":2}')).toMatchObject({ schema: { name: 'srv.public.t.b.Value' } });
  });

  it('are read in Avro by another library, deep ones too', async () => {
    const router = runner({}, 'avro');
    const deep = `${'{"a":'.repeat(60)}[[1,2],[3]]${'}'.repeat(60)}`;
    for (const payload of ['{"i":1,"o":{"s":"x"},"e":{}}', deep]) {
      const sent = await router.create('1', 'order', '7', payload, 'k');
      const read = avscType(router.schemas.at(-1)?.schema ?? '').fromBuffer(sent?.value?.subarray(5) ?? Buffer.alloc(0));
      expect(JSON.parse(JSON.stringify(read))).toEqual(JSON.parse(payload));
    }
    expect(router.schemas[0]?.schema).toContain('{"type":"record","name":"payload","fields":');
    expect(router.schemas[0]?.schema).toContain('"name":"o","namespace":"payload"');
  });
});
