/** Owns the JSON form of logical decoding messages. Rare beside rows, so it is written plainly. */
import type { ByteWriter } from '../../core/byte-writer.ts';
import { MESSAGE_KEY_SCHEMA, messageValueSchema } from '../../events/control-events.ts';
import type { SourceInfo } from '../../events/source-info.ts';
import type { LogicalMessage } from '../../pgoutput/messages.ts';
import { printSchema, quote } from './connect-schema.ts';
import { writeBase64 } from './lexical.ts';
import type { JsonSourceWriter } from './source.ts';
import { tableMembers } from './source.ts';

type MessageFormat = {
  readonly keySchemas: boolean;
  readonly valueSchemas: boolean;
  readonly binary: 'bytes' | 'base64' | 'base64-url-safe' | 'hex';
};

const NO_TABLE = tableMembers('', '');

export class JsonMessageWriter {
  readonly #out: ByteWriter;
  readonly #source: JsonSourceWriter;
  readonly #info: SourceInfo;
  readonly #format: MessageFormat;
  readonly #keySchema = printSchema(MESSAGE_KEY_SCHEMA);
  readonly #valueSchema: string;

  constructor(deps: { out: ByteWriter; source: JsonSourceWriter; info: SourceInfo; format: MessageFormat }) {
    this.#out = deps.out;
    this.#source = deps.source;
    this.#info = deps.info;
    this.#format = deps.format;
    const type = deps.format.binary === 'bytes' ? 'bytes' : 'string';
    this.#valueSchema = printSchema(messageValueSchema({ type, optional: true }));
  }

  /** Appends the key, then the value; returns where the key ends. */
  write(message: LogicalMessage): number {
    const out = this.#out;
    const { keySchemas, valueSchemas } = this.#format;
    const prefix = quote(message.prefix);
    const key = `{"prefix":${prefix}}`;
    out.text(keySchemas ? `{"schema":${this.#keySchema},"payload":${key}}` : key);
    const keyEnd = out.length;
    if (valueSchemas) out.text(`{"schema":${this.#valueSchema},"payload":`);
    out.text(`{"op":"m","ts_ms":${Math.floor(this.#info.nowUs / 1000)},"source":`);
    this.#source.write(out, NO_TABLE);
    this.#source.writeTransaction(out);
    out.text(`,"message":{"prefix":${prefix},"content":`);
    this.#writeContent(message.content);
    out.text(valueSchemas ? '}}}' : '}}');
    return keyEnd;
  }

  #writeContent(content: Uint8Array): void {
    const { binary } = this.#format;
    if (binary === 'bytes' || binary === 'base64') {
      writeBase64(this.#out, content, 0, content.length);
      return;
    }
    const bytes = Buffer.from(content);
    const text = binary === 'hex' ? bytes.toString('hex') : bytes.toString('base64').replaceAll('+', '-').replaceAll('/', '_');
    this.#out.text(`"${text}"`);
  }
}
