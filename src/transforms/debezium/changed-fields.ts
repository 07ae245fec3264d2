/**
 * Owns ExtractChangedRecordState, which lists the names of changed and of unchanged fields in headers.
 * Source: io.debezium.transforms.ExtractChangedRecordState.
 */
import type { EventView } from '../../events/event-view.ts';
import type { FieldShape, ValueShape } from '../../events/record-shape.ts';
import type { FieldSchema } from '../../values/schema.ts';
import { derived, fieldsOf, findField } from '../fields.ts';
import { nullnessOf } from '../nullness.ts';
import { readerOf } from '../read-value.ts';
import type { TransformSettings } from '../settings.ts';
import { isEnvelope, recordOutcome, type ShapedRecord, type Transform, TransformError } from '../shaped-record.ts';
import { javaEquals } from './java-equals.ts';

const PURPOSE = 'Record value should be struct.';

type Names = (event: EventView, isChanged: boolean) => string[];

export function changedFields(settings: TransformSettings): Transform {
  const lists = [
    { name: settings.text('header.changed.name', ''), isChanged: true },
    { name: settings.text('header.unchanged.name', ''), isChanged: false },
  ].filter(({ name }) => name.trim() !== '');
  return (record) => {
    if (record.value === undefined || !isEnvelope(record)) return recordOutcome(record);
    const names = namesOf(record, record.value);
    for (const { name, isChanged } of lists) {
      const schema: FieldSchema = { type: 'array', optional: true, name, items: { type: 'string', optional: true } };
      // In place, as Debezium does: the tombstone of a delete has the header too.
      record.headers.entries.push({ name, value: derived(schema, (event) => names(event, isChanged)) });
    }
    return recordOutcome(record);
  };
}

/** No names where one of the images is not there. */
function namesOf({ kind }: ShapedRecord, envelope: ValueShape): Names {
  const [before, after] = ['before', 'after'].map((image) => imageOf(envelope, image));
  const nothing: Names = () => [];
  if (before === undefined || after === undefined) return nothing;
  const areNull = [before, after].map((image) => nullnessOf(image, kind));
  if (areNull.includes(true)) return nothing;
  const tests = areNull.filter((isNull) => typeof isNull !== 'boolean');
  const old = fieldsOf(before, PURPOSE);
  const comparisons = fieldsOf(after, PURPOSE).map((field) => ({ field: field.field, isSame: comparison(field, old) }));
  return (event, isChanged) => {
    if (tests.some((isNull) => isNull(event))) return [];
    return comparisons.filter(({ isSame }) => isSame(event) !== isChanged).map(({ field }) => field);
  };
}

function imageOf(envelope: ValueShape, image: string): ValueShape {
  const found = findField(envelope, image, PURPOSE);
  if (found === undefined) throw new TransformError(`${image} is not a valid field name`);
  return found;
}

function comparison(field: FieldShape, old: readonly FieldShape[]): (event: EventView) => boolean {
  const counterpart = old.find((one) => one.field === field.field);
  if (counterpart === undefined) throw new TransformError(`${field.field} is not a valid field name`);
  const readNew = readerOf(field, { substituted: false });
  const readOld = readerOf(counterpart, { substituted: false });
  return (event) => javaEquals(field.schema, readNew(event), readOld(event));
}
