/**
 * Owns the Avro schema that Connect's Avro converter makes of a Connect schema, its text, and the nodes that the writer follows.
 * Built once per relation version. Does not know rows, subjects or registries.
 * Source: io.confluent.connect.avro.AvroData.fromConnectSchema; the text as org.apache.avro.Schema.toString prints it.
 */
import { SlotlineError } from '../../core/errors.ts';
import { type DefaultValue, type FieldSchema, scaleOf } from '../../values/schema.ts';
import { DECIMAL_NAME } from '../../values/types/decimal.ts';
import { formatFloat32, formatFloat64 } from '../json/lexical.ts';

export type AvroSchemaSettings = {
  /** connect.meta.data: properties hold name, version, doc, parameters and default of the Connect schema. */
  readonly connectMetaData: boolean;
  /** scrub.invalid.names: characters that Avro names cannot have become _. */
  readonly scrubInvalidNames: boolean;
  /** discard.type.doc.default: a field's doc is that of the Connect schema. */
  readonly fieldDocs: boolean;
};

export const DEFAULT_AVRO_SETTINGS: AvroSchemaSettings = { connectMetaData: true, scrubInvalidNames: false, fieldDocs: false };

/** How a value is framed: the bytes of the union's branches, and the nodes of what is inside. */
export type AvroNode = {
  /** The union's branch of a value, as one byte; NO_UNION: the schema takes no null. */
  readonly valueBranch: number;
  readonly nullBranch: number;
  /** The node of an array's element or a map's value; null for other types. */
  readonly items: AvroNode | null;
  /** The nodes of a record's fields, in order. */
  readonly fields: readonly AvroNode[];
};

export const NO_UNION = -1;
/** The bytes of branches 0 and 1, zig-zag encoded. */
const FIRST_BRANCH = 0;
const SECOND_BRANCH = 2;

type AvroSchema = {
  /** The full name of a record, and Avro's own name of any other type. */
  readonly name: string;
  /** The text that is registered. */
  readonly text: string;
  readonly node: AvroNode;
};

/** The Avro schema of a key or value. Throws avro_name_invalid when a name has a character that Avro names cannot have. */
export function avroSchema(schema: FieldSchema, settings: AvroSchemaSettings = DEFAULT_AVRO_SETTINGS): AvroSchema {
  const builder = new SchemaBuilder(settings);
  const whole = asWhole(schema);
  const root = builder.typeOf(whole);
  return { name: fullNameOf(root), text: printType(root, { known: new Map(), space: undefined }), node: nodeOf(whole) };
}

/** A struct that is a whole key or value is no union: a record brings its own schema with it, and a null is no bytes. */
export function asWhole(schema: FieldSchema): FieldSchema {
  return schema.type === 'struct' && schema.optional ? { ...schema, optional: false } : schema;
}

function fullNameOf(root: AvroType): string {
  if (root.tag === 'record') return root.fullName;
  return root.tag === 'primitive' ? root.name : root.tag;
}

export function nodeOf(schema: FieldSchema): AvroNode {
  const { optional, type } = schema;
  const defaultValue = defaultOf(schema);
  // Avro's default is a value of the first branch, so that type comes first. Structs have no defaults.
  const nullLast = defaultValue !== undefined && type !== 'struct';
  const items = schema.items ?? schema.values;
  return {
    valueBranch: optional ? (nullLast ? FIRST_BRANCH : SECOND_BRANCH) : NO_UNION,
    nullBranch: optional ? (nullLast ? SECOND_BRANCH : FIRST_BRANCH) : NO_UNION,
    items: items === undefined ? null : nodeOf(items),
    fields: (schema.fields ?? []).map((field) => nodeOf(field.schema)),
  };
}

// --- the schema as a tree ---

/** A property's name, and its value as JSON text. */
type Property = readonly [name: string, json: string];

type AvroRecord = {
  readonly tag: 'record';
  readonly namespace: string | undefined;
  readonly name: string;
  readonly fullName: string;
  readonly fields: AvroField[];
  readonly properties: Property[];
};

