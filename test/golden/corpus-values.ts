/**
 * Owns the one form in which records of the type corpus are compared, whatever format they were written in and whichever program decoded
 * them: the text that Kafka's JSON converter writes, with the members of maps sorted. Does not decode (avro-decoders.ts) or compare
 * (compare.ts), and knows no format.
 *
 * What is expected: `expectedRecords(twin)` of a case recorded with schemas (`spine/<case>.schemas.json`).
 * What was got: `printRecords(decoded, schemas)`, where a record holds its key and value as plain JavaScript values, and `schemas` are
 * `RecordSchemas` of the same twin: a record's Connect schema is that of the record at the same place of the same topic and partition.
 * Both are records of text for `differences` of compare.ts, so the masks work on them.
 *
 * How a decoder may give a value of each Connect type:
 *   int8 … int64    number or bigint, or its digits as text
 *   float, double   number, or `NaN`, `Infinity`, `-Infinity` as text
 *   bytes           Uint8Array, or base64 as text; of a Decimal the unscaled value in two's complement
 *   struct          an object with the fields as members; one that is absent is null
 *   map             a Map, an object, an array of pairs, or an array of { key, value }
 */
import { formatFloat32, formatFloat64, quote } from '../../src/serde/json/lexical.ts';
import type { GoldenCase, GoldenRecord, RecordedText } from './replay-cases.ts';

/** A schema as Kafka's JSON converter prints it. */
export type ConnectSchema = {
  readonly type: string;
  readonly optional?: boolean;
  readonly name?: string;
  readonly parameters?: Readonly<Record<string, string>>;
  readonly field?: string;
  readonly items?: ConnectSchema;
  readonly keys?: ConnectSchema;
  readonly values?: ConnectSchema;
  readonly fields?: readonly ConnectSchema[];
};

export type TextRecord = GoldenRecord & { readonly key: string | null; readonly value: string | null };

export type DecodedRecord = Omit<GoldenRecord, 'key' | 'value'> & { readonly key: unknown; readonly value: unknown };

export type CorpusForm = {
  /** Where the format changes names of fields. */
  readonly field?: (name: string) => string;
  /** What stands for half a surrogate pair, which only JSON can hold: column.truncate leaves it. */
  readonly loneSurrogate?: string;
  /** Cases have other topic prefixes in other formats. */
  readonly rename?: ((golden: GoldenCase) => readonly GoldenRecord[]) | undefined;
};

const DECIMAL = 'org.apache.kafka.connect.data.Decimal';

/**
 * What the case's records are to look like. With `plain`, the case recorded without schemas, they are its records: where a heartbeat's
 * action writes rows, the two are not alike.
 */
export function expectedRecords(twin: GoldenCase, form: CorpusForm = {}, plain?: GoldenCase): TextRecord[] {
  const schemas = new RecordSchemas(twin, { rename: form.rename });
  const print: PrintHalf = (half, schema) => corpusText(readPayload(payloadOf(half), schema, form), renameFields(schema, form));
  return printHalves(recordsOf(plain ?? twin, form), schemas, print).map((record, i, all) => {
    const key = all[i]?.schemas.key;
    return { ...record.text, headers: key === undefined ? record.text.headers : renameInHeaders(record.text.headers, key, form) };
  });
}

/** Of a key that changed the old and the new one stand in headers, as text. */
function renameInHeaders(headers: GoldenRecord['headers'], key: ConnectSchema, form: CorpusForm): GoldenRecord['headers'] {
  const names = (key.fields ?? []).filter((one) => fieldName(one, form) !== one.field);
  const renamed = (text: string): string =>
    names.reduce((changed, one) => changed.replace(`${quote(one.field ?? '')}:`, `${quote(fieldName(one, form))}:`), text);
  return headers.map(([name, value]) => [
    name,
    typeof value === 'string' && /^__debezium\.(old|new)key$/.test(name) ? renamed(value) : value,
  ]);
}

