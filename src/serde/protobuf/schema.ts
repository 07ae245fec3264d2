/**
 * Owns the Protobuf schema that Confluent's converter makes of a Connect schema, and its text. Built once per relation version. Does not know
 * the bytes (node.ts), subjects or registries.
 * Source: io.confluent.connect.protobuf.ProtobufData.fromConnectSchema; the text as ProtobufSchema.canonicalString prints it.
 */
import { SlotlineError } from '../../core/errors.ts';
import type { FieldSchema } from '../../values/schema.ts';
import { DECIMAL_NAME } from '../../values/types/decimal.ts';

export type ProtobufSchemaSettings = {
  /** optional.for.nullables: nullable fields are `optional`, which tells a null from a zero. */
  readonly optionalForNullables: boolean;
  /** wrapper.for.nullables: nullable scalars are wrapped in google.protobuf.StringValue and the like. */
  readonly wrapperForNullables: boolean;
  /** scrub.invalid.names: characters that Protobuf names cannot have become _. */
  readonly scrubInvalidNames: boolean;
};

export const DEFAULT_PROTOBUF_SETTINGS: ProtobufSchemaSettings = {
  optionalForNullables: false,
  wrapperForNullables: false,
  scrubInvalidNames: false,
};

type ProtobufSchema = {
  /** The message's full name. */
  readonly name: string;
  /** The text that is registered. */
  readonly text: string;
};

/** The Protobuf schema of a struct. Throws protobuf_schema_invalid when Protobuf cannot have it, or one of its names or types. */
export function protobufSchema(schema: FieldSchema, settings: ProtobufSchemaSettings = DEFAULT_PROTOBUF_SETTINGS): ProtobufSchema {
  if (schema.type !== 'struct')
    throw new SlotlineError('protobuf_schema_invalid', { type: schema.type, reason: 'a key or value must be a struct' });
  const builder = new SchemaBuilder(settings);
  const parts = builder
    .nameOf(schema.name)
    .split('.')
    .map((part) => builder.scrub(part));
  const root = builder.message(schema, parts.at(-1) ?? '');
  const space = parts.slice(0, -1).join('.');
  checkImports(parts.slice(1), builder.imports);
  const head = `syntax = "proto3";\n${space === '' ? '' : `package ${space};\n`}`;
  const imports = [...builder.imports].map((file) => `import "${file}";\n`).join('');
  const text = `${head}\n${imports === '' ? '' : `${imports}\n`}${printMessage(root).join('\n')}\n`;
  return { name: parts.join('.'), text };
}

/** The library message that Protobuf has for a logical type of Connect. */
type LogicalMessage = { readonly type: string; readonly file: string };

export const LOGICAL_MESSAGES: ReadonlyMap<string, LogicalMessage> = new Map([
  [DECIMAL_NAME, { type: 'confluent.type.Decimal', file: 'confluent/type/decimal.proto' }],
  ['org.apache.kafka.connect.data.Date', { type: 'google.type.Date', file: 'google/type/date.proto' }],
  ['org.apache.kafka.connect.data.Time', { type: 'google.type.TimeOfDay', file: 'google/type/timeofday.proto' }],
  ['org.apache.kafka.connect.data.Timestamp', { type: 'google.protobuf.Timestamp', file: 'google/protobuf/timestamp.proto' }],
]);

type Scalar = { readonly type: string; readonly wrapper: string };

const INT32: Scalar = { type: 'int32', wrapper: 'Int32Value' };
const SCALARS: Readonly<Partial<Record<FieldSchema['type'], Scalar>>> = {
  int8: INT32,
  int16: INT32,
  int32: INT32,
  int64: { type: 'int64', wrapper: 'Int64Value' },
  float32: { type: 'float', wrapper: 'FloatValue' },
  float64: { type: 'double', wrapper: 'DoubleValue' },
  boolean: { type: 'bool', wrapper: 'BoolValue' },
  string: { type: 'string', wrapper: 'StringValue' },
  bytes: { type: 'bytes', wrapper: 'BytesValue' },
};
const WRAPPERS_FILE = 'google/protobuf/wrappers.proto';

