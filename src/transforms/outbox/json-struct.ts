/**
 * Owns the struct that Debezium makes of a JSON document: its schema, which it infers from the values, and the values by that schema.
 * Source: io.debezium.transforms.outbox.JsonSchemaData.
 */
import type { AdjustName } from '../../events/name-adjustment.ts';
import type { FieldSchema, StructField } from '../../values/schema.ts';
import type { CapturedValue } from '../../values/value-capture.ts';
import { copyBasics } from '../fields.ts';
import { TransformError } from '../shaped-record.ts';
import { isJsonArray, isJsonObject, type JsonValue } from './json-document.ts';
import { schemaKey } from './schema-key.ts';

export type JsonRules = {
  /** A null is a field of type bytes; else it is left out. */
  readonly keepsNulls: boolean;
  /** An empty array is an array of text; else it is left out. */
  readonly keepsEmptyArrays: boolean;
  readonly adjust: AdjustName;
};

const BYTES: FieldSchema = { type: 'bytes', optional: true };
const TEXT: FieldSchema = { type: 'string', optional: true };
const TEXTS: FieldSchema = { type: 'array', optional: true, items: TEXT };

/** Undefined: the value has no schema, and is left out. Throws TransformError for an array that has none. */
export function jsonSchema(value: JsonValue, name: string | undefined, rules: JsonRules): FieldSchema | undefined {
  if (value === null) return rules.keepsNulls ? BYTES : undefined;
  if (typeof value === 'string') return TEXT;
  if (typeof value === 'boolean') return { type: 'boolean', optional: true };
  if (isJsonArray(value)) return arraySchema(value, name, rules);
  if (isJsonObject(value)) return structSchema(value, name, rules);
  return { type: value.kind === 'huge' ? 'float64' : value.kind, optional: true };
}

function structSchema(members: ReadonlyMap<string, JsonValue>, name: string | undefined, rules: JsonRules): FieldSchema {
  const path = name === undefined || name.trim() === '' ? '' : `${name}.`;
  const fields = new Map<string, StructField>();
  for (const [member, value] of members) {
    const field = rules.adjust(member);
    const schema = jsonSchema(value, path + field, rules);
    if (schema !== undefined && !fields.has(field)) fields.set(field, { field, schema });
  }
  return { type: 'struct', optional: true, ...(name === undefined ? {} : { name }), fields: [...fields.values()] };
}

function arraySchema(elements: readonly JsonValue[], name: string | undefined, rules: JsonRules): FieldSchema | undefined {
  if (elements.length === 0) return rules.keepsEmptyArrays ? TEXTS : undefined;
  const sample = elements.find((element) => element !== null) ?? null;
  const kind = kindOf(sample);
  if (elements.some((element) => element !== null && kindOf(element) !== kind)) throw new TransformError('Field is not a homogenous array');
  const items = kind === 'object' ? mergedSchema(elements, name, rules) : jsonSchema(sample, undefined, rules);
  if (items === undefined) throw new TransformError('Array has unrecognized member schema.');
  return { type: 'array', optional: true, items };
}

/** What all elements of an array must have in common: for numbers the type too. */
function kindOf(value: JsonValue): string {
  if (value === null) return 'null';
  if (typeof value !== 'object') return typeof value;
  if (isJsonArray(value)) return 'array';
  if (isJsonObject(value)) return 'object';
  return value.kind === 'huge' ? 'float64' : value.kind;
}

/** Debezium merges different schemas in the order of a hash; here it is the order of the elements. */
function mergedSchema(elements: readonly JsonValue[], name: string | undefined, rules: JsonRules): FieldSchema | undefined {
  const schemas = new Map<string, FieldSchema>();
  for (const element of elements) {
    if (element === null || !isJsonObject(element)) continue;
    const schema = structSchema(element, name, rules);
    schemas.set(schemaKey(schema), schema);
  }
  return [...schemas.values()].reduce<FieldSchema | undefined>(merged, undefined);
}

function merged(left: FieldSchema | undefined, right: FieldSchema): FieldSchema {
  if (left === undefined) return right;
  const fields = new Map((left.fields ?? []).map((one) => [one.field, one]));
  for (const one of right.fields ?? []) {
    const known = fields.get(one.field);
    if (known === undefined || (known.schema.type === 'bytes' && one.schema.type !== 'bytes')) fields.set(one.field, one);
  }
  return { ...copyBasics(left), fields: [...fields.values()] };
}

/** Throws TransformError for a value that its schema does not have, as Connect's Struct does. */
export function jsonValue(value: JsonValue, schema: FieldSchema): CapturedValue {
  const { type, optional } = schema;
  if (value === null) {
    if (!optional) throw mismatch(schema);
    return null;
  }
  if (typeof value === 'string' || typeof value === 'boolean') {
    if (type !== typeof value) throw mismatch(schema);
    return value;
  }
  if (isJsonArray(value)) {
    const { items } = schema;
    if (type !== 'array' || items === undefined) throw mismatch(schema);
    return value.map((element) => jsonValue(element, items));
  }
  if (isJsonObject(value)) return structValue(value, schema);
  if (value.kind !== type) throw mismatch(schema);
  return value.value;
}

/** Fields are looked for by their adjusted names, so one whose name was changed is null. */
function structValue(members: ReadonlyMap<string, JsonValue>, schema: FieldSchema): CapturedValue {
  if (schema.type !== 'struct') throw mismatch(schema);
  // Names come from the document: one like `constructor` is nothing but a name.
  const struct: { [field: string]: CapturedValue } = Object.create(null);
  for (const { field, schema: inner } of schema.fields ?? []) {
    const member = members.get(field);
    struct[field] = member === undefined ? null : jsonValue(member, inner);
  }
  return struct;
}

function mismatch({ type }: FieldSchema): TransformError {
  return new TransformError(`Invalid value of the document for schema type ${type.toUpperCase()}`);
}
