/**
 * Owns what of the type corpus Protobuf cannot hold, told from the recorded cases alone: cases that must be refused, and what becomes of
 * arrays and maps without elements and of nulls in maps. Does not replay.
 */
import { SlotlineError } from '../../src/core/errors.ts';
import { type ProtobufSchemaSettings, protobufSchema } from '../../src/serde/protobuf/schema.ts';
import type { FieldSchema, SchemaType } from '../../src/values/schema.ts';
import type { ConnectSchema } from '../golden/corpus-values.ts';
import type { GoldenCase, GoldenRecord, RecordedText } from '../golden/replay-cases.ts';
import type { NullOption } from './protobuf-replaying.ts';

type Refusal = { readonly code: 'protobuf_schema_invalid' | 'value_not_convertible'; readonly why: string };

export type Half = { readonly schema: ConnectSchema; readonly payload: unknown };

export function refusalOf(twin: GoldenCase, nulls: NullOption): Refusal | undefined {
  for (const half of twin.records.flatMap(({ key, value }) => [parsed(key), parsed(value)])) {
    if (half === undefined) continue;
    const refusal = schemaRefusal(half.schema, nulls) ?? valueRefusal(half.payload, half.schema);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

function schemaRefusal(schema: ConnectSchema, nulls: NullOption): Refusal | undefined {
  try {
    protobufSchema(asFieldSchema(schema), settingsOf(nulls));
    return undefined;
  } catch (error) {
    if (!(error instanceof SlotlineError) || error.code !== 'protobuf_schema_invalid') throw error;
    return { code: error.code, why: String(error.details['reason']) };
  }
}

function settingsOf(nulls: NullOption): ProtobufSchemaSettings {
  const isOptional = nulls === 'optional.for.nullables';
  return { optionalForNullables: isOptional, wrapperForNullables: !isOptional, scrubInvalidNames: false };
}

const refused = (why: string): Refusal => ({ code: 'value_not_convertible', why });
const TIMESTAMP = 'org.apache.kafka.connect.data.Timestamp';
const DATE = 'org.apache.kafka.connect.data.Date';
const FIRST_DAY = -719_164;
const MS_MIN = -62_135_596_800_000;
const MS_MAX = 253_402_300_799_999;

function valueRefusal(value: unknown, schema: ConnectSchema): Refusal | undefined {
  if (value === null || value === undefined) return undefined;
  if (schema.name === TIMESTAMP && (Number(value) < MS_MIN || Number(value) > MS_MAX)) return refused('no such timestamp');
  if (schema.name === DATE && Number(value) < FIRST_DAY) return refused('no such date');
  if (schema.type === 'array' && Array.isArray(value)) return arrayRefusal(value, schema.items);
  if (schema.type !== 'struct' || !isObject(value)) return undefined;
  for (const field of schema.fields ?? []) {
    const refusal = valueRefusal(value[field.field ?? ''], field);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

function arrayRefusal(items: readonly unknown[], schema: ConnectSchema | undefined): Refusal | undefined {
  if (schema === undefined) return undefined;
  if (items.includes(null)) return refused('a null in an array');
  if (schema.type === 'map' && items.length > 0) return refused('a map in an array');
  return items.map((item) => valueRefusal(item, schema)).find((refusal) => refusal !== undefined);
}

/** The records with empty arrays and maps for nulls, and with zeros for the nulls of maps unless they are wrapped. */
export function asProtobufHolds({ records }: GoldenCase, nulls: NullOption): GoldenRecord[] {
  const change = (half: RecordedText): RecordedText => {
    if (typeof half !== 'string') return half;
    const { schema, payload } = exactly(half);
    return JSON.stringify({ schema, payload: held(payload, schema, nulls) });
  };
  return records.map((record) => ({ ...record, key: change(record.key), value: change(record.value) }));
}

function held(value: unknown, schema: ConnectSchema, nulls: NullOption): unknown {
  if (schema.type === 'array') return value === null ? [] : (value as unknown[]).map((item) => held(item, schema.items ?? schema, nulls));
  if (schema.type === 'map') return heldMap(value, schema, nulls);
  if (schema.type !== 'struct' || !isObject(value)) return value;
  return Object.fromEntries(
    (schema.fields ?? []).map((field) => [field.field ?? '', held(value[field.field ?? ''] ?? null, field, nulls)]),
  );
}

function heldMap(value: unknown, { keys, values }: ConnectSchema, nulls: NullOption): unknown {
  const entryValue = (item: unknown): unknown => (item === null && nulls === 'optional.for.nullables' ? zeroOf(values) : item);
  if (value === null) return keys?.type === 'string' ? {} : [];
  if (Array.isArray(value)) return value.map(([key, item]: [unknown, unknown]) => [key, entryValue(item)]);
  return isObject(value) ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, entryValue(item)])) : value;
}

function zeroOf(schema: ConnectSchema | undefined): unknown {
  return schema?.type === 'string' ? '' : 0;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parsed(half: RecordedText): Half | undefined {
  return typeof half === 'string' ? (JSON.parse(half) as Half) : undefined;
}

/** Numbers keep their digits. */
function exactly(text: string): Half {
  const revive = (_: string, value: unknown, context?: { readonly source?: string }): unknown =>
    typeof value === 'number' && context?.source !== undefined ? rawJson(context.source) : value;
  return JSON.parse(text, revive) as Half;
}

/** Integers as bigints. */
export function parseHalf(text: string): Half {
  const revive = (_: string, value: unknown, context?: { readonly source?: string }): unknown =>
    typeof value === 'number' && /^-?\d+$/.test(context?.source ?? '') ? BigInt(context?.source ?? 0) : value;
  return JSON.parse(text, revive) as Half;
}

/** Of ECMAScript 2026; TypeScript's library does not have it yet. */
const { rawJSON: rawJson } = JSON as unknown as { rawJSON(text: string): unknown };

const TYPES: Readonly<Record<string, SchemaType>> = { float: 'float32', double: 'float64' };

export function asFieldSchema(schema: ConnectSchema): FieldSchema {
  const { type, optional = false, name, parameters, items, keys, values, fields } = schema;
  return {
    type: TYPES[type] ?? (type as SchemaType),
    optional,
    ...(name !== undefined && { name }),
    ...(parameters !== undefined && { parameters: Object.entries(parameters) }),
    ...(items !== undefined && { items: asFieldSchema(items) }),
    ...(keys !== undefined && { keys: asFieldSchema(keys) }),
    ...(values !== undefined && { values: asFieldSchema(values) }),
    ...(fields !== undefined && { fields: fields.map((field) => ({ field: field.field ?? '', schema: asFieldSchema(field) })) }),
  };
}