/** Integers of Connect that Protobuf does not have: an option keeps their type. */
const NARROW_INTEGERS: ReadonlySet<string> = new Set(['int8', 'int16']);
const DEFAULT_NAME = 'ConnectDefault';
const PRECISION = 'connect.decimal.precision';

type Message = { readonly name: string; readonly fields: readonly Field[]; readonly nested: readonly Message[] };

type Field = {
  readonly label: '' | 'optional ' | 'repeated ';
  readonly type: string;
  readonly name: string;
  readonly number: number;
  readonly params: readonly string[][];
};

type Scope = { readonly name: string; readonly nested: Message[] };

class SchemaBuilder {
  readonly imports = new Set<string>();
  readonly #settings: ProtobufSchemaSettings;
  #unnamed = 0;

  constructor(settings: ProtobufSchemaSettings) {
    this.#settings = settings;
  }

  nameOf(name: string | undefined): string {
    return name === undefined || name === '' ? `${DEFAULT_NAME}${++this.#unnamed}` : name;
  }

  scrub(name: string): string {
    return this.#settings.scrubInvalidNames ? scrubProtobufName(name) : name;
  }

  message(schema: FieldSchema, name: string): Message {
    checkName(name, 'message');
    const scope: Scope = { name, nested: [] };
    const fields = (schema.fields ?? []).map(({ field, schema: inner }, index) =>
      this.#field(field, { schema: inner, number: index + 1, scope }),
    );
    checkScope(scope, fields);
    return { name, fields, nested: scope.nested };
  }

  #field(given: string, o: { readonly schema: FieldSchema; readonly number: number; readonly scope: Scope }): Field {
    const { schema, number, scope } = o;
    const name = checkName(this.scrub(given), 'field');
    const isArray = schema.type === 'array';
    const single = isArray && schema.items !== undefined ? schema.items : schema;
    const isRepeated = isArray || schema.type === 'map';
    const label = isRepeated ? 'repeated ' : this.#settings.optionalForNullables && schema.optional ? 'optional ' : '';
    return { label, type: this.#type(single, name, scope), name, number, params: paramsOf(single) };
  }

  #type(schema: FieldSchema, field: string, scope: Scope): string {
    const logical = schema.name === undefined ? undefined : LOGICAL_MESSAGES.get(schema.name);
    if (logical !== undefined) {
      this.imports.add(logical.file);
      return logical.type;
    }
    switch (schema.type) {
      case 'struct':
        return this.#structType(schema, field, scope);
      case 'map':
        return this.#mapType(schema, scope);
      case 'array':
        throw new SlotlineError('protobuf_schema_invalid', { field, reason: 'an array of arrays' });
      default:
        return this.#scalarType(schema);
    }
  }

  #scalarType(schema: FieldSchema): string {
    const { type, wrapper } = SCALARS[schema.type] ?? INT32;
    if (!this.#settings.wrapperForNullables || !schema.optional) return type;
    this.imports.add(WRAPPERS_FILE);
    return `google.protobuf.${wrapper}`;
  }

  /** A struct that the message already contains is referred to by its name. */
  #structType(schema: FieldSchema, field: string, scope: Scope): string {
    const own = this.#simpleName(schema.name);
    const name = own === field ? `${own}Message` : own;
    const isKnown = name === scope.name || scope.nested.some((message) => message.name === name);
    // Its members are in a scope of their own, one level deeper.
    if (!isKnown) scope.nested.push(this.message(schema, name));
    return name;
  }

  /** Maps become repeated entries, as Confluent writes them, not Protobuf's own maps. */
  #mapType(schema: FieldSchema, scope: Scope): string {
    const name = `${upperCamel(this.#simpleName(schema.name))}Entry`;
    const { keys, values } = schema;
    if (keys === undefined || values === undefined) throw new Error('a map without types');
    const inner: Scope = { name, nested: [] };
    // Neither field of an entry is optional, so their labels are not printed.
    const plain = (part: Field): Field => ({ ...part, label: part.label === 'optional ' ? '' : part.label });
    const fields = [
      plain(this.#field('key', { schema: keys, number: 1, scope: inner })),
      plain(this.#field('value', { schema: values, number: 2, scope: inner })),
    ];
    scope.nested.push({ name, fields, nested: inner.nested });
    return name;
  }

  #simpleName(name: string | undefined): string {
    return this.scrub(this.nameOf(name).split('.').at(-1) ?? '');
  }
}

