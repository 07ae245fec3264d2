import { describe, expect, it } from 'vitest';
import type { FieldSchema, StructField } from '../../values/schema.ts';
import { isSameJsonSchemaShape, jsonSchemaDifferences } from './differences.ts';
import { jsonSchemaText } from './schema-text.ts';

const DECIMAL = { type: 'bytes', optional: true, name: 'org.apache.kafka.connect.data.Decimal', version: 1 } as const;
const SETTINGS = { decimals: 'BASE64', additionalProperties: true } as const;

function text(fields: Readonly<Record<string, FieldSchema>>, decimals: 'BASE64' | 'NUMERIC' = 'BASE64'): string {
  const row: readonly StructField[] = Object.entries(fields).map(([field, schema]) => ({ field, schema }));
  const after: FieldSchema = { type: 'struct', optional: true, name: 'row', fields: row };
  return jsonSchemaText(
    { type: 'struct', optional: false, name: 'envelope', fields: [{ field: 'after', schema: after }] },
    { ...SETTINGS, decimals },
  );
}

const ID: FieldSchema = { type: 'int32', optional: false };
const NAME: FieldSchema = { type: 'string', optional: true };

describe('two JSON Schemas of a subject', () => {
  it('differ in fields by their paths', () => {
    const registered = text({ id: ID, name: NAME, gone: NAME, tags: { type: 'array', optional: true, items: ID } });
    const wanted = text({ id: { ...ID, type: 'int64' }, name: NAME, note: NAME, tags: { type: 'array', optional: true, items: NAME } });
    expect(jsonSchemaDifferences({ registered, wanted }).sort()).toEqual([
      'after.gone removed',
      'after.id: int64, was int32',
      'after.note added',
      'after.tags: null or array of null or string, was null or array of int32',
    ]);
  });

  it('have one shape whatever the order of their members, but not with other fields or forms of numbers', () => {
    const one = text({ id: ID, price: DECIMAL });
    expect(isSameJsonSchemaShape(one, text({ price: DECIMAL, id: ID }).replaceAll(/"connect.index":\d,?/g, ''))).toBe(true);
    expect(isSameJsonSchemaShape(one, text({ id: ID }))).toBe(false);
    expect(isSameJsonSchemaShape(one, text({ id: { ...ID, optional: true }, price: DECIMAL }))).toBe(false);
    expect(isSameJsonSchemaShape(one, text({ id: ID, price: DECIMAL }, 'NUMERIC'))).toBe(false);
  });
});
