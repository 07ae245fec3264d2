/**
 * Owns the text of the JSON Schema that Confluent's converter makes of a Connect schema and registers. Printed once per relation version.
 * Does not know rows, subjects or registries; json/connect-schema.ts prints Connect's own form of a schema.
 * Source: io.confluent.connect.json.JsonSchemaData.fromConnectSchema; the order of members as org.everit.json.schema prints them, which keeps
 * properties in java.util.HashMap.
 */
import { inHashMapOrder, stringHash } from '../../core/java/hash-map-order.ts';
import { type DefaultValue, type FieldSchema, scaleOf } from '../../values/schema.ts';
import { DECIMAL_NAME } from '../../values/types/decimal.ts';
import { formatDecimal, formatFloat32, formatFloat64, quote as quoteBmp } from '../json/lexical.ts';
import type { DecimalFormat } from '../json/value-writer.ts';

export type JsonSchemaSettings = {
  readonly decimals: DecimalFormat;
  /** object.additional.properties: objects may have members that the schema does not name. */
  readonly additionalProperties: boolean;
};

export function jsonSchemaText(schema: FieldSchema, settings: JsonSchemaSettings): string {
  return print(schema, undefined, settings);
}

/** A member's name, and its value as JSON text. */
type Member = readonly [name: string, json: string];

const NULL_SCHEMA = '{"type":"null"}';
/** The converter's own parameters have this prefix. */
const OWN_PARAMETERS = 'io.confluent.connect.json';

function print(schema: FieldSchema, index: number | undefined, settings: JsonSchemaSettings): string {
  if (!schema.optional) return printRequired(schema, index, settings);
  return object([...indexMember(index), ['oneOf', `[${NULL_SCHEMA},${printRequired(schema, undefined, settings)}]`]]);
}

function printRequired(schema: FieldSchema, index: number | undefined, settings: JsonSchemaSettings): string {
  const { name, doc, version, defaultValue, parameters = [] } = schema;
  const shape = shapeOf(schema, settings);
  const common: Member[] = [];
  if (name !== undefined) common.push(['title', quote(name)]);
  if (doc !== undefined) common.push(['description', quote(doc)]);
  if (defaultValue !== undefined && isPrintable(defaultValue)) {
    common.push(['default', printDefault(schema, defaultValue, settings.decimals)]);
  }
  const connect: Member[] = [];
  if (shape.connectType !== undefined) connect.push(['connect.type', quote(shape.connectType)]);
  if (version !== undefined) connect.push(['connect.version', String(version)]);
  const kept = parameters.filter(([parameter]) => !parameter.startsWith(OWN_PARAMETERS));
  if (kept.length > 0) connect.push(['connect.parameters', printParameters(kept)]);
  connect.push(...indexMember(index));
  return object([...shape.before, ...common, ...asCopiedMap(connect), ...shape.behind]);
}

function indexMember(index: number | undefined): Member[] {
  return index === undefined ? [] : [['connect.index', String(index)]];
}

/** The members of a type that come before and after those that every type has. */
type Shape = { readonly before: readonly Member[]; readonly behind: readonly Member[]; readonly connectType?: string };

function shapeOf(schema: FieldSchema, settings: JsonSchemaSettings): Shape {
  switch (schema.type) {
    case 'int8':
    case 'int16':
    case 'int32':
    case 'int64':
      return { before: typeIs('integer'), behind: [], connectType: schema.type };
    case 'float32':
    case 'float64':
      return { before: typeIs('number'), behind: [], connectType: schema.type };
    case 'boolean':
      return { before: [], behind: typeIs('boolean') };
    case 'string':
      return { before: typeIs('string'), behind: [] };
    case 'bytes': {
      const isNumber = schema.name === DECIMAL_NAME && settings.decimals === 'NUMERIC';
      return { before: typeIs(isNumber ? 'number' : 'string'), behind: [], connectType: 'bytes' };
    }
    case 'array':
      return { before: typeIs('array'), behind: items(schema.items, settings) };
    case 'map':
      return mapShape(schema, settings);
    case 'struct':
      return structShape(schema, settings);
  }
}

function typeIs(type: string): readonly Member[] {
  return [['type', quote(type)]];
}

function items(schema: FieldSchema | undefined, settings: JsonSchemaSettings): readonly Member[] {
  return schema === undefined ? [] : [['items', print(schema, undefined, settings)]];
}

