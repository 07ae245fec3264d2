/** Owns SetSchemaMetadata, which names a schema. Source: org.apache.kafka.connect.transforms.SetSchemaMetadata. */
import type { ValueShape } from '../../events/record-shape.ts';
import { type Side, sideOf, withSchema, withSide } from '../fields.ts';
import type { TransformSettings } from '../settings.ts';
import { recordOutcome, type Transform, TransformError } from '../shaped-record.ts';
import { fieldReader } from './operating.ts';

export function setSchemaMetadata(side: Side, settings: TransformSettings): Transform {
  const name = settings.optional('schema.name');
  const version = settings.optional('schema.version');
  if (name === undefined && version === undefined) throw new TransformError('Neither schema name nor version configured');
  const metadata = { ...(name === undefined ? {} : { name }), ...(version === undefined ? {} : { version: Number(version) }) };
  const readField = fieldReader(settings);

  const renamed = (shape: ValueShape): ValueShape => {
    const { schema, origin } = withSchema(shape, { ...shape.schema, ...metadata });
    return origin.from === 'struct' ? { schema, origin: { ...origin, fields: origin.fields.map(readField) } } : { schema, origin };
  };
  return (record) => {
    const shape = sideOf(record, side);
    if (shape?.schemaless) throw new TransformError('Schema required for [updating schema metadata]');
    return recordOutcome(shape === undefined ? record : withSide(record, side, renamed(shape)));
  };
}
