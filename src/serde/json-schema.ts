/**
 * Owns the JSON text of a Connect schema, members in JsonConverter's order: type, fields | items | keys and values,
 * optional, name, version, doc, parameters, default, field. Printed once per relation version, never per row.
 * Source: org.apache.kafka.connect.json.JsonConverter.asJsonSchema.
 */
import { ByteWriter } from '../core/byte-writer.ts';
import type { DefaultValue, FieldSchema } from '../values/schema.ts';
import { formatFloat32, formatFloat64, writeBase64, writeJsonString } from './json-text.ts';

/** Connect's type names as JsonConverter spells them. */
const TYPE_NAMES: Readonly<Partial<Record<FieldSchema['type'], string>>> = { float32: 'float', float64: 'double' };

export function printSchema(schema: FieldSchema, field?: string): string {
  const members: string[] = [`"type":"${TYPE_NAMES[schema.type] ?? schema.type}"`];
  if (schema.fields !== undefined) {
    members.push(`"fields":[${schema.fields.map((one) => printSchema(one.schema, one.field)).join(',')}]`);
  }
  if (schema.items !== undefined) members.push(`"items":${printSchema(schema.items)}`);
  if (schema.keys !== undefined) members.push(`"keys":${printSchema(schema.keys)}`);
  if (schema.values !== undefined) members.push(`"values":${printSchema(schema.values)}`);
  members.push(`"optional":${schema.optional}`);
  if (schema.name !== undefined) members.push(`"name":${quote(schema.name)}`);
  if (schema.version !== undefined) members.push(`"version":${schema.version}`);
  if (schema.doc !== undefined) members.push(`"doc":${quote(schema.doc)}`);
  if (schema.parameters !== undefined && schema.parameters.length > 0) {
    members.push(`"parameters":{${schema.parameters.map(([key, value]) => `${quote(key)}:${quote(value)}`).join(',')}}`);
  }
  if (schema.defaultValue !== undefined) members.push(`"default":${printDefault(schema, schema.defaultValue)}`);
  if (field !== undefined) members.push(`"field":${quote(field)}`);
  return `{${members.join(',')}}`;
}

function printDefault(schema: FieldSchema, value: DefaultValue): string {
  if (typeof value === 'string') return quote(value);
  if (typeof value === 'boolean' || typeof value === 'bigint') return value.toString();
  if (typeof value === 'number') {
    if (schema.type === 'float64') return formatFloat64(value);
    return schema.type === 'float32' ? formatFloat32(value) : value.toString();
  }
  const out = new ByteWriter(64);
  writeBase64(out, value, 0, value.length);
  return out.toOwned().toString('latin1');
}

/** A JavaScript string as a JSON string with Jackson's escapes. */
export function quote(text: string): string {
  const out = new ByteWriter(64);
  const bytes = Buffer.from(text);
  writeJsonString(out, bytes, 0, bytes.length);
  return out.toOwned().toString('utf8');
}
