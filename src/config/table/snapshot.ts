/** Owns the option rows for snapshots, signals and notifications. */

import { HONOURED_VALUES } from './honoured-values.ts';
import { BOOLEAN, honoured, integer, LIST, long, noEffect, notYet, type OptionSpec, oneOf, REGEX_LIST, SQL, STRING } from './option-spec.ts';

const NO_SIGNALS = 'Signals are not read.';
const NO_NOTIFICATIONS = 'Notifications are not sent.';
const NO_CONFIGURATION_BASED = 'snapshot.mode=configuration_based is not honoured.';

export const SNAPSHOT_OPTIONS: readonly OptionSpec[] = [
  honoured({
    name: 'snapshot.mode',
    kind: oneOf('initial', 'always', 'initial_only', 'no_data', 'when_needed', 'configuration_based', 'custom'),
    default: 'initial',
    honouredValues: HONOURED_VALUES['snapshot.mode'],
    why: "Debezium's.",
    reason: 'Its rules are Java classes or switches that Slotline does not have.',
    doc: 'When existing rows are sent: `initial` unless done before; `always` at each start; `initial_only` and then nothing; `no_data` never; `when_needed` also when the slot lost its position. `never` and `exported` are read as `no_data` and `initial`.',
  }),
  honoured({ name: 'snapshot.delay.ms', kind: long(0), unit: 'ms', default: '0', why: "Debezium's.", doc: 'Wait before the snapshot.' }),
  honoured({ name: 'streaming.delay.ms', kind: long(0), unit: 'ms', default: '0', why: "Debezium's.", doc: 'Wait after the snapshot, before streaming.' }),
  honoured({ name: 'snapshot.include.collection.list', kind: REGEX_LIST, why: 'All captured tables.', doc: 'Captured tables whose rows are part of the snapshot, as `schema.table`.' }),
  honoured({ name: 'snapshot.lock.timeout.ms', kind: long(0), unit: 'ms', default: '10000', why: "Debezium's; a snapshot must not queue behind a long DDL.", doc: 'How long the snapshot waits for a lock on a table.' }),
  noEffect({ name: 'snapshot.isolation.mode', silent: ['repeatable_read'], kind: oneOf('serializable', 'repeatable_read', 'read_committed', 'read_uncommitted'), default: 'serializable', reason: 'Every snapshot reads at one exported consistent point (repeatable read).', doc: 'Isolation of the snapshot transaction.' }),
  honoured({
    name: 'snapshot.locking.mode',
    kind: oneOf('none', 'shared', 'custom'),
    default: 'none',
    honouredValues: HONOURED_VALUES['snapshot.locking.mode'],
    why: "Debezium's.",
    reason: 'A Java class.',
    doc: 'Reading a table holds its ACCESS SHARE lock in any case, which is what `shared` asks for.',
  }),
  noEffect({ name: 'snapshot.locking.mode.custom.name', reason: 'A Java class.', doc: 'Class of custom locking.' }),
  honoured({ name: 'snapshot.query.mode', kind: oneOf('select_all', 'custom'), default: 'select_all', honouredValues: HONOURED_VALUES['snapshot.query.mode'], why: "Debezium's.", reason: 'A Java class.', doc: 'Which rows of a table are read: all.' }),
  noEffect({ name: 'snapshot.query.mode.custom.name', reason: 'A Java class.', doc: 'Class of custom queries.' }),
  honoured({ name: 'snapshot.select.statement.overrides', kind: LIST, why: 'Every row of a table is sent.', doc: 'Tables with an own SELECT for the snapshot, as `schema.table` separated by commas: names, not patterns. Columns of its result count by name; those that it lacks are null or the default.' }),
  honoured({ name: 'snapshot.select.statement.overrides.<table>', kind: SQL, parent: 'snapshot.select.statement.overrides', why: 'Every row of a table is sent.', doc: 'That SELECT.' }),
  noEffect({ name: 'snapshot.fetch.size', silent: 'always', kind: integer(0), unit: 'records', default: '10240', reason: 'Rows are streamed, as fast as Kafka takes them.', doc: 'Rows fetched at a time.' }),
  noEffect({ name: 'snapshot.max.threads', kind: integer(1), default: '1', reason: 'Tables are read one after the other.', doc: 'Connections that read in parallel.' }),
  noEffect({ name: 'snapshot.max.threads.multiplier', kind: integer(1), default: '1', reason: 'Tables are read one after the other.', doc: 'Chunks per thread.' }),
  noEffect({ name: 'legacy.snapshot.max.threads', kind: BOOLEAN, default: 'false', aliases: ['internal.legacy.snapshot.max.threads'], reason: 'Tables are read one after the other.', doc: 'One thread per table.' }),
  noEffect({ name: 'snapshot.tables.order.by.row.count', kind: oneOf('disabled', 'ascending', 'descending'), default: 'disabled', reason: "Tables are read in Debezium's default order.", doc: 'Order of tables by size.' }),
  noEffect({ name: 'internal.snapshot.scan.all.columns.force', kind: BOOLEAN, default: 'false', reason: 'The catalog is read in one query.', doc: 'Read the columns of all tables.' }),
  noEffect({ name: 'snapshot.mode.custom.name', reason: 'A Java class; snapshot.mode=custom is refused.', doc: 'Class of a custom snapshot mode.' }),
  noEffect({ name: 'snapshot.mode.configuration.based.snapshot.data', kind: BOOLEAN, default: 'false', reason: NO_CONFIGURATION_BASED, doc: 'Send rows.' }),
  noEffect({ name: 'snapshot.mode.configuration.based.snapshot.schema', kind: BOOLEAN, default: 'false', reason: NO_CONFIGURATION_BASED, doc: 'Read schemas.' }),
  noEffect({ name: 'snapshot.mode.configuration.based.start.stream', kind: BOOLEAN, default: 'false', reason: NO_CONFIGURATION_BASED, doc: 'Stream afterwards.' }),
  noEffect({ name: 'snapshot.mode.configuration.based.snapshot.on.schema.error', kind: BOOLEAN, default: 'false', reason: NO_CONFIGURATION_BASED, doc: 'Snapshot after a schema error.' }),
  noEffect({ name: 'snapshot.mode.configuration.based.snapshot.on.data.error', kind: BOOLEAN, default: 'false', reason: NO_CONFIGURATION_BASED, doc: 'Snapshot after lost data.' }),
  noEffect({ name: 'incremental.snapshot.chunk.size', kind: integer(0), unit: 'records', default: '1024', reason: 'There are no incremental snapshots yet.', doc: 'Rows per chunk.' }),
  noEffect({ name: 'incremental.snapshot.watermarking.strategy', kind: oneOf('INSERT_INSERT', 'INSERT_DELETE'), default: 'INSERT_INSERT', reason: 'There are no incremental snapshots yet.', doc: 'How watermarks are written.' }),
  noEffect({ name: 'incremental.snapshot.allow.schema.changes', kind: BOOLEAN, default: 'false', reason: 'There are no incremental snapshots yet.', doc: 'Allow DDL meanwhile.' }),
];

