/** Owns ExtractSchemaToNewRecord, which puts what is known of the columns into the value. Source: io.debezium.transforms.ExtractSchemaToNewRecord. */
import type { Fact, ValueShape } from '../../events/record-shape.ts';
import type { FieldSchema, StructField } from '../../values/schema.ts';
import type { CapturedValue } from '../../values/value-capture.ts';
import { copyBasics, fieldNamed, fieldsOf, findField, structOf, substituted } from '../fields.ts';
import { whereThere } from '../nullness.ts';
import { isEnvelope, type Outcome, recordOutcome, type ShapedRecord, type Transform, TransformError } from '../shaped-record.ts';

const PURPOSE = 'source schema';
const BLOCK = 'io.debezium.connector.source';
const PARAMETER = '__debezium.source.column.';
const NOT_PROPAGATED =
  'Ensure that enable configurations "column.propagate.source.type" or "datatype.propagate.source.type" and the value is set to ".*"';

const field = (name: string, type: FieldSchema['type'], optional: boolean): StructField => ({ field: name, schema: { type, optional } });

const COLUMN: FieldSchema = {
  type: 'struct',
  optional: false,
  name: `${BLOCK}.schema.Column`,
  version: 1,
  fields: [
    field('name', 'string', false),
    field('typeName', 'string', false),
    field('length', 'int32', true),
    field('scale', 'int32', true),
    field('comment', 'string', true),
  ],
};
const TABLE: FieldSchema = {
  type: 'struct',
  optional: false,
  name: `${BLOCK}.schema.Table`,
  version: 1,
  fields: [{ field: 'columns', schema: { type: 'array', optional: false, items: COLUMN } }],
};
const SOURCE_SCHEMA: FieldSchema = {
  type: 'struct',
  optional: false,
  name: `${BLOCK}.Schema`,
  version: 1,
  fields: [field('id', 'string', false), { field: 'table', schema: TABLE }],
};

export function schemaToRecord(): Transform {
  const extended = (record: ShapedRecord, value: ValueShape): Outcome => {
    if (!isEnvelope(record) || record.kind === 'truncate') return recordOutcome(record);
    const after = findField(value, 'after', PURPOSE);
    if (after === undefined) throw new TransformError('Unknown field: after');
    const description = { id: record.relation.table, table: { columns: (after.schema.fields ?? []).map(columnOf) } };
    const fact: Fact = { name: 'source schema', lasts: 'relation', gives: 'value', read: () => description };
    const fields = [
      ...fieldsOf(value, PURPOSE).map((one) => fieldNamed(one.field, substituted(one))),
      fieldNamed('sourceSchema', { schema: SOURCE_SCHEMA, origin: { from: 'fact', fact } }),
    ];
    return recordOutcome({ ...record, value: structOf({ ...copyBasics(value.schema), optional: value.schema.optional }, fields) });
  };
  return (record) =>
    whereThere(record, 'value', { present: (value) => extended({ ...record, value }, value), absent: () => recordOutcome(record) });
}

function columnOf({ schema }: StructField): { [member: string]: CapturedValue } {
  const parameter = (name: string): string | undefined => schema.parameters?.find(([known]) => known === PARAMETER + name)?.[1];
  const number = (text: string | undefined): number | null => (text === undefined ? null : Number(text));
  const name = parameter('name');
  const typeName = parameter('type');
  if (name === undefined || typeName === undefined) throw new TransformError(NOT_PROPAGATED);
  const comment = parameter('comment') ?? null;
  return { name, typeName, length: number(parameter('length')), scale: number(parameter('scale')), comment };
}