function paramsOf(schema: FieldSchema): string[][] {
  if (schema.name === DECIMAL_NAME) {
    const given = new Map(schema.parameters ?? []);
    const shown: [string, string | undefined][] = [
      ['precision', given.get(PRECISION)],
      ['scale', given.get('scale')],
    ];
    // For these two Confluent prints the value before the key.
    return shown.flatMap(([key, value]) => (value === undefined ? [] : [[`value: ${quote(value)},`, `key: "${key}"`]]));
  }
  return NARROW_INTEGERS.has(schema.type) ? [['key: "connect.type",', `value: "${schema.type}"`]] : [];
}

// --- names ---

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

function checkName(name: string, what: 'field' | 'message'): string {
  if (!NAME.test(name))
    throw new SlotlineError('protobuf_schema_invalid', { what, name, reason: 'not letters of ASCII, digits and underscores' });
  return name;
}

/** Fields and nested messages of one message must not have the same name. */
function checkScope({ name, nested }: Scope, fields: readonly Field[]): void {
  const seen = new Set<string>();
  for (const each of [...fields, ...nested]) {
    if (seen.has(each.name))
      throw new SlotlineError('protobuf_schema_invalid', { message: name, name: each.name, reason: 'two things of one name' });
    seen.add(each.name);
  }
}

/** Names are resolved from the inside out, so a package with `google` or `confluent` in its name hides the imported types. */
function checkImports(inner: readonly string[], imports: ReadonlySet<string>): void {
  for (const file of imports) {
    const [first = ''] = file.split('/');
    if (inner.includes(first))
      throw new SlotlineError('protobuf_schema_invalid', { name: first, reason: 'the package hides imported types' });
  }
}

const PLAIN_NAME = /^[A-Za-z][A-Za-z0-9_]*$/;

/** ProtobufData.doScrubName: encodes as java.net.URLEncoder does, then replaces every other character by an underscore. */
export function scrubProtobufName(name: string): string {
  if (name === '' || PLAIN_NAME.test(name)) return name;
  const encoded = [...Buffer.from(name)]
    .map((byte) => {
      const character = String.fromCharCode(byte);
      if (/[A-Za-z0-9_]/.test(character)) return character;
      return /[-.* ]/.test(character) ? '_' : `_${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    })
    .join('');
  return /^[0-9]/.test(encoded) || name.startsWith('_') ? `x${encoded}` : encoded;
}

/** Guava's conversion from LOWER_UNDERSCORE to UPPER_CAMEL. */
function upperCamel(name: string): string {
  if (!name.includes('_')) return name;
  return name
    .split('_')
    .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1).toLowerCase())
    .join('');
}

// --- the text ---

/** Prints a message. A blank line separates its groups; in a nested message that line is indented like the others. */
function printMessage(message: Message): string[] {
  const head = `message ${message.name} {`;
  const fields = message.fields.flatMap(printField).map(indented);
  const nested = message.nested.flatMap(printMessage).map(indented);
  if (fields.length === 0 && nested.length === 0) return [`${head}}`];
  return nested.length === 0 ? [head, ...fields, '}'] : [head, ...fields, '', ...nested, '}'];
}

function indented(line: string): string {
  return `  ${line}`;
}

function printField({ label, type, name, number, params }: Field): string[] {
  const head = `${label}${type} ${name} = ${number}`;
  if (params.length === 0) return [`${head};`];
  const entries = params.flatMap((lines, index) => ['{', ...lines.map(indented), index < params.length - 1 ? '},' : '}']);
  return [`${head} [(confluent.field_meta) = {`, '  params: [', ...entries.map((line) => `    ${line}`), '  ]', '}];'];
}

function quote(text: string): string {
  return `"${text.replace(/["'\\]/g, '\\$&')}"`;
}