export const SIGNAL_OPTIONS: readonly OptionSpec[] = [
  notYet({ name: 'signal.data.collection', reason: `${NO_SIGNALS} The rows of the signal table would not be captured either.`, doc: 'The signal table, `schema.table`.' }),
  notYet({ name: 'signal.enabled.channels', kind: LIST, default: 'source', reason: NO_SIGNALS, doc: 'Where signals come from.' }),
  notYet({ name: 'signal.poll.interval.ms', kind: long(1), unit: 'ms', default: '5000', reason: NO_SIGNALS, doc: 'How often other channels are read.' }),
  notYet({ name: 'signal.emit.failure.max.retries', kind: integer(-1), default: '0', reason: NO_SIGNALS, doc: 'Attempts to write watermark rows again.' }),
  notYet({ name: 'signal.emit.failure.backoff.ms', kind: long(0), unit: 'ms', default: '10000', reason: NO_SIGNALS, doc: 'Pause between those attempts.' }),
  notYet({ name: 'signal.kafka.topic', reason: NO_SIGNALS, doc: 'The signal topic.' }),
  notYet({ name: 'signal.kafka.bootstrap.servers', reason: NO_SIGNALS, doc: 'Brokers of the signal topic.' }),
  notYet({ name: 'signal.kafka.groupId', default: 'kafka-signal', reason: NO_SIGNALS, doc: 'Consumer group of the signal topic.' }),
  notYet({ name: 'signal.kafka.poll.timeout.ms', kind: integer(0), unit: 'ms', default: '100', honouredValues: ['0', '100'], reason: NO_SIGNALS, doc: 'Poll timeout of the signal topic.' }),
  notYet({ name: 'signal.consumer.<property>', kind: STRING, reason: NO_SIGNALS, doc: 'Properties of the consumer of the signal topic.' }),
  notYet({ name: 'signal.file', default: 'file-signals.txt', reason: NO_SIGNALS, doc: 'File that signals are read from.' }),
  notYet({ name: 'notification.enabled.channels', kind: LIST, reason: NO_NOTIFICATIONS, doc: 'Where notifications go.' }),
  notYet({ name: 'notification.sink.topic.name', reason: NO_NOTIFICATIONS, doc: 'The notification topic.' }),
];
