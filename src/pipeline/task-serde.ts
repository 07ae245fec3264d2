/**
 * Owns which formats one attempt writes: JSON, Avro, or one in keys and the other in values, behind one interface; and that schemas are
 * registered before the first record that needs them. The bytes are the serdes', the ids schema-ids.ts's.
 */
import { ByteWriter } from '../core/byte-writer.ts';
import type { AvroConverterOptions, ConverterOptions, JsonConverterOptions, ResolvedOptions } from '../core/options.ts';
import type { RowPlan } from '../events/row-plan.ts';
import type { CollectionCount } from '../events/transaction.ts';
import type { LogicalMessage } from '../pgoutput/messages.ts';
import { AvroSerde, type SchemaIds as RecordIds, type RecordSchemas } from '../serde/avro.ts';
import type { ControlKind } from '../serde/avro-control.ts';
import { DEFAULT_AVRO_SETTINGS } from '../serde/avro-schema.ts';
import { type EventFacts, JsonSerde } from '../serde/json.ts';
import type { SourceConstants } from '../serde/json-source.ts';
import { type RegistryDeps, SchemaRegistry } from '../serde/schema-registry.ts';
import type { ConversionFailure, RowSerializer } from '../serde/serializer.ts';
import { type Half, SchemaIds } from './schema-ids.ts';

/** Writes of records that are not rows: each resets `out`, appends the key, then the value, and returns where the key ends. */
export interface ControlSerde {
  writeMessage(message: LogicalMessage): number;
  writeBegin(): number;
  writeEnd(eventCount: number, collections: readonly CollectionCount[]): number;
  writeHeartbeat(): number;
}

export interface TaskSerde extends ControlSerde {
  readonly out: ByteWriter;
  /** Schemas registered where the format has them. Throws registry_* errors. */
  learn(plan: RowPlan): Promise<RowSerializer>;
  /** Before the first record of the kind. */
  openControl(kind: ControlKind, topic: string): Promise<void>;
}

export type TaskSerdeDeps = {
  readonly options: Pick<ResolvedOptions, 'keyConverter' | 'valueConverter' | 'events'>;
  readonly constants: SourceConstants;
  readonly facts: EventFacts;
  readonly onFailure: (failure: ConversionFailure) => void;
  readonly registry: RegistryDeps;
  readonly signal: AbortSignal;
};

export function createTaskSerde(deps: TaskSerdeDeps): TaskSerde {
  const { keyConverter: key, valueConverter: value } = deps.options;
  const out = new ByteWriter();
  if (key.format === 'json' && value.format === 'json') return jsonOnly(createJsonSerde(deps, { key, value, out }));
  const avro = new RegisteredAvro(deps, out);
  if (key.format === 'avro' && value.format === 'avro') return avro;
  const json = jsonOnly(createJsonSerde(deps, { key: orPlain(key), value: orPlain(value), out }));
  return key.format === 'avro' ? new MixedSerde(out, avro, json) : new MixedSerde(out, json, avro);
}

function createJsonSerde(
  { options, constants, facts, onFailure }: TaskSerdeDeps,
  o: { readonly key: JsonConverterOptions; readonly value: JsonConverterOptions; readonly out: ByteWriter },
): JsonSerde {
  const settings = {
    keySchemas: o.key.schemasEnable,
    valueSchemas: o.value.schemasEnable,
    replaceNullWithDefault: o.value.replaceNullWithDefault,
    replaceNullWithDefaultInKeys: o.key.replaceNullWithDefault,
    keyDecimals: o.key.decimalFormat,
    valueDecimals: o.value.decimalFormat,
    binary: options.events.binaryHandlingMode,
  };
  return new JsonSerde(settings, constants, facts, onFailure, o.out);
}

const PLAIN_JSON: JsonConverterOptions = { format: 'json', schemasEnable: false, replaceNullWithDefault: true, decimalFormat: 'BASE64' };

/** For the half that another format writes. */
function orPlain(options: ConverterOptions): JsonConverterOptions {
  return options.format === 'json' ? options : PLAIN_JSON;
}

