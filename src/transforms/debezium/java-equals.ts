/** Owns the comparison of two values of one schema as Java's equals() makes it for the objects that Debezium has of them. */
import type { FieldSchema } from '../../values/schema.ts';
import type { CapturedValue } from '../../values/value-capture.ts';
import { memberOf } from '../fields.ts';

/** Bit strings are plain arrays of bytes in Java, which equal nothing but themselves. */
export const BITS_NAME = 'io.debezium.data.Bits';

export function javaEquals(schema: FieldSchema, one: CapturedValue, other: CapturedValue): boolean {
  if (one === null || other === null) return one === other;
  if (schema.name === BITS_NAME) return false;
  return isSame(schema, one, other);
}

/** Members of a struct are compared by their contents, bytes too. */
function isSame(schema: FieldSchema, one: CapturedValue, other: CapturedValue): boolean {
  if (one instanceof Uint8Array && other instanceof Uint8Array) return Buffer.compare(one, other) === 0;
  if (Array.isArray(one) && Array.isArray(other)) {
    const { items = schema } = schema;
    return one.length === other.length && one.every((item, index) => javaEquals(items, item, other[index] ?? null));
  }
  if (one instanceof Map && other instanceof Map) {
    const { values = schema } = schema;
    return one.size === other.size && [...one].every(([key, value]) => other.has(key) && javaEquals(values, value, other.get(key) ?? null));
  }
  if (schema.type === 'struct')
    return (schema.fields ?? []).every(({ field, schema: inner }) => isSame(inner, memberOf(one, field), memberOf(other, field)));
  // NaN equals NaN, and 0.0 differs from -0.0.
  return Object.is(one, other);
}