type Halves = { readonly key: ConnectSchema | null; readonly value: ConnectSchema | null };

/** The Connect schemas of a case's records, by their place. */
export class RecordSchemas {
  readonly #places = new Map<string, Halves[]>();

  constructor(twin: GoldenCase, form: CorpusForm = {}) {
    const read = (half: RecordedText): ConnectSchema | null => {
      const parsed = parseHalf(half);
      return parsed === null ? null : renameFields(parsed.schema, form);
    };
    for (const { topic, partition, key, value } of recordsOf(twin, form)) {
      const place = `${topic} ${partition}`;
      this.#places.set(place, [...(this.#places.get(place) ?? []), { key: read(key), value: read(value) }]);
    }
  }

  /** A heartbeat that repeats is as the one before; undefined where nothing was recorded there. */
  at(place: string, index: number, half: 'key' | 'value'): ConnectSchema | undefined {
    const halves = this.#places.get(place) ?? [];
    const own = halves[index]?.[half];
    return own ?? halves.findLast((one) => one[half] !== null)?.[half] ?? undefined;
  }
}

/** Records that are JSON text without schemas, in the form that all are compared in. */
export function textRecords(records: readonly GoldenRecord[], schemas: RecordSchemas, form: CorpusForm = {}): TextRecord[] {
  const print: PrintHalf = (half, schema) => corpusText(readPayload(payloadOf(half), schema, form), schema);
  return printHalves(records, schemas, print).map(({ text }) => text);
}

/** All records that were published, in the order of each partition. Those of a place that was not recorded are printed as they are. */
export function printRecords(records: readonly DecodedRecord[], schemas: RecordSchemas): TextRecord[] {
  return printHalves(records, schemas, corpusText).map(({ text }) => text);
}

type PrintHalf = (half: unknown, schema: ConnectSchema) => string;
type Printed = { readonly text: TextRecord; readonly schemas: { readonly key: ConnectSchema | undefined } };

function printHalves(records: readonly DecodedRecord[], schemas: RecordSchemas, print: PrintHalf): Printed[] {
  const counts = new Map<string, number>();
  return records.map((record) => {
    const place = `${record.topic} ${record.partition}`;
    const index = counts.get(place) ?? 0;
    counts.set(place, index + 1);
    const printHalf = (half: 'key' | 'value'): string | null => {
      if (record[half] === null || record[half] === undefined) return null;
      const schema = schemas.at(place, index, half);
      return schema === undefined ? plainText(record[half]) : print(record[half], schema);
    };
    return { text: { ...record, key: printHalf('key'), value: printHalf('value') }, schemas: { key: schemas.at(place, index, 'key') } };
  });
}

// --- reading the recorded text ---

