/**
 * Owns leaving out the fields that a header names, for ExtractNewRecordState (drop.fields.*). The names differ from record to record, so the
 * schema does too. Source: io.debezium.transforms.ExtractNewRecordState.dropFields.
 */
import type { EventView } from '../../events/event-view.ts';
import type { ValueShape } from '../../events/record-shape.ts';
import { copyBasics, fieldNamed, fieldsOf, structOf, substituted } from '../fields.ts';
import { readerOf } from '../read-value.ts';
import type { TransformSettings } from '../settings.ts';
import { isAlwaysNull, type Outcome, type ShapedRecord, TransformError } from '../shaped-record.ts';

const PURPOSE = 'field replacement';

type FieldDropper = (record: ShapedRecord, next: (record: ShapedRecord) => Outcome) => Outcome;

export function fieldDropper(settings: TransformSettings): FieldDropper {
  const headerName = settings.text('drop.fields.header.name', '').trim();
  const fromKey = settings.flag('drop.fields.from.key', false);
  const onlyOptional = settings.flag('drop.fields.keep.schema.compatible', true);

  const without = (shape: ValueShape | undefined, names: ReadonlySet<string>): ValueShape | undefined => {
    if (shape === undefined || isAlwaysNull(shape)) return shape;
    const fields = fieldsOf(shape, PURPOSE);
    const kept = fields.filter(({ field, schema }) => !names.has(field) || (onlyOptional && !schema.optional));
    if (onlyOptional && kept.length === fields.length) return shape;
    return structOf(
      copyBasics(shape.schema),
      kept.map((field) => fieldNamed(field.field, substituted(field))),
    );
  };
  return (record, next) => {
    const header = headerName === '' ? undefined : record.headers.entries.find(({ name }) => name === headerName)?.value;
    if (header === undefined || header === 'other key') return next(record);
    const read = readerOf(header, { substituted: false });
    const branch = (answer: string | null): Outcome => {
      if (answer === null) return next(record);
      const names = new Set<string>(JSON.parse(answer));
      const key = fromKey ? without(record.key, names) : record.key;
      return next({ ...record, key, value: without(record.value, names), headers: record.headers.copy() });
    };
    return { tag: 'fork', read: (event) => listOf(read, event, headerName), branch };
  };
}

/** Null: the header names no field. */
function listOf(read: ReturnType<typeof readerOf>, event: EventView, header: string): string | null {
  const value = read(event);
  if (value === null) return null;
  if (!Array.isArray(value)) throw new TransformError(`the header ${header} is no list of field names`);
  return value.length === 0 ? null : JSON.stringify(value);
}
