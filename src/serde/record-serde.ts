/**
 * Owns what the pipeline asks of the formats: a record's shape in, something that writes it out. Key and value each have their format; both
 * append to one buffer. A format with a schema registry has something to open first (registry/registered-half.ts); the others are open.
 */
import type { ByteWriter } from '../core/byte-writer.ts';
import type { EventView } from '../events/event-view.ts';
import type { RecordShape, RelationName, ValueShape } from '../events/record-shape.ts';

/** One half of a record, key or value, compiled. */
export interface RecordHalf {
  /** Before the first record that has it goes to that topic: its schema is registered, where the format has one. Throws registry_* errors. */
  open(topic: string): Promise<void>;
  /** Appends it. */
  write(event: EventView): void;
}

export interface HalfSerde {
  /** Asks and registers nothing. Throws string_key_bytes. */
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
  readonly #keys: HalfSerde;
  readonly #values: HalfSerde;

  constructor(out: ByteWriter, keys: HalfSerde, values: HalfSerde) {
    this.out = out;
    this.#keys = keys;
    this.#values = values;
  }

  /** Throws string_key_bytes. */
  compile({ relation, key, value }: RecordShape): CompiledRecord {
    return {
      key: key === undefined ? undefined : this.#keys.compile(key, relation),
      value: value === undefined ? undefined : this.#values.compile(value, relation),
    };
  }
}
