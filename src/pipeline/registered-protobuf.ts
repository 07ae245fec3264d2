/**
 * Owns Protobuf in keys, values or both: that schemas are registered before the first record that needs them. The bytes are serde/protobuf.ts's,
 * the ids schema-ids.ts's.
 */
import type { ByteWriter } from '../core/byte-writer.ts';
import type { ConverterOptions } from '../core/options.ts';
import type { RowPlan } from '../events/row-plan.ts';
import type { CollectionCount } from '../events/transaction.ts';
import type { LogicalMessage } from '../pgoutput/messages.ts';
import type { ControlKind } from '../serde/avro-control.ts';
import { ProtobufSerde, type ProtobufSideSettings, type SchemaIds as RecordIds, type RecordSchemas } from '../serde/protobuf.ts';
import { DEFAULT_PROTOBUF_SETTINGS } from '../serde/protobuf-schema.ts';
import type { RowSerializer } from '../serde/serializer.ts';
import { createSchemaIds, type Half, type SchemaIds } from './schema-ids.ts';
import type { TaskSerde, TaskSerdeDeps } from './task-serde.ts';

export class RegisteredProtobuf implements TaskSerde {
  readonly out: ByteWriter;
  readonly #serde: ProtobufSerde;
  readonly #key: SchemaIds | undefined;
  readonly #value: SchemaIds | undefined;
  readonly #opened = new Map<ControlKind, Promise<void>>();

  constructor(deps: TaskSerdeDeps, out: ByteWriter) {
    const { keyConverter, valueConverter, events } = deps.options;
    this.out = out;
    const settings = { key: sideSettings(keyConverter), value: sideSettings(valueConverter), binary: events.binaryHandlingMode };
    this.#serde = new ProtobufSerde(settings, { out, constants: deps.constants, facts: deps.facts, onFailure: deps.onFailure });
    this.#key = idsOf(deps, keyConverter, 'key');
    this.#value = idsOf(deps, valueConverter, 'value');
  }

  async learn(plan: RowPlan): Promise<RowSerializer> {
    return this.#serde.compile(plan, await this.#idsOf(plan.topic, this.#serde.schemasOf(plan)));
  }

  openControl(kind: ControlKind, topic: string): Promise<void> {
    let opened = this.#opened.get(kind);
    if (opened === undefined) {
      opened = this.#openControl(kind, topic);
      this.#opened.set(kind, opened);
    }
    return opened;
  }

  writeMessage(message: LogicalMessage): number {
    return this.#serde.writeMessage(message);
  }

  writeBegin(): number {
    return this.#serde.writeBegin();
  }

  writeEnd(eventCount: number, collections: readonly CollectionCount[]): number {
    return this.#serde.writeEnd(eventCount, collections);
  }

  writeHeartbeat(): number {
    return this.#serde.writeHeartbeat();
  }

  async #openControl(kind: ControlKind, topic: string): Promise<void> {
    this.#serde.openControl(kind, await this.#idsOf(topic, this.#serde.controlSchemas(kind)));
  }

  /** A half in another format is not registered. */
  async #idsOf(topic: string, schemas: RecordSchemas): Promise<RecordIds> {
    return {
      key: schemas.key === undefined ? undefined : await this.#key?.idOf(topic, { ...schemas.key, type: 'PROTOBUF' }),
      value: await this.#value?.idOf(topic, { ...schemas.value, type: 'PROTOBUF' }),
    };
  }
}

function sideSettings(options: ConverterOptions): ProtobufSideSettings {
  return options.format === 'protobuf' ? options : { ...DEFAULT_PROTOBUF_SETTINGS, ignoreDefaults: false };
}

/** A half in another format has no ids. */
function idsOf(deps: TaskSerdeDeps, options: ConverterOptions, half: Half): SchemaIds | undefined {
  return options.format === 'protobuf' ? createSchemaIds(deps, options, half) : undefined;
}
