/** Owns the values of an expression, and how a value of a record becomes one. */
import { type FieldSchema, scaleOf } from '../../values/schema.ts';
import { DECIMAL_NAME } from '../../values/types/decimal.ts';
import type { CapturedValue } from '../../values/value-capture.ts';
import { DATE_UNITS, decimalText, javaText, parseDecimal, unscaledOf } from '../kafka/java-values.ts';
import type { NumberType } from './lexer.ts';

export type ScriptNumber =
  | { readonly tag: 'integer'; readonly type: 'int8' | 'int16' | 'int32' | 'int64'; readonly value: bigint }
  | { readonly tag: 'float'; readonly type: 'float32' | 'float64'; readonly value: number }
  | { readonly tag: 'decimal'; readonly unscaled: bigint; readonly scale: number };

/**
 * `object`: a struct, list, map, date or bytes: it is there, and nothing else can be asked of it. `matcher`: what `=~` gives.
 * Undefined is JavaScript's.
 */
export type ScriptValue =
  | null
  | undefined
  | boolean
  | string
  | ScriptNumber
  | { readonly tag: 'object'; readonly isEmpty: boolean }
  | { readonly tag: 'list'; readonly items: readonly ScriptValue[] }
  | { readonly tag: 'matcher'; readonly found: boolean };

export const OBJECT: ScriptValue = { tag: 'object', isEmpty: false };

export function numberLiteral(text: string, type: NumberType): ScriptNumber {
  switch (type) {
    case 'decimal':
      return { tag: 'decimal', ...(parseDecimal(text) ?? { unscaled: 0n, scale: 0 }) };
    case 'float32':
      return { tag: 'float', type, value: Math.fround(Number(text)) };
    case 'float64':
      return { tag: 'float', type, value: Number(text) };
    default:
      return { tag: 'integer', type, value: BigInt(text) };
  }
}

export function scriptValue({ type, name, parameters = [] }: FieldSchema, value: CapturedValue): ScriptValue {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
  if (DATE_UNITS.has(name)) return OBJECT;
  switch (type) {
    case 'int8':
    case 'int16':
    case 'int32':
    case 'int64':
      return { tag: 'integer', type, value: BigInt(value as number | bigint) };
    case 'float32':
    case 'float64':
      return { tag: 'float', type, value: Number(value) };
    case 'bytes':
      if (name !== DECIMAL_NAME || !(value instanceof Uint8Array)) return OBJECT;
      return { tag: 'decimal', unscaled: unscaledOf(value), scale: scaleOf({ parameters }) };
    case 'array':
      return { tag: 'object', isEmpty: Array.isArray(value) && value.length === 0 };
    case 'map':
      return { tag: 'object', isEmpty: value instanceof Map && value.size === 0 };
    default:
      return OBJECT;
  }
}

export function isNumber(value: ScriptValue): value is ScriptNumber {
  return typeof value === 'object' && value !== null && (value.tag === 'integer' || value.tag === 'float' || value.tag === 'decimal');
}

/** As a double. */
export function doubleOf(number: ScriptNumber): number {
  return number.tag === 'decimal' ? Number(decimalText(number.unscaled, number.scale)) : Number(number.value);
}

/** Negative, zero or positive; exact where neither is a float. Not for NaN. */
export function compareNumbers(left: ScriptNumber, right: ScriptNumber): number {
  if (left.tag === 'float' || right.tag === 'float') return doubleOf(left) - doubleOf(right);
  const [one, other] = [decimalOf(left), decimalOf(right)];
  const scale = Math.max(one.scale, other.scale);
  const difference = one.unscaled * 10n ** BigInt(scale - one.scale) - other.unscaled * 10n ** BigInt(scale - other.scale);
  return difference === 0n ? 0 : difference < 0n ? -1 : 1;
}

function decimalOf(number: Exclude<ScriptNumber, { tag: 'float' }>): { readonly unscaled: bigint; readonly scale: number } {
  return number.tag === 'integer' ? { unscaled: number.value, scale: 0 } : number;
}

/** As Java prints it. */
export function numberText(number: ScriptNumber): string {
  if (number.tag === 'decimal') return decimalText(number.unscaled, number.scale);
  return number.tag === 'integer' ? number.value.toString() : javaText({ type: number.type, optional: false }, number.value);
}
