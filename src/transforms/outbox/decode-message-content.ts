/**
 * Owns DecodeLogicalDecodingMessageContent, which makes an event like an insert of a logical message whose content is a JSON object: an
 * EventRouter behind it finds an outbox row. Source: io.debezium.connector.postgresql.transforms.DecodeLogicalDecodingMessageContent.
 */
import { constantText } from '../../events/facts.ts';
import type { FieldShape } from '../../events/record-shape.ts';
import { fieldNamed, fieldsOf, findField, structOf, substituted } from '../fields.ts';
import { readerOf } from '../read-value.ts';
import type { TransformSettings } from '../settings.ts';
import { type Outcome, recordOutcome, type Transform, TransformError } from '../shaped-record.ts';
import { contentExpansion, ExpandedJson } from './expanded-json.ts';

const PURPOSE = 'Retrieve content of a logical decoding message';
const MESSAGE_VALUE = 'io.debezium.connector.postgresql.MessageValue';

export function decodeMessageContent(settings: TransformSettings): Transform {
  const keepsNulls = settings.flag('fields.null.include', false);
  const expand = contentExpansion({ keepsNulls, keepsEmptyArrays: false, adjust: (name) => name });
  return (record) => {
    const { value } = record;
    if (value === undefined) throw new TransformError('The record has no value and no schema: keep tombstones away by a predicate');
    if (value.schema.name !== MESSAGE_VALUE) return recordOutcome(record);
    const message = findField(value, 'message', PURPOSE);
    const content = message === undefined ? undefined : findField(message, 'content', PURPOSE);
    if (content?.schema.type !== 'bytes') throw new TransformError('The content of a logical decoding message is non-binary');
    const read = readerOf(content, { substituted: false });
    const expanded = new ExpandedJson((event) => textOfBytes(read(event)), expand);
    const kept = fieldsOf(value, PURPOSE).filter(({ field }) => field !== 'message');
    const branch = (answer: string | null): Outcome => {
      if (answer === null) throw new TransformError('The message has no content');
      const fields = [...kept.map(asInsert), fieldNamed('after', expanded.shapeOf(answer))];
      const envelope = structOf({ type: 'struct', optional: false, name: `${MESSAGE_VALUE}.Envelope` }, fields);
      return recordOutcome({ ...record, kind: 'create', key: undefined, value: envelope });
    };
    return { tag: 'fork', read: (event) => expanded.answer(event), branch };
  };
}

function asInsert(field: FieldShape): FieldShape {
  if (field.field === 'op') return { ...field, origin: { from: 'fact', fact: constantText('c') } };
  return fieldNamed(field.field, substituted(field));
}

function textOfBytes(value: ReturnType<ReturnType<typeof readerOf>>): string | null {
  return value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : null;
}
