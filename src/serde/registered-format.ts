/** Owns what only formats with a schema registry have: the schema to register, and the head of a record, with the schema's id. */
import type { FieldSchema } from '../values/schema.ts';
import type { Format } from './format.ts';

/** The names of the registry's API. */
export type SchemaType = 'AVRO' | 'JSON' | 'PROTOBUF';

/** `name` is used where subjects are named by record. */
export type NamedSchema = { readonly name: string; readonly text: string; readonly type: SchemaType };

export interface RegisteredFormat<Node> extends Format<Node> {
  /** Throws avro_name_invalid or protobuf_schema_invalid when the format cannot have such a schema. */
  schemaOf(schema: FieldSchema): NamedSchema;
  headOf(id: number): Uint8Array;
}

const MAGIC = 0;

/** The head of Confluent's wire format: the magic byte, the id (big-endian), then what the format adds. */
export function idHead(id: number, ...more: number[]): Uint8Array {
  return Uint8Array.of(MAGIC, id >>> 24, id >>> 16, id >>> 8, id, ...more);
}
