/**
 * Owns the differences between two JSON Schemas of one subject: to show them to people, and to know whether records of one may be written
 * under the other's id. Reads the forms that Confluent's converter registers. Does not judge compatibility: the registry does.
 */

type Json = null | boolean | number | string | readonly Json[] | { readonly [member: string]: Json };

/** Fields by path and what differs: `after.note added`, `after.price: float64, was float32`. */
export function jsonSchemaDifferences({ registered, wanted }: { readonly registered: string; readonly wanted: string }): string[] {
  const before = fieldsOf(registered);
  const after = fieldsOf(wanted);
  const found: string[] = [];
  for (const [path, type] of after) {
    const old = before.get(path);
    if (old === undefined) found.push(`${path} added`);
    else if (old !== type) found.push(`${path}: ${type}, was ${old}`);
  }
  for (const path of before.keys()) if (!after.has(path)) found.push(`${path} removed`);
  return found;
}

/** True when records of both are read alike: same names and types. Docs, defaults and order do not count. */
export function isSameJsonSchemaShape(one: string, other: string): boolean {
  return fieldsOf(one).size > 0 && jsonSchemaDifferences({ registered: one, wanted: other }).length === 0;
}

function fieldsOf(text: string): Map<string, string> {
  const fields = new Map<string, string>();
  try {
    const schema: Json = JSON.parse(text);
    fields.set('', addFields(schema, '', fields));
  } catch {
    // A text that is not a schema has no fields, so everything differs.
  }
  return fields;
}

function isMembers(value: Json | undefined): value is { readonly [member: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Returns a short name of the type. Fields of objects are added to `fields`. */
function addFields(schema: Json | undefined, path: string, fields: Map<string, string>): string {
  if (!isMembers(schema)) return 'any';
  const { oneOf, items, properties, additionalProperties, type, title } = schema;
  if (Array.isArray(oneOf)) return oneOf.map((branch: Json) => addFields(branch, path, fields)).join(' or ');
  if (items !== undefined) return `${named('array', title)} of ${addFields(items, `${path}[]`, fields)}`;
  if (isMembers(additionalProperties)) return `${named('map', title)} of ${addFields(additionalProperties, `${path}{}`, fields)}`;
  if (isMembers(properties)) {
    for (const [name, property] of Object.entries(properties)) {
      const inner = path === '' ? name : `${path}.${name}`;
      fields.set(inner, addFields(property, inner, fields));
    }
  }
  const short = String(schema['connect.type'] ?? type ?? 'any');
  // Bytes are base64 text, but a decimal may be a number.
  return named(short === 'bytes' && type === 'number' ? 'bytes as number' : short, title);
}

function named(type: string, title: Json | undefined): string {
  return typeof title === 'string' ? `${type} (${title})` : type;
}
