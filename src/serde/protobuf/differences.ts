/**
 * Owns naming what two Protobuf schemas of one subject differ in: for people, and to tell whether records of one can be written under the
 * other's id. Reads the few forms of a .proto text that Confluent's converter and registries print. Does not judge compatibility: that is
 * the registry's.
 */

/** Fields by path and what differs: `Envelope.Value.note added`, `Envelope.Value.price: double = 2, was float = 2`. */
export function protobufDifferences({ registered, wanted }: { readonly registered: string; readonly wanted: string }): string[] {
  const before = fieldsOf(registered);
  const after = fieldsOf(wanted);
  const found: string[] = [];
  for (const [path, field] of after) {
    const old = before.get(path);
    if (old === undefined) found.push(`${path} added`);
    else if (old !== field) found.push(`${path}: ${field}, was ${old}`);
  }
  for (const path of before.keys()) if (!after.has(path)) found.push(`${path} removed`);
  return found;
}

/** Whether records of both have the same bytes: names, types, numbers and labels; not options, comments and order. */
export function isSameProtobufShape(one: string, other: string): boolean {
  const fields = fieldsOf(one);
  return fields.size > 0 && protobufDifferences({ registered: one, wanted: other }).length === 0;
}

const FIELD = /^(optional |repeated |)([\w.]+(?:<[^>]*>)?) (\w+) = (\d+)/;

function fieldsOf(text: string): Map<string, string> {
  const fields = new Map<string, string>();
  const path: string[] = [];
  for (const statement of statementsOf(text)) {
    const [, opened] = /^message (\w+)$/.exec(statement) ?? [];
    const field = FIELD.exec(statement);
    if (opened !== undefined) {
      path.push(opened);
      // A message without fields is one too.
      fields.set(path.join('.'), 'message');
    } else if (statement === '}') path.pop();
    else if (field !== null) fields.set(`${path.join('.')}.${field[3]}`, `${field[1]}${shortType(field[2] ?? '')} = ${field[4]}`);
  }
  return fields;
}

/** Registries may print a nested type by its full name. */
function shortType(type: string): string {
  return /^\.?(google|confluent)\./.test(type) ? type.replace(/^\./, '') : (type.split('.').at(-1) ?? type);
}

/** What ends with a semicolon or opens a message, without comments and options, and the closing braces. What is not closed goes on to the end. */
function statementsOf(text: string): string[] {
  return text
    .replace(/\/\/[^\n]*|\/\*(?:[\s\S]*?\*\/|[\s\S]*)/g, '')
    .replace(/\[\s*\((?:[\s\S]*?\]\s*;|[\s\S]*)/g, ';')
    .replace(/([{}])/g, (brace) => (brace === '{' ? ';' : ';};'))
    .split(';')
    .map((statement) => statement.replace(/\s+/g, ' ').trim())
    .filter((statement) => statement !== '');
}
