/**
 * The expected schemas were made of the same Connect schemas by Confluent's own JsonSchemaData (8.5, with the same result on Java 17 and 25)
 * and printed as its serializer registers them.
 */
import { describe, expect, it } from 'vitest';
import type { FieldSchema, StructField } from '../../values/schema.ts';
import { jsonSchemaText } from './schema-text.ts';

const DECIMAL = 'org.apache.kafka.connect.data.Decimal';
const BY_DEFAULT = { decimals: 'BASE64', additionalProperties: true } as const;
const OTHERWISE = { decimals: 'NUMERIC', additionalProperties: false } as const;

type More = Partial<FieldSchema>;

function field(name: string, type: FieldSchema['type'], more: More = {}): StructField {
  return { field: name, schema: { type, optional: false, ...more } };
}

function struct(fields: readonly StructField[], more: More = {}): FieldSchema {
  return { type: 'struct', optional: false, fields, ...more };
}

const FLOATS = { a: 1, b: 1e10, c: 0.0001, d: 1e-7, e: -0.5, f: 1.5e300, g: 0.00123, h: 100 };

const SCHEMAS: Readonly<Record<string, FieldSchema>> = {
  key: struct([field('id', 'int32'), field('b', 'string', { optional: true })], { name: 's.public.t.Key' }),
  integers: struct([
    field('a', 'int16', { defaultValue: -5 }),
    field('b', 'int64', { optional: true, defaultValue: 9007199254740993n, name: 'io.debezium.time.MicroTimestamp', version: 1 }),
    field('c', 'int32', { optional: true, name: 'org.apache.kafka.connect.data.Date', version: 1 }),
  ]),
  floats: struct([
    ...Object.entries(FLOATS).map(([name, defaultValue]) => field(name, 'float64', { defaultValue })),
    field('i', 'float32', { optional: true, defaultValue: Math.fround(0.1) }),
  ]),
  texts: struct(
    [
      field('flag', 'boolean', { optional: true, defaultValue: false }),
      field('e', 'string', { name: 'io.debezium.data.Enum', version: 1, parameters: [['allowed', 'a,b\u{1f600}']], defaultValue: 'a' }),
      field('raw', 'bytes', { optional: true, defaultValue: Uint8Array.of(0, 255) }),
    ],
    { name: 'n', version: 2, doc: 'with "quotes", a \\ and \u{1f600} ü \u0001' },
  ),
  decimals: struct([
    field('d', 'bytes', {
      optional: true,
      name: DECIMAL,
      version: 1,
      parameters: [
        ['scale', '2'],
        ['connect.decimal.precision', '10'],
      ],
      defaultValue: Uint8Array.of(0, 150),
    }),
    field('z', 'bytes', { name: DECIMAL, version: 1, parameters: [['scale', '10']], defaultValue: Uint8Array.of(0) }),
    field('w', 'bytes', { name: DECIMAL, version: 1, parameters: [['scale', '2']], defaultValue: Uint8Array.of(0) }),
  ]),
  nested: struct(
    [
      field('list', 'array', {
        optional: true,
        items: { type: 'array', optional: false, items: { type: 'string', optional: true } },
      }),
      field('point', 'struct', {
        optional: true,
        name: 'p',
        version: 1,
        doc: 'Geometry',
        fields: [field('x', 'float64'), field('wkb', 'bytes', { optional: true })],
      }),
      field('h', 'map', { optional: true, keys: { type: 'string', optional: false }, values: { type: 'string', optional: true } }),
      field('sparse', 'map', {
        optional: true,
        name: 'io.debezium.data.SparseDoubleVector',
        keys: { type: 'int16', optional: false },
        values: { type: 'float64', optional: false },
      }),
    ],
    { name: 'o' },
  ),
  hash: struct(
    ['id', 'before', 'after', 'source', 'transaction', 'op', 'ts_ms', 'Aa', 'BB', 'name', 'x1', 'x2', 'x3', 'x4'].map((name) =>
      field(name, 'string'),
    ),
  ),
  empty: struct([], { name: 's.public.t.Value' }),
};

