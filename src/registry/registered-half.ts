/**
 * Owns keys and values in a format with a schema registry: that the schema of each is registered before the first record that needs it, and
 * only then. The same for every such format; the ids are schema-ids.ts's, the bytes and the schema the format's.
 */
import type { ByteWriter } from '../core/byte-writer.ts';
import type { EventView } from '../events/event-view.ts';
import type { RelationName, ValueShape } from '../events/record-shape.ts';
import { HalfCompiler } from '../serde/half-compiler.ts';
import { HalfWriter, type OnFailure } from '../serde/half-writer.ts';
import type { HalfSerde, RecordHalf } from '../serde/record-serde.ts';
import type { RegisteredFormat } from '../serde/registered-format.ts';
import type { SchemaIds } from './schema-ids.ts';

/** Before a schema has its id a record can be tried, not sent. */
const NO_ID = 0;

export class RegisteredHalfSerde<Node> implements HalfSerde {
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

  compile(shape: ValueShape, relation: RelationName): RecordHalf {
    const format = this.#format;
    const out = this.#out;
    const writer = this.#writer;
    const steps = this.#compiler.compile(shape, relation);
    // The shape itself is not kept: a relation has one for each of its versions.
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