/** A number's own digits. */
class Digits {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

type ReviveContext = { readonly source?: string };

function parseHalf(half: RecordedText): { readonly schema: ConnectSchema; readonly payload: unknown } | null {
  if (half === null) return null;
  if (typeof half !== 'string') throw new Error('the JSON converter writes text only');
  const parsed = parseExactly(half);
  if (!isObject(parsed) || !isSchema(parsed['schema'])) throw new Error('the record has no schema');
  return { schema: parsed['schema'], payload: parsed['payload'] };
}

/** With schemas or without. */
function payloadOf(half: unknown): unknown {
  if (typeof half !== 'string') throw new Error('the JSON converter writes text only');
  const parsed = parseExactly(half);
  return isObject(parsed) && isSchema(parsed['schema']) && 'payload' in parsed ? parsed['payload'] : parsed;
}

function parseExactly(text: string): unknown {
  const revive = (_: string, value: unknown, context?: ReviveContext): unknown =>
    typeof value === 'number' ? new Digits(context?.source ?? '') : value;
  return JSON.parse(text, revive);
}

function isSchema(value: unknown): value is ConnectSchema {
  return isObject(value) && typeof value['type'] === 'string';
}

function recordsOf(golden: GoldenCase, { rename }: CorpusForm): readonly GoldenRecord[] {
  return rename === undefined ? golden.records : rename(golden);
}

/** By the schema, into the forms that decoders give, with the names that fields have in the format. */
function readPayload(json: unknown, schema: ConnectSchema, form: CorpusForm): unknown {
  if (json === null || json === undefined) return null;
  if (Array.isArray(json)) {
    if (schema.type === 'map') return json.map((entry: unknown) => readEntry(entry, schema, form));
    return json.map((item: unknown) => readPayload(item, schema.items ?? schema, form));
  }
  if (json instanceof Digits) return readDigits(json, schema);
  if (typeof json === 'string') return withoutLoneSurrogates(json, form);
  if (!isObject(json)) return json;
  if (schema.type === 'map') {
    const members = Object.entries(json).map(([key, value]) => [key, readPayload(value, schema.values ?? schema, form)] as const);
    return new Map(members);
  }
  const fields = schema.fields ?? [];
  requireKnown(json, schema);
  return Object.fromEntries(fields.map((one) => [fieldName(one, form), readPayload(json[one.field ?? ''], one, form)]));
}

function readEntry(entry: unknown, { keys, values }: ConnectSchema, form: CorpusForm): unknown {
  if (keys === undefined || values === undefined) throw new Error('the map has no schemas');
  const [key, value]: readonly unknown[] = Array.isArray(entry) ? entry : isObject(entry) ? [entry['key'], entry['value']] : [];
  return [readPayload(key, keys, form), readPayload(value, values, form)];
}

function readDigits({ text }: Digits, schema: ConnectSchema): unknown {
  if (schema.name === DECIMAL) return unscaledBytes(text, Number(schema.parameters?.['scale'] ?? 0));
  return schema.type === 'float' || schema.type === 'double' ? Number(text) : BigInt(text);
}

/** Of a decimal that was recorded as a number (`decimal.format=NUMERIC`), as Java's BigInteger gives them. */
export function unscaledBytes(text: string, scale: number): Buffer {
  const [mantissa = '', exponent = '0'] = text.split(/e/i);
  const [whole = '', fraction = ''] = mantissa.split('.');
  const shift = scale + Number(exponent) - fraction.length;
  const digits = whole + fraction;
  const unscaled = shift >= 0 ? BigInt(digits + '0'.repeat(shift)) : BigInt(digits.slice(0, shift));
  return twosComplement(unscaled);
}

export function twosComplement(value: bigint): Buffer {
  let size = 1;
  while (BigInt.asIntN(size * 8, value) !== value) size++;
  return Buffer.from(
    BigInt.asUintN(size * 8, value)
      .toString(16)
      .padStart(size * 2, '0'),
    'hex',
  );
}

const LONE_SURROGATES = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

function withoutLoneSurrogates(text: string, { loneSurrogate }: CorpusForm): string {
  return loneSurrogate === undefined ? text : text.replace(LONE_SURROGATES, loneSurrogate);
}

function fieldName({ field = '' }: ConnectSchema, form: CorpusForm): string {
  return form.field === undefined ? field : form.field(field);
}

function renameFields(schema: ConnectSchema, form: CorpusForm): ConnectSchema {
  const { fields, items, keys, values } = schema;
  if (form.field === undefined) return schema;
  return {
    ...schema,
    ...(fields !== undefined && { fields: fields.map((one) => ({ ...renameFields(one, form), field: fieldName(one, form) })) }),
    ...(items !== undefined && { items: renameFields(items, form) }),
    ...(keys !== undefined && { keys: renameFields(keys, form) }),
    ...(values !== undefined && { values: renameFields(values, form) }),
  };
}

// --- printing ---

/** A decoded value as the JSON converter would have written it; members of maps in the order of their text. */
export function corpusText(value: unknown, schema: ConnectSchema): string {
  if (value === null || value === undefined) return 'null';
  switch (schema.type) {
    case 'struct':
      return structText(value, schema);
    case 'array':
      return `[${listOf(value)
        .map((item) => corpusText(item, schema.items ?? schema))
        .join(',')}]`;
    case 'map':
      return mapText(value, schema);
    case 'string':
      return textOf(value, quoteText);
    case 'bytes':
      return value instanceof Uint8Array ? `"${Buffer.from(value).toString('base64')}"` : textOf(value, quote);
    case 'boolean':
      return String(value);
    case 'float':
      return formatFloat32(Math.fround(Number(value)));
    case 'double':
      return formatFloat64(Number(value));
    default:
      return integerText(value);
  }
}

function structText(value: unknown, { fields = [] }: ConnectSchema): string {
  if (!isObject(value)) throw new Error(`a struct is expected, not ${describe(value)}`);
  requireKnown(value, { type: 'struct', fields });
  return `{${fields.map((one) => `${quote(one.field ?? '')}:${corpusText(value[one.field ?? ''], one)}`).join(',')}}`;
}

function requireKnown(value: Readonly<Record<string, unknown>>, { fields = [] }: ConnectSchema): void {
  const unknown = Object.keys(value).filter((name) => !fields.some(({ field }) => field === name));
  if (unknown.length > 0) throw new Error(`the struct has no field ${unknown.join(', ')}`);
}

/** As the JSON converter has it: an object where the keys are text, else pairs. */
function mapText(value: unknown, { keys, values }: ConnectSchema): string {
  if (keys === undefined || values === undefined) throw new Error('the map has no schemas');
  const entries = entriesOf(value).map(([key, item]) => [corpusText(key, keys), corpusText(item, values)] as const);
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  if (keys.type === 'string') return `{${entries.map(([key, item]) => `${key}:${item}`).join(',')}}`;
  return `[${entries.map(([key, item]) => `[${key},${item}]`).join(',')}]`;
}

function entriesOf(value: unknown): (readonly [unknown, unknown])[] {
  if (value instanceof Map) return [...value.entries()];
  if (!Array.isArray(value)) return isObject(value) ? Object.entries(value) : [];
  return value.map((entry: unknown) => {
    if (Array.isArray(entry)) return [entry[0], entry[1]];
    if (isObject(entry)) return [entry['key'], entry['value']];
    throw new Error(`an entry of a map is expected, not ${describe(entry)}`);
  });
}

/** Half a surrogate pair stays what it is, in the JSON converter's spelling. */
function quoteText(text: string): string {
  if (text.isWellFormed()) return quote(text);
  const halves = text.match(LONE_SURROGATES) ?? [];
  const escaped = halves.map((half) => `\\u${half.charCodeAt(0).toString(16).toUpperCase()}`);
  const between = text.split(LONE_SURROGATES).map((part) => quote(part).slice(1, -1));
  return `"${between.map((part, i) => part + (escaped[i] ?? '')).join('')}"`;
}

function integerText(value: unknown): string {
  if (typeof value === 'bigint' || (typeof value === 'number' && Number.isSafeInteger(value))) return value.toString();
  if (typeof value === 'string' && /^-?\d+$/.test(value)) return value;
  throw new Error(`an integer is expected, not ${describe(value)}`);
}

function textOf(value: unknown, print: (text: string) => string): string {
  if (typeof value !== 'string') throw new Error(`text is expected, not ${describe(value)}`);
  return print(value);
}

function listOf(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new Error(`an array is expected, not ${describe(value)}`);
  return value;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
}

function describe(value: unknown): string {
  return value instanceof Uint8Array ? 'bytes' : `${typeof value} ${plainText(value)}`;
}

function plainText(value: unknown): string {
  return JSON.stringify(value, (_, one: unknown) => (typeof one === 'bigint' ? one.toString() : one));
}
