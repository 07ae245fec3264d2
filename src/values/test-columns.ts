/**
 * Owns short ways for tests to describe a column, compile its codec and see what it makes of a cell. For tests only.
 */

import assert from 'node:assert/strict';
import { compileColumn } from './compile.ts';
import { type ColumnSpec, DEFAULT_VALUE_MODES, type PgType, type PgTypeKind, type ValueModes } from './pg-type.ts';
import { type CapturedValue, ValueCapture } from './value-capture.ts';
import type { ValueCodec, ValueWriter } from './value-writer.ts';

export function builtIn(name: string): PgType {
  return { oid: 0, name, schema: 'pg_catalog', kind: 'base' };
}

export function extension(name: string): PgType {
  return { oid: 0, name, schema: 'public', kind: 'base' };
}

export function arrayType(element: PgType): PgType {
  return { oid: 0, name: `_${element.name}`, schema: element.schema, kind: 'array', element };
}

export function enumType(name: string, enumLabels: readonly string[]): PgType {
  return { oid: 0, name, schema: 'public', kind: 'enum', enumLabels };
}

export function domainType(name: string, base: PgType, baseTypmod = -1): PgType {
  return { oid: 0, name, schema: 'public', kind: 'domain', base, baseTypmod };
}

export function otherType(name: string, kind: PgTypeKind): PgType {
  return { oid: 0, name, schema: 'public', kind };
}

export function numericTypmod(precision: number, scale: number): number {
  return ((precision << 16) | (scale & 0x7ff)) + 4;
}

export type ColumnOptions = Partial<Omit<ColumnSpec, 'type' | 'name'>> & { readonly modes?: Partial<ValueModes> };

/** `type` by name is a built-in type. */
export function tryCodec(type: PgType | string, options: ColumnOptions = {}): ValueCodec | undefined {
  const { modes, ...spec } = options;
  const pgType = typeof type === 'string' ? builtIn(type) : type;
  const column: ColumnSpec = { name: 'c', type: pgType, typmod: -1, optional: true, ...spec };
  return compileColumn(column, { ...DEFAULT_VALUE_MODES, ...modes });
}

export function codecOf(type: PgType | string, options: ColumnOptions = {}): ValueCodec {
  const codec = tryCodec(type, options);
  assert(codec !== undefined, 'the type is known');
  return codec;
}

/** The text stands in the middle of a frame whose other bytes look like more of it. */
export function convertWith(codec: ValueCodec, text: string | Uint8Array): CapturedValue | undefined {
  const cell = Buffer.from(text as string);
  const frame = Buffer.concat([Buffer.from('9.'), cell, Buffer.from('9"')]);
  return captured((out) => codec.write(out, frame, 2, frame.length - 2));
}

export function convert(type: PgType | string, text: string, options: ColumnOptions = {}): CapturedValue | undefined {
  return convertWith(codecOf(type, options), text);
}

export function captured(write: (out: ValueWriter) => void): CapturedValue | undefined {
  const capture = new ValueCapture();
  write(capture);
  return capture.value;
}

/** Big-endian two's complement, as BigInteger.toByteArray. The plain way, to check the fast one against. */
export function plainTwosComplement(value: bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  do {
    bytes.unshift(Number(BigInt.asUintN(8, rest)));
    rest >>= 8n;
  } while (!(rest === 0n && (bytes[0] ?? 0) < 128) && !(rest === -1n && (bytes[0] ?? 0) >= 128));
  return Uint8Array.from(bytes);
}
