/** Owns Cast, which gives fields or a whole another type. The conversions of values are cast-value.ts. Source: org.apache.kafka.connect.transforms.Cast. */
import type { FieldShape, ValueShape } from '../../events/record-shape.ts';
import type { DefaultValue, FieldSchema } from '../../values/schema.ts';
import { converted, copyBasics, fieldNamed, fieldsOf, type Side, structOf, withDefault } from '../fields.ts';
import type { TransformSettings } from '../settings.ts';
import { type Transform, TransformError } from '../shaped-record.ts';
import { CAST_TYPES, type CastType, castTo } from './cast-value.ts';
import { changing, fieldReader } from './operating.ts';

export function cast(side: Side, settings: TransformSettings): Transform {
  const spec = settings.list('spec').map(entryOf);
  const whole = spec.find(({ field }) => field === undefined);
  if (spec.length === 0) throw new TransformError('Must specify at least one field to cast.');
  if (whole !== undefined && spec.length > 1) throw new TransformError(ONE_ONLY);
  const casts = new Map(spec.map(({ field, type }) => [field, type]));
  const readField = fieldReader(settings);

  return changing(side, (shape) => {
    if (whole !== undefined) return castShape(shape, { ...copyBasics(shape.schema), type: whole.type });
    const fields = fieldsOf(shape, 'cast types').map(readField);
    return structOf(
      { ...copyBasics(shape.schema), optional: shape.schema.optional },
      fields.map((field) => castField(field, casts)),
    );
  });
}

const ONE_ONLY = 'Cast transformations that specify a type to cast the entire value to may only specify a single cast in their spec';

function castField(field: FieldShape, casts: ReadonlyMap<string | undefined, CastType>): FieldShape {
  const type = casts.get(field.field);
  return type === undefined ? field : fieldNamed(field.field, castShape(field, { type, optional: false }));
}

/** `basics` has what the new schema keeps besides being optional and its default, which is cast as values are. */
function castShape(shape: ValueShape, basics: FieldSchema & { readonly type: CastType }): ValueShape {
  const { optional, defaultValue } = shape.schema;
  const convert = castTo(shape.schema, basics.type);
  const castDefault = defaultValue === undefined ? undefined : (convert(defaultValue) as DefaultValue);
  return converted(shape, withDefault({ ...basics, optional }, castDefault), { substituted: false, convert });
}

/** Grammar: `field:type`, or `type` for the whole. */
function entryOf(entry: string): { readonly field: string | undefined; readonly type: CastType } {
  const parts = entry.split(':').map((part) => part.trim());
  if (parts.length > 2) throw new TransformError(`Invalid rename mapping: ${entry}`);
  const written = parts.at(-1) ?? '';
  const type = CAST_TYPES.find((one) => one === written.toLowerCase());
  if (type === undefined) throw new TransformError(`Invalid type found in casting spec: ${written}`);
  return { field: parts.length === 1 ? undefined : parts[0], type };
}
