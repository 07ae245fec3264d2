/**
 * Owns the interface between codecs, which know PostgreSQL's text form, and serializers, which know an output format.
 * A codec calls exactly one value method per cell (arrays, maps and structs: begin … end around their members).
 * `source` is the frame; [start, end) is the part meant, valid only during the call.
 */

export interface ValueWriter {
  nullValue(): void;
  boolean(value: boolean): void;
  /** int8, int16 and int32. */
  int32(value: number): void;
  /** An int64 within 2^53. */
  int64(value: number): void;
  int64Big(value: bigint): void;
  /** An int64 that stands in canonical decimal digits in the source (optional minus sign). */
  int64Digits(source: Uint8Array, start: number, end: number): void;
  /** A float32 value, already rounded with Math.fround; NaN and infinities included. */
  float32(value: number): void;
  float64(value: number): void;
  /** Text in UTF-8. */
  utf8(source: Uint8Array, start: number, end: number): void;
  /** Text known to be printable ASCII without quote and backslash: no escaping is looked for. */
  plainAscii(source: Uint8Array, start: number, end: number): void;
  /** Raw bytes (schema type bytes). */
  bytes(source: Uint8Array, start: number, end: number): void;
  /** Connect's Decimal: the unscaled value in big-endian two's complement, and its schema's scale. */
  decimal(source: Uint8Array, start: number, end: number, scale: number): void;
  beginArray(): void;
  /** Before each element of an array. */
  element(): void;
  endArray(): void;
  beginStruct(): void;
  /** Before each member of a struct, in schema order; the name is JSON-safe ASCII. */
  field(name: string): void;
  endStruct(): void;
  /** map<string, …>: begin, then for each entry mapKey and one value, then end. */
  beginMap(): void;
  mapKey(source: Uint8Array, start: number, end: number): void;
  endMap(): void;
  /** map<int, …>: begin, then for each entry intMapKey and one value, then end. */
  beginIntMap(): void;
  intMapKey(key: number): void;
  endIntMap(): void;
}

/** The compiled converter of one column. */
export interface ValueCodec {
  readonly schema: import('./schema.ts').FieldSchema;
  /** True: a null cell is written as null; false: as the fallback. This is not the schema's `optional`, which a type may force. */
  readonly nullable: boolean;
  /** Text of one non-null cell. Throws ConversionError, which names the reason but never the value. */
  write(out: ValueWriter, source: Uint8Array, start: number, end: number): void;
  /** Writes what replaces a missing value of a NOT NULL column: the schema's default, or else the type's zero. */
  writeFallback(out: ValueWriter): void;
  /**
   * Writes the unchanged-TOAST placeholder, or null where Debezium has none for the type. Throws ConversionError where null is not
   * allowed: the column is required, or has a default.
   */
  writeUnavailable(out: ValueWriter): void;
}

/** A cell that cannot be converted: `reason` never holds the value. */
export class ConversionError extends Error {
  override readonly name = 'ConversionError';
}
