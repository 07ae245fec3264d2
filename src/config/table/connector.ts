/**
 * Owns the option rows that Kafka Connect itself reads (name, transforms, error policy), those of a Connect worker that a copied
 * file may hold, those for queue and retries, and those that only Slotline has.
 */

import { VALUE_CORRECTIONS } from '../../core/options.ts';
import { converterRows } from './converters.ts';
import { BOOLEAN, CLASS, DURATION, honoured, integer, LIST, long, noEffect, notYet, type OptionSpec, oneOf, REGEX, SECRET } from './option-spec.ts';
import { checkCorrections } from './value-corrections.ts';

const WORKER = 'There is no Connect worker: Slotline is one process.';
const PROVIDERS = "The providers env, file and dir are always there, and Connect's own by any name.";
const NO_LINEAGE = 'No lineage events are sent.';

export const CONNECTOR_OPTIONS: readonly OptionSpec[] = [
  honoured({ name: 'name', why: 'topic.prefix names the source already.', doc: 'Name of the connector, in logs and status; topic.prefix if not given.' }),
  honoured({
    name: 'connector.class',
    kind: CLASS,
    default: 'io.debezium.connector.postgresql.PostgresConnector',
    why: 'It is what Slotline stands in for.',
    doc: "Debezium's PostgreSQL connector; any other class is an error.",
    check: (value) => (/^(io\.debezium\.connector\.postgresql\.PostgresConnector|PostgresConnector|Postgres)$/.test(value) ? undefined : "must be Debezium's PostgreSQL connector, io.debezium.connector.postgresql.PostgresConnector"),
  }),
  noEffect({ name: 'connector.plugin.version', reason: 'There are no plug-ins.', doc: 'Version of the connector plug-in.' }),
  noEffect({ name: 'tasks.max', silent: 'always', kind: integer(1), default: '1', reason: 'There is one task, as with Debezium.', doc: 'Most tasks.' }),
  noEffect({ name: 'tasks.max.enforce', silent: 'always', kind: BOOLEAN, default: 'true', reason: 'There is one task.', doc: 'Enforce tasks.max.' }),
  noEffect({ name: 'config.action.reload', silent: ['none'], default: 'restart', reason: 'The config file is read at start.', doc: 'What to do when a config provider has new values.' }),
  ...converterRows('key'),
  ...converterRows('value'),
  notYet({ name: 'header.converter', kind: CLASS, default: 'org.apache.kafka.connect.storage.SimpleHeaderConverter', reason: 'Headers are written as SimpleHeaderConverter does.', doc: 'Serialisation of headers.' }),
  noEffect({ name: 'header.converter.<option>', reason: 'The converter has no options that matter here.', doc: 'Options of the header converter.' }),
  honoured({ name: 'transforms', kind: LIST, why: 'Events are sent as they are.', doc: 'Names of transforms, in the order of application ([transforms](transforms.md)).' }),
  honoured({ name: 'transforms.<name>.<option>', emptyAllowed: true, why: "Each option has its class's.", doc: 'Class (`type`), `predicate`, `negate` and options of a transform.' }),
  honoured({ name: 'predicates', kind: LIST, why: 'Transforms act on every record.', doc: 'Names of predicates.' }),
  honoured({ name: 'predicates.<name>.<option>', emptyAllowed: true, why: "Each option has its class's.", doc: 'Class (`type`) and options of a predicate.' }),
  honoured({
    name: 'errors.tolerance',
    kind: oneOf('none', 'all'),
    default: 'none',
    why: 'Nothing is left out.',
    differs: 'Only a record that a transform cannot take is left out with `all`: counted, and logged once for each reason. What cannot be converted ends the connector, or is decided by event.converting.failure.handling.mode.',
    doc: 'What to do with records that a transform cannot take.',
  }),
  noEffect({ name: 'errors.retry.timeout', kind: long(-1), unit: 'ms', default: '0', reason: 'Conversion is not retried.', doc: 'How long conversion is retried.' }),
  noEffect({ name: 'errors.retry.delay.max.ms', kind: long(0), unit: 'ms', default: '60000', reason: 'Conversion is not retried.', doc: 'Pause between those attempts.' }),
  noEffect({ name: 'errors.log.enable', silent: 'always', kind: BOOLEAN, default: 'false', reason: 'Every error is logged.', doc: 'Log conversion errors.' }),
  noEffect({ name: 'errors.log.include.messages', kind: BOOLEAN, default: 'false', reason: 'Values are never logged.', doc: 'Log the records too.' }),
  notYet({ name: 'exactly.once.support', kind: oneOf('requested', 'required'), default: 'requested', reason: 'Delivery is at least once.', doc: 'Exactly-once delivery.' }),
  noEffect({ name: 'transaction.boundary', kind: oneOf('poll', 'interval', 'connector'), default: 'poll', reason: 'Kafka transactions are not used.', doc: 'Boundaries of Kafka transactions.' }),
  noEffect({ name: 'transaction.boundary.interval.ms', kind: long(0), unit: 'ms', reason: 'Kafka transactions are not used.', doc: 'Length of Kafka transactions.' }),
  noEffect({ name: 'offsets.storage.topic', reason: 'Use offset.storage.topic.', doc: 'Offset topic of the connector for exactly-once delivery.' }),
  noEffect({ name: 'offset.storage', kind: CLASS, reason: 'Offsets are kept in a Kafka topic.', doc: 'Class that stores offsets.' }),
  noEffect({ name: 'offset.storage.file.filename', reason: 'Offsets are kept in a Kafka topic.', doc: 'File of offsets of a standalone worker.' }),
  noEffect({ name: 'offset.flush.interval.ms', silent: 'always', kind: long(0), unit: 'ms', default: '60000', reason: 'Positions are stored as soon as Kafka has acknowledged, under load twice a second.', doc: 'How often offsets are stored.' }),
  noEffect({ name: 'offset.flush.timeout.ms', silent: 'always', kind: long(0), unit: 'ms', default: '5000', reason: 'Positions are confirmed as soon as Kafka has acknowledged.', doc: 'Longest time to store offsets.' }),
  noEffect({ name: 'group.id', reason: WORKER, doc: 'Group of workers.' }),
  noEffect({ name: 'plugin.path', reason: WORKER, doc: 'Where plug-ins are.' }),
  noEffect({ name: 'plugin.discovery', reason: WORKER, doc: 'How plug-ins are found.' }),
  noEffect({ name: 'listeners', reason: WORKER, doc: 'Addresses of the REST API.' }),
  noEffect({ name: 'rest.<property>', reason: WORKER, doc: 'Properties of the REST API.' }),
  noEffect({ name: 'config.storage.<property>', reason: WORKER, doc: 'Topic of connector configs.' }),
  noEffect({ name: 'status.storage.<property>', reason: WORKER, doc: 'Topic of connector states.' }),
  noEffect({ name: 'exactly.once.source.support', reason: WORKER, doc: 'Exactly-once delivery of the worker.' }),
  noEffect({ name: 'connector.client.config.override.policy', reason: WORKER, doc: 'Which client overrides are allowed.' }),
  noEffect({ name: 'config.providers', silent: 'always', kind: LIST, aliases: ['producer.config.providers', 'producer.override.config.providers'], reason: PROVIDERS, doc: 'Names of config providers.' }),
  noEffect({ name: 'config.providers.<name>.<option>', silent: 'always', reason: PROVIDERS, doc: 'Options of a config provider.' }),
  noEffect({ name: 'consumer.<property>', kind: SECRET, reason: 'One set of client options serves every use of Kafka.', doc: 'Options of consumers, also `consumer.override.*`.' }),
  noEffect({ name: 'admin.<property>', kind: SECRET, reason: 'One set of client options serves every use of Kafka.', doc: 'Options of admin clients, also `admin.override.*`.' }),
];

