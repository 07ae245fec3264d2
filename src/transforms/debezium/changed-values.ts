/**
 * Owns changing the values of certain schemas wherever they stand in a value: in structs, and in lists and maps if asked for. What is not changed
 * keeps its origin, so rows are written as before. Nulls are read as defaults, as Debezium's transforms read them.
 */
import type { ValueShape } from '../../events/record-shape.ts';
import type { FieldSchema } from '../../values/schema.ts';
import type { CapturedValue } from '../../values/value-capture.ts';
import { derived, fieldNamed, fieldsOf, memberOf, structOf, substituted } from '../fields.ts';
import { readerOf } from '../read-value.ts';

type Convert = (value: NonNullable<CapturedValue>) => CapturedValue;
type Changed = { readonly schema: FieldSchema; readonly convert: Convert };

export type ValueChange = {
  /** Undefined: values of the schema stay as they are, unless there are others in them. */
  readonly leaf: (schema: FieldSchema) => Changed | undefined;
  /** What the schema of a struct becomes, but for its fields. */
  readonly structBasics: (schema: FieldSchema) => FieldSchema;
  readonly inLists: boolean;
};

export function withChangedValues(shape: ValueShape, change: ValueChange): ValueShape {
  const { schema, origin } = shape;
  if (origin.from === 'struct' && change.leaf(schema) === undefined) {
    const fields = fieldsOf(shape, '').map((field) => fieldNamed(field.field, withChangedValues(field, change)));
    return structOf(change.structBasics(schema), fields, origin.when);
  }
  const changed = changeOf(schema, change);
  if (changed === undefined) return substituted(shape);
  const read = readerOf(shape, { substituted: true });
  return derived(changed.schema, (event) => {
    const value = read(event);
    return value === null ? null : changed.convert(value);
  });
}

/** Undefined: nothing in such a value is changed. */
function changeOf(schema: FieldSchema, change: ValueChange): Changed | undefined {
  const leaf = change.leaf(schema);
  if (leaf !== undefined) return leaf;
  if (schema.type === 'struct') return structChange(schema, change);
  if (!change.inLists) return undefined;
  if (schema.type === 'array' && schema.items !== undefined) {
    const items = changeOf(schema.items, change);
    if (items === undefined) return undefined;
    return { schema: { ...schema, items: items.schema }, convert: (value) => (Array.isArray(value) ? value.map(nullable(items)) : value) };
  }
  if (schema.type !== 'map' || schema.values === undefined) return undefined;
  const values = changeOf(schema.values, change);
  if (values === undefined) return undefined;
  const convert = nullable(values);
  return {
    schema: { ...schema, values: values.schema },
    convert: (value) => (value instanceof Map ? new Map([...value].map(([key, inner]) => [key, convert(inner)])) : value),
  };
}

function structChange(schema: FieldSchema, change: ValueChange): Changed | undefined {
  const members = (schema.fields ?? []).map((field) => ({ ...field, changed: changeOf(field.schema, change) }));
  if (members.every(({ changed }) => changed === undefined)) return undefined;
  const fields = members.map(({ field, schema: inner, changed }) => ({ field, schema: changed?.schema ?? inner }));
  const convert = (value: CapturedValue): CapturedValue =>
    Object.fromEntries(
      members.map(({ field, changed }) => {
        const member = memberOf(value, field);
        return [field, changed === undefined || member === null ? member : changed.convert(member)];
      }),
    );
  return { schema: { ...change.structBasics(schema), type: 'struct', fields }, convert };
}

function nullable({ convert }: Changed): (value: CapturedValue) => CapturedValue {
  return (value) => (value === null ? null : convert(value));
}
