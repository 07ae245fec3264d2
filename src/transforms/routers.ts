/**
 * Owns the transforms that change the topic by its name.
 * Source: org.apache.kafka.connect.transforms.RegexRouter, io.debezium.transforms.ByLogicalTableRouter.
 */
import type { NameAdjustment } from '../core/options.ts';
import { constantText } from '../events/facts.ts';
import { schemaNameAdjuster } from '../events/name-adjustment.ts';
import type { ValueShape } from '../events/record-shape.ts';
import { copyBasics, fieldNamed, fieldsOf, structOf, withSchema } from './fields.ts';
import { replacing } from './pattern.ts';
import type { TransformSettings } from './settings.ts';
import { isAlwaysNull, isEnvelope, recordOutcome, type ShapedRecord, type Transform } from './shaped-record.ts';

export function regexRouter(settings: TransformSettings): Transform {
  const replace = replacing(settings.text('regex', ''), settings.text('replacement', ''));
  return (record) => {
    const topic = replace(record.topic);
    return recordOutcome(topic === undefined ? record : { ...record, topic, headers: record.headers.copy() });
  };
}

const PURPOSE = 'Updating schema';

export function byLogicalTableRouter(settings: TransformSettings): Transform {
  const replace = replacing(settings.text('topic.regex', ''), settings.text('topic.replacement', ''));
  const isUnique = settings.flag('key.enforce.uniqueness', true);
  const keyField = settings.text('key.field.name', '__dbz__physicalTableIdentifier');
  const keyRegex = settings.optional('key.field.regex');
  const replaceKey = keyRegex === undefined ? undefined : replacing(keyRegex, settings.text('key.field.replacement', ''));
  const adjust = schemaNameAdjuster(settings.text('schema.name.adjustment.mode', 'none').toLowerCase() as NameAdjustment);

  const newKey = (key: ValueShape, oldTopic: string, topic: string): ValueShape => {
    const basics = { ...copyBasics(key.schema), optional: key.schema.optional, name: adjust(`${topic}.Key`) };
    const table = constantText(replaceKey?.(oldTopic) ?? oldTopic, 'relation');
    const identifier = fieldNamed(keyField, { schema: { type: 'string', optional: false }, origin: { from: 'fact', fact: table } });
    const fields = fieldsOf(key, PURPOSE);
    return structOf(basics, isUnique ? [...fields, identifier] : fields);
  };
  return (record) => {
    const topic = replace(record.topic);
    if (topic === undefined || topic === '') return recordOutcome(record);
    const { key, value } = record;
    const renamedKey = key === undefined || isAlwaysNull(key) ? key : newKey(key, record.topic, topic);
    const renamed =
      value !== undefined && isEnvelope(record)
        ? newEnvelope(value, { envelope: adjust(`${topic}.Envelope`), row: adjust(`${topic}.Value`) })
        : value;
    const routed: ShapedRecord = { ...record, topic, key: renamedKey, value: renamed, headers: record.headers.copy() };
    return recordOutcome(routed);
  };
}

function newEnvelope(envelope: ValueShape, names: { readonly envelope: string; readonly row: string }): ValueShape {
  const fields = fieldsOf(envelope, PURPOSE).map((field) => {
    if (field.field !== 'before' && field.field !== 'after') return field;
    const { defaultValue: _none, ...schema } = field.schema;
    return fieldNamed(field.field, withSchema(field, { ...schema, name: names.row }));
  });
  return structOf({ ...copyBasics(envelope.schema), name: names.envelope }, fields);
}
