/**
 * Owns JSON with its JSON Schema in a registry: 0x00, the schema's id in four bytes, the JSON text. Does not ask a registry: ids are given.
 * Source: io.confluent.connect.json.JsonSchemaConverter, AbstractKafkaJsonSchemaSerializer.
 */
import type { FieldSchema } from '../../values/schema.ts';
import { JsonFormat } from '../json/format.ts';
import type { JsonNode } from '../json/value-writer.ts';
import { idHead, type RegisteredFormat } from '../registered-format.ts';
import { type JsonSchemaSettings, jsonSchemaText } from './schema-text.ts';

type JsonSchemaFormatSettings = JsonSchemaSettings & {
  /** ignore.default.for.nullables: a null of a column with a default stays null. */
  readonly ignoreDefaults: boolean;
};

export class JsonSchemaFormat extends JsonFormat implements RegisteredFormat<JsonNode> {
  readonly #schemas: JsonSchemaSettings;

  constructor({ decimals, additionalProperties, ignoreDefaults }: JsonSchemaFormatSettings) {
    super({ decimals, nullIsDefault: !ignoreDefaults, mapsAreEntries: true });
    this.#schemas = { decimals, additionalProperties };
  }

  /** `name` is the schema's title. */
  schemaOf(schema: FieldSchema): { readonly name: string; readonly text: string; readonly type: 'JSON' } {
    return { name: schema.name ?? '', text: jsonSchemaText(schema, this.#schemas), type: 'JSON' };
  }

  headOf(id: number): Uint8Array {
    return idHead(id);
  }
}
