/** Owns Flatten, which puts the fields of structs at the first level. Source: org.apache.kafka.connect.transforms.Flatten. */
import type { FieldShape, ValueShape } from '../../events/record-shape.ts';
import { copyBasics, fieldNamed, type Side, structOf, withDefault, withSchema } from '../fields.ts';
import { memberOfNullable } from '../nullness.ts';
import type { TransformSettings } from '../settings.ts';
import { type RecordKind, type Transform, TransformError } from '../shaped-record.ts';
import { changing } from './operating.ts';

const PURPOSE = 'flattening';

export function flatten(side: Side, settings: TransformSettings): Transform {
  const delimiter = settings.text('delimiter', '.');

  /** `optional`: the struct or one around it is. */
  const flattened = (
    struct: ValueShape,
    o: { readonly prefix: string; readonly optional: boolean; readonly kind: RecordKind },
  ): FieldShape[] => {
    const { prefix, kind } = o;
    return (struct.schema.fields ?? []).flatMap(({ field, schema }): FieldShape[] => {
      const name = prefix === '' ? field : `${prefix}${delimiter}${field}`;
      const optional = o.optional || schema.optional;
      if (schema.type === 'map') {
        throw new TransformError(`Flatten transformation does not support MAP for record with schemas (for field ${name}).`);
      }
      const member = memberOfNullable(struct, field, { kind, purpose: PURPOSE, substitutes: true });
      if (member === undefined) return [];
      if (schema.type === 'struct') return flattened(member, { prefix: name, optional, kind });
      return [fieldNamed(name, withSchema(member, withDefault({ ...copyBasics(schema), optional }, schema.defaultValue)))];
    });
  };
  return changing(side, (shape, { kind }) => {
    if (shape.schema.type !== 'struct')
      throw new TransformError(`Only Struct objects supported for [${PURPOSE}], found: ${shape.schema.type}`);
    return structOf(copyBasics(shape.schema), flattened(shape, { prefix: '', optional: shape.schema.optional, kind }));
  });
}
