/**
 * Owns the plan of one relation version: which cells go where, through which codec, into which topic and schemas. It is compiled once, when a
 * Relation message or a snapshot presents the table. Streaming and snapshot choose keys by the same rules.
 * Source: io.debezium.relational.TableSchemaBuilder.
 */
import { itemAt } from '../core/byte-reader.ts';
import { SlotlineError } from '../core/errors.ts';
import type { RelationMessage } from '../pgoutput/messages.ts';
import { COLUMNS_MAX } from '../pgoutput/tuple.ts';
import { changeColumn } from '../values/column-change.ts';
import { sharedColumn } from '../values/compile.ts';
import type { ColumnSpec, PgType, ValueModes } from '../values/pg-type.ts';
import type { FieldSchema, StructField } from '../values/schema.ts';
import { sourceTypeOf } from '../values/source-type.ts';
import type { ValueCodec } from '../values/value-writer.ts';
import type { ColumnRules } from './column-rules.ts';
import { compilePattern, type TableFilter } from './filter.ts';
import { isSoundKey, type KeyIndex } from './key-index.ts';
import type { AdjustName } from './name-adjustment.ts';
import { SOURCE_SCHEMA, TRANSACTION_BLOCK_SCHEMA } from './source-info.ts';
import { dataTopic, type TopicNaming } from './topic.ts';

/** What the catalog knows of a table beyond the Relation message. It may be newer than the event, as with Debezium. */
export type TableFacts = {
  /** In index order; empty: there is none. */
  readonly primaryKey: readonly string[];
  /** In the order of preference. */
  readonly uniqueIndexes: readonly KeyIndex[];
  /** The columns of REPLICA IDENTITY USING INDEX. */
  readonly identityKey?: readonly string[];
  readonly columns: ReadonlyMap<string, ColumnFacts>;
};

type ColumnFacts = {
  readonly notNull: boolean;
  readonly defaultExpression?: string | undefined;
};

export type PlannedColumn = {
  /** The column's own name. */
  readonly name: string;
  /** The field's name in keys and values, adjusted as field.name.adjustment.mode says. */
  readonly field: string;
  /** The type's name, to name it when a value does not convert. */
  readonly type: string;
  /** Position of the cell in a tuple. Beyond the last one: there is no cell. */
  readonly index: number;
  readonly codec: ValueCodec;
};

export type RowPlan = {
  readonly relationOid: number;
  readonly schema: string;
  readonly table: string;
  readonly topic: string;
  readonly columns: readonly PlannedColumn[];
  /** In key order. Empty although there is a keySchema: no column of the key has a known type, and keys are `{}`. */
  readonly key: readonly PlannedColumn[];
  /** undefined: records have a null key. */
  readonly keySchema: FieldSchema | undefined;
  readonly rowSchema: FieldSchema;
  readonly envelopeSchema: FieldSchema;
};

export type PlanSettings = {
  readonly naming: TopicNaming;
  readonly filter: TableFilter;
  readonly keyColumns: readonly { readonly table: string; readonly columns: readonly string[] }[];
  readonly modes: ValueModes;
  readonly columnRules: ColumnRules;
  readonly adjustSchemaName: AdjustName;
  readonly adjustFieldName: AdjustName;
};

type Relation = Pick<RelationMessage, 'oid' | 'schema' | 'table' | 'columns'>;

