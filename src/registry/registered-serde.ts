/**
 * Owns the formats with a schema registry, in keys, values or both: that the schema of each half is registered before the first record that
 * needs it, and only then. The bytes are the serdes' of Avro, JSON Schema and Protobuf, the ids schema-ids.ts's.
 */
import type { ByteWriter } from '../core/byte-writer.ts';
import type { ConverterOptions, JsonSchemaConverterOptions, RegisteredConverterOptions } from '../core/options.ts';
import type { RowPlan } from '../events/row-plan.ts';
import type { CollectionCount } from '../events/transaction.ts';
import type { LogicalMessage } from '../pgoutput/messages.ts';
import type { ControlKind } from '../serde/avro/control.ts';
import { DEFAULT_AVRO_SETTINGS } from '../serde/avro/schema.ts';
import { AvroSerde, type AvroSideSettings } from '../serde/avro/serde.ts';
import { JsonSchemaSerde, type JsonSchemaSideSettings } from '../serde/json-schema/serde.ts';
import { DEFAULT_PROTOBUF_SETTINGS } from '../serde/protobuf/schema.ts';
import { ProtobufSerde, type ProtobufSideSettings } from '../serde/protobuf/serde.ts';
import type { ControlSerde, SerdeDeps, TableSerde, TaskSerde } from '../serde/record-serde.ts';
import type { IdentifiedSerializer, SchemaIds as RecordIds } from '../serde/serializer.ts';
import type { SchemaType } from './differences.ts';
import { createSchemaIds, type NamedSchema, type RegistryUse, type SchemaIds } from './schema-ids.ts';

type RegisteredFormat = 'avro' | 'json_schema' | 'protobuf';

/** What the serdes of such formats have in common. */
interface IdentifiedSerde extends ControlSerde {
  keySchemaOf(plan: RowPlan): NamedSchema | undefined;
  valueSchemaOf(plan: RowPlan): NamedSchema;
  compile(plan: RowPlan): IdentifiedSerializer;
  controlSchemas(kind: ControlKind): { readonly key: NamedSchema; readonly value: NamedSchema };
  openControl(kind: ControlKind, ids: RecordIds): void;
}

type RegisteredSerdeDeps = RegistryUse & SerdeDeps;

export function createRegisteredSerde(format: RegisteredFormat, deps: RegisteredSerdeDeps, out: ByteWriter): TaskSerde {
  const { keyConverter: key, valueConverter: value } = deps.options;
  return new RegisteredSerde(createSerde(format, deps, out), {
    out,
    type: SCHEMA_TYPES[format],
    key: isOf(format, key) ? createSchemaIds(deps, key, 'key') : undefined,
    value: isOf(format, value) ? createSchemaIds(deps, value, 'value') : undefined,
  });
}

const SCHEMA_TYPES: Readonly<Record<RegisteredFormat, SchemaType>> = { avro: 'AVRO', json_schema: 'JSON', protobuf: 'PROTOBUF' };

function isOf(format: RegisteredFormat, options: ConverterOptions): options is RegisteredConverterOptions & ConverterOptions {
  return options.format === format;
}

function createSerde(format: RegisteredFormat, { options, constants, facts, onFailure }: SerdeDeps, out: ByteWriter): IdentifiedSerde {
  const { keyConverter: key, valueConverter: value, events } = options;
  const deps = { out, constants, facts, onFailure };
  const binary = events.binaryHandlingMode;
  switch (format) {
    case 'avro':
      return new AvroSerde({ key: avroSide(key), value: avroSide(value), binary }, deps);
    case 'json_schema':
      return new JsonSchemaSerde({ key: jsonSchemaSide(key), value: jsonSchemaSide(value), binary }, deps);
    case 'protobuf':
      return new ProtobufSerde({ key: protobufSide(key), value: protobufSide(value), binary }, deps);
  }
}

function avroSide(options: ConverterOptions): AvroSideSettings {
  return options.format === 'avro' ? options : { ...DEFAULT_AVRO_SETTINGS, ignoreDefaults: false };
}

const OTHER_FORMAT: JsonSchemaSideSettings = { decimals: 'BASE64', additionalProperties: true, ignoreDefaults: false };

function jsonSchemaSide(options: ConverterOptions): JsonSchemaSideSettings {
  if (options.format !== 'json_schema') return OTHER_FORMAT;
  const { decimalFormat, additionalProperties, ignoreDefaults }: JsonSchemaConverterOptions = options;
  return { decimals: decimalFormat, additionalProperties, ignoreDefaults };
}

function protobufSide(options: ConverterOptions): ProtobufSideSettings {
  return options.format === 'protobuf' ? options : { ...DEFAULT_PROTOBUF_SETTINGS, ignoreDefaults: false };
}

type RegisteredSerdeParts = {
  readonly out: ByteWriter;
  readonly type: SchemaType;
  /** Undefined: that half is written in another format, and nothing is registered for it. */
  readonly key: SchemaIds | undefined;
  readonly value: SchemaIds | undefined;
};

class RegisteredSerde implements TaskSerde {
  readonly out: ByteWriter;
  readonly #serde: IdentifiedSerde;
  readonly #parts: RegisteredSerdeParts;
  readonly #opened = new Map<ControlKind, Promise<void>>();

  constructor(serde: IdentifiedSerde, parts: RegisteredSerdeParts) {
    this.out = parts.out;
    this.#serde = serde;
    this.#parts = parts;
  }

  table(plan: RowPlan): TableSerde {
    const { key, value, type } = this.#parts;
    const serde = this.#serde;
    const serializer = serde.compile(plan);
    const ids: { key: number | undefined; value: number | undefined } = { key: undefined, value: undefined };
    return {
      serializer,
      openKey: async () => {
        const schema = key === undefined ? undefined : serde.keySchemaOf(plan);
        if (schema === undefined) return;
        ids.key = await key?.idOf(plan.topic, { ...schema, type });
        serializer.setIds(ids);
      },
      openValue: async () => {
        if (value === undefined) return;
        ids.value = await value.idOf(plan.topic, { ...serde.valueSchemaOf(plan), type });
        serializer.setIds(ids);
      },
    };
  }

  openControl(kind: ControlKind, topic: string): Promise<void> {
    let opened = this.#opened.get(kind);
    if (opened === undefined) {
      opened = this.#openControl(kind, topic);
      this.#opened.set(kind, opened);
    }
    return opened;
  }

  /** Each of these records has a key and a value. */
  async #openControl(kind: ControlKind, topic: string): Promise<void> {
    const { key, value, type } = this.#parts;
    const schemas = this.#serde.controlSchemas(kind);
    this.#serde.openControl(kind, {
      key: await key?.idOf(topic, { ...schemas.key, type }),
      value: await value?.idOf(topic, { ...schemas.value, type }),
    });
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
}