function jsonOnly(serde: JsonSerde): TaskSerde {
  return {
    out: serde.out,
    learn: (plan) => Promise.resolve(serde.compile(plan)),
    openControl: () => Promise.resolve(),
    writeMessage: (message) => serde.writeMessage(message),
    writeBegin: () => serde.writeBegin(),
    writeEnd: (eventCount, collections) => serde.writeEnd(eventCount, collections),
    writeHeartbeat: () => serde.writeHeartbeat(),
  };
}

/** Avro in one half or both. */
class RegisteredAvro implements TaskSerde {
  readonly out: ByteWriter;
  readonly #serde: AvroSerde;
  readonly #key: SchemaIds | undefined;
  readonly #value: SchemaIds | undefined;
  readonly #opened = new Map<ControlKind, Promise<void>>();

  constructor(deps: TaskSerdeDeps, out: ByteWriter) {
    const { keyConverter, valueConverter, events } = deps.options;
    this.out = out;
    const settings = { key: sideSettings(keyConverter), value: sideSettings(valueConverter), binary: events.binaryHandlingMode };
    this.#serde = new AvroSerde(settings, { out, constants: deps.constants, facts: deps.facts, onFailure: deps.onFailure });
    this.#key = schemaIds(deps, keyConverter, 'key');
    this.#value = schemaIds(deps, valueConverter, 'value');
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
      key: schemas.key === undefined ? undefined : await this.#key?.idOf(topic, schemas.key),
      value: await this.#value?.idOf(topic, schemas.value),
    };
  }
}

function sideSettings(options: ConverterOptions): AvroSideSettings {
  return options.format === 'avro' ? options : { ...DEFAULT_AVRO_SETTINGS, ignoreDefaults: false };
}

type AvroSideSettings = Pick<AvroConverterOptions, 'connectMetaData' | 'scrubInvalidNames' | 'fieldDocs' | 'ignoreDefaults'>;

function schemaIds(deps: TaskSerdeDeps, options: ConverterOptions, half: Half): SchemaIds | undefined {
  if (options.format !== 'avro') return undefined;
  const registry = new SchemaRegistry(options.registry, deps.registry);
  deps.signal.addEventListener('abort', () => void registry[Symbol.asyncDispose](), { once: true });
  return new SchemaIds({ registry, options, half, signal: deps.signal });
}

/** Keys in one format, values in the other; both append to one buffer. */
class MixedSerde implements TaskSerde {
  readonly out: ByteWriter;
  readonly #keys: TaskSerde;
  readonly #values: TaskSerde;

  constructor(out: ByteWriter, keys: TaskSerde, values: TaskSerde) {
    this.out = out;
    this.#keys = keys;
    this.#values = values;
  }

  async learn(plan: RowPlan): Promise<RowSerializer> {
    const keys = await this.#keys.learn(plan);
    const values = await this.#values.learn(plan);
    return {
      writeKey: (tuple) => keys.writeKey(tuple),
      writeKeyHeader: (tuple) => keys.writeKeyHeader(tuple),
      writeValue: (op, before, after) => values.writeValue(op, before, after),
    };
  }

  async openControl(kind: ControlKind, topic: string): Promise<void> {
    await this.#keys.openControl(kind, topic);
    await this.#values.openControl(kind, topic);
  }

  writeMessage(message: LogicalMessage): number {
    return this.#both((serde) => serde.writeMessage(message));
  }

  writeBegin(): number {
    return this.#both((serde) => serde.writeBegin());
  }

  writeEnd(eventCount: number, collections: readonly CollectionCount[]): number {
    return this.#both((serde) => serde.writeEnd(eventCount, collections));
  }

  writeHeartbeat(): number {
    return this.#both((serde) => serde.writeHeartbeat());
  }

  /** The key of the one, the value of the other. Such records are rare, so each is written whole and half of it dropped. */
  #both(write: (serde: ControlSerde) => number): number {
    const { out } = this;
    const key = Buffer.from(out.bytes.subarray(0, write(this.#keys)));
    const value = out.toOwned(write(this.#values));
    out.reset();
    out.all(key);
    out.all(value);
    return key.length;
  }
}