/** `typeOf` returns the type for every OID that the relation names. Throws field_name_collision. */
export function planRows(given: Relation, facts: TableFacts, typeOf: (oid: number) => PgType, settings: PlanSettings): RowPlan {
  const { phase } = settings.modes;
  const relation = phase === 'stream' ? withoutQuotes(given) : given;
  const isIncluded = (name: string): boolean => settings.filter.includesColumn(relation.schema, relation.table, name);
  const compiled = relation.columns.map((column, index) => {
    // A streaming Debezium does not look up excluded columns. So in the key they are optional and have no default.
    const known = phase === 'snapshot' || isIncluded(column.name) ? facts.columns.get(column.name) : undefined;
    const spec = columnSpec(column, known, typeOf);
    const codec = sharedColumn(spec, settings.modes);
    return codec === undefined
      ? undefined
      : { name: column.name, field: settings.adjustFieldName(column.name), type: spec.type.name, index, codec, spec };
  });
  const present = compiled.filter((column) => column !== undefined);
  const columns = present.filter((column) => isIncluded(column.name)).map((column) => withRule(relation, column, settings));
  // A snapshot of Debezium reads only the included columns, or all if there are none. Other columns of the key get no value.
  const unread = phase === 'snapshot' && relation.columns.some((column) => isIncluded(column.name));
  const keyNames = selectKey(relation, facts, { ...settings, corrected: settings.modes.corrections.has('keys') });
  const key = keyNames
    .map((name) => present.find((column) => column.name === name))
    .filter((column) => column !== undefined)
    .map((column) => asPlanned(unread && !isIncluded(column.name) ? { ...column, index: COLUMNS_MAX } : column));
  rejectCollisions(relation, columns);
  rejectCollisions(relation, key);
  const topic = dataTopic(settings.naming, relation.schema, relation.table);
  const schemaName = (part: string): string => settings.adjustSchemaName(`${topic}.${part}`);
  const rowSchema: FieldSchema = { type: 'struct', optional: true, name: schemaName('Value'), fields: columns.map(asField) };
  return {
    relationOid: relation.oid,
    schema: relation.schema,
    table: relation.table,
    topic,
    columns,
    key,
    keySchema: keyNames.length === 0 ? undefined : { type: 'struct', optional: false, name: schemaName('Key'), fields: key.map(asField) },
    rowSchema,
    envelopeSchema: envelopeSchema(schemaName('Envelope'), rowSchema),
  };
}

/**
 * A streaming Debezium takes a column name that begins and ends with a quote for a quoted identifier. It then looks for the name without
 * quotes, and finds no key, no NOT NULL and no default.
 */
function withoutQuotes(relation: Relation): Relation {
  if (!relation.columns.some(({ name }) => QUOTED_NAME.test(name))) return relation;
  return { ...relation, columns: relation.columns.map((column) => ({ ...column, name: unquoteName(column.name) })) };
}