const TEXTS: Readonly<Record<string, string>> = {
  key: '{"type":"object","title":"s.public.t.Key","properties":{"b":{"connect.index":1,"oneOf":[{"type":"null"},{"type":"string"}]},"id":{"type":"integer","connect.index":0,"connect.type":"int32"}}}',
  integers:
    '{"type":"object","properties":{"a":{"type":"integer","default":-5,"connect.index":0,"connect.type":"int16"},"b":{"connect.index":1,"oneOf":[{"type":"null"},{"type":"integer","title":"io.debezium.time.MicroTimestamp","default":9007199254740993,"connect.version":1,"connect.type":"int64"}]},"c":{"connect.index":2,"oneOf":[{"type":"null"},{"type":"integer","title":"org.apache.kafka.connect.data.Date","connect.version":1,"connect.type":"int32"}]}}}',
  floats:
    '{"type":"object","properties":{"a":{"type":"number","default":1,"connect.index":0,"connect.type":"float64"},"b":{"type":"number","default":1.0E+10,"connect.index":1,"connect.type":"float64"},"c":{"type":"number","default":0.00010,"connect.index":2,"connect.type":"float64"},"d":{"type":"number","default":1.0E-7,"connect.index":3,"connect.type":"float64"},"e":{"type":"number","default":-0.5,"connect.index":4,"connect.type":"float64"},"f":{"type":"number","default":1.5E+300,"connect.index":5,"connect.type":"float64"},"g":{"type":"number","default":0.00123,"connect.index":6,"connect.type":"float64"},"h":{"type":"number","default":100,"connect.index":7,"connect.type":"float64"},"i":{"connect.index":8,"oneOf":[{"type":"null"},{"type":"number","default":0.1,"connect.type":"float32"}]}}}',
  texts:
    '{"type":"object","title":"n","description":"with \\"quotes\\", a \\\\ and 😀 ü \\u0001","connect.version":2,"properties":{"flag":{"connect.index":0,"oneOf":[{"type":"null"},{"default":false,"type":"boolean"}]},"e":{"type":"string","title":"io.debezium.data.Enum","default":"a","connect.index":1,"connect.version":1,"connect.parameters":{"allowed":"a,b😀"}},"raw":{"connect.index":2,"oneOf":[{"type":"null"},{"type":"string","default":"AP8=","connect.type":"bytes"}]}}}',
  decimals:
    '{"type":"object","properties":{"d":{"connect.index":0,"oneOf":[{"type":"null"},{"type":"string","title":"org.apache.kafka.connect.data.Decimal","default":"AJY=","connect.version":1,"connect.type":"bytes","connect.parameters":{"scale":"2","connect.decimal.precision":"10"}}]},"w":{"type":"string","title":"org.apache.kafka.connect.data.Decimal","default":"AA==","connect.index":2,"connect.version":1,"connect.type":"bytes","connect.parameters":{"scale":"2"}},"z":{"type":"string","title":"org.apache.kafka.connect.data.Decimal","default":"AA==","connect.index":1,"connect.version":1,"connect.type":"bytes","connect.parameters":{"scale":"10"}}}}',
  nested:
    '{"type":"object","title":"o","properties":{"sparse":{"connect.index":3,"oneOf":[{"type":"null"},{"type":"array","title":"io.debezium.data.SparseDoubleVector","connect.type":"map","items":{"type":"object","properties":{"value":{"type":"number","connect.index":1,"connect.type":"float64"},"key":{"type":"integer","connect.index":0,"connect.type":"int16"}}}}]},"h":{"connect.index":2,"oneOf":[{"type":"null"},{"type":"object","connect.type":"map","additionalProperties":{"oneOf":[{"type":"null"},{"type":"string"}]}}]},"list":{"connect.index":0,"oneOf":[{"type":"null"},{"type":"array","items":{"type":"array","items":{"oneOf":[{"type":"null"},{"type":"string"}]}}}]},"point":{"connect.index":1,"oneOf":[{"type":"null"},{"type":"object","title":"p","description":"Geometry","connect.version":1,"properties":{"x":{"type":"number","connect.index":0,"connect.type":"float64"},"wkb":{"connect.index":1,"oneOf":[{"type":"null"},{"type":"string","connect.type":"bytes"}]}}}]}}}',
  hash: '{"type":"object","properties":{"Aa":{"type":"string","connect.index":7},"BB":{"type":"string","connect.index":8},"op":{"type":"string","connect.index":5},"before":{"type":"string","connect.index":1},"source":{"type":"string","connect.index":3},"name":{"type":"string","connect.index":9},"x1":{"type":"string","connect.index":10},"x2":{"type":"string","connect.index":11},"id":{"type":"string","connect.index":0},"after":{"type":"string","connect.index":2},"x3":{"type":"string","connect.index":12},"x4":{"type":"string","connect.index":13},"transaction":{"type":"string","connect.index":4},"ts_ms":{"type":"string","connect.index":6}}}',
  empty: '{"type":"object","title":"s.public.t.Value"}',
};

