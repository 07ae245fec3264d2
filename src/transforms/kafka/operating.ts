/**
 * Owns what Kafka's transforms have in common: they act on the key or on the value, read the fields of a struct raw or substituted, and fail
 * or do nothing where there is no struct. Source: org.apache.kafka.connect.transforms.util.Requirements.
 */
import type { FieldShape, ValueShape } from '../../events/record-shape.ts';
import { fieldNamed, type Side, substituted, withSide } from '../fields.ts';
import { whereThere } from '../nullness.ts';
import type { TransformSettings } from '../settings.ts';
import { recordOutcome, type ShapedRecord, type Transform, TransformError } from '../shaped-record.ts';

/** A field as the transform reads it: a null as the default, or as a null. */
type ReadField = (field: FieldShape) => FieldShape;

export function fieldReader(settings: TransformSettings): ReadField {
  if (!settings.flag('replace.null.with.default', true)) return (field) => field;
  return (field) => fieldNamed(field.field, substituted(field));
}

/** Changes the key or value where there is one, and leaves every other record as it is. */
export function changing(side: Side, change: (shape: ValueShape, record: ShapedRecord) => ValueShape): Transform {
  return (record) =>
    whereThere(record, side, {
      present: (shape) => recordOutcome(withSide(record, side, change(shape, record))),
      absent: () => recordOutcome(record),
    });
}

/** The error of a transform that needs a value, for a null with this schema or without one. */
export function nullFailure(shape: ValueShape | undefined, purpose: string): TransformError {
  const wanted = shape === undefined ? 'Only Map objects supported in absence of schema' : 'Only Struct objects supported';
  return new TransformError(`${wanted} for [${purpose}], found: null`);
}
