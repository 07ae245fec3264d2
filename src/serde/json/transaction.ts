/** Owns the JSON form of records about transactions and time: BEGIN, END, heartbeats. Rare beside rows, so they are written plainly. */
import type { ByteWriter } from '../../core/byte-writer.ts';
import {
  HEARTBEAT_KEY_SCHEMA,
  HEARTBEAT_VALUE_SCHEMA,
  TRANSACTION_KEY_SCHEMA,
  TRANSACTION_VALUE_SCHEMA,
} from '../../events/control-events.ts';
import type { SourceInfo } from '../../events/source-info.ts';
import type { CollectionCount } from '../../events/transaction.ts';
import type { FieldSchema } from '../../values/schema.ts';
import { printSchema, quote } from './connect-schema.ts';

type ControlFormat = { readonly keySchemas: boolean; readonly valueSchemas: boolean };

/** Each write appends the key, then the value, and returns where the key ends. */
export class JsonTransactionWriter {
  readonly #out: ByteWriter;
  readonly #info: SourceInfo;
  readonly #key: Wrapper;
  readonly #value: Wrapper;

  constructor(deps: { out: ByteWriter; info: SourceInfo; format: ControlFormat }) {
    this.#out = deps.out;
    this.#info = deps.info;
    this.#key = wrapper(deps.format.keySchemas, TRANSACTION_KEY_SCHEMA);
    this.#value = wrapper(deps.format.valueSchemas, TRANSACTION_VALUE_SCHEMA);
  }

  writeBegin(): number {
    return this.#write('BEGIN', '"event_count":null,"data_collections":null');
  }

  writeEnd(eventCount: number, collections: readonly CollectionCount[]): number {
    const counts = collections.map(({ name, count }) => `{"data_collection":${quote(name)},"event_count":${count}}`);
    return this.#write('END', `"event_count":${eventCount},"data_collections":[${counts.join(',')}]`);
  }

  #write(status: 'BEGIN' | 'END', counts: string): number {
    const out = this.#out;
    const { xid, lsn, commitTimeUs } = this.#info;
    const id = `"${xid}:${lsn}"`;
    out.text(this.#key(`{"id":${id}}`));
    const keyEnd = out.length;
    out.text(this.#value(`{"status":"${status}","id":${id},${counts},"ts_ms":${Math.floor(commitTimeUs / 1000)}}`));
    return keyEnd;
  }
}

export class JsonHeartbeatWriter {
  readonly #out: ByteWriter;
  readonly #info: SourceInfo;
  readonly #key: string;
  readonly #value: Wrapper;

  constructor(deps: { out: ByteWriter; info: SourceInfo; format: ControlFormat; serverName: string }) {
    this.#out = deps.out;
    this.#info = deps.info;
    this.#key = wrapper(deps.format.keySchemas, HEARTBEAT_KEY_SCHEMA)(`{"serverName":${quote(deps.serverName)}}`);
    this.#value = wrapper(deps.format.valueSchemas, HEARTBEAT_VALUE_SCHEMA);
  }

  write(): number {
    const out = this.#out;
    out.text(this.#key);
    const keyEnd = out.length;
    out.text(this.#value(`{"ts_ms":${Math.floor(this.#info.nowUs / 1000)}}`));
    return keyEnd;
  }
}

/** From a payload to what is published: with its schema, or alone. */
type Wrapper = (payload: string) => string;

function wrapper(schemas: boolean, schema: FieldSchema): Wrapper {
  const printed = printSchema(schema);
  return (payload) => (schemas ? `{"schema":${printed},"payload":${payload}}` : payload);
}
