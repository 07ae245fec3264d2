/**
 * Owns what unavailable.value.placeholder becomes for unchanged TOAST values: as bytes, as text, and inside arrays.
 */

import { createHash } from 'node:crypto';
import { type FieldSchema, type SchemaType, type StructField, scaleOf } from './schema.ts';
import { type BareSchema, bytesConstant, type ConstantWriter, decimalConstant, textConstant } from './type-plan.ts';
import { DECIMAL_NAME } from './types/decimal.ts';
import type { ValueWriter } from './value-writer.ts';

export type Placeholder = {
  /** A `hex:` prefix has been decoded. */
  readonly bytes: Uint8Array;
  readonly text: string;
};

const HEX_PREFIX = 'hex:';

export function parsePlaceholder(option: string): Placeholder {
  const isHex = option.startsWith(HEX_PREFIX);
  const bytes = isHex ? Buffer.from(option.slice(HEX_PREFIX.length), 'hex') : Buffer.from(option, 'utf8');
  return { bytes, text: bytes.toString('utf8') };
}

/** Java's UUID.nameUUIDFromBytes: version 3 without a namespace. */
function nameUuid(bytes: Uint8Array): string {
  const digest = createHash('md5').update(bytes).digest();
  digest.writeUInt8((digest.readUInt8(6) & 0x0f) | 0x30, 6);
  digest.writeUInt8((digest.readUInt8(8) & 0x3f) | 0x80, 8);
  return digest.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** An array of one element. */
export function singleElement(write: ConstantWriter): ConstantWriter {
  return (out) => {
    out.beginArray();
    out.element();
    write(out);
    out.endArray();
  };
}

function signedCodes(placeholder: Placeholder): Int8Array {
  return Int8Array.from(placeholder.bytes, (byte) => (byte << 24) >> 24);
}

/** int4[], int8[] and date[]: one element for each byte of the placeholder, signed as Java's bytes are. */
export function byteCodes(placeholder: Placeholder, width: 'int32' | 'int64'): ConstantWriter {
  const codes = signedCodes(placeholder);
  return (out) => {
    out.beginArray();
    for (const code of codes) {
      out.element();
      if (width === 'int32') out.int32(code);
      else out.int64(code);
    }
    out.endArray();
  };
}

/**
 * A placeholder made from the schema alone, for types that have none in Debezium: the text, its bytes, or its byte codes as numbers.
 * Undefined where none of these fits.
 */
export function schemaPlaceholder(schema: BareSchema, placeholder: Placeholder): ConstantWriter | undefined {
  switch (schema.type) {
    case 'string':
      return textConstant(placeholder.text);
    case 'bytes':
      return schema.name === DECIMAL_NAME ? decimalConstant(placeholder.bytes, scaleOf(schema)) : bytesConstant(placeholder.bytes);
    case 'array':
      return schema.items === undefined ? undefined : arrayPlaceholder(schema.items, placeholder);
    case 'struct':
      return structPlaceholder(schema.fields ?? [], placeholder);
    default:
      return undefined;
  }
}

const NUMBER_WRITERS: Readonly<Partial<Record<SchemaType, (out: ValueWriter, code: number) => void>>> = {
  int16: (out, code) => out.int32(code),
  int32: (out, code) => out.int32(code),
  int64: (out, code) => out.int64(code),
  float32: (out, code) => out.float32(code),
  float64: (out, code) => out.float64(code),
};

function arrayPlaceholder(items: FieldSchema, placeholder: Placeholder): ConstantWriter | undefined {
  const writeNumber = NUMBER_WRITERS[items.type];
  if (writeNumber === undefined) {
    const element = schemaPlaceholder(items, placeholder);
    return element === undefined ? undefined : singleElement(element);
  }
  const codes = signedCodes(placeholder);
  return (out) => {
    out.beginArray();
    for (const code of codes) {
      out.element();
      writeNumber(out, code);
    }
    out.endArray();
  };
}

/** Required fields get the placeholder; required numbers get 0. */
function structPlaceholder(fields: readonly StructField[], placeholder: Placeholder): ConstantWriter {
  const members = fields.map(({ field, schema }) => ({ field, write: memberPlaceholder(schema, placeholder) }));
  return (out) => {
    out.beginStruct();
    for (const { field, write } of members) {
      out.field(field);
      write(out);
    }
    out.endStruct();
  };
}

function memberPlaceholder(schema: FieldSchema, placeholder: Placeholder): ConstantWriter {
  if (schema.optional) return (out) => out.nullValue();
  if (schema.type === 'map') return writeEmptyIntMap;
  const writeNumber = NUMBER_WRITERS[schema.type];
  if (writeNumber !== undefined) return (out) => writeNumber(out, 0);
  return schemaPlaceholder(schema, placeholder) ?? ((out) => out.nullValue());
}

const writeEmptyIntMap: ConstantWriter = (out) => {
  out.beginIntMap();
  out.endIntMap();
};

export function uuidElement(placeholder: Placeholder): ConstantWriter {
  return singleElement(textConstant(nameUuid(placeholder.bytes)));
}
