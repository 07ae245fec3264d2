/**
 * Owns column defaults: the expression that PostgreSQL prints for a default, read as Debezium reads it, into the
 * schema's default value. No expression is evaluated.
 */

import type { ColumnSpec, PgType } from './pg-type.ts';
import { type DefaultValue, type FieldSchema, scaleOf } from './schema.ts';
import { bytesConstant, type ConstantWriter, decimalConstant, type TypePlan, textConstant } from './type-plan.ts';
import { DECIMAL_NAME } from './types/decimal.ts';
import { ValueCapture } from './value-capture.ts';
import { ConversionError } from './value-writer.ts';

type DefaultRule = {
  /** Cell text that stands for a default made by a function. */
  readonly generated: string;
  /** A literal or raw expression to the cell text of the same value; undefined gives no default. */
  readonly toCell?: (literal: string, typmod: number) => string | undefined;
};

const NUMBER: DefaultRule = { generated: '0' };
const TEXT: DefaultRule = { generated: '' };
const JSON_TEXT: DefaultRule = { generated: '{}' };

/** By pg_type.typname. Debezium gives no default to other types, nor to domains and arrays. */
const RULES: ReadonlyMap<string, DefaultRule> = new Map<string, DefaultRule>([
  ['bit', { generated: '00' }],
  ['varbit', { generated: '0' }],
  ['bool', { generated: 'f', toCell: (literal) => (literal.toLowerCase() === 'true' ? 't' : 'f') }],
  ['bpchar', TEXT],
  ['varchar', TEXT],
  ['text', TEXT],
  ['xml', TEXT],
  ['json', JSON_TEXT],
  ['jsonb', JSON_TEXT],
  ['int2', NUMBER],
  ['int4', NUMBER],
  ['int8', NUMBER],
  ['numeric', { generated: '0.0', toCell: numericCell }],
  ['float4', NUMBER],
  ['float8', NUMBER],
  ['uuid', { generated: '00000000-0000-0000-0000-000000000000', toCell: uuidCell }],
  ['date', { generated: '1970-01-01', toCell: dateCell }],
  ['time', { generated: '00:00:00', toCell: timeCell }],
  ['timestamp', { generated: '1970-01-01 00:00:00' }],
  ['timestamptz', { generated: '1970-01-01 00:00:00+00', toCell: timestamptzCell }],
  ['interval', { generated: '00:00:00' }],
]);

function uuidCell(literal: string): string | undefined {
  return /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(literal) ? literal.toLowerCase() : undefined;
}

/** Special values, and digits beyond the column's scale, give no default, whatever the mode. */
function numericCell(literal: string, typmod: number): string | undefined {
  if (!/[0-9]/.test(literal)) return undefined;
  const [, fraction = ''] = literal.split('.');
  return typmod !== -1 && /[1-9]/.test(fraction.slice((typmod - 4) & 0xffff)) ? undefined : literal;
}

/** A timestamp's time of day is passed over. */
function dateCell(literal: string): string {
  return literal.replace(/ [0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?=$| BC$)/, '');
}

const END_OF_DAY = '24:00:00';

/** The end of the day is read as the last moment before it: Java's LocalTime.MAX, a nanosecond earlier. */
function timeCell(literal: string): string {
  return literal === END_OF_DAY ? '23:59:59.999999' : literal;
}

function endOfDayDefault(schemaName: string): DefaultValue | undefined {
  switch (schemaName) {
    case 'io.debezium.time.IsoTime':
      return '23:59:59.999999999Z';
    case 'io.debezium.time.NanoTime':
      return 86_399_999_999_999;
    default:
      return undefined;
  }
}

/** Infinite instants overflow in Java and give no default. */
function timestamptzCell(literal: string): string | undefined {
  return INFINITY.test(literal) ? undefined : literal;
}

const INFINITY = /^-?infinity$/;

/**
 * A call at the beginning, closed on its line: what Debezium's `^[(]?[A-Za-z0-9_.]+\((?:.+(?:, ?.+)*)?\)` finds. As it is written there it
 * tries every way to split the line at its commas, 2^n for n of them.
 */
const FUNCTION_CALL = /^\(?[A-Za-z0-9_.]+\([^)\n\r\u0085\u2028\u2029]*\)/;
const CURRENT_TIMES: ReadonlySet<string> = new Set(['current_timestamp', 'current_time', 'current_date', 'localtime', 'localtimestamp']);

/** Ends at the next quote, as in Debezium: a doubled quote inside ends the literal too, and a literal with a line break is not found. */
const LITERAL = /'([^\n\r\u0085\u2028\u2029]*?)'/;

/** The text between the first quotes, or else the whole expression. Undefined for a typed NULL and for what cannot be read. */
function literalOf(expression: string): string | undefined {
  if (!expression.includes("'")) return expression.startsWith('NULL::') ? undefined : expression;
  return LITERAL.exec(expression)?.[1];
}

function isGenerated(expression: string): boolean {
  return FUNCTION_CALL.test(expression) || CURRENT_TIMES.has(expression.toLowerCase());
}

