/**
 * Owns Avro's bytes of records that are not row changes: logical decoding messages, transaction boundaries, heartbeats. Rare beside
 * rows, so they are written plainly.
 */
import type { ByteWriter } from '../../core/byte-writer.ts';
import {
  HEARTBEAT_KEY_SCHEMA,
  HEARTBEAT_VALUE_SCHEMA,
  MESSAGE_KEY_SCHEMA,
  messageValueSchema,
  TRANSACTION_KEY_SCHEMA,
  TRANSACTION_VALUE_SCHEMA,
} from '../../events/control-events.ts';
import type { SourceInfo } from '../../events/source-info.ts';
import type { CollectionCount } from '../../events/transaction.ts';
import type { LogicalMessage } from '../../pgoutput/messages.ts';
import type { FieldSchema } from '../../values/schema.ts';
import { type AvroSourceWriter, tableFields, writeOptionalLong } from './source.ts';
import { writeLong, writeText } from './value-writer.ts';

export type ControlKind = 'message' | 'transaction' | 'heartbeat';
export type BinaryMode = 'bytes' | 'base64' | 'base64-url-safe' | 'hex';

/** Key and value, as Connect knows them. */
export function controlSchemas(kind: ControlKind, binary: BinaryMode): { readonly key: FieldSchema; readonly value: FieldSchema } {
  switch (kind) {
    case 'message':
      return { key: MESSAGE_KEY_SCHEMA, value: messageValueSchema({ type: binary === 'bytes' ? 'bytes' : 'string', optional: true }) };
    case 'transaction':
      return { key: TRANSACTION_KEY_SCHEMA, value: TRANSACTION_VALUE_SCHEMA };
    case 'heartbeat':
      return { key: HEARTBEAT_KEY_SCHEMA, value: HEARTBEAT_VALUE_SCHEMA };
  }
}

const NULL = 0;
const VALUE = 2;
const NO_TABLE = tableFields('', '');

type AvroControlDeps = {
  readonly out: ByteWriter;
  readonly info: SourceInfo;
  readonly source: AvroSourceWriter;
  readonly serverName: string;
  readonly binary: BinaryMode;
};

/** Each write appends one struct without its head: the magic byte and the schema's id are the serde's. */
export class AvroControlWriter {
  readonly #deps: AvroControlDeps;

  constructor(deps: AvroControlDeps) {
    this.#deps = deps;
  }

  writeMessageKey({ prefix }: LogicalMessage): void {
    this.#optionalText(prefix);
  }

  writeMessageValue(message: LogicalMessage): void {
    const { out, info, source } = this.#deps;
    writeText(out, 'm');
    writeOptionalLong(out, Math.floor(info.nowUs / 1000));
    source.write(out, NO_TABLE);
    source.writeTransaction(out);
    this.#optionalText(message.prefix);
    out.byte(VALUE);
    this.#content(message.content);
  }

  writeTransactionKey(): void {
    writeText(this.#deps.out, this.#transactionId());
  }

  writeBegin(): void {
    this.#transactionStart('BEGIN');
    this.#deps.out.byte(NULL);
    this.#deps.out.byte(NULL);
    this.#commitTime();
  }

  writeEnd(eventCount: number, collections: readonly CollectionCount[]): void {
    const { out } = this.#deps;
    this.#transactionStart('END');
    writeOptionalLong(out, eventCount);
    out.byte(VALUE);
    if (collections.length > 0) writeLong(out, collections.length);
    for (const { name, count } of collections) {
      out.byte(VALUE);
      writeText(out, name);
      writeLong(out, count);
    }
    out.byte(0);
    this.#commitTime();
  }

  writeHeartbeatKey(): void {
    writeText(this.#deps.out, this.#deps.serverName);
  }

  writeHeartbeatValue(): void {
    writeLong(this.#deps.out, Math.floor(this.#deps.info.nowUs / 1000));
  }

  #transactionStart(status: 'BEGIN' | 'END'): void {
    writeText(this.#deps.out, status);
    writeText(this.#deps.out, this.#transactionId());
  }

  #transactionId(): string {
    const { xid, lsn } = this.#deps.info;
    return `${xid}:${lsn}`;
  }

  #commitTime(): void {
    writeLong(this.#deps.out, Math.floor(this.#deps.info.commitTimeUs / 1000));
  }

  #optionalText(text: string): void {
    this.#deps.out.byte(VALUE);
    writeText(this.#deps.out, text);
  }

  #content(content: Uint8Array): void {
    const { out, binary } = this.#deps;
    if (binary === 'bytes') {
      writeLong(out, content.length);
      out.all(content);
      return;
    }
    const bytes = Buffer.from(content);
    if (binary === 'hex') writeText(out, bytes.toString('hex'));
    else if (binary === 'base64') writeText(out, bytes.toString('base64'));
    else writeText(out, bytes.toString('base64').replaceAll('+', '-').replaceAll('/', '_'));
  }
}
