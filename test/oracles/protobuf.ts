/** Owns writing plain values in Protobuf for tests: by the Connect schema, through the calls that codecs make. */
import { ByteWriter } from '../../src/core/byte-writer.ts';
import { messageFields, type NullSettings, type ProtobufNode } from '../../src/serde/protobuf/node.ts';
import { ProtobufValueWriter } from '../../src/serde/protobuf/value-writer.ts';
import { type FieldSchema, scaleOf } from '../../src/values/schema.ts';
import { DECIMAL_NAME } from '../../src/values/types/decimal.ts';

/** bigint for integers, Buffer for bytes and decimals, Map for maps, null and undefined for nulls. */
export type TestValue =
  | null
  | undefined
  | boolean
  | number
  | bigint
  | string
  | Buffer
  | readonly TestValue[]
  | ReadonlyMap<string | bigint, TestValue>
  | { readonly [field: string]: TestValue };

/** A struct's message, without any head. */
export function writtenStruct(schema: FieldSchema, value: TestValue, settings: NullSettings): Buffer {
  const out = new ByteWriter(16);
  const values = new ProtobufValueWriter(out);
  const nodes = messageFields(schema, settings);
  for (const [index, { field, schema: inner }] of (schema.fields ?? []).entries()) {
    const node: ProtobufNode | undefined = nodes[index];
    if (node === undefined) throw new Error('a field without a node');
    values.begin(node);
    writeValue(values, inner, memberOf(value, field));
  }
  return out.toOwned();
}

function memberOf(value: TestValue, field: string): TestValue {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Map || Buffer.isBuffer(value)) return null;
  return (value as { readonly [field: string]: TestValue })[field];
}

function writeValue(values: ProtobufValueWriter, schema: FieldSchema, value: TestValue): void {
  if (value === null || value === undefined) values.nullValue();
  else if (Array.isArray(value)) writeArray(values, schema, value);
  else if (value instanceof Map) writeMap(values, schema, value);
  else if (schema.type === 'struct') writeFields(values, schema, value);
  else writeScalar(values, schema, value);
}

function writeArray(values: ProtobufValueWriter, { items }: FieldSchema, list: readonly TestValue[]): void {
  values.beginArray();
  for (const item of list) {
    values.element();
    if (items !== undefined) writeValue(values, items, item);
  }
  values.endArray();
}

function writeMap(values: ProtobufValueWriter, schema: FieldSchema, map: ReadonlyMap<string | bigint, TestValue>): void {
  const hasText = schema.keys?.type === 'string';
  if (hasText) values.beginMap();
  else values.beginIntMap();
  for (const [key, item] of map) {
    const text = Buffer.from(String(key));
    if (hasText) values.mapKey(text, 0, text.length);
    else values.intMapKey(Number(key));
    if (schema.values !== undefined) writeValue(values, schema.values, item);
  }
  if (hasText) values.endMap();
  else values.endIntMap();
}

function writeFields(values: ProtobufValueWriter, schema: FieldSchema, value: TestValue): void {
  values.beginStruct();
  for (const { field, schema: inner } of schema.fields ?? []) {
    values.field();
    writeValue(values, inner, memberOf(value, field));
  }
  values.endStruct();
}

function writeScalar(values: ProtobufValueWriter, schema: FieldSchema, value: TestValue): void {
  const bytes = Buffer.isBuffer(value) ? value : Buffer.from(String(value));
  switch (schema.type) {
    case 'boolean':
      values.boolean(value === true);
      return;
    case 'int64':
      values.int64Digits(bytes, 0, bytes.length);
      return;
    case 'float32':
      values.float32(Number(value));
      return;
    case 'float64':
      values.float64(Number(value));
      return;
    case 'string':
      values.utf8(bytes, 0, bytes.length);
      return;
    case 'bytes':
      if (schema.name === DECIMAL_NAME) values.decimal(bytes, 0, bytes.length, scaleOf(schema));
      else values.bytes(bytes, 0, bytes.length);
      return;
    default:
      values.int32(Number(value));
      return;
  }
}
