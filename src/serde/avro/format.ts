/**
 * Owns Avro in the Confluent wire format: 0x00, the schema's id in four bytes, Avro's binary form. Does not ask a registry: ids are given.
 * Source: io.confluent.connect.avro.AvroData.fromConnectData, AbstractKafkaAvroSerializer.
 */
import type { ByteWriter } from '../../core/byte-writer.ts';
import type { FieldSchema } from '../../values/schema.ts';
import type { FormatRules, Place } from '../format.ts';
import { idHead, type RegisteredFormat } from '../registered-format.ts';
import { type AvroNode, type AvroSchemaSettings, asWhole, avroSchema, nodeOf } from './schema.ts';
import { AvroValueWriter } from './value-writer.ts';

type AvroSettings = AvroSchemaSettings & {
  /** ignore.default.for.nullables: a null of a column with a default stays null. */
  readonly ignoreDefaults: boolean;
};

export class AvroFormat implements RegisteredFormat<AvroNode> {
  readonly rules: FormatRules;
  readonly #settings: AvroSettings;

  constructor(settings: AvroSettings) {
    this.#settings = settings;
    this.rules = { flattens: true, copies: true, nullIsDefault: !settings.ignoreDefaults, requiredTakesNull: false };
  }

  /** Throws avro_name_invalid. */
  schemaOf(schema: FieldSchema): { readonly name: string; readonly text: string; readonly type: 'AVRO' } {
    const { name, text } = avroSchema(schema, this.#settings);
    return { name, text, type: 'AVRO' };
  }

  headOf(id: number): Uint8Array {
    return idHead(id);
  }

  writer(out: ByteWriter): AvroValueWriter {
    return new AvroValueWriter(out);
  }

  node(schema: FieldSchema, place: Place): AvroNode {
    return nodeOf(place === undefined ? asWhole(schema) : schema);
  }

  openText(ascii: ByteWriter, out: ByteWriter): void {
    out.copy(ascii.bytes, 0, ascii.length);
  }

  textBehind(text: string): Uint8Array {
    return Uint8Array.from(Buffer.from(text));
  }
}
