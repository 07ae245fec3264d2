/**
 * Owns the text of a key struct in the headers __debezium.newkey and __debezium.oldkey, as Connect's SimpleHeaderConverter
 * prints it: like JSON, but only quote and backslash are escaped, a Decimal is its plain number, NaN stands bare. Used for
 * key changes only, so it is written plainly. Source: org.apache.kafka.connect.data.Values.convertToString.
 */
import { byteAt } from '../core/byte-reader.ts';
import type { ByteWriter } from '../core/byte-writer.ts';
import type { PlannedColumn } from '../events/row-plan.ts';
import { CellKind, type TupleView } from '../pgoutput/tuple.ts';
import { formatFloat32, formatFloat64 } from './json-text.ts';
import { JsonValueWriter } from './json-value-writer.ts';

const DECIMAL = 'org.apache.kafka.connect.data.Decimal';

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
      const name = Buffer.from(column.name);
      this.#values.utf8(name, 0, name.length);
      out.text(':');
      this.#writeCell(column, tuple);
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
    else if (codec.schema.name === DECIMAL) this.#out.copy(tuple.source, start, end);
    else codec.write(this.#values, tuple.source, start, end);
  }

  #writeNull(column: PlannedColumn): void {
    if (column.codec.schema.optional) this.#values.nullValue();
    else column.codec.writeFallback(this.#values);
  }
}

/** Differs from JSON in text and in non-finite numbers. */
class HeaderValueWriter extends JsonValueWriter {
  readonly #out: ByteWriter;

  constructor(out: ByteWriter) {
    super(out);
    this.#out = out;
  }

  override float32(value: number): void {
    this.#out.text(formatFloat32(value).replaceAll('"', ''));
  }

  override float64(value: number): void {
    this.#out.text(formatFloat64(value).replaceAll('"', ''));
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
