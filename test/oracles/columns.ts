/**
 * Owns short ways for tests to describe a column, compile its codec and see what it makes of a cell. For tests only.
 */

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { compileColumn } from '../../src/values/compile.ts';
import { type ColumnSpec, DEFAULT_VALUE_MODES, type PgType, type PgTypeKind, type ValueModes } from '../../src/values/pg-type.ts';
import { type CapturedValue, ValueCapture } from '../../src/values/value-capture.ts';
import { ConversionError, type ValueCodec, type ValueWriter } from '../../src/values/value-writer.ts';

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

/** What a conversion gives, or that it refuses: for comparing a fast path with its plain version. */
export function outcome(convertCell: () => CapturedValue | undefined): { readonly value?: CapturedValue | undefined } | 'refused' {
  try {
    return { value: convertCell() };
  } catch (error) {
    if (error instanceof ConversionError) return 'refused';
    throw error;
  }
}

export function refuse(): never {
  throw new ConversionError('refused by the plain version');
}

const EDITS = '0123456789-+.:, eE"\\{}()BCTZNaInfinityxyz';

/** Texts, and texts that differ from one by an edit or two: what a parser wrongly accepts is near to what is right. */
export function withEdits(texts: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const edit = fc.record({ at: fc.nat(), remove: fc.nat(1), insert: fc.string({ unit: fc.constantFrom(...EDITS), maxLength: 2 }) });
  return fc.oneof(
    { weight: 3, arbitrary: texts },
    {
      weight: 2,
      arbitrary: fc.tuple(texts, fc.array(edit, { minLength: 1, maxLength: 2 })).map(([text, edits]) =>
        edits.reduce((edited, { at, remove, insert }) => {
          const place = at % (edited.length + 1);
          return edited.slice(0, place) + insert + edited.slice(place + remove);
        }, text),
      ),
    },
  );
}
