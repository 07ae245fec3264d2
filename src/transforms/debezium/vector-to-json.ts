/** Owns VectorToJsonConverter, which makes JSON text of vectors. Source: io.debezium.transforms.VectorToJsonConverter. */
import { javaFloat32Text, javaFloat64Text } from '../../core/java/floats.ts';
import type { FieldSchema } from '../../values/schema.ts';
import type { CapturedValue } from '../../values/value-capture.ts';
import { copyBasics, fieldsOf, memberOf } from '../fields.ts';
import { whereThere } from '../nullness.ts';
import { recordOutcome, type Transform } from '../shaped-record.ts';
import { type ValueChange, withChangedValues } from './changed-values.ts';

const DATA = 'io.debezium.data.';

const CHANGE: ValueChange = {
  leaf: ({ name, optional }) => {
    const convert = CONVERSIONS[name ?? ''];
    if (convert === undefined) return undefined;
    const schema: FieldSchema = { type: 'string', optional, name: `${DATA}Json`, version: 1 };
    return { schema, convert };
  },
  structBasics: (schema) => ({ ...copyBasics(schema), optional: schema.optional }),
  inLists: false,
};

const CONVERSIONS: Readonly<Record<string, (value: CapturedValue) => string>> = {
  [`${DATA}DoubleVector`]: (value) => listText(value, javaFloat64Text),
  [`${DATA}FloatVector`]: (value) => listText(value, javaFloat32Text),
  [`${DATA}SparseDoubleVector`]: sparseText,
};

export function vectorToJson(): Transform {
  return (record) =>
    whereThere(record, 'value', {
      present: (value) => {
        fieldsOf(value, 'Value should be a struct');
        return recordOutcome({ ...record, value: withChangedValues(value, CHANGE) });
      },
      absent: () => recordOutcome(record),
    });
}

function listText(value: CapturedValue, text: (value: number) => string): string {
  const items = Array.isArray(value) ? value : [];
  return `{ "values": [${items.map((item) => text(Number(item))).join(', ')}] }`;
}

function sparseText(value: CapturedValue): string {
  const vector = memberOf(value, 'vector');
  const entries = vector instanceof Map ? [...vector] : [];
  const sorted = entries.map(([key, item]) => [Number(key), Number(item)] as const).toSorted(([one], [other]) => one - other);
  const members = sorted.map(([key, item]) => `"${key}": ${javaFloat64Text(item)}`).join(', ');
  return `{ "dimensions": ${String(memberOf(value, 'dimensions'))}, "vector": { ${members} } }`;
}