/** JSON objects have only text keys; maps with other keys become arrays of entries. */
function mapShape({ keys, values }: FieldSchema, settings: JsonSchemaSettings): Shape {
  if (keys === undefined || values === undefined) throw new Error('a map without keys or values');
  if (keys.type === 'string' && !keys.optional) {
    const value = print(values, undefined, settings);
    return { before: typeIs('object'), behind: [['additionalProperties', value]], connectType: 'map' };
  }
  const entry = properties([
    ['key', print(keys, 0, settings)],
    ['value', print(values, 1, settings)],
  ]);
  return { before: typeIs('array'), behind: [['items', object([...typeIs('object'), ...entry])]], connectType: 'map' };
}

function structShape({ fields = [] }: FieldSchema, settings: JsonSchemaSettings): Shape {
  const members = fields.map(({ field, schema }, position): Member => [field, print(schema, position, settings)]);
  const closed: readonly Member[] = settings.additionalProperties ? [] : [['additionalProperties', 'false']];
  return { before: [...typeIs('object'), ...closed], behind: properties(members) };
}

function properties(members: readonly Member[]): readonly Member[] {
  return members.length === 0 ? [] : [['properties', object(asMap(members))]];
}

function object(members: readonly Member[]): string {
  return `{${members.map(([name, json]) => `${quote(name)}:${json}`).join(',')}}`;
}

const hashOf = ([name]: Member): number => stringHash(name);
const compare = ([a]: Member, [b]: Member): number => (a < b ? -1 : Number(a > b));
const LOAD_FACTOR = 0.75;

function asMap(members: readonly Member[]): readonly Member[] {
  return inHashMapOrder(members, { hashOf, compare });
}

/** The order after Java has copied the map once more. At most four members, for which Java 17 and 21 have the same order. */
function asCopiedMap(members: readonly Member[]): readonly Member[] {
  return inHashMapOrder(asMap(members), { hashOf, compare, expected: Math.ceil(members.length / LOAD_FACTOR) });
}

/** The order after org.json has copied the parameters into a map of the same expected size. */
function printParameters(parameters: readonly (readonly [string, string])[]): string {
  const members = parameters.map(([name, value]): Member => [name, quote(value)]);
  return object(inHashMapOrder(asMap(members), { hashOf, compare, expected: members.length }));
}

/** False for NaN and infinity, which JSON does not have. Confluent fails there; our schema has no default. */
function isPrintable(value: DefaultValue): boolean {
  return typeof value !== 'number' || Number.isFinite(value);
}

function printDefault(schema: FieldSchema, value: DefaultValue, decimals: DecimalFormat): string {
  if (typeof value === 'string') return quote(value);
  if (typeof value === 'boolean' || typeof value === 'bigint') return value.toString();
  if (typeof value === 'number') {
    if (schema.type === 'float64') return numberText(formatFloat64(value));
    return schema.type === 'float32' ? numberText(formatFloat32(value)) : value.toString();
  }
  if (decimals === 'NUMERIC' && schema.name === DECIMAL_NAME) return numberText(formatDecimal(value, 0, value.length, scaleOf(schema)));
  return quote(Buffer.from(value).toString('base64'));
}

/** Quotes as Jackson does when it writes text: characters outside the BMP stay as they are. */
function quote(text: string): string {
  const parts = text.split(/([\u{10000}-\u{10ffff}]+)/u);
  return `"${parts.map((part, index) => (index % 2 === 1 ? part : quoteBmp(part).slice(1, -1))).join('')}"`;
}

/** A number from Java's spelling: org.json writes it without trailing zeros, then Jackson reads and writes it as a BigDecimal. */
function numberText(text: string): string {
  const [mantissa = '', exponent] = text.split('E');
  if (exponent === undefined) return text.includes('.') ? plainNumber(text.replace(/(?:\.|(?<!0))0+$/, '')) : text;
  const sign = mantissa.startsWith('-') ? '-' : '';
  const [whole = '', fraction = ''] = mantissa.slice(sign.length).split('.');
  return sign + bigDecimalText(whole + fraction, fraction.length - Number(exponent));
}

function plainNumber(text: string): string {
  return text === '-0' ? '0' : text;
}

/** BigDecimal.toString. */
function bigDecimalText(digits: string, scale: number): string {
  const exponent = digits.length - 1 - scale;
  if (scale >= 0 && exponent >= -6) {
    const padded = digits.padStart(scale + 1, '0');
    return scale === 0 ? padded : `${padded.slice(0, -scale)}.${padded.slice(-scale)}`;
  }
  const fraction = digits.slice(1);
  return `${digits.charAt(0)}${fraction === '' ? '' : `.${fraction}`}E${exponent < 0 ? '' : '+'}${exponent}`;
}
