/**
 * Owns the JSON text of a Connect schema, members in JsonConverter's order: type, fields | items | keys and values,
 * optional, name, version, doc, parameters, default, field. Printed once per relation version, never per row.
 * Source: org.apache.kafka.connect.json.JsonConverter.asJsonSchema.
 */
import { ByteWriter } from '../../core/byte-writer.ts';
import { type DefaultValue, type FieldSchema, scaleOf } from '../../values/schema.ts';
import { DECIMAL_NAME } from '../../values/types/decimal.ts';
import { formatDecimal, formatFloat32, formatFloat64, quote, writeBase64 } from './lexical.ts';
import type { DecimalFormat } from './value-writer.ts';

/** Connect's type names as JsonConverter spells them. */
const TYPE_NAMES: Readonly<Partial<Record<FieldSchema['type'], string>>> = { float32: 'float', float64: 'double' };

type SchemaForm = {
  readonly field?: string;
  /** How defaults of Connect Decimals are written. */
  readonly decimals?: DecimalFormat;
};

export function printSchema(schema: FieldSchema, form: SchemaForm = {}): string {
  const { field, decimals = 'BASE64' } = form;
  const members: string[] = [`"type":"${TYPE_NAMES[schema.type] ?? schema.type}"`];
  if (schema.fields !== undefined) {
    members.push(`"fields":[${schema.fields.map((one) => printSchema(one.schema, { field: one.field, decimals })).join(',')}]`);
  }
  if (schema.items !== undefined) members.push(`"items":${printSchema(schema.items, { decimals })}`);
  if (schema.keys !== undefined) members.push(`"keys":${printSchema(schema.keys, { decimals })}`);
  if (schema.values !== undefined) members.push(`"values":${printSchema(schema.values, { decimals })}`);
  members.push(`"optional":${schema.optional}`);
  if (schema.name !== undefined) members.push(`"name":${quote(schema.name)}`);
  if (schema.version !== undefined) members.push(`"version":${schema.version}`);
  if (schema.doc !== undefined) members.push(`"doc":${quote(schema.doc)}`);
  if (schema.parameters !== undefined && schema.parameters.length > 0) {
    members.push(`"parameters":{${schema.parameters.map(([key, value]) => `${quote(key)}:${quote(value)}`).join(',')}}`);
  }
  if (schema.defaultValue !== undefined) members.push(`"default":${printDefault(schema, schema.defaultValue, decimals)}`);
  if (field !== undefined) members.push(`"field":${quote(field)}`);
  return `{${members.join(',')}}`;
}

function printDefault(schema: FieldSchema, value: DefaultValue, decimals: DecimalFormat): string {
  if (typeof value === 'string') return quote(value);
  if (typeof value === 'boolean' || typeof value === 'bigint') return value.toString();
  if (typeof value === 'number') {
    if (schema.type === 'float64') return formatFloat64(value);
    return schema.type === 'float32' ? formatFloat32(value) : value.toString();
  }
  if (decimals === 'NUMERIC' && schema.name === DECIMAL_NAME) return formatDecimal(value, 0, value.length, scaleOf(schema));
  const out = new ByteWriter(64);
  writeBase64(out, value, 0, value.length);
  return out.toOwned().toString('latin1');
}
