/** Owns the JSON form of cell values where Confluent's JSON Schema converter differs from the JSON converter (json/value-writer.ts). */
import type { ByteWriter } from '../../core/byte-writer.ts';
import { type DecimalFormat, JsonValueWriter } from '../json/value-writer.ts';

const OPEN_BRACKET = 0x5b;
const CLOSE_BRACE = 0x7d;
const FIRST_ENTRY = Buffer.from('{"key":');
const NEXT_ENTRY = Buffer.from('},{"key":');
const ENTRY_VALUE = Buffer.from(',"value":');

/** Maps whose keys are not text become lists of entries: `[{"key":1,"value":0.5},{"key":3,"value":2.0}]`. */
export class JsonSchemaValueWriter extends JsonValueWriter {
  readonly #out: ByteWriter;

  constructor(out: ByteWriter, decimals: DecimalFormat) {
    super(out, decimals);
    this.#out = out;
  }

  override intMapKey(key: number): void {
    const out = this.#out;
    out.all(out.bytes[out.length - 1] === OPEN_BRACKET ? FIRST_ENTRY : NEXT_ENTRY);
    out.decimal(key);
    out.all(ENTRY_VALUE);
  }

  override endIntMap(): void {
    if (this.#out.bytes[this.#out.length - 1] !== OPEN_BRACKET) this.#out.byte(CLOSE_BRACE);
    this.endArray();
  }
}