type AvroField = {
  readonly name: string;
  readonly type: AvroType;
  readonly doc: string | undefined;
  readonly defaultJson: string | undefined;
};

type AvroType =
  | AvroRecord
  | { readonly tag: 'primitive'; readonly name: string; readonly properties: Property[] }
  | { readonly tag: 'array' | 'map'; readonly items: AvroType; readonly properties: Property[] }
  | { readonly tag: 'union'; readonly branches: readonly AvroType[] };

type NamedOrPlain = Exclude<AvroType, { tag: 'union' }>;

const NAMESPACE = 'io.confluent.connect.avro';
const MAP_ENTRY = 'MapEntry';
const DEFAULT_RECORD = 'ConnectDefault';
const DECIMAL_PRECISION = 'connect.decimal.precision';
const DEFAULT_PRECISION = 64;
const NULL_TYPE: AvroType = { tag: 'primitive', name: 'null', properties: [] };

const PRIMITIVES: Readonly<Partial<Record<FieldSchema['type'], string>>> = {
  boolean: 'boolean',
  int8: 'int',
  int16: 'int',
  int32: 'int',
  int64: 'long',
  float32: 'float',
  float64: 'double',
  string: 'string',
  bytes: 'bytes',
};

/** Integers of Connect that Avro does not have: a property keeps their type. */
const NARROW_INTEGERS: ReadonlySet<string> = new Set(['int8', 'int16']);

const LOGICAL_TYPES: ReadonlyMap<string, string> = new Map([
  [DECIMAL_NAME, 'decimal'],
  ['org.apache.kafka.connect.data.Date', 'date'],
  ['org.apache.kafka.connect.data.Time', 'time-millis'],
  ['org.apache.kafka.connect.data.Timestamp', 'timestamp-millis'],
]);

class SchemaBuilder {
  readonly #settings: AvroSchemaSettings;
  /** Records by Connect name. A struct of a known name becomes a reference, whatever its parameters are this time. */
  readonly #records = new Map<string, AvroRecord>();
  #unnamed = 0;

  constructor(settings: AvroSchemaSettings) {
    this.#settings = settings;
  }

  typeOf(schema: FieldSchema): AvroType {
    const known = schema.type === 'struct' && schema.name !== undefined ? this.#records.get(schema.name) : undefined;
    const base = known ?? this.#annotated(schema);
    if (!schema.optional) return base;
    const nullLast = defaultOf(schema) !== undefined && schema.type !== 'struct';
    return { tag: 'union', branches: nullLast ? [base, NULL_TYPE] : [NULL_TYPE, base] };
  }

  #annotated(schema: FieldSchema): NamedOrPlain {
    const base = this.#base(schema);
    const { properties } = base;
    if (this.#settings.connectMetaData) addMetaData(properties, schema);
    const logicalType = schema.name === undefined ? undefined : LOGICAL_TYPES.get(schema.name);
    if (logicalType !== undefined) properties.push(['logicalType', quote(logicalType)]);
    return base;
  }

