/** Owns what a format with a schema registry has besides: the schema that is registered, and the head with its id. */
import type { FieldSchema } from '../values/schema.ts';
import type { Format } from './format.ts';

/** As the registry's API names them. */
export type SchemaType = 'AVRO' | 'JSON' | 'PROTOBUF';

/** `name` is what the strategies by record name a subject by. */
export type NamedSchema = { readonly name: string; readonly text: string; readonly type: SchemaType };

export interface RegisteredFormat<Node> extends Format<Node> {
  /** Throws where the format cannot have such a schema: avro_name_invalid, protobuf_schema_invalid. */
  schemaOf(schema: FieldSchema): NamedSchema;
  headOf(id: number): Uint8Array;
}

const MAGIC = 0;

/** Confluent's wire format: the magic byte and the id, big-endian; then what else the format has there. */
export function idHead(id: number, ...more: number[]): Uint8Array {
  return Uint8Array.of(MAGIC, id >>> 24, id >>> 16, id >>> 8, id, ...more);
}
