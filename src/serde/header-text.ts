/**
 * Owns the text of a key struct in the headers __debezium.newkey and __debezium.oldkey, as Connect's SimpleHeaderConverter prints it. It is
 * like JSON, but only quote and backslash are escaped, NaN has no quotes, and Connect's logical types are printed as their Java objects.
 * It is used for key changes only, so speed does not matter.
 * Source: org.apache.kafka.connect.data.Values.convertToString.
 */
import { byteAt } from '../core/byte-reader.ts';
import type { ByteWriter } from '../core/byte-writer.ts';
import type { PlannedColumn } from '../events/row-plan.ts';
import { CellKind, type TupleView } from '../pgoutput/tuple.ts';
import type { FieldSchema } from '../values/schema.ts';
import { PRINTED_BYTES_MAX, printDate } from '../values/types/civil.ts';
import { formatDecimal, formatFloat32, formatFloat64 } from './json/lexical.ts';
import { JsonValueWriter } from './json/value-writer.ts';

const MILLIS_PER_DAY = 86_400_000;
const PLAIN_SCHEMA: FieldSchema = { type: 'string', optional: true };

export class HeaderTextWriter {
  readonly #out: ByteWriter;
  readonly #values: HeaderValueWriter;

  constructor(out: ByteWriter) {
    this.#out = out;
    this.#values = new HeaderValueWriter(out);
  }

  /** Appends `{"a":1,"b":"x"}`. */
  write(key: readonly PlannedColumn[], tuple: TupleView): void {
    const out = this.#out;
    for (const [position, column] of key.entries()) {
      out.text(position === 0 ? '{' : ',');
      const name = Buffer.from(column.field);
      this.#values.utf8(name, 0, name.length);
      out.text(':');
      this.#values.schema = column.codec.schema.items ?? column.codec.schema;
      this.#writeCell(column, tuple);
      this.#values.schema = PLAIN_SCHEMA;
    }
    out.text('}');
  }

  #writeCell(column: PlannedColumn, tuple: TupleView): void {
    const { index, codec } = column;
    const kind = index < tuple.count ? byteAt(tuple.kinds, index) : CellKind.null;
    const start = tuple.starts[index] ?? 0;
    const end = tuple.ends[index] ?? 0;
    if (kind === CellKind.unchanged) codec.writeUnavailable(this.#values);
    else if (kind !== CellKind.text) this.#writeNull(column);
    else codec.write(this.#values, tuple.source, start, end);
  }

  /** Connect's Struct returns the default for a null, whatever replace.null.with.default says. */
  #writeNull(column: PlannedColumn): void {
    const { nullable, schema } = column.codec;
    if (nullable && schema.defaultValue === undefined) this.#values.nullValue();
    else column.codec.writeFallback(this.#values);
  }
}

/** Differs from JSON in text, in NaN and infinity, and in logical types. */
export class HeaderValueWriter extends JsonValueWriter {
  readonly #out: ByteWriter;
  /** The schema of the value that comes next, or of an array's elements. */
  schema: FieldSchema = PLAIN_SCHEMA;

  constructor(out: ByteWriter) {
    super(out, 'NUMERIC');
    this.#out = out;
  }

  override int32(value: number): void {
    switch (this.schema.name) {
      case 'org.apache.kafka.connect.data.Date':
        this.#out.text(javaDate(value * MILLIS_PER_DAY));
        return;
      case 'org.apache.kafka.connect.data.Time':
        this.#out.text(javaDate(value));
        return;
      default:
        super.int32(value);
    }
  }

  override int64(value: number): void {
    if (this.schema.name === 'org.apache.kafka.connect.data.Timestamp') this.#out.text(javaDate(value));
    else super.int64(value);
  }

  override int64Big(value: bigint): void {
    if (this.schema.name === 'org.apache.kafka.connect.data.Timestamp') this.#out.text(javaDate(Number(value)));
    else super.int64Big(value);
  }

  override float32(value: number): void {
    this.#out.text(formatFloat32(value).replaceAll('"', ''));
  }

  override float64(value: number): void {
    this.#out.text(formatFloat64(value).replaceAll('"', ''));
  }

  override decimal(source: Uint8Array, start: number, end: number, scale: number): void {
    this.#out.text(formatDecimal(source, start, end, scale));
  }

  override mapKey(source: Uint8Array, start: number, end: number): void {
    this.#nextMember();
    this.utf8(source, start, end);
    this.#out.byte(0x3a);
  }

  override beginIntMap(): void {
    this.beginMap();
  }

  override intMapKey(key: number): void {
    this.#nextMember();
    this.#out.decimal(key);
    this.#out.byte(0x3a);
  }

  override endIntMap(): void {
    this.endMap();
  }

  #nextMember(): void {
    const out = this.#out;
    if (out.bytes[out.length - 1] !== 0x7b) out.byte(0x2c);
  }

  override utf8(source: Uint8Array, start: number, end: number): void {
    const out = this.#out;
    out.byte(0x22);
    for (let i = start; i < end; i++) {
      const byte = byteAt(source, i);
      if (byte === 0x22 || byte === 0x5c) out.byte(0x5c);
      out.byte(byte);
    }
    out.byte(0x22);
  }
}

/** Prints like Connect a java.util.Date: its value decides whether as a time of day, a date or both (Values.dateFormatFor). */
function javaDate(millis: number): string {
  const epochDay = Math.floor(millis / MILLIS_PER_DAY);
  const time = `${new Date(millis - epochDay * MILLIS_PER_DAY).toISOString().slice(11)}`;
  if (millis < MILLIS_PER_DAY) return time;
  const printed = Buffer.alloc(PRINTED_BYTES_MAX);
  const day = printed.toString('latin1', 0, printDate(printed, 0, epochDay)).replace('+', '');
  return millis % MILLIS_PER_DAY === 0 ? day : `${day}T${time}`;
}
