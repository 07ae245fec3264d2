/**
 * Owns halves that are bytes already, as the EventRouter leaves them of a bytea column: they are written as they are. What is of another type
 * is left to another converter, or refused.
 * Source: io.debezium.converters.BinaryDataConverter, org.apache.kafka.connect.converters.ByteArrayConverter.
 */
import type { ByteWriter } from '../core/byte-writer.ts';
import type { EventView } from '../events/event-view.ts';
import type { RelationName, ValueShape } from '../events/record-shape.ts';
import type { FieldSchema } from '../values/schema.ts';
import { DECIMAL_NAME } from '../values/types/decimal.ts';
import { ConversionError } from '../values/value-writer.ts';
import { HalfCompiler } from './half-compiler.ts';
import { HalfWriter, type OnFailure } from './half-writer.ts';
import type { HalfSerde, RecordHalf } from './record-serde.ts';
import { TextFormat } from './text/format.ts';
import { StringValueWriter, type TextNode } from './text/value-writer.ts';

const OPEN = Promise.resolve();

export class BytesHalfSerde implements HalfSerde {
  readonly writesSchemaless: boolean;
  readonly #compiler: HalfCompiler<TextNode>;
  readonly #writer: HalfWriter<TextNode>;
  readonly #delegate: HalfSerde | undefined;

  constructor(out: ByteWriter, onFailure: OnFailure, delegate: HalfSerde | undefined) {
    const format = new BytesFormat();
    this.#compiler = new HalfCompiler(format);
    this.#writer = new HalfWriter(format, out, onFailure);
    this.#delegate = delegate;
    this.writesSchemaless = delegate?.writesSchemaless ?? false;
  }

  writesNull(schema: FieldSchema): boolean {
    return !isBytes(schema) && (this.#delegate?.writesNull(schema) ?? false);
  }

  /** Throws ConversionError for what is no bytes, where there is no other converter. */
  compile(shape: ValueShape, relation: RelationName): RecordHalf {
    const { type } = shape.schema;
    if (!isBytes(shape.schema)) {
      if (this.#delegate === undefined) throw new ConversionError(`the converter writes bytes, and this is a ${type}`);
      return this.#delegate.compile(shape, relation);
    }
    const steps = this.#compiler.compile(shape, relation);
    const writer = this.#writer;
    return { open: () => OPEN, write: (event: EventView) => writer.write(steps, event) };
  }
}

function isBytes({ type, name }: FieldSchema): boolean {
  return type === 'bytes' && name !== DECIMAL_NAME;
}

class BytesFormat extends TextFormat {
  override writer(out: ByteWriter): BytesWriter {
    return new BytesWriter(out);
  }
}

class BytesWriter extends StringValueWriter {
  readonly #out: ByteWriter;

  constructor(out: ByteWriter) {
    super(out);
    this.#out = out;
  }

  override bytes(source: Uint8Array, start: number, end: number): void {
    this.#out.copy(source, start, end);
  }
}
