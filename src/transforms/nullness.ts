/**
 * Owns the question whether a key or value is null as a whole. Most shapes know it for every record; the others are asked for each. What is
 * there and what is not may have different schemas, so a transform that looks at it makes a fork.
 */
import type { EventView } from '../events/event-view.ts';
import type { FieldShape, Presence, ValueShape } from '../events/record-shape.ts';
import { derived, fieldsOf, type Side, sideOf, substituted } from './fields.ts';
import { nullTesterOf, readerOf } from './read-value.ts';
import { isAlwaysNull, nullOf, type Outcome, type RecordKind, type ShapedRecord } from './shaped-record.ts';

/** True or false for every record of the shape, or a question to each record. */
export type Nullness = boolean | ((event: EventView) => boolean);

export function nullnessOf(shape: ValueShape | undefined, kind: RecordKind): Nullness {
  if (shape === undefined || isAlwaysNull(shape)) return true;
  const { schema, origin } = shape;
  if (origin.from === 'struct') {
    const { when } = origin;
    if (when === undefined) return false;
    const known = presenceIn(kind, when);
    return known === undefined ? nullTesterOf(shape) : !known;
  }
  return origin.from === 'column' && !schema.optional ? false : nullTesterOf(shape);
}

/** Undefined where records of the kind differ in it. */
function presenceIn(kind: RecordKind, when: Presence): boolean | undefined {
  switch (when) {
    case 'before':
      return kind === 'update' ? undefined : kind === 'delete';
    case 'after':
      return kind === 'create' || kind === 'update' || kind === 'read';
    case 'transaction':
      return undefined;
  }
}

type Acts = {
  readonly present: (shape: ValueShape) => Outcome;
  /** Undefined: null without a schema. */
  readonly absent: (shape: ValueShape | undefined) => Outcome;
};

/** What to do with a record where its key or value is there, and where it is null. */
export function whereThere(record: ShapedRecord, side: Side, { present, absent }: Acts): Outcome {
  const shape = sideOf(record, side);
  const isNull = nullnessOf(shape, record.kind);
  if (shape === undefined) return absent(undefined);
  if (isNull === true) return absent(nullOf(shape.schema));
  if (isNull === false) return present(withoutPresence(shape));
  const branch = (answer: string | null): Outcome => (answer === null ? absent(nullOf(shape.schema)) : present(withoutPresence(shape)));
  return { tag: 'fork', read: (event) => (isNull(event) ? null : 'there'), branch };
}

function withoutPresence(shape: ValueShape): ValueShape {
  const { schema, origin } = shape;
  return origin.from === 'struct' && origin.when !== undefined ? { schema, origin: { from: 'struct', fields: origin.fields } } : shape;
}

/**
 * A field of a struct that may be null, and the field with it. Undefined if there is no such field.
 * `substitutes`: within a struct that is there, a null is read as the field's default.
 */
export function memberOfNullable(
  parent: ValueShape,
  field: string,
  o: { readonly kind: RecordKind; readonly purpose: string; readonly substitutes: boolean },
): ValueShape | undefined {
  const isNull = nullnessOf(parent, o.kind);
  if (isNull === true) {
    const schema = parent.schema.fields?.find((one) => one.field === field)?.schema;
    return schema === undefined ? undefined : nullOf(schema);
  }
  const found: FieldShape | undefined = fieldsOf(parent, o.purpose).find((one) => one.field === field);
  if (found === undefined) return undefined;
  const { schema, origin } = found;
  const member = o.substitutes ? substituted({ schema, origin }) : { schema, origin };
  if (isNull === false || parent.origin.from !== 'struct') return member;
  const { when } = parent.origin;
  if (member.origin.from === 'struct' && member.origin.when === undefined && when !== undefined)
    return { schema, origin: { ...member.origin, when } };
  // A column is null anyway if its row is not there, but it would not be written as its default then.
  if (member.origin.from === 'column' && schema.optional && schema.defaultValue === undefined) return member;
  const read = readerOf(member, { substituted: o.substitutes });
  return derived(schema, (event) => (isNull(event) ? null : read(event)));
}