  #base(schema: FieldSchema): NamedOrPlain {
    if (schema.type === 'struct') return this.#record(schema);
    if (schema.type === 'array' && schema.items !== undefined) {
      return { tag: 'array', items: this.typeOf(schema.items), properties: [] };
    }
    if (schema.type === 'map' && schema.keys !== undefined && schema.values !== undefined)
      return this.#map(schema, schema.keys, schema.values);
    const properties: Property[] = schema.name === DECIMAL_NAME ? decimalProperties(schema) : [];
    return { tag: 'primitive', name: PRIMITIVES[schema.type] ?? schema.type, properties };
  }

  /** Avro's maps have only text keys; maps with other keys become arrays of entries. */
  #map(schema: FieldSchema, keys: FieldSchema, values: FieldSchema): NamedOrPlain {
    if (keys.type === 'string' && !keys.optional) return { tag: 'map', items: this.typeOf(values), properties: [] };
    const named = schema.name === undefined ? { namespace: NAMESPACE, name: MAP_ENTRY } : this.#nameOf(schema.name);
    const fields = [this.#field('key', keys), this.#field('value', values)];
    const properties: Property[] = schema.name === undefined ? [] : [['connect.internal.type', quote(MAP_ENTRY)]];
    return { tag: 'array', items: asRecord(named, { fields, properties }), properties: [] };
  }

  #record(schema: FieldSchema): AvroRecord {
    const record = asRecord(this.#nameOf(schema.name), { fields: [], properties: [] });
    if (schema.name !== undefined) this.#records.set(schema.name, record);
    for (const { field, schema: inner } of schema.fields ?? []) record.fields.push(this.#field(field, inner));
    return record;
  }

  #field(name: string, schema: FieldSchema): AvroField {
    return {
      name: checkName(this.#scrub(name), 'field'),
      type: this.typeOf(schema),
      doc: this.#settings.fieldDocs ? schema.doc : undefined,
      defaultJson: fieldDefault(schema),
    };
  }

  #nameOf(fullName: string | undefined): { namespace: string | undefined; name: string } {
    if (fullName === undefined) {
      this.#unnamed++;
      return { namespace: NAMESPACE, name: this.#unnamed > 1 ? `${DEFAULT_RECORD}${this.#unnamed}` : DEFAULT_RECORD };
    }
    const parts = fullName.split('.').map((part) => this.#scrub(part));
    const name = checkName(parts.at(-1) ?? '', 'record');
    return { namespace: parts.length > 1 ? parts.slice(0, -1).join('.') : undefined, name };
  }

  #scrub(name: string): string {
    return this.#settings.scrubInvalidNames ? scrubName(name) : name;
  }
}

function asRecord(
  named: { namespace: string | undefined; name: string },
  rest: { fields: AvroField[]; properties: Property[] },
): AvroRecord {
  const fullName = named.namespace === undefined ? named.name : `${named.namespace}.${named.name}`;
  return { tag: 'record', ...named, fullName, ...rest };
}

function decimalProperties(schema: FieldSchema): Property[] {
  const precision = schema.parameters?.find(([name]) => name === DECIMAL_PRECISION)?.[1];
  return [
    ['scale', String(scaleOf(schema))],
    ['precision', String(Number(precision ?? DEFAULT_PRECISION))],
  ];
}

function addMetaData(properties: Property[], schema: FieldSchema): void {
  const { doc, version, parameters, name, type } = schema;
  const defaultValue = defaultOf(schema);
  if (doc !== undefined) properties.push(['connect.doc', quote(doc)]);
  if (version !== undefined) properties.push(['connect.version', String(version)]);
  if (parameters !== undefined && parameters.length > 0) {
    properties.push(['connect.parameters', `{${parameters.map(([key, value]) => `${quote(key)}:${quote(value)}`).join(',')}}`]);
  }
  if (defaultValue !== undefined) properties.push(['connect.default', defaultJson(schema, defaultValue)]);
  if (name !== undefined) properties.push(['connect.name', quote(name)]);
  if (NARROW_INTEGERS.has(type)) properties.push(['connect.type', quote(type)]);
}

/** JSON has no NaN or infinity, and no registry accepts the text that Java writes for them. Such a default is left out. */
function defaultOf({ defaultValue }: FieldSchema): DefaultValue | undefined {
  return typeof defaultValue === 'number' && !Number.isFinite(defaultValue) ? undefined : defaultValue;
}

function defaultJson(schema: FieldSchema, value: DefaultValue): string {
  if (typeof value === 'string') return quote(value);
  if (typeof value === 'object') return quote(Buffer.from(value).toString('latin1'));
  if (typeof value !== 'number') return value.toString();
  if (schema.type === 'float64') return formatFloat64(value);
  return schema.type === 'float32' ? formatFloat32(value) : value.toString();
}

