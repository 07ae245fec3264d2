/** Owns InsertField, which adds facts of the record to its key or value. Source: org.apache.kafka.connect.transforms.InsertField. */
import { constantText } from '../../events/facts.ts';
import type { FieldShape, ValueShape } from '../../events/record-shape.ts';
import type { FieldSchema } from '../../values/schema.ts';
import { copyBasics, derived, fieldNamed, fieldsOf, type Side, structOf } from '../fields.ts';
import type { TransformSettings } from '../settings.ts';
import { type NumberReader, nullOf, type ShapedRecord, type Transform, TransformError } from '../shaped-record.ts';
import { changing, fieldReader } from './operating.ts';

const TIMESTAMP = { type: 'int64', name: 'org.apache.kafka.connect.data.Timestamp', version: 1 } as const;

type Insertion = { readonly name: string; readonly optional: boolean };

export function insertField(side: Side, settings: TransformSettings): Transform {
  const insertion = (option: string): Insertion | undefined => insertionOf(settings.optional(option));
  const topic = insertion('topic.field');
  const partition = insertion('partition.field');
  const timestamp = insertion('timestamp.field');
  const fixed = insertion('static.field');
  const value = settings.optional('static.value');
  if (insertion('offset.field') !== undefined)
    throw new TransformError('Only SinkRecord supported for [field insertion], found: SourceRecord');
  if (fixed !== undefined && value === undefined) throw new TransformError(`No value specified for static field: ${fixed.name}`);
  if ([topic, partition, timestamp, fixed].every((one) => one === undefined)) throw new TransformError('No field insertion configured');
  const readField = fieldReader(settings);

  const inserted = (record: ShapedRecord): FieldShape[] => [
    ...asField(topic, (optional) => text(record.topic, optional)),
    ...asField(partition, (optional) => number({ type: 'int32', optional }, record.partition)),
    ...asField(timestamp, (optional) => number({ ...TIMESTAMP, optional }, record.timestamp)),
    ...asField(fixed, (optional) => text(value ?? '', optional)),
  ];
  return changing(side, (shape, record) =>
    structOf(copyBasics(shape.schema), [...fieldsOf(shape, 'field insertion').map(readField), ...inserted(record)]),
  );
}

/** Grammar: `name`, `name?` or `name!`. */
function insertionOf(spec: string | undefined): Insertion | undefined {
  if (spec === undefined) return undefined;
  const name = /[!?]$/.test(spec) ? spec.slice(0, -1) : spec;
  return { name, optional: !spec.endsWith('!') };
}

function asField(insertion: Insertion | undefined, value: (optional: boolean) => ValueShape): FieldShape[] {
  return insertion === undefined ? [] : [fieldNamed(insertion.name, value(insertion.optional))];
}

function text(value: string, optional: boolean): ValueShape {
  return { schema: { type: 'string', optional }, origin: { from: 'fact', fact: constantText(value, 'relation') } };
}

function number(schema: FieldSchema, read: NumberReader | undefined): ValueShape {
  return read === undefined ? nullOf(schema) : derived(schema, read);
}
