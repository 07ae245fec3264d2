/**
 * Owns what the pipeline asks of the formats: given a record's shape, something that writes the record. Key and value have a format each; both
 * append to one buffer. Formats with a schema registry need open() first (registry/registered-half.ts); for the others it does nothing.
 */
import type { ByteWriter } from '../core/byte-writer.ts';
import type { EventView } from '../events/event-view.ts';
import type { RecordShape, RelationName, ValueShape } from '../events/record-shape.ts';
import type { FieldSchema } from '../values/schema.ts';
import { ConversionError } from '../values/value-writer.ts';

/** One half of a record, key or value, compiled. */
export interface RecordHalf {
  /** Called before the first record goes to the topic: registers the schema, if the format has one. Throws registry_* errors. */
  open(topic: string): Promise<void>;
  /** Appends this half of the record. */
  write(event: EventView): void;
}

export interface HalfSerde {
  /** True: a null that has a schema is written as something. False: it is no bytes at all. */
  writesNull(schema: FieldSchema): boolean;
  /** True: a value without a schema can be written. */
  readonly writesSchemaless: boolean;
  /** Compiles without asking or registering anything. Throws string_key_bytes. */
  compile(shape: ValueShape, relation: RelationName): RecordHalf;
}

export type CompiledRecord = {
  /** Undefined: a null key. */
  readonly key: RecordHalf | undefined;
  /** Undefined: a tombstone. */
  readonly value: RecordHalf | undefined;
};

export class RecordSerde {
  readonly out: ByteWriter;
  readonly writesNull: Readonly<Record<'key' | 'value', (schema: FieldSchema) => boolean>>;
  readonly #keys: HalfSerde;
  readonly #values: HalfSerde;

  constructor(out: ByteWriter, keys: HalfSerde, values: HalfSerde) {
    this.out = out;
    this.writesNull = { key: (schema) => keys.writesNull(schema), value: (schema) => values.writesNull(schema) };
    this.#keys = keys;
    this.#values = values;
  }

  /** Throws string_key_bytes, and ConversionError for a value without a schema in a format that needs one. */
  compile({ relation, key, value }: RecordShape): CompiledRecord {
    return {
      key: key === undefined ? undefined : compiled(this.#keys, key, relation),
      value: value === undefined ? undefined : compiled(this.#values, value, relation),
    };
  }
}

function compiled(serde: HalfSerde, shape: ValueShape, relation: RelationName): RecordHalf {
  if (shape.schemaless && !serde.writesSchemaless) throw new ConversionError('the converter cannot write a value without a schema');
  return serde.compile(shape, relation);
}