/** The schema's default value; undefined where Debezium publishes none. */
export function columnDefault(spec: ColumnSpec, plan: TypePlan): DefaultValue | undefined {
  const { defaultExpression, type } = spec;
  if (defaultExpression === undefined) return undefined;
  if (type.kind === 'enum') return type.hidesDefault === true ? undefined : enumDefault(defaultExpression, type);
  if (type.schema !== 'pg_catalog' || type.kind !== 'base') return undefined;
  const rule = RULES.get(type.name);
  if (rule === undefined) return undefined;
  const expression = defaultExpression.trim();
  // Debezium's driver takes an interval of NULL for one of no length.
  if (isGenerated(expression) || (type.name === 'interval' && expression.startsWith('NULL::'))) {
    return capture(plan, rule.generated);
  }
  const literal = literalOf(expression);
  if (literal === undefined) return undefined;
  if (INFINITY.test(literal)) {
    const infinite = infiniteDefault(plan.schema.name ?? '', literal);
    if (infinite !== undefined) return infinite ?? undefined;
  }
  if (literal === END_OF_DAY) {
    const lastMoment = endOfDayDefault(plan.schema.name ?? '');
    if (lastMoment !== undefined) return lastMoment;
  }
  const cell = rule.toCell === undefined ? literal : rule.toCell(literal, spec.typmod);
  return cell === undefined ? undefined : capture(plan, cell);
}

/** The value that the column's own codec makes of a cell; structs are no defaults, as in Connect. */
function capture(plan: TypePlan, cell: string): DefaultValue | undefined {
  const bytes = Buffer.from(cell);
  const captured = new ValueCapture();
  try {
    (plan.writeDefault ?? plan.write)(captured, bytes, 0, bytes.length);
  } catch (error) {
    if (error instanceof ConversionError) return undefined;
    throw error;
  }
  const { value } = captured;
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'object' && !(value instanceof Uint8Array)) return undefined;
  return value;
}

/**
 * Unlike infinite values, defaults of ±infinity go through MAX and MIN of Java's LocalDate and LocalDateTime. Their microseconds and days
 * overflow. Null: the number overflows in another unit, and there is no default. Undefined: the literal is read as any other.
 */
function infiniteDefault(schemaName: string, literal: string): DefaultValue | null | undefined {
  const positive = !literal.startsWith('-');
  switch (schemaName) {
    case 'io.debezium.time.Date':
    case 'org.apache.kafka.connect.data.Date':
      return positive ? 169_560_311 : -170_999_002;
    case 'io.debezium.time.IsoDate':
      return positive ? '+999999999-12-31Z' : '-999999999-01-01Z';
    case 'io.debezium.time.MicroTimestamp':
      return positive ? -9_223_372_036_853_775_810n : -9_223_372_036_854_775_808n;
    case 'io.debezium.time.IsoTimestamp':
      return positive ? '+999999999-12-31T23:59:59.999999999Z' : '-999999999-01-01T00:00:00Z';
    case 'io.debezium.time.Timestamp':
    case 'io.debezium.time.NanoTimestamp':
    case 'org.apache.kafka.connect.data.Timestamp':
      return null;
    default:
      return undefined;
  }
}

/** `'label'::type` where the type is the column's own; quotes in the label stay doubled. */
function enumDefault(expression: string, type: PgType): string | undefined {
  const cast = expression.lastIndexOf('::');
  if (cast === -1) return undefined;
  const castType = splitTypeName(expression.slice(cast + 2));
  if (castType === undefined || castType.name !== type.name) return undefined;
  if (castType.schema !== undefined && castType.schema !== type.schema) return undefined;
  const label = expression.slice(0, cast);
  return label.length >= 2 && label.startsWith("'") && label.endsWith("'") ? label.slice(1, -1) : undefined;
}

const TYPE_NAME = /^(?:("(?:[^"]|"")+"|[^".]+)\.)?("(?:[^"]|"")+"|[^".]+)$/;

function splitTypeName(text: string): { readonly schema: string | undefined; readonly name: string } | undefined {
  const match = TYPE_NAME.exec(text);
  if (match === null) return undefined;
  const [, schema, name = ''] = match;
  return { schema: schema === undefined ? undefined : unquote(schema), name: unquote(name) };
}

function unquote(identifier: string): string {
  return identifier.startsWith('"') ? identifier.slice(1, -1).replaceAll('""', '"') : identifier;
}

/** Writes the schema's default as a value; undefined when it has none. */
export function defaultWriter(schema: FieldSchema): ConstantWriter | undefined {
  const { defaultValue, type } = schema;
  if (defaultValue === undefined) return undefined;
  if (typeof defaultValue === 'string') return textConstant(defaultValue);
  if (typeof defaultValue === 'boolean') return (out) => out.boolean(defaultValue);
  if (typeof defaultValue === 'bigint') return (out) => out.int64Big(defaultValue);
  if (typeof defaultValue === 'object') {
    return schema.name === DECIMAL_NAME ? decimalConstant(defaultValue, scaleOf(schema)) : bytesConstant(defaultValue);
  }
  switch (type) {
    case 'float32':
      return (out) => out.float32(defaultValue);
    case 'float64':
      return (out) => out.float64(defaultValue);
    case 'int64':
      return (out) => out.int64(defaultValue);
    default:
      return (out) => out.int32(defaultValue);
  }
}
