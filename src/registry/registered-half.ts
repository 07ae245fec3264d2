/**
 * Owns keys and values in a format with a schema registry: the schema of each is registered before the first record that needs it, and not
 * earlier. The same for all such formats. Ids come from schema-ids.ts; the bytes and the schema come from the format.
 */
import type { ByteWriter } from '../core/byte-writer.ts';
import type { EventView } from '../events/event-view.ts';
import type { RelationName, ValueShape } from '../events/record-shape.ts';
import { HalfCompiler } from '../serde/half-compiler.ts';
import { HalfWriter, type OnFailure } from '../serde/half-writer.ts';
import type { HalfSerde, RecordHalf } from '../serde/record-serde.ts';
import type { RegisteredFormat } from '../serde/registered-format.ts';
import type { SchemaIds } from './schema-ids.ts';

/** Until its schema has an id, a record can be written for trial, but not sent. */
const NO_ID = 0;

export class RegisteredHalfSerde<Node> implements HalfSerde {
  readonly writesSchemaless = false;
  readonly #format: RegisteredFormat<Node>;
  readonly #ids: Pick<SchemaIds, 'idOf'>;
  readonly #out: ByteWriter;
  readonly #compiler: HalfCompiler<Node>;
  readonly #writer: HalfWriter<Node>;

  constructor(
    format: RegisteredFormat<Node>,
    o: { readonly ids: Pick<SchemaIds, 'idOf'>; readonly out: ByteWriter; readonly onFailure: OnFailure },
  ) {
    this.#format = format;
    this.#ids = o.ids;
    this.#out = o.out;
    this.#compiler = new HalfCompiler(format);
    this.#writer = new HalfWriter(format, o.out, o.onFailure);
  }

  writesNull(): boolean {
    return false;
  }

  compile(shape: ValueShape, relation: RelationName): RecordHalf {
    const format = this.#format;
    const out = this.#out;
    const writer = this.#writer;
    const steps = this.#compiler.compile(shape, relation);
    // Only the schema is kept, not the shape: there is a shape for each relation version.
    const { schema } = shape;
    let head = format.headOf(NO_ID);
    return {
      open: async (topic) => {
        head = format.headOf(await this.#ids.idOf(topic, format.schemaOf(schema)));
      },
      write: (event: EventView) => {
        out.all(head);
        writer.write(steps, event);
      },
    };
  }
}
