/** Owns ReplaceField, which leaves out and renames fields. Source: org.apache.kafka.connect.transforms.ReplaceField. */
import { itemAt } from '../../core/byte-reader.ts';
import type { FieldShape, ValueShape } from '../../events/record-shape.ts';
import { copyBasics, fieldNamed, fieldsOf, type Side, structOf, withSchema } from '../fields.ts';
import type { TransformSettings } from '../settings.ts';
import { type Transform, TransformError } from '../shaped-record.ts';
import { changing, fieldReader } from './operating.ts';

export function replaceField(side: Side, settings: TransformSettings): Transform {
  const exclude = new Set(settings.list('exclude'));
  const include = new Set(settings.list('include'));
  const renames = new Map(settings.list('renames').map(renameOf));
  const oldNames = new Map([...renames].map(([old, name]) => [name, old]));
  const readField = fieldReader(settings);

  return changing(side, (shape) => {
    const fields = fieldsOf(shape, 'field replacement');
    const kept = fields.filter(({ field }) => !exclude.has(field) && (include.size === 0 || include.has(field)));
    const renamed = kept.map((field) => fieldNamed(renames.get(field.field) ?? field.field, readField(field)));
    const named = structOf(copyBasics(shape.schema), renamed);
    // Kafka looks for a value under the old name, also where the field had its name before.
    const found = kept.map(({ field }, index): FieldShape => {
      const made = itemAt(renamed, index);
      const old = renames.has(field) ? undefined : oldNames.get(field);
      return old === undefined ? made : fieldNamed(field, movedFrom(fields.map(readField), old, made));
    });
    return { schema: named.schema, origin: { from: 'struct', fields: found } };
  });
}

function movedFrom(fields: readonly FieldShape[], name: string, { field, schema }: FieldShape): ValueShape {
  const source = fields.find((one) => one.field === name);
  if (source === undefined) throw new TransformError(`${name} is not a valid field name`);
  if (source.schema.type !== schema.type) throw new TransformError(`the value of ${name} is of another type than the field ${field}`);
  return withSchema(source, schema);
}

function renameOf(mapping: string): readonly [old: string, name: string] {
  const [old, name, more] = mapping.split(':');
  if (!old || !name || more !== undefined) throw new TransformError(`Invalid rename mapping: ${mapping}`);
  return [old, name];
}
