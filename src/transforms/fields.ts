/**
 * Owns taking structs apart and putting them together, for transforms: by the rules that Connect's and Debezium's transforms have in common.
 * Source: org.apache.kafka.connect.transforms.util.SchemaUtil.copySchemaBasics, org.apache.kafka.connect.data.SchemaBuilder.
 */
import type { FieldShape, Presence, ValueShape } from '../events/record-shape.ts';
import type { DefaultValue, FieldSchema } from '../values/schema.ts';
import type { CapturedValue } from '../values/value-capture.ts';
import { readerOf, type ValueReader } from './read-value.ts';
import { isAlwaysNull, nullOf, type ShapedRecord, TransformError } from './shaped-record.ts';

/** Name, version, doc and parameters: what a schema that is rebuilt keeps. It is required then, and has no default. */
export function copyBasics(schema: FieldSchema): FieldSchema {
  const { optional: _optional, defaultValue: _defaultValue, ...basics } = schema;
  return { ...basics, optional: false };
}

/** The schema as optional and without a default. */
export function madeOptional(schema: FieldSchema): FieldSchema {
  return { ...copyBasics(schema), optional: true };
}

export function withDefault(schema: FieldSchema, defaultValue: DefaultValue | undefined): FieldSchema {
  return defaultValue === undefined ? schema : { ...schema, defaultValue };
}

/** The same value with another schema of the same type. */
export function withSchema({ origin }: ValueShape, schema: FieldSchema): ValueShape {
  if (origin.from !== 'column') return { schema, origin };
  const { column } = origin;
  return { schema, origin: { ...origin, column: { ...column, codec: { ...column.codec, schema } } } };
}

/** A struct of these fields. `basics` gives all of the schema but its fields. Throws TransformError for two fields of one name. */
export function structOf(basics: FieldSchema, fields: readonly FieldShape[], when?: Presence): ValueShape {
  const names = new Set<string>();
  for (const { field } of fields) {
    if (names.has(field)) throw new TransformError(`Cannot create field because of field name duplication ${field}`);
    names.add(field);
  }
  const schema: FieldSchema = { ...basics, type: 'struct', fields: fields.map(({ field, schema: inner }) => ({ field, schema: inner })) };
  return { schema, origin: when === undefined ? { from: 'struct', fields } : { from: 'struct', fields, when } };
}

export function fieldNamed(field: string, { schema, origin }: ValueShape): FieldShape {
  return { field, schema, origin };
}

/** The fields of a struct, whatever it is made of. Throws TransformError if it is no struct. */
export function fieldsOf(shape: ValueShape, purpose: string): readonly FieldShape[] {
  const { schema, origin } = shape;
  if (shape.schemaless) throw new TransformError(`a value without a schema cannot be used for [${purpose}]`);
  if (schema.type !== 'struct') throw new TransformError(`Only Struct objects supported for [${purpose}], found: ${schema.type}`);
  if (origin.from === 'struct') return origin.fields;
  const read = readerOf(shape, { substituted: false });
  return (schema.fields ?? []).map(({ field, schema: inner }) =>
    fieldNamed(
      field,
      derived(inner, (event) => memberOf(read(event), field)),
    ),
  );
}

export function findField(shape: ValueShape, field: string, purpose: string): FieldShape | undefined {
  return fieldsOf(shape, purpose).find((one) => one.field === field);
}

/** A value that is computed for each record. */
export function derived(schema: FieldSchema, read: ValueReader): ValueShape {
  return { schema, origin: { from: 'fact', fact: { name: 'derived', lasts: 'event', gives: 'value', read } } };
}

/** The same value for every record. */
export function constant(schema: FieldSchema, value: CapturedValue): ValueShape {
  return { schema, origin: { from: 'fact', fact: { name: 'constant', lasts: 'connector', gives: 'value', read: () => value } } };
}

/** Applies `convert` to each value of the shape but null, which stays null. */
export function converted(
  shape: ValueShape,
  schema: FieldSchema,
  o: { readonly substituted: boolean; readonly convert: (value: NonNullable<CapturedValue>) => CapturedValue },
): ValueShape {
  if (isAlwaysNull(shape)) return nullOf(schema);
  const read = readerOf(shape, o);
  return derived(schema, (event) => {
    const value = read(event);
    return value === null ? null : o.convert(value);
  });
}

/** A member of a struct value; null if there is no struct. */
export function memberOf(value: CapturedValue, field: string): CapturedValue {
  if (value === null || typeof value !== 'object' || value instanceof Uint8Array || Array.isArray(value) || value instanceof Map)
    return null;
  return Object.hasOwn(value, field) ? (value[field] ?? null) : null;
}

/** The shape in which a null is read as the schema's default. */
export function substituted(shape: ValueShape): ValueShape {
  const { schema, origin } = shape;
  if (schema.defaultValue === undefined) return shape;
  if (origin.from === 'column') {
    const { column } = origin;
    return { schema, origin: { ...origin, column: { ...column, codec: { ...column.codec, nullable: false } } } };
  }
  return derived(schema, readerOf(shape, { substituted: true }));
}

export type Side = 'key' | 'value';

export function sideOf(record: ShapedRecord, side: Side): ValueShape | undefined {
  return side === 'key' ? record.key : record.value;
}

/** The record with another key or value. Its headers are its own from now on, as with Connect's newRecord(). */
export function withSide(record: ShapedRecord, side: Side, shape: ValueShape | undefined): ShapedRecord {
  return { ...record, [side]: shape, headers: record.headers.copy() };
}

/** How a text of a column is read from `value`. */
export function textOf(value: CapturedValue): string | null {
  return typeof value === 'string' ? value : null;
}
