/**
 * Owns writing a plain JavaScript value, as value-capture.ts keeps it, through a ValueWriter: the way out for values that a transform has
 * computed. The schema says what the value is.
 */
import { type FieldSchema, scaleOf } from './schema.ts';
import { DECIMAL_NAME } from './types/decimal.ts';
import type { CapturedValue } from './value-capture.ts';
import { ConversionError, type ValueWriter } from './value-writer.ts';

/** Throws ConversionError for a value that the schema does not have. */
export function writePlain(out: ValueWriter, schema: FieldSchema, value: CapturedValue): void {
  if (value === null) {
    out.nullValue();
    return;
  }
  switch (schema.type) {
    case 'boolean':
      if (typeof value !== 'boolean') throw unfit(schema);
      out.boolean(value);
      return;
    case 'int8':
    case 'int16':
    case 'int32':
      if (typeof value !== 'number') throw unfit(schema);
      out.int32(value);
      return;
    case 'int64':
      writeLong(out, schema, value);
      return;
    case 'float32':
    case 'float64':
      if (typeof value !== 'number') throw unfit(schema);
      if (schema.type === 'float32') out.float32(value);
      else out.float64(value);
      return;
    case 'string': {
      if (typeof value !== 'string') throw unfit(schema);
      const bytes = Buffer.from(value);
      out.utf8(bytes, 0, bytes.length);
      return;
    }
    case 'bytes':
      if (!(value instanceof Uint8Array)) throw unfit(schema);
      if (schema.name === DECIMAL_NAME) out.decimal(value, 0, value.length, scaleOf(schema));
      else out.bytes(value, 0, value.length);
      return;
    case 'array':
    case 'map':
    case 'struct':
      writeContainer(out, schema, value);
  }
}

function writeLong(out: ValueWriter, schema: FieldSchema, value: CapturedValue): void {
  if (typeof value === 'bigint') out.int64Big(value);
  else if (typeof value === 'number') out.int64(value);
  else throw unfit(schema);
}

function writeContainer(out: ValueWriter, schema: FieldSchema, value: NonNullable<CapturedValue>): void {
  if (Array.isArray(value)) {
    out.beginArray();
    for (const item of value) {
      out.element();
      writePlain(out, schema.items ?? TEXT, item);
    }
    out.endArray();
  } else if (value instanceof Map) writeMap(out, schema, value);
  else if (typeof value === 'object' && !(value instanceof Uint8Array)) {
    out.beginStruct();
    for (const { field, schema: inner } of schema.fields ?? []) {
      out.field(field);
      writePlain(out, inner, value[field] ?? inner.defaultValue ?? null);
    }
    out.endStruct();
  } else throw unfit(schema);
}

function writeMap(out: ValueWriter, { keys, values = TEXT }: FieldSchema, entries: ReadonlyMap<string, CapturedValue>): void {
  const isText = keys === undefined || keys.type === 'string';
  if (isText) out.beginMap();
  else out.beginIntMap();
  for (const [key, value] of entries) {
    const bytes = Buffer.from(key);
    if (isText) out.mapKey(bytes, 0, bytes.length);
    else out.intMapKey(Number(key));
    writePlain(out, values, value);
  }
  if (isText) out.endMap();
  else out.endIntMap();
}

const TEXT: FieldSchema = { type: 'string', optional: true };

function unfit({ type }: FieldSchema): ConversionError {
  return new ConversionError(`the value is no ${type}`);
}