/** The JSON of a field's default. Avro's library reads a float's default as a double, so it is printed as one. */
function fieldDefault(schema: FieldSchema): string | undefined {
  const { optional, type } = schema;
  const defaultValue = defaultOf(schema);
  if (defaultValue === undefined) return optional ? 'null' : undefined;
  return type === 'float32' && typeof defaultValue === 'number'
    ? formatFloat64(Number(formatFloat32(defaultValue)))
    : defaultJson(schema, defaultValue);
}

// --- names ---

/** The names that Avro's Java library accepts: letters and digits of every script, if they take one UTF-16 unit. */
const NAME = /^[\p{L}_][\p{L}\p{Nd}_]*$/u;
const SURROGATE = /[\ud800-\udfff]/;

function checkName(name: string, what: 'field' | 'record'): string {
  if (!NAME.test(name) || SURROGATE.test(name)) throw new SlotlineError('avro_name_invalid', { what, name });
  return name;
}

const VALID_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** AvroData.doScrubName: encodes as java.net.URLEncoder does, then replaces every other character by an underscore. */
export function scrubName(name: string): string {
  if (name === '' || VALID_NAME.test(name)) return name;
  const encoded = [...Buffer.from(name)]
    .map((byte) => {
      const character = String.fromCharCode(byte);
      if (/[A-Za-z0-9_]/.test(character)) return character;
      return /[-.* ]/.test(character) ? '_' : `_${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    })
    .join('');
  return /^[0-9]/.test(encoded) ? `x${encoded}` : encoded;
}

// --- the text ---

const SHORT_ESCAPES: Readonly<Record<string, string>> = { '\b': '\\b', '\t': '\\t', '\n': '\\n', '\f': '\\f', '\r': '\\r' };

/** Quotes as Jackson does by default: escapes control characters, quote and backslash, and nothing else. */
function quote(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones to escape
  const escaped = text.replace(/[\u0000-\u001f"\\]/g, (character) => {
    if (character === '"' || character === '\\') return `\\${character}`;
    const code = character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0');
    return SHORT_ESCAPES[character] ?? `\\u${code}`;
  });
  return `"${escaped}"`;
}

type Printed = {
  readonly known: Map<string, AvroRecord>;
  /** The namespace in which names are printed. */
  readonly space: string | undefined;
};

function printType(type: AvroType, printed: Printed): string {
  switch (type.tag) {
    case 'primitive':
      return type.properties.length === 0 ? quote(type.name) : `{"type":${quote(type.name)}${printProperties(type.properties)}}`;
    case 'array':
      return `{"type":"array","items":${printType(type.items, printed)}${printProperties(type.properties)}}`;
    case 'map':
      return `{"type":"map","values":${printType(type.items, printed)}${printProperties(type.properties)}}`;
    case 'union':
      return `[${type.branches.map((branch) => printType(branch, printed)).join(',')}]`;
    case 'record':
      return printRecord(type, printed);
  }
}

function printRecord(record: AvroRecord, { known, space }: Printed): string {
  const { fullName, namespace, name } = record;
  if (known.has(fullName)) return quote(namespace === space ? name : fullName);
  known.set(fullName, record);
  const where = namespace === space ? '' : `,"namespace":${quote(namespace ?? '')}`;
  const fields = record.fields.map((field) => printField(field, { known, space: namespace })).join(',');
  return `{"type":"record","name":${quote(name)}${where},"fields":[${fields}]${printProperties(record.properties)}}`;
}

function printField(field: AvroField, printed: Printed): string {
  const doc = field.doc === undefined ? '' : `,"doc":${quote(field.doc)}`;
  const value = field.defaultJson === undefined ? '' : `,"default":${field.defaultJson}`;
  return `{"name":${quote(field.name)},"type":${printType(field.type, printed)}${doc}${value}}`;
}

function printProperties(properties: readonly Property[]): string {
  return properties.map(([name, json]) => `,${quote(name)}:${json}`).join('');
}