export const RUNTIME_OPTIONS: readonly OptionSpec[] = [
  honoured({
    name: 'max.queue.size',
    kind: integer(1),
    unit: 'records',
    default: '131072',
    why: 'Enough records to fill buffer.memory with rows of 256 bytes; a smaller bound starves the brokers before memory does.',
    differs: 'Debezium: 8192, its hand-over queue. Here it bounds what is read but not acknowledged by Kafka.',
    doc: 'Most records that are read but not acknowledged; then reading pauses.',
  }),
  honoured({ name: 'max.queue.size.in.bytes', kind: long(0), unit: 'bytes', default: '0', why: 'producer.buffer.memory is the bound.', doc: 'Most bytes that are read but not acknowledged; 0: producer.buffer.memory alone. The smaller of the two holds.' }),
  noEffect({ name: 'max.batch.size', silent: 'always', kind: integer(1), unit: 'records', default: '2048', reason: 'Batches are bounded by producer.batch.size.', doc: 'Records per poll.' }),
  noEffect({ name: 'poll.interval.ms', silent: 'always', kind: long(1), unit: 'ms', default: '500', reason: 'Events are sent as they arrive; nothing is polled.', doc: 'Pause between polls.' }),
  noEffect({ name: 'poll.dispatch.interval.ms', silent: 'always', kind: long(0), unit: 'ms', default: '0', reason: 'Events are sent as they arrive; use producer.linger.ms.', doc: 'How long events are gathered.' }),
  noEffect({ name: 'queue.provider.type', default: 'memory', reason: 'The queue is in memory.', doc: 'Implementation of the queue.' }),
  noEffect({ name: 'executor.shutdown.timeout.ms', silent: 'always', kind: long(0), unit: 'ms', default: '4000', reason: 'A stop drains within ten seconds.', doc: 'Longest wait at stop.' }),
  noEffect({ name: 'statistics.metrics.enabled', kind: BOOLEAN, default: 'true', reason: 'There is no JMX.', doc: 'Quantiles of latency.' }),
  noEffect({ name: 'custom.metric.tags', kind: LIST, reason: 'There is no JMX.', doc: 'Tags of MBeans.' }),
  noEffect({ name: 'internal.advanced.metrics.enable', kind: BOOLEAN, default: 'false', reason: 'There is no JMX.', doc: 'Further metrics.' }),
  noEffect({ name: 'internal.offset.activity.monitor.interval.ms', kind: long(0), unit: 'ms', default: '600000', reason: 'There is no such monitor.', doc: 'How often stale offsets are looked for.' }),
  honoured({ name: 'errors.max.retries', kind: integer(-1), default: '-1', why: "Debezium's; a source must come back by itself.", doc: 'How often a failed connector is restarted in a row; -1: for ever; 0: never.' }),
  honoured({
    name: 'retriable.restart.connector.wait.ms',
    kind: long(1),
    unit: 'ms',
    default: '2000',
    why: "A server's return is noticed within seconds.",
    differs: 'Debezium: 10000, before every attempt. Here the first pause is at most 200 ms, and each is twice the one before, up to this.',
    doc: 'Longest pause before the next attempt; the first ones are shorter.',
  }),
  notYet({ name: 'internal.custom.retriable.exception', kind: REGEX, reason: 'There are no Java exceptions to match; see docs/errors.md for what is retried.', doc: 'Further exceptions to retry.' }),
  notYet({ name: 'openlineage.integration.enabled', kind: BOOLEAN, default: 'false', reason: NO_LINEAGE, doc: 'Send OpenLineage events.' }),
  noEffect({ name: 'openlineage.integration.<property>', reason: NO_LINEAGE, doc: 'Options of OpenLineage.' }),
  honoured({ name: 'offset.storage.topic', default: 'slotline-offsets', why: 'A topic of its own does not mix with those of a Connect cluster.', doc: 'Compacted topic that remembers that the snapshot is complete, and the position; created if missing.', check: checkTopicName }),
  honoured({ name: 'offset.storage.replication.factor', kind: integer(-1, 32767), default: '-1', why: "The broker's default suits a single broker too.", differs: 'Connect: 3.', doc: "Replication factor of that topic; -1: the broker's default.", check: notZero }),
  honoured({ name: 'offset.storage.partitions', kind: integer(-1), default: '1', why: 'It holds a few records per connector.', differs: 'Connect: 25.', doc: "Partitions of that topic; -1: the broker's default.", check: notZero }),
];

