/** Owns the JSON form of values and of the structs around them: the ValueWriter that codecs write through. Does not know events or schemas. */
import type { ByteWriter } from '../../core/byte-writer.ts';
import type { FormatWriter } from '../format.ts';
import { formatDecimal, formatFloat32, formatFloat64, writeBase64, writeJsonString, writeJsonText } from './lexical.ts';

const NULL = Buffer.from('null');
const TRUE = Buffer.from('true');
const FALSE = Buffer.from('false');

const OPEN_BRACKET = 0x5b;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACKET = 0x5d;
const COMMA = 0x2c;
const CLOSE_BRACE = 0x7d;
const THOUSAND = Buffer.from('000');
const BETWEEN_PAIRS = Buffer.from('],');

/** JsonConverter's decimal.format: base64 of a Decimal's unscaled value, or a number. */
export type DecimalFormat = 'BASE64' | 'NUMERIC';

/** The bytes before a value: `,"name":`, or nothing before a whole key or value. */
export type JsonNode = { readonly lead: Uint8Array; readonly opening: Uint8Array };

export class JsonValueWriter implements FormatWriter<JsonNode> {
  readonly #out: ByteWriter;
  readonly #decimalsAreNumbers: boolean;
  readonly #names = new Map<string, Buffer>();

  constructor(out: ByteWriter, decimals: DecimalFormat = 'BASE64') {
    this.#out = out;
    this.#decimalsAreNumbers = decimals === 'NUMERIC';
  }

  begin(node: JsonNode): void {
    this.#out.all(node.lead);
  }

  again(): void {}

  open(node: JsonNode): number {
    this.#out.all(node.opening);
    return 0;
  }

  close(): number {
    this.#out.byte(CLOSE_BRACE);
    return 0;
  }

  text(text: string): void {
    writeJsonText(this.#out, text);
  }

  nanos(us: number): void {
    this.#out.decimal(us);
    if (us !== 0) this.#out.all(THOUSAND);
  }

  textAround(before: ByteWriter, value: number, behind: Uint8Array): void {
    this.#out.copy(before.bytes, 0, before.length);
    this.#out.decimal(value);
    this.#out.all(behind);
  }

  nullValue(): void {
    this.#out.all(NULL);
  }

  boolean(value: boolean): void {
    this.#out.all(value ? TRUE : FALSE);
  }

  int32(value: number): void {
    this.#out.decimal(value);
  }

  int64(value: number): void {
    this.#out.decimal(value);
  }

  int64Big(value: bigint): void {
    this.#out.text(value.toString());
  }

  int64Digits(source: Uint8Array, start: number, end: number): void {
    this.#out.copy(source, start, end);
  }

  float32(value: number): void {
    this.#out.text(formatFloat32(value));
  }

  float64(value: number): void {
    this.#out.text(formatFloat64(value));
  }

  utf8(source: Uint8Array, start: number, end: number): void {
    writeJsonString(this.#out, source, start, end);
  }

  plainAscii(source: Uint8Array, start: number, end: number): void {
    this.#out.byte(0x22);
    this.#out.copy(source, start, end);
    this.#out.byte(0x22);
  }

  bytes(source: Uint8Array, start: number, end: number): void {
    writeBase64(this.#out, source, start, end);
  }

  decimal(source: Uint8Array, start: number, end: number, scale: number): void {
    if (this.#decimalsAreNumbers) this.#out.text(formatDecimal(source, start, end, scale));
    else writeBase64(this.#out, source, start, end);
  }

  beginArray(): void {
    this.#out.byte(OPEN_BRACKET);
  }

  element(): void {
    if (this.#lastByte() !== OPEN_BRACKET) this.#out.byte(COMMA);
  }

  endArray(): void {
    this.#out.byte(CLOSE_BRACKET);
  }

  beginStruct(): void {
    this.#out.byte(OPEN_BRACE);
  }

  field(name: string): void {
    let quoted = this.#names.get(name);
    if (quoted === undefined) {
      quoted = Buffer.from(`${JSON.stringify(name)}:`);
      this.#names.set(name, quoted);
    }
    if (this.#lastByte() !== OPEN_BRACE) this.#out.byte(COMMA);
    this.#out.all(quoted);
  }

  endStruct(): void {
    this.#out.byte(CLOSE_BRACE);
  }

  beginMap(): void {
    this.#out.byte(OPEN_BRACE);
  }

  mapKey(source: Uint8Array, start: number, end: number): void {
    if (this.#lastByte() !== OPEN_BRACE) this.#out.byte(COMMA);
    writeJsonString(this.#out, source, start, end);
    this.#out.byte(0x3a);
  }

  endMap(): void {
    this.#out.byte(CLOSE_BRACE);
  }

  /** JSON objects have only text keys, so this begins a list of pairs: `[[1,0.5],[3,2.0]]`. */
  beginIntMap(): void {
    this.#out.byte(OPEN_BRACKET);
  }

  intMapKey(key: number): void {
    if (this.#lastByte() !== OPEN_BRACKET) this.#out.all(BETWEEN_PAIRS);
    this.#out.byte(OPEN_BRACKET);
    this.#out.decimal(key);
    this.#out.byte(COMMA);
  }

  endIntMap(): void {
    if (this.#lastByte() !== OPEN_BRACKET) this.#out.byte(CLOSE_BRACKET);
    this.#out.byte(CLOSE_BRACKET);
  }

  #lastByte(): number | undefined {
    return this.#out.bytes[this.#out.length - 1];
  }
}
