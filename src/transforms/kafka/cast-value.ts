/**
 * Owns how a value becomes one of another type, as Java narrows, widens, prints and parses.
 * Source: org.apache.kafka.connect.transforms.Cast.castValueToType; Java Language Specification 5.1.3.
 */
import { type FieldSchema, type SchemaType, scaleOf } from '../../values/schema.ts';
import { DECIMAL_NAME } from '../../values/types/decimal.ts';
import type { CapturedValue } from '../../values/value-capture.ts';
import { TransformError } from '../shaped-record.ts';
import { decimalText, javaText, narrowest, nearestFloat32, unscaledOf, wholeOf } from './java-values.ts';

export const CAST_TYPES = ['int8', 'int16', 'int32', 'int64', 'float32', 'float64', 'boolean', 'string'] as const;
export type CastType = (typeof CAST_TYPES)[number];

type Value = NonNullable<CapturedValue>;
type Convert = (value: Value) => Exclude<CapturedValue, null>;

/** Throws TransformError at a value that cannot be converted, and never before: a null is no error. */
export function castTo(schema: FieldSchema, target: CastType): Convert {
  const { type } = schema;
  if (type === 'array' || type === 'map' || type === 'struct') {
    return () => {
      throw new TransformError(`Cast transformation does not support casting from ${type.toUpperCase()}; supported types are ${SUPPORTED}`);
    };
  }
  if (target === 'string') return (value) => javaText(schema, value);
  if (type === 'string') return parserOf(target);
  if (type === 'boolean') return target === 'boolean' ? (value) => value : (value) => (value === true ? 1 : 0);
  if (schema.name === DECIMAL_NAME) return decimalConverter(scaleOf(schema), target);
  if (type === 'bytes') {
    return () => {
      throw new TransformError('Unexpected type in Cast transformation: bytes');
    };
  }
  return type === 'float32' || type === 'float64' ? floatConverter(target) : integerConverter(target);
}

const SUPPORTED = '[INT8, INT16, INT32, INT64, FLOAT32, FLOAT64, BOOLEAN, STRING, BYTES]';

type Target = Exclude<CastType, 'string'>;

const BITS: ReadonlyMap<SchemaType, number> = new Map([
  ['int8', 8],
  ['int16', 16],
  ['int32', 32],
  ['int64', 64],
]);

function narrowed(value: bigint, target: Target): number | bigint {
  return narrowest(BigInt.asIntN(BITS.get(target) ?? 64, value));
}

function integerConverter(target: Target): Convert {
  switch (target) {
    case 'boolean':
      return (value) => Number(value) !== 0;
    case 'float64':
      return (value) => Number(value);
    case 'float32':
      return (value) => (typeof value === 'bigint' ? nearestFloat32(String(value)) : Math.fround(Number(value)));
    case 'int64':
      return (value) => value;
    default:
      return (value) => narrowed(BigInt(value as number | bigint), target);
  }
}

/** From a fraction to an integer by way of int or long, both of which keep what is too large at their end. */
function floatConverter(target: Target): Convert {
  switch (target) {
    case 'boolean':
      return (value) => Math.trunc(Number(value) || 0) !== 0;
    case 'float64':
      return (value) => value;
    case 'float32':
      return (value) => Math.fround(Number(value));
    case 'int64':
      return (value) => narrowest(saturated(Number(value), 64));
    default:
      return (value) => narrowed(saturated(Number(value), 32), target);
  }
}

function saturated(value: number, bits: 32 | 64): bigint {
  const end = 1n << BigInt(bits - 1);
  if (Number.isNaN(value)) return 0n;
  if (value >= Number(end)) return end - 1n;
  return value < -Number(end) ? -end : BigInt(Math.trunc(value));
}

function decimalConverter(scale: number, target: Target): Convert {
  const unscaled = (value: Value): bigint => unscaledOf(value as Uint8Array);
  switch (target) {
    case 'boolean':
      return (value) => BigInt.asIntN(64, wholeOf({ unscaled: unscaled(value), scale })) !== 0n;
    case 'float64':
      return (value) => Number(decimalText(unscaled(value), scale));
    case 'float32':
      return (value) => nearestFloat32(decimalText(unscaled(value), scale));
    default:
      return (value) => narrowed(wholeOf({ unscaled: unscaled(value), scale }), target);
  }
}

const INTEGER_TEXT = /^[+-]?[0-9]+$/;
/** Java's Double.parseDouble, but for hexadecimal digits. */
const FLOAT_TEXT = /^([+-]?)(?:(NaN|Infinity)|((?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)[dDfF]?)$/;

function parserOf(target: Target): Convert {
  switch (target) {
    case 'boolean':
      return (value) => String(value).toLowerCase() === 'true';
    case 'float32':
    case 'float64':
      return (value) => parseFloatText(String(value), target);
    default:
      return (value) => {
        const text = String(value);
        const parsed = INTEGER_TEXT.test(text) ? BigInt(text.replace('+', '')) : undefined;
        if (parsed === undefined || narrowed(parsed, target) !== narrowest(parsed)) throw outOfRange();
        return narrowest(parsed);
      };
  }
}

function parseFloatText(text: string, target: 'float32' | 'float64'): number {
  const [, sign = '', word, digits = ''] = FLOAT_TEXT.exec(text.trim()) ?? [];
  if (word !== undefined) return Number(`${word === 'NaN' ? '' : sign}${word}`);
  if (digits === '') throw outOfRange();
  const plain = sign === '-' ? `-${digits}` : digits;
  return target === 'float64' ? Number(plain) : nearestFloat32(plain);
}

function outOfRange(): TransformError {
  return new TransformError('Value was out of range for requested data type');
}