const TEXTS_OTHERWISE: Readonly<Record<string, string>> = {
  key: '{"type":"object","additionalProperties":false,"title":"s.public.t.Key","properties":{"b":{"connect.index":1,"oneOf":[{"type":"null"},{"type":"string"}]},"id":{"type":"integer","connect.index":0,"connect.type":"int32"}}}',
  decimals:
    '{"type":"object","additionalProperties":false,"properties":{"d":{"connect.index":0,"oneOf":[{"type":"null"},{"type":"number","title":"org.apache.kafka.connect.data.Decimal","default":1.5,"connect.version":1,"connect.type":"bytes","connect.parameters":{"scale":"2","connect.decimal.precision":"10"}}]},"w":{"type":"number","title":"org.apache.kafka.connect.data.Decimal","default":0,"connect.index":2,"connect.version":1,"connect.type":"bytes","connect.parameters":{"scale":"2"}},"z":{"type":"number","title":"org.apache.kafka.connect.data.Decimal","default":0E-10,"connect.index":1,"connect.version":1,"connect.type":"bytes","connect.parameters":{"scale":"10"}}}}',
  nested:
    '{"type":"object","additionalProperties":false,"title":"o","properties":{"sparse":{"connect.index":3,"oneOf":[{"type":"null"},{"type":"array","title":"io.debezium.data.SparseDoubleVector","connect.type":"map","items":{"type":"object","properties":{"value":{"type":"number","connect.index":1,"connect.type":"float64"},"key":{"type":"integer","connect.index":0,"connect.type":"int16"}}}}]},"h":{"connect.index":2,"oneOf":[{"type":"null"},{"type":"object","connect.type":"map","additionalProperties":{"oneOf":[{"type":"null"},{"type":"string"}]}}]},"list":{"connect.index":0,"oneOf":[{"type":"null"},{"type":"array","items":{"type":"array","items":{"oneOf":[{"type":"null"},{"type":"string"}]}}}]},"point":{"connect.index":1,"oneOf":[{"type":"null"},{"type":"object","additionalProperties":false,"title":"p","description":"Geometry","connect.version":1,"properties":{"x":{"type":"number","connect.index":0,"connect.type":"float64"},"wkb":{"connect.index":1,"oneOf":[{"type":"null"},{"type":"string","connect.type":"bytes"}]}}}]}}}',
};

describe('a JSON Schema', () => {
  it.each(Object.entries(TEXTS))('of %s is what Confluent registers', (name, text) => {
    expect(jsonSchemaText(SCHEMAS[name] ?? struct([]), BY_DEFAULT)).toBe(text);
  });

  it.each(Object.entries(TEXTS_OTHERWISE))('of %s is, with decimal.format=NUMERIC and object.additional.properties=false', (name, text) => {
    expect(jsonSchemaText(SCHEMAS[name] ?? struct([]), OTHERWISE)).toBe(text);
  });

  it('has no default of NaN or infinity, where Confluent fails', () => {
    const schema = struct([field('a', 'float32', { defaultValue: Number.NaN }), field('b', 'float64', { defaultValue: -Infinity })]);
    expect(jsonSchemaText(schema, BY_DEFAULT)).not.toContain('default');
  });
});
