/**
 * Owns the differences between two Protobuf schemas of one subject: to show them to people, and to know whether records of one may be
 * written under the other's id. Reads the few forms of .proto texts that Confluent's converter and registries print. Does not judge
 * compatibility: the registry does.
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

/** True when records of both have the same bytes: same names, types, numbers and labels. Options, comments and order do not count. */
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
      // Added by itself, for a message without fields counts too.
      fields.set(path.join('.'), 'message');
    } else if (statement === '}') path.pop();
    else if (field !== null) fields.set(`${path.join('.')}.${field[3]}`, `${field[1]}${shortType(field[2] ?? '')} = ${field[4]}`);
  }
  return fields;
}

/** The last part of the type's name: registries may print a nested type by its full name. */
function shortType(type: string): string {
  return /^\.?(google|confluent)\./.test(type) ? type.replace(/^\./, '') : (type.split('.').at(-1) ?? type);
}

/** Fields, beginnings of messages and closing braces, without comments and options. What is not closed extends to the end of the text. */
function statementsOf(text: string): string[] {
  return text
    .replace(/\/\/[^\n]*|\/\*(?:[\s\S]*?\*\/|[\s\S]*)/g, '')
    .replace(/\[\s*\((?:[\s\S]*?\]\s*;|[\s\S]*)/g, ';')
    .replace(/([{}])/g, (brace) => (brace === '{' ? ';' : ';};'))
    .split(';')
    .map((statement) => statement.replace(/\s+/g, ' ').trim())
    .filter((statement) => statement !== '');
}
