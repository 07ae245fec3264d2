/**
 * Owns Debezium's own shapes: the envelope around a row, and the records that are no rows. They are made from a plan and from what is fixed
 * for the connector. Their fields have the order of the schemas.
 * Source: io.debezium.data.Envelope, io.debezium.schema.SchemaFactory, io.debezium.connector.postgresql.LogicalDecodingMessageMonitor.
 */
import type { FieldSchema } from '../values/schema.ts';
import {
  HEARTBEAT_KEY_SCHEMA,
  HEARTBEAT_VALUE_SCHEMA,
  MESSAGE_KEY_SCHEMA,
  messageValueSchema,
  TRANSACTION_KEY_SCHEMA,
  TRANSACTION_VALUE_SCHEMA,
} from './control-events.ts';
import {
  type BinaryMode,
  BOUNDARY_FACTS,
  CLOCK_FACTS,
  COMMIT_FACTS,
  constantText,
  contentFact,
  MESSAGE_PREFIX_FACT,
  OP_FACT,
  ORDER_FACTS,
  SOURCE_FACTS,
  type SourceConstants,
} from './facts.ts';
import type { Fact, FieldShape, Image, Origin, Presence, RecordShape, RelationName, TableShapes, ValueShape } from './record-shape.ts';
import type { PlannedColumn, RowPlan } from './row-plan.ts';
import { SOURCE_SCHEMA, TRANSACTION_BLOCK_SCHEMA } from './source-info.ts';

type ShapeSettings = {
  readonly constants: SourceConstants;
  /** provide.transaction.metadata. */
  readonly transactionMetadata: boolean;
  readonly binary: BinaryMode;
};

export class DebeziumShapes {
  readonly #settings: ShapeSettings;
  /** The parts of an envelope that do not depend on the relation: the same objects for every table. */
  readonly #source: Readonly<Record<string, Origin>>;
  readonly #tail: Readonly<Record<string, Origin>>;

  constructor(settings: ShapeSettings) {
    const { version, name, db } = settings.constants;
    this.#settings = settings;
    this.#source = {
      version: factual(constantText(version)),
      connector: factual(constantText('postgresql')),
      name: factual(constantText(name)),
      ...factuals(COMMIT_FACTS),
      db: factual(constantText(db)),
      ...factuals(SOURCE_FACTS),
    };
    this.#tail = {
      transaction: settings.transactionMetadata ? this.#order() : factual(constantText(null)),
      op: factual(OP_FACT),
      ...factuals(CLOCK_FACTS),
    };
  }

  ofTable(plan: RowPlan): TableShapes {
    const relation = { schema: plan.schema, table: plan.table };
    const rows = { before: rowOf(plan.columns, 'before', 'before'), after: rowOf(plan.columns, 'after', 'after') };
    const value = struct(plan.envelopeSchema, { ...rows, source: this.#sourceOf(relation), ...this.#tail });
    const key = plan.keySchema === undefined ? undefined : { schema: plan.keySchema, origin: rowOf(plan.key, 'key') };
    return { row: { relation, key, value }, truncate: { relation, key: undefined, value } };
  }

  /** The shape of a logical decoding message. */
  message(): RecordShape {
    const { binary } = this.#settings;
    const prefix = factual(MESSAGE_PREFIX_FACT);
    const schema = messageValueSchema({ type: binary === 'bytes' ? 'bytes' : 'string', optional: true });
    const members = {
      ...this.#tail,
      op: factual(constantText('m')),
      source: this.#sourceOf(NO_TABLE),
      message: structOrigin(fieldSchema(schema, 'message'), { prefix, content: factual(contentFact(binary)) }),
    };
    return { relation: NO_TABLE, key: struct(MESSAGE_KEY_SCHEMA, { prefix }), value: struct(schema, members) };
  }

  /** The shape of BEGIN or END. Both have the same schemas. */
  boundary(status: 'BEGIN' | 'END'): RecordShape {
    const facts = factuals(BOUNDARY_FACTS);
    const members = { status: factual(constantText(status)), ...facts, ts_ms: factual(COMMIT_FACTS.ts_ms) };
    return { relation: NO_TABLE, key: struct(TRANSACTION_KEY_SCHEMA, facts), value: struct(TRANSACTION_VALUE_SCHEMA, members) };
  }

  heartbeat(): RecordShape {
    const serverName = factual(constantText(this.#settings.constants.name));
    const value = struct(HEARTBEAT_VALUE_SCHEMA, { ts_ms: factual(CLOCK_FACTS.ts_ms) });
    return { relation: NO_TABLE, key: struct(HEARTBEAT_KEY_SCHEMA, { serverName }), value };
  }

  #sourceOf({ schema, table }: RelationName): Origin {
    const relation = { schema: factual(constantText(schema, 'relation')), table: factual(constantText(table, 'relation')) };
    return structOrigin(SOURCE_SCHEMA, { ...this.#source, ...relation });
  }

  #order(): Origin {
    return structOrigin(TRANSACTION_BLOCK_SCHEMA, factuals(ORDER_FACTS), 'transaction');
  }
}

const NO_TABLE: RelationName = { schema: '', table: '' };

function factual(fact: Fact): Origin {
  return { from: 'fact', fact };
}

function factuals(facts: Readonly<Record<string, Fact>>): Readonly<Record<string, Origin>> {
  return Object.fromEntries(Object.entries(facts).map(([name, fact]) => [name, factual(fact)]));
}

function rowOf(columns: readonly PlannedColumn[], image: Image, when?: Presence): Origin {
  const fields = columns.map(
    (column): FieldShape => ({ field: column.field, schema: column.codec.schema, origin: { from: 'column', column, image } }),
  );
  return when === undefined ? { from: 'struct', fields } : { from: 'struct', fields, when };
}

function struct(schema: FieldSchema, members: Readonly<Record<string, Origin>>): ValueShape {
  return { schema, origin: structOrigin(schema, members) };
}

/** A struct with its members in the order of the schema. Every field of the schema needs a member. */
function structOrigin(schema: FieldSchema, members: Readonly<Record<string, Origin>>, when?: Presence): Origin {
  const fields = (schema.fields ?? []).map(({ field, schema: inner }): FieldShape => {
    const origin = Object.hasOwn(members, field) ? members[field] : undefined;
    if (origin === undefined) throw new Error(`nothing is known of the field ${field}`);
    return { field, schema: inner, origin };
  });
  return when === undefined ? { from: 'struct', fields } : { from: 'struct', fields, when };
}

function fieldSchema(schema: FieldSchema, name: string): FieldSchema {
  const found = schema.fields?.find(({ field }) => field === name)?.schema;
  if (found === undefined) throw new Error(`the schema has no field ${name}`);
  return found;
}
