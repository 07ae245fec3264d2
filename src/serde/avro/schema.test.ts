/** Names, and options of the converter, which the recordings do not cover. The rest is in golden.test.ts. */
import { describe, expect, it } from 'vitest';
import { SlotlineError } from '../../core/errors.ts';
import type { FieldSchema } from '../../values/schema.ts';
import { type AvroSchemaSettings, avroSchema, DEFAULT_AVRO_SETTINGS, scrubName } from './schema.ts';

function row(fields: Readonly<Record<string, FieldSchema>>, name = 'shop.public.orders.Value'): FieldSchema {
  return { type: 'struct', optional: false, name, fields: Object.entries(fields).map(([field, schema]) => ({ field, schema })) };
}

function typesOf(schema: FieldSchema, settings: Partial<AvroSchemaSettings> = {}): Record<string, unknown> {
  const { text } = avroSchema(schema, { ...DEFAULT_AVRO_SETTINGS, ...settings });
  const { fields }: { fields: { name: string; type: unknown }[] } = JSON.parse(text);
  return Object.fromEntries(fields.map(({ name, type }) => [name, type]));
}

const DATE: FieldSchema = { type: 'int32', optional: true, name: 'org.apache.kafka.connect.data.Date', version: 1, doc: 'day' };
const POINT = row({ x: { type: 'float64', optional: false } }, 'io.debezium.data.geometry.Point');

describe('an Avro schema', () => {
  it('puts null first, but behind the type of a default', () => {
    const text: FieldSchema = { type: 'string', optional: true };
    expect(typesOf(row({ a: text, b: { ...text, defaultValue: 'x' }, c: { type: 'string', optional: false, defaultValue: 'x' } }))).toEqual(
      {
        a: ['null', 'string'],
        b: [{ type: 'string', 'connect.default': 'x' }, 'null'],
        c: { type: 'string', 'connect.default': 'x' },
      },
    );
  });

  it("prints a float's default with the float's digits", () => {
    const { text } = avroSchema(row({ a: { type: 'float32', optional: false, defaultValue: Math.fround(-0.1) } }));
    expect(text).toContain('{"name":"a","type":{"type":"float","connect.default":-0.1},"default":-0.1}');
  });

  it('leaves out a default of NaN or infinity', () => {
    const double: FieldSchema = { type: 'float64', optional: true };
    const schema = row({
      a: { ...double, defaultValue: Number.NaN },
      b: { ...double, optional: false, defaultValue: Number.POSITIVE_INFINITY },
    });
    expect(JSON.parse(avroSchema(schema).text).fields).toEqual([
      { name: 'a', type: ['null', 'double'], default: null },
      { name: 'b', type: 'double' },
    ]);
    expect(avroSchema(schema).node.fields[0]).toMatchObject({ nullBranch: 0, valueBranch: 2 });
  });

  it('keeps the logical type without connect.meta.data, and nothing else', () => {
    expect(typesOf(row({ a: DATE }), { connectMetaData: false })).toEqual({ a: ['null', { type: 'int', logicalType: 'date' }] });
    expect(avroSchema(row({ a: DATE }), { ...DEFAULT_AVRO_SETTINGS, connectMetaData: false }).text).not.toContain('connect.');
    expect(typesOf(row({ a: DATE }))).toEqual({
      a: ['null', { type: 'int', 'connect.doc': 'day', 'connect.version': 1, 'connect.name': DATE.name, logicalType: 'date' }],
    });
  });

  it('has docs at fields with discard.type.doc.default', () => {
    const { text } = avroSchema(row({ a: DATE }), { ...DEFAULT_AVRO_SETTINGS, fieldDocs: true });
    expect(JSON.parse(text).fields[0]).toMatchObject({ doc: 'day', default: null });
  });

  it('defines a struct once and names it afterwards, whatever its parameters are then', () => {
    const other: FieldSchema = { ...POINT, optional: true, parameters: [['__debezium.source.column.type', 'POINT']] };
    const types = typesOf(row({ a: POINT, b: other, c: { type: 'array', optional: false, items: POINT } }));
    expect(types['b']).toEqual(['null', 'io.debezium.data.geometry.Point']);
    expect(types['c']).toEqual({ type: 'array', items: 'io.debezium.data.geometry.Point' });
  });

  it('has a decimal of 64 digits where the precision is not known, and counts scales as they are', () => {
    const decimal = (parameters: FieldSchema['parameters'] & object): FieldSchema => {
      return { type: 'bytes', optional: false, name: 'org.apache.kafka.connect.data.Decimal', version: 1, parameters };
    };
    const types = typesOf(
      row({
        money: decimal([['scale', '2']]),
        numeric: decimal([
          ['scale', '2046'],
          ['connect.decimal.precision', '5'],
        ]),
      }),
    );
    expect(types['money']).toMatchObject({ scale: 2, precision: 64, logicalType: 'decimal' });
    expect(types['numeric']).toMatchObject({ scale: 2046, precision: 5, logicalType: 'decimal' });
  });

  it('takes the letters of every script, and refuses characters that no Avro name may have', () => {
    const optional: FieldSchema = { type: 'string', optional: true };
    expect(Object.keys(typesOf(row({ größe: optional, 名: optional, _1: optional })))).toEqual(['größe', '名', '_1']);
    for (const name of ['a b', '1st', 'a-b', 'x.y', '', '😀']) {
      const build = (): unknown => avroSchema(row({ [name]: optional }));
      expect(build).toThrow(SlotlineError);
      expect(build).toThrow('Avro cannot hold a name');
    }
  });

  it('scrubs names as java.net.URLEncoder and underscores do', () => {
    const names = ['id', 'a b', 'a-b*c.d', '1st', 'ü', 'a%b', ''];
    expect(names.map(scrubName)).toEqual(['id', 'a_b', 'a_b_c_d', 'x1st', '_C3_BC', 'a_25b', '']);
    const scrubbed = avroSchema(row({ 'a b': { type: 'int32', optional: false } }, 'my-shop.public.orders.Value'), {
      ...DEFAULT_AVRO_SETTINGS,
      scrubInvalidNames: true,
    });
    expect(scrubbed.name).toBe('my_shop.public.orders.Value');
    expect(JSON.parse(scrubbed.text)).toMatchObject({ namespace: 'my_shop.public.orders', 'connect.name': 'my-shop.public.orders.Value' });
  });
});
