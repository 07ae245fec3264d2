/**
 * Owns the names of every property that Debezium 3.6.1 for PostgreSQL accepts, and Kafka Connect for it, in the order of their topics.
 * docs/compatibility.md says of each what Slotline makes of it (scripts/compatibility.ts); what it means is in the option table.
 */

type PropertyTopic = { readonly title: string; readonly names: readonly string[] };

function topic(title: string, names: string): PropertyTopic {
  return { title, names: names.trim().split(/\s+/) };
}

export const DEBEZIUM_PROPERTIES: readonly PropertyTopic[] = [
  topic(
    'Kafka Connect',
    `name connector.class tasks.max key.converter key.converter.<option> value.converter value.converter.<option> header.converter
    transforms transforms.<id>.<option> predicates predicates.<id>.<option> errors.tolerance errors.retry.timeout
    errors.retry.delay.max.ms errors.log.enable errors.log.include.messages topic.creation.enable topic.creation.groups
    topic.creation.<group>.<option> exactly.once.support transaction.boundary transaction.boundary.interval.ms offsets.storage.topic
    producer.override.<option> consumer.override.<option> admin.override.<option> config.action.reload tasks.max.enforce`,
  ),
  topic(
    'Connection',
    `database.hostname database.port database.user database.password database.dbname database.connection.factory.class
    database.connection.timeout.ms database.query.timeout.ms database.initial.statements database.tcpKeepAlive database.sslmode
    database.sslcert database.sslkey database.sslpassword database.sslrootcert database.sslfactory driver.<property> database.<property>
    connection.validation.timeout.ms read.only`,
  ),
  topic(
    'Slot, publication and stream',
    `plugin.name slot.name slot.drop.on.stop slot.failover slot.stream.params slot.max.retries slot.retry.delay.ms
    offset.mismatch.strategy internal.slot.seek.to.known.offset.on.start internal.create.slot.command.timeout publication.name
    publication.autocreate.mode publish.via.partition.root replica.identity.autoset.values status.update.interval.ms lsn.flush.mode
    flush.lsn.source lsn.flush.timeout.ms lsn.flush.timeout.action xmin.fetch.interval.ms message.prefix.include.list
    message.prefix.exclude.list internal.log.position.check.enable`,
  ),
  topic(
    'What is captured',
    `schema.include.list schema.exclude.list table.include.list table.exclude.list column.include.list column.exclude.list
    table.ignore.builtin skipped.operations skip.messages.without.change snapshot.include.collection.list guardrail.collections.max
    guardrail.collections.limit.action`,
  ),
  topic(
    'Values and events',
    `decimal.handling.mode time.precision.mode hstore.handling.mode interval.handling.mode binary.handling.mode money.fraction.digits
    include.unknown.datatypes unavailable.value.placeholder schema.refresh.mode schema.name.adjustment.mode field.name.adjustment.mode
    include.schema.comments message.key.columns tombstones.on.delete column.truncate.to.<n>.chars column.mask.with.<n>.chars
    column.mask.hash.<algorithm>.with.salt.<salt> column.mask.hash.v2.<algorithm>.with.salt.<salt> column.propagate.source.type
    datatype.propagate.source.type converters post.processors event.converting.failure.handling.mode sourceinfo.struct.maker
    extended.headers.enabled custom.sanitize.pattern memory.management.schemas.class memory.management.tables.class`,
  ),
  topic(
    'Snapshot',
    `snapshot.mode snapshot.mode.configuration.based.snapshot.data snapshot.mode.configuration.based.snapshot.schema
    snapshot.mode.configuration.based.start.stream snapshot.mode.configuration.based.snapshot.on.schema.error
    snapshot.mode.configuration.based.snapshot.on.data.error snapshot.mode.custom.name snapshot.isolation.mode snapshot.locking.mode
    snapshot.locking.mode.custom.name snapshot.lock.timeout.ms snapshot.query.mode snapshot.query.mode.custom.name
    snapshot.select.statement.overrides snapshot.select.statement.overrides.<schema>.<table> snapshot.delay.ms streaming.delay.ms
    snapshot.fetch.size snapshot.max.threads snapshot.max.threads.multiplier legacy.snapshot.max.threads
    snapshot.tables.order.by.row.count internal.snapshot.scan.all.columns.force incremental.snapshot.chunk.size
    incremental.snapshot.watermarking.strategy incremental.snapshot.allow.schema.changes`,
  ),
  topic(
    'Signals and notifications',
    `signal.data.collection signal.enabled.channels signal.poll.interval.ms signal.kafka.topic signal.kafka.bootstrap.servers
    signal.kafka.groupId signal.kafka.poll.timeout.ms signal.consumer.<option> signal.file notification.enabled.channels
    notification.sink.topic.name`,
  ),
  topic('Heartbeats', 'heartbeat.interval.ms heartbeat.topics.prefix heartbeat.action.query'),
  topic(
    'Topics',
    `topic.prefix topic.naming.strategy topic.delimiter topic.cache.size topic.heartbeat.prefix topic.heartbeat.name topic.transaction
    topic.regex topic.replacement topic.key.enforce.uniqueness topic.key.field.name topic.key.field.regex topic.key.field.replacement`,
  ),
  topic('Transaction metadata', 'provide.transaction.metadata transaction.metadata.factory'),
  topic(
    'Queue and life cycle',
    `max.batch.size max.queue.size max.queue.size.in.bytes queue.provider.type poll.interval.ms query.fetch.size
    executor.shutdown.timeout.ms statistics.metrics.enabled custom.metric.tags internal.advanced.metrics.enable`,
  ),
  topic(
    'Errors and retries',
    `event.processing.failure.handling.mode errors.max.retries retriable.restart.connector.wait.ms internal.custom.retriable.exception`,
  ),
  topic(
    'OpenLineage',
    `openlineage.integration.enabled openlineage.integration.config.file.path openlineage.integration.job.namespace
    openlineage.integration.job.description openlineage.integration.job.tags openlineage.integration.job.owners
    openlineage.integration.dataset.kafka.bootstrap.servers`,
  ),
];
