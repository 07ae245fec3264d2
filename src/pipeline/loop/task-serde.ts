/**
 * Owns which formats one attempt writes, one in keys and another in values if so configured, behind one interface. The bytes are the
 * serdes'; the formats with a schema registry are in registered-serde.ts.
 */
import { ByteWriter } from '../../core/byte-writer.ts';
import type { ConverterOptions, JsonConverterOptions } from '../../core/options.ts';
import type { RowPlan } from '../../events/row-plan.ts';
import type { CollectionCount } from '../../events/transaction.ts';
import type { LogicalMessage } from '../../pgoutput/messages.ts';
import { createRegisteredSerde } from '../../registry/registered-serde.ts';
import type { RegistryUse } from '../../registry/schema-ids.ts';
import type { ControlKind } from '../../serde/avro/control.ts';
import { JsonSerde } from '../../serde/json/serde.ts';
import type { ControlSerde, SerdeDeps, TableSerde, TaskSerde } from '../../serde/record-serde.ts';
import type { RowSerializer } from '../../serde/serializer.ts';
import { StringSerde } from '../../serde/text/serde.ts';

type TaskSerdeDeps = RegistryUse & SerdeDeps;

export function createTaskSerde(deps: TaskSerdeDeps): TaskSerde {
  const { keyConverter: key, valueConverter: value } = deps.options;
  const out = new ByteWriter();
  const keys = serdeOf(key.format, deps, out);
  return key.format === value.format ? keys : new MixedSerde(out, keys, serdeOf(value.format, deps, out));
}

/** Of the halves that another format writes it writes some form, which is dropped. */
function serdeOf(format: ConverterOptions['format'], deps: TaskSerdeDeps, out: ByteWriter): TaskSerde {
  const { keyConverter: key, valueConverter: value } = deps.options;
  switch (format) {
    case 'json':
      return withoutRegistry(createJsonSerde(deps, { key: orPlain(key), value: orPlain(value), out }));
    case 'string':
      return withoutRegistry(createStringSerde(deps, out));
    case 'avro':
    case 'json_schema':
    case 'protobuf':
      return createRegisteredSerde(format, deps, out);
  }
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

function createStringSerde({ options, constants, facts, onFailure }: TaskSerdeDeps, out: ByteWriter): StringSerde {
  const { keyConverter: key, valueConverter: value, events } = options;
  const settings = {
    key: key.format === 'string' ? key.encoding : undefined,
    value: value.format === 'string' ? value.encoding : undefined,
    binary: events.binaryHandlingMode,
  };
  return new StringSerde(settings, { out, constants, facts, onFailure });
}

function withoutRegistry(serde: JsonSerde | StringSerde): TaskSerde {
  return {
    out: serde.out,
    table: (plan) => ({ serializer: serde.compile(plan), openKey: () => NOTHING_TO_OPEN, openValue: () => NOTHING_TO_OPEN }),
    openControl: () => NOTHING_TO_OPEN,
    writeMessage: (message) => serde.writeMessage(message),
    writeBegin: () => serde.writeBegin(),
    writeEnd: (eventCount, collections) => serde.writeEnd(eventCount, collections),
    writeHeartbeat: () => serde.writeHeartbeat(),
  };
}

const NOTHING_TO_OPEN = Promise.resolve();

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

  table(plan: RowPlan): TableSerde {
    const keys = this.#keys.table(plan);
    const values = this.#values.table(plan);
    const serializer: RowSerializer = {
      writeKey: (tuple) => keys.serializer.writeKey(tuple),
      writeKeyHeader: (tuple) => keys.serializer.writeKeyHeader(tuple),
      writeValue: (op, before, after) => values.serializer.writeValue(op, before, after),
    };
    return { serializer, openKey: () => keys.openKey(), openValue: () => values.openValue() };
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
