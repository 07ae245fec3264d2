/** Owns a text that two schemas have in common only if they are equal as Connect compares them. Source: ConnectSchema.equals. */
import type { DefaultValue, FieldSchema } from '../../values/schema.ts';

export function schemaKey(schema: FieldSchema): string {
  return JSON.stringify(partsOf(schema));
}

function partsOf({ type, optional, name, version, doc, parameters, defaultValue, items, keys, values, fields }: FieldSchema): unknown[] {
  const inner = [items, keys, values].map((one) => one && partsOf(one));
  const members = fields?.map(({ field, schema }) => [field, partsOf(schema)]);
  return [type, optional, name, version, doc, parameters, defaultText(defaultValue), inner, members];
}

function defaultText(value: DefaultValue | undefined): string | undefined {
  if (value === undefined) return undefined;
  return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : `${typeof value}:${value}`;
}
