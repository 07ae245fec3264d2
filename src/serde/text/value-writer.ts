/**
 * Owns the text of cell values as Java's toString returns it for the objects that Debezium makes of them: the ValueWriter for Kafka's string
 * converter. Members of a struct that are null are left out. Does not know events.
 * Source: org.apache.kafka.connect.data.Struct.toString, java.util.AbstractCollection, AbstractMap, java.util.Date, java.nio.ByteBuffer.
 */
import { byteAt } from '../../core/byte-reader.ts';
import type { ByteWriter } from '../../core/byte-writer.ts';
import type { FieldSchema } from '../../values/schema.ts';
import type { FormatWriter } from '../format.ts';
import { formatDecimal, formatFloat32, formatFloat64 } from '../json/lexical.ts';

const MILLIS_PER_DAY = 86_400_000;
const PLAIN: FieldSchema = { type: 'string', optional: true };
const QUESTION_MARK = 0x3f;

/** A member's name, and its schema, which says which Java object the value is. Without a name it is a whole key or value. */
export type TextNode = { readonly field: string | undefined; readonly schema: FieldSchema };

type MemberPlace = { readonly depth: number; readonly memberStart: number; readonly valueStart: number };

export class StringValueWriter implements FormatWriter<TextNode> {
  readonly #out: ByteWriter;
  /** How many members each open struct, list and map has so far. */
  readonly #counts: number[] = [];
  /** Where the name of the current member began, and where its value did. */
  #memberStart = -1;
  #valueStart = -1;
  #inMember = 0;
  /** The schema of the value that comes next, or of an array's elements. */
  #schema: FieldSchema = PLAIN;
  #begun: MemberPlace = { depth: 0, memberStart: -1, valueStart: -1 };

  constructor(out: ByteWriter) {
    this.#out = out;
  }

  begin({ field, schema }: TextNode): void {
    if (field !== undefined) this.field(field);
    this.#schema = schema;
    this.#begun = { depth: this.#counts.length, memberStart: this.#memberStart, valueStart: this.#valueStart };
  }

  /** Called when the begun value has failed: closes everything that it had opened. */
  again(): void {
    const { depth, memberStart, valueStart } = this.#begun;
    this.#counts.length = depth;
    this.#inMember = depth - 1;
    this.#memberStart = memberStart;
    this.#valueStart = valueStart;
  }

  open(node: TextNode): number {
    if (node.field === undefined) this.#counts.length = 0;
    this.begin(node);
    this.beginStruct();
    return 0;
  }

  close(): number {
    this.endStruct();
    return 0;
  }

  text(text: string): void {
    this.#out.text(text);
  }

  /** Writes digits, because the product may exceed 2^53. */
  nanos(us: number): void {
    this.#out.decimal(us);
    if (us !== 0) this.#out.text('000');
  }

  textAround(before: ByteWriter, value: number, behind: Uint8Array): void {
    this.#out.copy(before.bytes, 0, before.length);
    this.#out.decimal(value);
    this.#out.all(behind);
  }

  nullValue(): void {
    if (this.#out.length === this.#valueStart) this.#dropMember();
    else this.#out.text('null');
  }

  boolean(value: boolean): void {
    this.#out.text(value ? 'true' : 'false');
  }

  int32(value: number): void {
    if (this.#schema.name === 'org.apache.kafka.connect.data.Date') this.#out.text(javaDateText(value * MILLIS_PER_DAY));
    else if (this.#schema.name === 'org.apache.kafka.connect.data.Time') this.#out.text(javaDateText(value));
    else this.#out.decimal(value);
  }

  int64(value: number): void {
    if (this.#schema.name === 'org.apache.kafka.connect.data.Timestamp') this.#out.text(javaDateText(value));
    else this.#out.decimal(value);
  }

  int64Big(value: bigint): void {
    this.#out.text(value.toString());
  }

  int64Digits(source: Uint8Array, start: number, end: number): void {
    this.#out.copy(source, start, end);
  }

  float32(value: number): void {
    this.#out.text(formatFloat32(value).replaceAll('"', ''));
  }

  float64(value: number): void {
    this.#out.text(formatFloat64(value).replaceAll('"', ''));
  }

  /** The source may end after three bytes of a four-byte character: then Java writes a question mark for half a surrogate pair. */
  utf8(source: Uint8Array, start: number, end: number): void {
    const isCut = end - start >= 3 && byteAt(source, end - 3) >= 0xf0;
    this.#out.copy(source, start, isCut ? end - 3 : end);
    if (isCut) this.#out.byte(QUESTION_MARK);
  }

  plainAscii(source: Uint8Array, start: number, end: number): void {
    this.#out.copy(source, start, end);
  }

  /** Java prints the size of a ByteBuffer, and for a plain array its place in memory. Here both are printed as a ByteBuffer. */
  bytes(_source: Uint8Array, start: number, end: number): void {
    this.#out.text(byteBufferText(end - start));
  }

  decimal(source: Uint8Array, start: number, end: number, scale: number): void {
    this.#out.text(formatDecimal(source, start, end, scale));
  }

  beginArray(): void {
    this.#open('[');
  }

  element(): void {
    this.#next(', ');
  }

  endArray(): void {
    this.#close(']');
  }

  beginStruct(): void {
    this.#open('Struct{');
  }

  field(name: string): void {
    this.#memberStart = this.#out.length;
    this.#next(',');
    this.#out.text(name);
    this.#out.byte(0x3d);
    this.#valueStart = this.#out.length;
    this.#inMember = this.#counts.length - 1;
  }

  endStruct(): void {
    this.#close('}');
  }

  beginMap(): void {
    this.#open('{');
  }

  mapKey(source: Uint8Array, start: number, end: number): void {
    this.#next(', ');
    this.utf8(source, start, end);
    this.#out.byte(0x3d);
  }

  endMap(): void {
    this.#close('}');
  }

  beginIntMap(): void {
    this.#open('{');
  }

  intMapKey(key: number): void {
    this.#next(', ');
    this.#out.decimal(key);
    this.#out.byte(0x3d);
  }

  endIntMap(): void {
    this.#close('}');
  }

  #open(text: string): void {
    this.#out.text(text);
    this.#counts.push(0);
  }

  #next(separator: string): void {
    const depth = this.#counts.length - 1;
    const count = this.#counts[depth] ?? 0;
    if (count > 0) this.#out.text(separator);
    this.#counts[depth] = count + 1;
  }

  #close(text: string): void {
    this.#counts.pop();
    this.#out.text(text);
  }

  /** Removes a member whose value is null. */
  #dropMember(): void {
    this.#out.length = this.#memberStart;
    this.#counts[this.#inMember] = (this.#counts[this.#inMember] ?? 1) - 1;
    this.#valueStart = -1;
  }
}

function byteBufferText(size: number): string {
  return `java.nio.HeapByteBuffer[pos=0 lim=${size} cap=${size}]`;
}

/** Date.toString in UTC: `Thu Jan 01 00:00:00 UTC 1970`. */
export function javaDateText(millis: number): string {
  const [weekday, day, month, year, time] = new Date(millis).toUTCString().replace(',', '').split(' ');
  return `${weekday} ${month} ${day} ${time} UTC ${Number(year)}`;
}
