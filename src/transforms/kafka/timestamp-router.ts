/** Owns TimestampRouter, which names the topic by the record's timestamp. Source: org.apache.kafka.connect.transforms.TimestampRouter. */
import { compileDateFormat } from '../../core/java/simple-date-format.ts';
import type { TransformSettings } from '../settings.ts';
import { recordOutcome, type Transform, TransformError } from '../shaped-record.ts';

// biome-ignore lint/suspicious/noTemplateCurlyInString: Kafka's own placeholders
const TOPIC_FORMAT = '${topic}-${timestamp}';

export function timestampRouter(settings: TransformSettings): Transform {
  const topicFormat = settings.text('topic.format', TOPIC_FORMAT);
  const format = compileDateFormat(settings.text('timestamp.format', 'yyyyMMdd'));
  if (typeof format === 'string') throw new TransformError(`timestamp.format: ${format}`);

  return (record) => {
    const { timestamp } = record;
    if (timestamp === undefined) throw new TransformError(MISSING);
    const branch = (formatted: string | null) => {
      const topic = topicFormat.replace(/\$\{topic\}/g, () => record.topic).replace(/\$\{timestamp\}/g, () => formatted ?? '');
      return recordOutcome({ ...record, topic, headers: record.headers.copy() });
    };
    const read: Extract<ReturnType<Transform>, { tag: 'fork' }>['read'] = (event) => {
      const millis = timestamp(event);
      if (millis === null) throw new TransformError(MISSING);
      return format.print(millis);
    };
    return { tag: 'fork', read, branch };
  };
}

const MISSING = 'Timestamp missing on record';
