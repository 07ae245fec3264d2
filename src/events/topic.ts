/**
 * Owns topic names, and the schema names derived from them.
 * Source: io.debezium.schema.SchemaTopicNamingStrategy, AbstractTopicNamingStrategy.sanitizedTopicName.
 */

const TOPIC_LENGTH_MAX = 249;

export type TopicNaming = { readonly prefix: string; readonly delimiter: string };

/** Replaces characters outside [A-Za-z0-9._-] by `_`, and keeps at most 249, as Kafka requires. `.` and `..` are reserved names. */
export function sanitizeTopicName(name: string): string {
  const clean = name.replace(/[^A-Za-z0-9._-]/gu, (found) => '_'.repeat(found.length)).slice(0, TOPIC_LENGTH_MAX);
  if (clean === '.') return '_';
  return clean === '..' ? '__' : clean;
}

/** A part that is blank is left out, as Debezium's mkString does. */
export function dataTopic(naming: TopicNaming, schema: string, table: string): string {
  return sanitizeTopicName([naming.prefix, schema, table].filter((part) => part.trim() !== '').join(naming.delimiter));
}

/** The topic of logical decoding messages: it ends in `.message`, whatever the delimiter. */
export function messageTopic(naming: TopicNaming): string {
  return sanitizeTopicName(`${naming.prefix}.message`);
}

export function transactionTopic(naming: TopicNaming, name: string): string {
  return sanitizeTopicName([naming.prefix, name].join(naming.delimiter));
}

/** The topic of rows whose schema the registry refuses. */
export function deadLetterTopic(naming: TopicNaming, { topicName }: { readonly topicName: string | undefined }): string {
  return topicName ?? sanitizeTopicName([naming.prefix, 'dlq'].join(naming.delimiter));
}

/** A configured whole name goes first, so that several connectors can share one topic. */
export function heartbeatTopic(
  naming: TopicNaming,
  heartbeat: { readonly topicPrefix: string; readonly topicName: string | undefined },
): string {
  return heartbeat.topicName ?? sanitizeTopicName([heartbeat.topicPrefix, naming.prefix].join(naming.delimiter));
}
