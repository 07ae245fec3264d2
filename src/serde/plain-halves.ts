/** Owns the halves in formats without a schema registry: JSON with or without its schema, and text in a character encoding. */
import type { ByteWriter } from '../core/byte-writer.ts';
import type { TextEncoding } from '../core/options.ts';
import type { EventView } from '../events/event-view.ts';
import type { RelationName, ValueShape } from '../events/record-shape.ts';
import { HalfCompiler } from './half-compiler.ts';
import { HalfWriter, type OnFailure } from './half-writer.ts';
import { JsonFormat, type JsonFormatSettings, schemaWrapping } from './json/format.ts';
import type { JsonNode } from './json/value-writer.ts';
import type { HalfSerde, RecordHalf } from './record-serde.ts';
import { encodeText } from './text/encoding.ts';
import { rejectBytesInKey, TextFormat } from './text/format.ts';
import type { TextNode } from './text/value-writer.ts';

export type JsonHalfSettings = JsonFormatSettings & { readonly schemas: boolean };

const OPEN = Promise.resolve();
const SCHEMALESS = { head: Buffer.from('{"schema":null,"payload":'), tail: Buffer.from('}') };
const NOTHING = { head: new Uint8Array(0), tail: new Uint8Array(0) };

export class JsonHalfSerde implements HalfSerde {
  readonly writesSchemaless = true;
  readonly #settings: JsonHalfSettings;
  readonly #compiler: HalfCompiler<JsonNode>;
  readonly #writer: HalfWriter<JsonNode>;
  readonly #out: ByteWriter;

  constructor(settings: JsonHalfSettings, out: ByteWriter, onFailure: OnFailure) {
    const format = new JsonFormat(settings);
    this.#settings = settings;
    this.#out = out;
    this.#compiler = new HalfCompiler(format);
    this.#writer = new HalfWriter(format, out, onFailure);
  }

  writesNull(): boolean {
    return true;
  }

  compile(shape: ValueShape, relation: RelationName): RecordHalf {
    const { schemas, decimals } = this.#settings;
    const out = this.#out;
    const writer = this.#writer;
    const steps = this.#compiler.compile(shape, relation);
    const { head, tail } = schemas ? (shape.schemaless ? SCHEMALESS : schemaWrapping(shape.schema, decimals)) : NOTHING;
    const write = (event: EventView): void => {
      out.all(head);
      writer.write(steps, event);
      out.all(tail);
    };
    return { open: () => OPEN, write };
  }
}

export class TextHalfSerde implements HalfSerde {
  readonly writesSchemaless = false;
  readonly #half: 'key' | 'value';
  readonly #encoding: TextEncoding;
  readonly #compiler: HalfCompiler<TextNode>;
  readonly #writer: HalfWriter<TextNode>;
  readonly #out: ByteWriter;

  constructor(half: 'key' | 'value', o: { readonly encoding: TextEncoding; readonly out: ByteWriter; readonly onFailure: OnFailure }) {
    const format = new TextFormat();
    this.#half = half;
    this.#encoding = o.encoding;
    this.#out = o.out;
    this.#compiler = new HalfCompiler(format);
    this.#writer = new HalfWriter(format, o.out, o.onFailure);
  }

  writesNull(): boolean {
    return false;
  }

  /** Throws string_key_bytes. */
  compile(shape: ValueShape, relation: RelationName): RecordHalf {
    if (this.#half === 'key') rejectBytesInKey(shape, relation);
    const steps = this.#compiler.compile(shape, relation);
    const write = (event: EventView): void => {
      const start = this.#out.length;
      this.#writer.write(steps, event);
      encodeText(this.#out, start, this.#encoding);
    };
    return { open: () => OPEN, write };
  }
}