const QUOTED_NAME = /^(["'`]).*\1$/s;

/** Source: io.debezium.util.Strings.unquoteIdentifierPart. */
function unquoteName(name: string): string {
  const quote = QUOTED_NAME.exec(name)?.[1];
  return quote === undefined ? name : name.slice(1, -1).replaceAll(quote + quote, quote);
}

function columnSpec(column: Relation['columns'][number], known: ColumnFacts | undefined, typeOf: (oid: number) => PgType): ColumnSpec {
  return {
    name: column.name,
    type: typeOf(column.typeOid),
    typmod: column.typmod,
    optional: !(known?.notNull ?? false),
    defaultExpression: known?.defaultExpression,
  };
}

/** Applies the column's rule. Rules change values, never keys. */
function withRule(relation: Relation, column: PlannedColumn & { readonly spec: ColumnSpec }, settings: PlanSettings): PlannedColumn {
  const source = sourceTypeOf(column.spec, settings.modes.phase);
  const change = settings.columnRules({ schema: relation.schema, table: relation.table, column: column.name, typeName: source.name });
  return asPlanned(change === undefined ? column : { ...column, codec: changeColumn(column.codec, { name: column.name, source }, change) });
}

/** Drops what only planning needs, because a plan is kept for every table. */
function asPlanned({ name, field, type, index, codec }: PlannedColumn): PlannedColumn {
  return { name, field, type, index, codec };
}

/** Adjusted names may be equal. Debezium fails here too, because a struct cannot have two fields of one name. */
function rejectCollisions(relation: Relation, columns: readonly PlannedColumn[]): void {
  const owners = new Map<string, string>();
  for (const { name, field } of columns) {
    const owner = owners.get(field);
    if (owner !== undefined) {
      throw new SlotlineError('field_name_collision', { table: `${relation.schema}.${relation.table}`, field, columns: [owner, name] });
    }
    owners.set(field, name);
  }
}

/**
 * Columns of the key, in order: message.key.columns, else the primary key, else the first unique index without expressions. With corrected
 * keys the index of the replica identity comes first, because a delete has no other columns; and a unique index must tell every row from every
 * other.
 */
export function selectKey(
  relation: Pick<Relation, 'schema' | 'table' | 'columns'>,
  facts: TableFacts,
  settings: Pick<PlanSettings, 'keyColumns'> & { readonly corrected: boolean },
): readonly string[] {
  const names = new Set(relation.columns.map((column) => column.name));
  const custom = customKey(relation, settings.keyColumns);
  if (custom.length > 0) return custom;
  if (settings.corrected) return soundKey(facts).filter((name) => names.has(name));
  // If the publication leaves out the primary key, there is no key. A unique index does not take its place.
  if (facts.primaryKey.length > 0) return facts.primaryKey.filter((name) => names.has(name));
  const unique = facts.uniqueIndexes.find((index) => !index.hasExpressions && index.columns.length > 0);
  return unique?.columns.filter((name) => names.has(name)) ?? [];
}

function soundKey({ identityKey = [], primaryKey, uniqueIndexes }: TableFacts): readonly string[] {
  if (identityKey.length > 0) return identityKey;
  return primaryKey.length > 0 ? primaryKey : (uniqueIndexes.find(isSoundKey)?.keyColumns ?? []);
}

/** Each `table:column` pair is one pattern `table.column`, tested against schema.table.column (Key.CustomKeyMapper). */
function customKey(relation: Pick<Relation, 'schema' | 'table' | 'columns'>, keyColumns: PlanSettings['keyColumns']): readonly string[] {
  const found: string[] = [];
  for (const entry of keyColumns) {
    for (const column of entry.columns) {
      const pattern = compilePattern(`${entry.table}\\.${column}`);
      for (const candidate of relation.columns) {
        const matches = pattern.test(`${relation.schema}.${relation.table}.${candidate.name}`);
        if (matches && !found.includes(candidate.name)) found.push(candidate.name);
      }
    }
  }
  return found;
}

function asField(column: PlannedColumn): StructField {
  return { field: column.field, schema: column.codec.schema };
}

const CLOCK: FieldSchema = { type: 'int64', optional: true };
/** The same fields for every table. */
const ENVELOPE_TAIL: readonly StructField[] = [
  { field: 'source', schema: SOURCE_SCHEMA },
  { field: 'transaction', schema: TRANSACTION_BLOCK_SCHEMA },
  { field: 'op', schema: { type: 'string', optional: false } },
  { field: 'ts_ms', schema: CLOCK },
  { field: 'ts_us', schema: CLOCK },
  { field: 'ts_ns', schema: CLOCK },
];

function envelopeSchema(name: string, rowSchema: FieldSchema): FieldSchema {
  const rows: readonly StructField[] = [
    { field: 'before', schema: rowSchema },
    { field: 'after', schema: rowSchema },
  ];
  return { type: 'struct', optional: false, name, version: 2, fields: [...rows, ...ENVELOPE_TAIL] };
}

/**
 * True when a cell of the key differs between the two tuples of an update, or was not sent. The published keys may still be equal: Debezium
 * compares converted values, with a placeholder for what was not sent.
 */
export function keyCellsDiffer(plan: RowPlan, before: KeyCells, after: KeyCells): boolean {
  for (let i = 0; i < plan.key.length; i++) {
    const index = itemAt(plan.key, i).index;
    if (!sameCell(before, after, index)) return true;
  }
  return false;
}

type KeyCells = {
  readonly source: Uint8Array;
  readonly kinds: Uint8Array;
  readonly starts: Int32Array;
  readonly ends: Int32Array;
};

const TEXT = 0x74;
const NULL = 0x6e;

function sameCell(before: KeyCells, after: KeyCells, index: number): boolean {
  const kind = after.kinds[index];
  if (kind !== before.kinds[index]) return false;
  if (kind !== TEXT) return kind === NULL;
  const start = after.starts[index] ?? 0;
  const end = after.ends[index] ?? 0;
  const oldStart = before.starts[index] ?? 0;
  if (end - start !== (before.ends[index] ?? 0) - oldStart) return false;
  for (let i = start, j = oldStart; i < end; i++, j++) {
    if (after.source[i] !== before.source[j]) return false;
  }
  return true;
}
