/**
 * Owns the differences between two Avro schemas of one subject: to show them to people, and to know whether records of one may be written
 * under the other's id. Does not judge compatibility: the registry does.
 */

type Json = null | boolean | number | string | readonly Json[] | { readonly [member: string]: Json };

/** Fields by path and what differs: `after.note added`, `after.price: double, was float`. */
export function schemaDifferences({ registered, wanted }: { readonly registered: string; readonly wanted: string }): string[] {
  const before = fieldsOf(registered);
  const after = fieldsOf(wanted);
  const found: string[] = [];
  for (const [path, field] of after) {
    const old = before.get(path);
    if (old === undefined) found.push(`${path} added${field.hasDefault ? '' : ' without default'}`);
    else if (old.type !== field.type) found.push(`${path}: ${field.type}, was ${old.type}`);
  }
  for (const path of before.keys()) if (!after.has(path)) found.push(`${path} removed`);
  return found;
}

/** True when records of both have the same bytes: same names, order and types. Docs, defaults and properties do not count. */
export function isSameShape(one: string, other: string): boolean {
  const shapes = [one, other].map((text) => [...fieldsOf(text)].map(([path, { type }]) => `${path} ${type}`).join('\n'));
  return shapes[0] === shapes[1];
}

type FieldShape = { readonly type: string; readonly hasDefault: boolean };

function fieldsOf(text: string): Map<string, FieldShape> {
  const fields = new Map<string, FieldShape>();
  try {
    addFields(JSON.parse(text), { path: '', space: '', known: new Map(), fields });
  } catch {
    // A text that is not a schema has no fields, so everything differs.
  }
  return fields;
}

type Walk = {
  readonly path: string;
  readonly space: string;
  readonly known: Map<string, { readonly [member: string]: Json }>;
  readonly fields: Map<string, FieldShape>;
};

function isObject(value: Json | undefined): value is { readonly [member: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Returns a short name of the type. Fields of records are added to `fields` under their path. */
function addFields(schema: Json | undefined, walk: Walk): string {
  if (Array.isArray(schema)) return schema.map((branch: Json) => addFields(branch, walk)).join(' or ');
  if (typeof schema === 'string') {
    const known = walk.known.get(schema) ?? walk.known.get(`${walk.space}.${schema}`);
    return known === undefined ? schema : addFields(known, walk);
  }
  if (!isObject(schema)) return 'unknown';
  switch (schema['type']) {
    case 'record':
      return addRecord(schema, walk);
    case 'array':
      return `array of ${addFields(schema['items'], { ...walk, path: `${walk.path}[]` })}`;
    case 'map':
      return `map of ${addFields(schema['values'], { ...walk, path: `${walk.path}{}` })}`;
    default:
      return `${addFields(schema['type'], walk)}${logicalType(schema)}`;
  }
}

function logicalType(schema: { readonly [member: string]: Json }): string {
  const { logicalType: name, precision, scale } = schema;
  if (typeof name !== 'string') return '';
  return name === 'decimal' ? ` (decimal ${precision},${scale})` : ` (${name})`;
}

function addRecord(record: { readonly [member: string]: Json }, walk: Walk): string {
  const space = typeof record['namespace'] === 'string' ? record['namespace'] : walk.space;
  const name = `${space === '' ? '' : `${space}.`}${record['name']}`;
  walk.known.set(name, record);
  const fields = record['fields'];
  for (const field of Array.isArray(fields) ? fields : []) {
    if (!isObject(field)) continue;
    const path = `${walk.path === '' ? '' : `${walk.path}.`}${field['name']}`;
    // Added here first, so that it stands before its inner fields.
    walk.fields.set(path, { type: '', hasDefault: false });
    const type = addFields(field['type'], { ...walk, space, path });
    walk.fields.set(path, { type, hasDefault: field['default'] !== undefined });
  }
  return `record ${name}`;
}
