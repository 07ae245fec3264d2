/** Owns MaskField, which puts another value in the place of a field's. Source: org.apache.kafka.connect.transforms.MaskField. */
import type { FieldShape, ValueShape } from '../../events/record-shape.ts';
import { type FieldSchema, scaleOf } from '../../values/schema.ts';
import { DECIMAL_NAME, twosComplement } from '../../values/types/decimal.ts';
import type { CapturedValue } from '../../values/value-capture.ts';
import { constant, derived, fieldNamed, fieldsOf, type Side, withSide } from '../fields.ts';
import { nullnessOf, whereThere } from '../nullness.ts';
import type { TransformSettings } from '../settings.ts';
import { isAlwaysNull, recordOutcome, type ShapedRecord, type Transform, TransformError } from '../shaped-record.ts';
import { DATE_UNITS, narrowest, parseDecimal, wholeOf } from './java-values.ts';
import { fieldReader, nullFailure } from './operating.ts';

const PURPOSE = 'mask fields';

export function maskField(side: Side, settings: TransformSettings): Transform {
  const masked = new Set(settings.list('fields'));
  const replacement = settings.optional('replacement');
  const readField = fieldReader(settings);

  const present = (record: ShapedRecord, shape: ValueShape): ValueShape => {
    const fields = fieldsOf(shape, PURPOSE)
      .map(readField)
      .map((field) => (masked.has(field.field) ? fieldNamed(field.field, maskedShape(field, replacement, record)) : field));
    return { schema: shape.schema, origin: { from: 'struct', fields } };
  };
  return (record) =>
    whereThere(record, side, {
      present: (shape) => recordOutcome(withSide(record, side, present(record, shape))),
      absent: (shape) => {
        throw nullFailure(shape, PURPOSE);
      },
    });
}

/** A null stays null. What has no mask fails only where it is not null. */
function maskedShape(field: FieldShape, replacement: string | undefined, { kind }: ShapedRecord): ValueShape {
  if (isAlwaysNull(field)) return field;
  const { schema } = field;
  const mask = replacement === undefined ? emptyValue(schema) : replacedValue(schema, replacement);
  const isNull = neverNull(field) ? false : nullnessOf(field, kind);
  if (isNull === false && !(mask instanceof TransformError)) return constant(schema, mask);
  return derived(schema, (event) => {
    if (isNull === true || (isNull !== false && isNull(event))) return null;
    if (mask instanceof TransformError) throw mask;
    return mask;
  });
}

/** A column that is read as its default where it is null. */
function neverNull({ schema, origin }: FieldShape): boolean {
  return origin.from === 'column' && schema.defaultValue !== undefined && !origin.column.codec.nullable;
}

type Mask = CapturedValue | TransformError;

function emptyValue(schema: FieldSchema): Mask {
  switch (schema.type) {
    case 'string':
      return '';
    case 'boolean':
      return false;
    case 'array':
      return [];
    case 'map':
      return new Map();
    case 'bytes':
      return schema.name === DECIMAL_NAME ? decimalOf('0', schema) : unmaskable(schema);
    case 'struct':
      return unmaskable(schema);
    default:
      return 0;
  }
}

function unmaskable(schema: FieldSchema): TransformError {
  return new TransformError(`Cannot mask value of type: ${schema.type}`);
}

const INTEGER_BITS: ReadonlyMap<string, number> = new Map([
  ['int8', 8],
  ['int16', 16],
  ['int32', 32],
  ['int64', 64],
]);

function replacedValue(schema: FieldSchema, replacement: string): Mask {
  const { type, name } = schema;
  const isNumber = (INTEGER_BITS.has(type) || type.startsWith('float')) && !DATE_UNITS.has(name);
  if (type === 'string') return replacement;
  if (name === DECIMAL_NAME) return decimalOf(replacement, schema);
  if (!isNumber) return new TransformError(`Cannot mask value of type ${type} with custom replacement.`);
  const value = numberOf(type, replacement);
  return value ?? new TransformError(`Unable to convert ${replacement} (class java.lang.String) to number`);
}

/** As Kafka's Values converts a text to a number: a number with a fraction loses it, and one that is too wide its upper bits. */
function numberOf(type: string, text: string): number | bigint | undefined {
  const decimal = parseDecimal(text);
  if (decimal === undefined) return undefined;
  const bits = INTEGER_BITS.get(type);
  if (bits !== undefined) return narrowest(BigInt.asIntN(bits, wholeOf(decimal)));
  // Adding zero makes 0 of -0.
  return (type === 'float32' ? Math.fround(Number(text)) : Number(text)) + 0;
}

/** The scale is that of the text, and has to be the column's. */
function decimalOf(text: string, schema: FieldSchema): Mask {
  const decimal = parseDecimal(text);
  if (decimal === undefined) return new TransformError(`Unable to convert ${text} (class java.lang.String) to number`);
  if (decimal.scale === scaleOf(schema)) return twosComplement(decimal.unscaled);
  return new TransformError(
    `Decimal value has mismatching scale for given Decimal schema. Schema has scale ${scaleOf(schema)}, value has scale ${decimal.scale}.`,
  );
}
