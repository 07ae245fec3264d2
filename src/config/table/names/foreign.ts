/**
 * Owns names that are no options of the PostgreSQL connector and that configs carry all the same: of sinks, of connectors for other databases,
 * of workers. Connect and Debezium ignore them, so one note for each kind says that they do nothing. Does not own names that may be misspelled
 * ones of ours: those are errors, because a filter that is ignored is a leak.
 */

type ForeignNames = {
  /** Why they do nothing: one sentence for a note. */
  readonly reason: string;
  /** A `*` stands for any text. */
  readonly names: readonly string[];
  /** Values that ask for what is done anyway: no note is made. */
  readonly silent?: readonly string[];
  /** The option that says the same where it has the same value. */
  readonly sameAs?: string;
};

/** The first that takes a name. */
export const FOREIGN_NAMES: readonly ForeignNames[] = [
  { reason: 'It is a comment.', names: ['_*', '//*', '#*', '$comment', '$schema', 'comment', 'comments', '*._comment', '*.//*'] },
  { reason: 'The PostgreSQL connector sends no schema changes.', names: ['include.schema.changes'], silent: ['false'] },
  {
    reason: 'The PostgreSQL connector keeps no schema history.',
    names: ['schema.history.*', 'database.history', 'database.history.*', 'internal.schema.history.*'],
  },
  {
    reason: 'database.dbname names the one database.',
    sameAs: 'database.dbname',
    names: ['database.include.list', 'database.exclude.list', 'database.whitelist', 'database.blacklist', 'database.names'],
  },
  {
    reason: 'It is an option of connectors for other databases.',
    names: [
      ...['database.server.id', 'database.server.id.*', 'database.connectionTimeZone', 'database.serverTimezone', 'database.allowPublicKeyRetrieval'],
      ...['database.connection.adapter', 'database.pdb.name', 'database.out.server.name', 'database.instance', 'database.encrypt', 'database.trustServerCertificate'],
      ...['database.applicationIntent', 'database.jdbc.driver', 'database.protocol', 'database.ssl.keystore*', 'database.ssl.truststore*', 'log.mining.*', 'rac.nodes'],
      ...['openlogreplicator.*', 'mongodb.*', 'capture.*', 'collection.include.list', 'collection.exclude.list', 'field.exclude.list', 'field.renames'],
      ...['bigint.unsigned.handling.mode', 'enable.time.adjuster', 'gtid.*', 'binlog.*', 'connect.keep.alive', 'connect.keep.alive.*', 'connect.timeout.ms'],
      ...['inconsistent.schema.handling.mode', 'event.deserialization.failure.handling.mode', 'include.query', 'min.row.count.to.stream.results'],
      ...['source.timestamp.mode', 'data.query.mode', 'streaming.fetch.size', 'lob.enabled', 'snapshot.new.tables', 'snapshot.custom.class', 'use.nongraceful.disconnect'],
      ...['vitess.*', 'cdc.*', 'decimal.format', 'jdbc.creds.*', 'ddl.*', 'skip.unparseable.ddl', 'table.ignore.system'],
    ],
  },
  {
    reason: 'It is an option of sink connectors.',
    names: [
      ...['errors.deadletterqueue.*', 'topics', 'topics.regex', 'behavior.on.*', 'temporal.processing.mode', 'key.ignore', 'schema.ignore', 'type.name'],
      ...['insert.mode', 'pk.mode', 'pk.fields', 'auto.create', 'auto.evolve', 'delete.enabled', 'flush.size', 'write.method', 'drop.invalid.message'],
      ...['primary.key.mode', 'primary.key.fields', 'schema.evolution', 'collection.name.format', 'table.name.format', 'use.time.zone', 'quote.identifiers'],
      ...['rotate.interval.ms', 'rotate.schedule.interval.ms', 'format.class', 'storage.class', 'max.buffered.records', 'max.in.flight.requests'],
      ...['max.retries', 'read.timeout.ms'],
    ],
  },
  {
    reason: "It is an option of Confluent's JDBC source connector.",
    names: [
      ...['connection.url', 'connection.user', 'connection.password', 'connection.attempts', 'connection.backoff.ms', 'mode', 'incrementing.column.name'],
      ...['timestamp.column.name', 'timestamp.delay.interval.ms', 'table.types', 'table.poll.interval.ms', 'validate.non.null', 'numeric.mapping', 'numeric.precision.mapping'],
      ...['batch.max.rows', 'dialect.name', 'catalog.pattern', 'schema.pattern', 'db.timezone'],
    ],
  },
  {
    reason: 'topic.creation.default.* says how topics are made.',
    names: ['replication.factor', 'partitions', 'num.partitions', 'default.replication.factor', 'topic.replication.factor', 'topic.partitions', 'min.insync.replicas'],
  },
  {
    reason: 'It is an option of a converter, and needs the prefix key.converter. or value.converter.',
    names: ['schema.registry.*', 'schemas.enable', 'key.schemas.enable', 'value.schemas.enable', 'key.subject.name.strategy', 'value.subject.name.strategy', 'auto.register.schemas', 'basic.auth.*'],
  },
  {
    reason: 'It is an option of a transform, and needs the prefix transforms.<name>.',
    names: ['drop.tombstones', 'delete.handling.mode', 'delete.tombstone.handling.mode', 'add.fields', 'add.headers', 'operation.header', 'route.by.field', 'route.topic.*', 'table.field.*', 'table.fields.*', 'table.expand.*', 'debezium.expand.*', 'key.enforce.uniqueness'],
  },
  {
    reason: 'It is an option of Connect workers: Slotline is one process.',
    names: [
      ...['internal.key.converter', 'internal.key.converter.*', 'internal.value.converter', 'internal.value.converter.*', 'access.control.*', 'response.http.*'],
      ...['task.shutdown.graceful.timeout.ms', 'worker.*', 'scheduled.rebalance.max.delay.ms', 'session.timeout.ms', 'rebalance.timeout.ms', 'connect.protocol', 'inter.worker.*'],
      ...['topic.tracking.*', 'listeners.*', 'cors.*', 'max.tasks', 'task.max', 'confluent.*', 'kafka.api.key', 'kafka.api.secret', 'kafka.auth.mode'],
    ],
  },
];

const PATTERNS = FOREIGN_NAMES.map((each) => ({ each, pattern: new RegExp(`^(?:${each.names.map(patternOf).join('|')})$`, 's') }));

/** Whether nothing need be said of a value. `written` gives the value of an option. */
export function isSilentForeign(foreign: ForeignNames, text: string, written: (name: string) => string | undefined): boolean {
  const same = foreign.sameAs === undefined ? undefined : written(foreign.sameAs);
  return foreign.silent?.includes(text.trim().toLowerCase()) === true || same?.trim() === text.trim();
}

export function foreignNames(name: string): ForeignNames | undefined {
  return PATTERNS.find(({ pattern }) => pattern.test(name))?.each;
}

function patternOf(name: string): string {
  return name
    .split('*')
    .map((part) => RegExp.escape(part))
    .join('.*');
}
