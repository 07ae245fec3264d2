/**
 * Owns Protobuf's bytes of records that are not row changes: logical decoding messages, transaction boundaries, heartbeats. Rare beside
 * rows, so they are written plainly.
 */
import type { ByteWriter } from '../../core/byte-writer.ts';
import type { SourceInfo } from '../../events/source-info.ts';
import type { CollectionCount } from '../../events/transaction.ts';
import type { LogicalMessage } from '../../pgoutput/messages.ts';
import { type BinaryMode, type ControlKind, controlSchemas } from '../avro/control.ts';
import type { NullSettings, ProtobufNode } from './node.ts';
import { nodesByName, type ProtobufSourceWriter, protobufTableFields } from './source.ts';
import type { ProtobufValueWriter } from './value-writer.ts';

type ProtobufControlDeps = {
  readonly out: ByteWriter;
  readonly values: ProtobufValueWriter;
  readonly info: SourceInfo;
  readonly source: ProtobufSourceWriter;
  readonly serverName: string;
  readonly binary: BinaryMode;
  readonly settings: { readonly key: NullSettings; readonly value: NullSettings };
};

type Nodes = (field: string) => ProtobufNode;

/** Each write appends one message without its head: the magic byte, the schema's id and the message's index are the serde's. */
export class ProtobufControlWriter {
  readonly #deps: ProtobufControlDeps;
  readonly #nodes: Readonly<Record<ControlKind, { readonly key: Nodes; readonly value: Nodes }>>;
  readonly #message: ProtobufNode;
  readonly #collections: ProtobufNode;
  readonly #noTable: Uint8Array;

  constructor(deps: ProtobufControlDeps) {
    const { settings } = deps;
    this.#deps = deps;
    const nodesOf = (kind: ControlKind): { key: Nodes; value: Nodes } => {
      const { key, value } = controlSchemas(kind, deps.binary);
      return { key: nodesByName(key, settings.key), value: nodesByName(value, settings.value) };
    };
    this.#nodes = { message: nodesOf('message'), transaction: nodesOf('transaction'), heartbeat: nodesOf('heartbeat') };
    this.#message = this.#nodes.message.value('message');
    this.#collections = this.#nodes.transaction.value('data_collections');
    this.#noTable = protobufTableFields(settings.value, { schema: '', table: '' });
  }

  writeMessageKey({ prefix }: LogicalMessage): void {
    this.#text(this.#nodes.message.key('prefix'), prefix);
  }

  writeMessageValue(message: LogicalMessage): void {
    const { values, info, source } = this.#deps;
    const nodes = this.#nodes.message.value;
    this.#text(nodes('op'), 'm');
    this.#long(nodes('ts_ms'), Math.floor(info.nowUs / 1000));
    source.write(nodes('source'), this.#noTable);
    source.writeTransaction(nodes('transaction'));
    values.begin(this.#message);
    values.beginStruct();
    values.field();
    values.text(message.prefix);
    values.field();
    this.#content(message.content);
    values.endStruct();
  }

  writeTransactionKey(): void {
    this.#text(this.#nodes.transaction.key('id'), this.#transactionId());
  }

  writeBegin(): void {
    this.#transactionStart('BEGIN');
    this.#commitTime();
  }

  writeEnd(eventCount: number, collections: readonly CollectionCount[]): void {
    const { values } = this.#deps;
    this.#transactionStart('END');
    this.#long(this.#nodes.transaction.value('event_count'), eventCount);
    values.begin(this.#collections);
    values.beginArray();
    for (const { name, count } of collections) {
      values.element();
      values.beginStruct();
      values.field();
      values.text(name);
      values.field();
      values.int64(count);
      values.endStruct();
    }
    values.endArray();
    this.#commitTime();
  }

  writeHeartbeatKey(): void {
    this.#text(this.#nodes.heartbeat.key('serverName'), this.#deps.serverName);
  }

  writeHeartbeatValue(): void {
    this.#long(this.#nodes.heartbeat.value('ts_ms'), Math.floor(this.#deps.info.nowUs / 1000));
  }

  #transactionStart(status: 'BEGIN' | 'END'): void {
    const nodes = this.#nodes.transaction.value;
    this.#text(nodes('status'), status);
    this.#text(nodes('id'), this.#transactionId());
  }

  #transactionId(): string {
    const { xid, lsn } = this.#deps.info;
    return `${xid}:${lsn}`;
  }

  #commitTime(): void {
    this.#long(this.#nodes.transaction.value('ts_ms'), Math.floor(this.#deps.info.commitTimeUs / 1000));
  }

  #text(node: ProtobufNode, text: string): void {
    this.#deps.values.begin(node);
    this.#deps.values.text(text);
  }

  #long(node: ProtobufNode, value: number): void {
    this.#deps.values.begin(node);
    this.#deps.values.int64(value);
  }

  #content(content: Uint8Array): void {
    const { values, binary } = this.#deps;
    if (binary === 'bytes') {
      values.bytes(content, 0, content.length);
      return;
    }
    const bytes = Buffer.from(content);
    if (binary === 'hex') values.text(bytes.toString('hex'));
    else if (binary === 'base64') values.text(bytes.toString('base64'));
    else values.text(bytes.toString('base64').replaceAll('+', '-').replaceAll('/', '_'));
  }
}
