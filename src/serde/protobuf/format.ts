/**
 * Owns Protobuf in the Confluent wire format: 0x00, the schema's id in four bytes, 0x00 for the schema's first message, Protobuf's binary
 * form. Does not ask a registry: ids are given.
 * Source: io.confluent.connect.protobuf.ProtobufData.fromConnectData, AbstractKafkaProtobufSerializer.
 */
import type { ByteWriter } from '../../core/byte-writer.ts';
import type { FieldSchema } from '../../values/schema.ts';
import type { FormatRules, Place } from '../format.ts';
import { idHead, type RegisteredFormat } from '../registered-format.ts';
import { fieldNode, type ProtobufNode, ROOT } from './node.ts';
import { type ProtobufSchemaSettings, protobufSchema } from './schema.ts';
import { ProtobufValueWriter } from './value-writer.ts';

/** Confluent's short form of the message index list [0]. */
const FIRST_MESSAGE = 0;

export type ProtobufSettings = ProtobufSchemaSettings & {
  /** ignore.default.for.nullables: a null of a column with a default stays null. */
  readonly ignoreDefaults: boolean;
};

export class ProtobufFormat implements RegisteredFormat<ProtobufNode> {
  readonly rules: FormatRules;
  readonly #settings: ProtobufSettings;

  constructor(settings: ProtobufSettings) {
    this.#settings = settings;
    this.rules = { flattens: false, copies: true, nullIsDefault: !settings.ignoreDefaults, requiredTakesNull: false };
  }

  /** Throws protobuf_schema_invalid. */
  schemaOf(schema: FieldSchema): { readonly name: string; readonly text: string; readonly type: 'PROTOBUF' } {
    const { name, text } = protobufSchema(schema, this.#settings);
    return { name, text, type: 'PROTOBUF' };
  }

  headOf(id: number): Uint8Array {
    return idHead(id, FIRST_MESSAGE);
  }

  writer(out: ByteWriter): ProtobufValueWriter {
    return new ProtobufValueWriter(out);
  }

  node(schema: FieldSchema, place: Place): ProtobufNode {
    return place === undefined ? ROOT : fieldNode(schema, place.position + 1, this.#settings);
  }

  openText(ascii: ByteWriter, out: ByteWriter): void {
    out.copy(ascii.bytes, 0, ascii.length);
  }

  textBehind(text: string): Uint8Array {
    return Uint8Array.from(Buffer.from(text));
  }
}