export const SLOTLINE_OPTIONS: readonly OptionSpec[] = [
  honoured({ name: 'slotline.start.timeout', kind: DURATION, default: 'forever', why: 'Servers that start together wait for each other.', doc: 'How long a start waits for unreachable servers or a slot in use: milliseconds, or a number with `s`, `m`, `h`; `forever`.' }),
  honoured({ name: 'slotline.allow.loss', kind: BOOLEAN, default: 'false', why: 'Nothing may be lost unasked.', doc: 'Allow what loses records without a word: `producer.acks` 0 or 1, with which a broker failure loses acknowledged records; a partitioned table whose changes come under names that the lists leave out.' }),
  honoured({ name: 'slotline.unsupported.allow', kind: LIST, why: 'Ignoring a mask or filter is a leak.', doc: 'Names of options that would be refused as not honoured yet or not known, and shall be ignored; `transforms.<name>` leaves out a transform whose class does not run.' }),
  honoured({
    name: 'slotline.values.corrections',
    kind: LIST,
    why: "Every value is Debezium's, its defects included.",
    doc: `Mends where Debezium's values are plainly broken: a list of ${VALUE_CORRECTIONS.map((name) => `\`${name}\``).join(', ')}, or \`all\`. docs/compatibility.md says what each changes.`,
    check: checkCorrections,
  }),
  honoured({
    name: 'slotline.schema.incompatible.action',
    kind: oneOf('fail', 'dlq'),
    default: 'fail',
    why: 'A topic with a gap must be asked for.',
    doc: "What is done when the schema registry refuses a table's schema as incompatible: `fail` stops there and tries again; `dlq` sends the rows of that version of the table to the dead-letter topic, as JSON with schemas (docs/schema-evolution.md).",
  }),
  honoured({ name: 'slotline.schema.incompatible.dlq.topic', why: 'A topic of its own, told by the prefix: `<topic.prefix>.dlq`, with topic.delimiter between.', doc: 'The dead-letter topic.', check: checkTopicName }),
  honoured({
    name: 'slotline.source.changed.action',
    kind: oneOf('fail', 'warn'),
    default: 'fail',
    why: 'A hole must be asked for.',
    doc: 'What is done when the publication or a captured table was changed by somebody so that rows are or may be missing: `fail` ends the connector with `source_changed`, which says the tables, the WAL and the snapshot that heals it; `warn` says the same in log and health and goes on. Changes that lose no rows are told in either case (docs/operating.md).',
  }),
  honoured({
    name: 'slotline.worker.config',
    why: 'A config of its own says everything.',
    doc: "Path of a Connect worker's properties file, from which the converters are taken that are not given, `bootstrap.servers`, `producer.*` and the options of security. `--worker-config` names one for all connectors.",
  }),
  honoured({
    name: 'slotline.unwrap.legacy',
    kind: oneOf('honour', 'ignore'),
    default: 'honour',
    why: 'Many configs still carry the old options, and mean them.',
    differs: 'Debezium 3.2 and later ignore the old pair without a word, Kafka 4 and later the old lists.',
    doc: 'What `drop.tombstones` and `delete.handling.mode` of ExtractNewRecordState do where `delete.tombstone.handling.mode` is not given, and `blacklist` and `whitelist` of ReplaceField where `exclude` and `include` are not: `honour` gives them their old meaning, with a note; `ignore` does what Debezium does since 3.2 and Kafka since 4.',
  }),
  honoured({ name: 'slotline.log.level', kind: oneOf('debug', 'info', 'warn', 'error'), default: 'info', why: 'One line per thing that a person may want to know.', doc: 'Least level that is logged.' }),
  honoured({ name: 'slotline.http.port', kind: integer(0, 65535), why: 'Nothing listens unasked.', doc: 'Port of `/health` and `/metrics` (docs/metrics.md); 0: one that is free, which the log names. Connectors of one process that name the same address share it.' }),
  honoured({ name: 'slotline.http.host', default: '127.0.0.1', why: 'There is no login.', doc: 'Address that this port listens on; `0.0.0.0` or `::` for every one.' }),
  honoured({ name: 'slotline.sasl.oauthbearer.token', kind: SECRET, why: 'Tokens usually come from a token endpoint.', doc: 'A fixed token for SASL OAUTHBEARER.' }),
];

function checkTopicName(value: string): string | undefined {
  if (!/^[A-Za-z0-9._-]{1,249}$/.test(value)) return 'must be 1 to 249 of A-Z, a-z, 0-9, ., _ and -';
  return value === '.' || value === '..' ? 'is not a topic name' : undefined;
}

export function notZero(value: string): string | undefined {
  return Number(value) === 0 ? 'must be -1 or at least 1' : undefined;
}
