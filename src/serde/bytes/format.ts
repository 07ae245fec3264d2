/**
 * Owns keys and values that are bytes as they are: what a transform leaves of an outbox whose payload is binary. Anything else goes to the
 * converter that is named beside it, or is refused.
 * Source: org.apache.kafka.connect.converters.ByteArrayConverter, io.debezium.converters.BinaryDataConverter.
 */
import type { ByteWriter } from '../../core/byte-writer.ts';
import { SlotlineError } from '../../core/errors.ts';
import type { EventView } from '../../events/event-view.ts';
import type { RelationName, ValueShape } from '../../events/record-shape.ts';
import { DECIMAL_NAME } from '../../values/types/decimal.ts';
import type { Format, FormatRules } from '../format.ts';
import { HalfCompiler } from '../half-compiler.ts';
import { HalfWriter, type OnFailure } from '../half-writer.ts';
import { type JsonNode, JsonValueWriter } from '../json/value-writer.ts';
import type { HalfSerde, RecordHalf } from '../record-serde.ts';

/** Only bytes are ever written by it. */
class BytesValueWriter extends JsonValueWriter {
  readonly #out: ByteWriter;

  constructor(out: ByteWriter) {
    super(out);
    this.#out = out;
  }

  override begin(): void {}

  override bytes(source: Uint8Array, start: number, end: number): void {
    this.#out.copy(source, start, end);
  }
}

const WHOLE: JsonNode = { lead: new Uint8Array(0), opening: new Uint8Array(0) };

class BytesFormat implements Format<JsonNode> {
  readonly rules: FormatRules = { flattens: false, copies: false, nullIsDefault: false, requiredTakesNull: true };

  writer(out: ByteWriter): BytesValueWriter {
    return new BytesValueWriter(out);
  }

  node(): JsonNode {
    return WHOLE;
  }

  openText(ascii: ByteWriter, out: ByteWriter): void {
    out.copy(ascii.bytes, 0, ascii.length);
  }

  textBehind(text: string): Uint8Array {
    return Buffer.from(text);
  }
}

const OPEN = Promise.resolve();

export class BytesHalfSerde implements HalfSerde {
  readonly writesNull = false;
  readonly writesSchemaless = false;
  readonly #delegate: HalfSerde | undefined;
  readonly #compiler: HalfCompiler<JsonNode>;
  readonly #writer: HalfWriter<JsonNode>;

  /** `delegate` takes what is not bytes. */
  constructor(o: { readonly out: ByteWriter; readonly onFailure: OnFailure; readonly delegate: HalfSerde | undefined }) {
    const format = new BytesFormat();
    this.#delegate = o.delegate;
    this.#compiler = new HalfCompiler(format);
    this.#writer = new HalfWriter(format, o.out, o.onFailure);
  }

  /** Throws converter_takes_bytes. */
  compile(shape: ValueShape, relation: RelationName): RecordHalf {
    const { type, name } = shape.schema;
    if (type !== 'bytes' || name === DECIMAL_NAME) {
      if (this.#delegate !== undefined) return this.#delegate.compile(shape, relation);
      throw new SlotlineError('converter_takes_bytes', { ...relation, type: name ?? type });
    }
    const steps = this.#compiler.compile(shape, relation);
    return { open: () => OPEN, write: (event: EventView) => this.#writer.write(steps, event) };
  }
}
