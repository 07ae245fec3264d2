/**
 * Owns keys and values in JSON with their JSON Schema in a registry: 0x00, the schema's id in four bytes, the JSON text. The text is
 * json/serde.ts's; the schema's schema-text.ts's. Does not ask a registry: ids are given.
 * Source: io.confluent.connect.json.JsonSchemaConverter, AbstractKafkaJsonSchemaSerializer.
 */
import type { ByteWriter } from '../../core/byte-writer.ts';
import type { Op } from '../../events/envelope.ts';
import type { RowPlan } from '../../events/row-plan.ts';
import type { CollectionCount } from '../../events/transaction.ts';
import type { LogicalMessage } from '../../pgoutput/messages.ts';
import type { TupleView } from '../../pgoutput/tuple.ts';
import type { FieldSchema } from '../../values/schema.ts';
import { type BinaryMode, type ControlKind, controlSchemas } from '../avro/control.ts';
import { type EventFacts, JsonSerde } from '../json/serde.ts';
import type { SourceConstants } from '../json/source.ts';
import type { ConversionFailure, IdentifiedSerializer, RowSerializer, SchemaIds } from '../serializer.ts';
import { type JsonSchemaSettings, jsonSchemaText } from './schema-text.ts';

const MAGIC = 0;

export type JsonSchemaSideSettings = JsonSchemaSettings & {
  /** ignore.default.for.nullables: a null of a column with a default stays null. */
  readonly ignoreDefaults: boolean;
};

type JsonSchemaSerdeSettings = {
  readonly key: JsonSchemaSideSettings;
  readonly value: JsonSchemaSideSettings;
  readonly binary: BinaryMode;
};

/** What is registered; `name` is the schema's title. */
type JsonSchema = { readonly name: string; readonly text: string; readonly type: 'JSON' };
type JsonSchemaSerdeDeps = {
  readonly out: ByteWriter;
  readonly constants: SourceConstants;
  readonly facts: EventFacts;
  readonly onFailure: (failure: ConversionFailure) => void;
};

export class JsonSchemaSerde {
  readonly out: ByteWriter;
  readonly #settings: JsonSchemaSerdeSettings;
  readonly #json: JsonSerde;
  readonly #controlHeads = new Map<ControlKind, Heads>();

  constructor(settings: JsonSchemaSerdeSettings, { out, constants, facts, onFailure }: JsonSchemaSerdeDeps) {
    const { key, value, binary } = settings;
    this.out = out;
    this.#settings = settings;
    const form = {
      keySchemas: false,
      valueSchemas: false,
      replaceNullWithDefault: !value.ignoreDefaults,
      replaceNullWithDefaultInKeys: !key.ignoreDefaults,
      keyDecimals: key.decimals,
      valueDecimals: value.decimals,
      binary,
      mapsAreEntries: true,
    };
    this.#json = new JsonSerde(form, constants, facts, onFailure, out);
  }

  /** What has to be registered before the first key; undefined: the table has none. */
  keySchemaOf(plan: RowPlan): JsonSchema | undefined {
    return plan.keySchema === undefined ? undefined : jsonSchema(plan.keySchema, this.#settings.key);
  }

  /** What has to be registered before the first value. */
  valueSchemaOf(plan: RowPlan): JsonSchema {
    return jsonSchema(plan.envelopeSchema, this.#settings.value);
  }

  compile(plan: RowPlan): IdentifiedSerializer {
    return new HeadedRowSerializer(this.#json.compile(plan), { out: this.out, hasKey: plan.keySchema !== undefined });
  }

  /** What has to be registered before the first record of this kind. */
  controlSchemas(kind: ControlKind): { readonly key: JsonSchema; readonly value: JsonSchema } {
    const { key, value } = controlSchemas(kind, this.#settings.binary);
    return { key: jsonSchema(key, this.#settings.key), value: jsonSchema(value, this.#settings.value) };
  }

  openControl(kind: ControlKind, ids: SchemaIds): void {
    this.#controlHeads.set(kind, headsOf(ids));
  }

  /** Appends a logical message's key, then its value; returns where the key ends. */
  writeMessage(message: LogicalMessage): number {
    return this.#headed('message', this.#json.writeMessage(message));
  }

  /** Appends the record that opens a transaction, key first; returns where the key ends. */
  writeBegin(): number {
    return this.#headed('transaction', this.#json.writeBegin());
  }

  /** Appends the record that closes a transaction, as writeBegin. */
  writeEnd(eventCount: number, collections: readonly CollectionCount[]): number {
    return this.#headed('transaction', this.#json.writeEnd(eventCount, collections));
  }

  /** Appends a heartbeat, as writeBegin. */
  writeHeartbeat(): number {
    return this.#headed('heartbeat', this.#json.writeHeartbeat());
  }

  /** What JSON wrote, with a head before each half. Such records are rare, so they are written twice. */
  #headed(kind: ControlKind, keyEnd: number): number {
    const heads = this.#controlHeads.get(kind);
    if (heads === undefined) throw new Error(`the schemas of ${kind} records are not registered`);
    const { out } = this;
    const written = out.toOwned();
    out.reset();
    out.all(heads.key);
    out.all(written.subarray(0, keyEnd));
    const end = out.length;
    out.all(heads.value);
    out.all(written.subarray(keyEnd));
    return end;
  }
}

function jsonSchema(schema: FieldSchema, settings: JsonSchemaSettings): JsonSchema {
  return { name: schema.name ?? '', text: jsonSchemaText(schema, settings), type: 'JSON' };
}

type Heads = { readonly key: Uint8Array; readonly value: Uint8Array };

function headsOf(ids: SchemaIds): Heads {
  return { key: headOf(ids.key ?? 0), value: headOf(ids.value ?? 0) };
}

function headOf(id: number): Uint8Array {
  return Uint8Array.of(MAGIC, id >>> 24, id >>> 16, id >>> 8, id);
}

const NO_HEADS = headsOf({ key: undefined, value: undefined });

class HeadedRowSerializer implements IdentifiedSerializer {
  readonly #json: RowSerializer;
  readonly #out: ByteWriter;
  #keyHead = NO_HEADS.key;
  #valueHead = NO_HEADS.value;
  readonly #hasKey: boolean;

  constructor(json: RowSerializer, o: { readonly out: ByteWriter; readonly hasKey: boolean }) {
    this.#json = json;
    this.#out = o.out;
    this.#hasKey = o.hasKey;
  }

  setIds(ids: SchemaIds): void {
    const { key, value } = headsOf(ids);
    this.#keyHead = key;
    this.#valueHead = value;
  }

  writeKey(tuple: TupleView): boolean {
    if (!this.#hasKey) return false;
    this.#out.all(this.#keyHead);
    return this.#json.writeKey(tuple);
  }

  writeKeyHeader(tuple: TupleView): void {
    this.#json.writeKeyHeader(tuple);
  }

  writeValue(op: Op, before: TupleView | undefined, after: TupleView | undefined): void {
    this.#out.all(this.#valueHead);
    this.#json.writeValue(op, before, after);
  }
}
