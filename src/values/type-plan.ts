/**
 * Owns the shape that every type family compiles to, before it becomes a column's codec, and the small writers that many
 * families share. Does not know any type.
 */

import type { FieldSchema } from './schema.ts';
import { ConversionError, type ValueWriter } from './value-writer.ts';

/** Converts the text of one non-null cell; source[start, end) is valid only during the call. */
export type CellWriter = (out: ValueWriter, source: Uint8Array, start: number, end: number) => void;

/** Writes something that does not depend on a cell. */
export type ConstantWriter = (out: ValueWriter) => void;

/** The part of a schema that the type alone decides. The column decides whether it is optional, and its default. */
export type BareSchema = Omit<FieldSchema, 'optional' | 'defaultValue'>;

export type TypePlan = {
  readonly schema: BareSchema;
  readonly write: CellWriter;
  /** Reads the text of a default, where that differs from reading a cell. */
  readonly writeDefault?: CellWriter;
  /** What stands for a missing value of a NOT NULL column without default. */
  readonly writeZero: ConstantWriter;
  /** The unchanged-TOAST placeholder; undefined where Debezium has none. */
  readonly writePlaceholder?: ConstantWriter | undefined;
  /** The schema is optional even where the column is NOT NULL. */
  readonly ignoresNotNull?: boolean;
  /** Debezium streams null for every value of the type. */
  readonly valueIsLost?: boolean;
};

export const ASCII = {
  quote: 0x22,
  leftParen: 0x28,
  rightParen: 0x29,
  plus: 0x2b,
  comma: 0x2c,
  minus: 0x2d,
  dot: 0x2e,
  zero: 0x30,
  one: 0x31,
  colon: 0x3a,
  semicolon: 0x3b,
  equals: 0x3d,
  space: 0x20,
  upperB: 0x42,
  upperC: 0x43,
  upperN: 0x4e,
  upperT: 0x54,
  upperZ: 0x5a,
  leftBracket: 0x5b,
  backslash: 0x5c,
  rightBracket: 0x5d,
  lowerX: 0x78,
  lowerI: 0x69,
  leftBrace: 0x7b,
  rightBrace: 0x7d,
} as const;

/** The reason must not hold the value, nor any part of it. */
export function malformed(what: string): ConversionError {
  return new ConversionError(`text is not a valid ${what}`);
}

/** Text of a cell as a string, for slow paths only. */
export function cellText(source: Uint8Array, start: number, end: number): string {
  return Buffer.from(source.buffer, source.byteOffset + start, end - start).toString('utf8');
}

export function textConstant(text: string): ConstantWriter {
  const bytes = Buffer.from(text, 'utf8');
  return (out) => out.utf8(bytes, 0, bytes.length);
}

export function bytesConstant(bytes: Uint8Array): ConstantWriter {
  return (out) => out.bytes(bytes, 0, bytes.length);
}

export function decimalConstant(unscaled: Uint8Array, scale: number): ConstantWriter {
  return (out) => out.decimal(unscaled, 0, unscaled.length, scale);
}

export const writeEmptyText: ConstantWriter = textConstant('');
export const writeZeroInt32: ConstantWriter = (out) => out.int32(0);
export const writeZeroInt64: ConstantWriter = (out) => out.int64(0);
export const writeFalse: ConstantWriter = (out) => out.boolean(false);

export function writeEmptyArray(out: ValueWriter): void {
  out.beginArray();
  out.endArray();
}
