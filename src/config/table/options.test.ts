import { describe, expect, test } from 'vitest';
import { foreignNames } from './names/foreign.ts';
import { RENAMED } from './names/renamed.ts';
import { isFamily, kindProblem, normalValue } from './option-spec.ts';
import { findFamily, findOption, OPTION_TOPICS, OPTIONS } from './options.ts';

const words = (text: string): string[] => text.trim().split(/\s+/);

/** The definition that Debezium 3.6.1 publishes for its PostgreSQL connector. */
const DEBEZIUM = words(`
  binary.handling.mode column.exclude.list column.include.list column.mask.hash.SHA-256.with.salt.salt column.mask.with.10.chars
  column.propagate.source.type column.truncate.to.10.chars connection.validation.timeout.ms converters custom.metric.tags
  custom.sanitize.pattern database.dbname database.hostname database.initial.statements database.password database.port
  database.query.timeout.ms database.sslcert database.sslfactory database.sslkey database.sslmode database.sslpassword
  database.sslrootcert database.tcpKeepAlive database.user datatype.propagate.source.type decimal.handling.mode errors.max.retries
  event.processing.failure.handling.mode executor.shutdown.timeout.ms extended.headers.enabled flush.lsn.source
  guardrail.collections.limit.action guardrail.collections.max heartbeat.action.query heartbeat.interval.ms heartbeat.topics.prefix
  hstore.handling.mode include.schema.comments include.unknown.datatypes incremental.snapshot.chunk.size
  incremental.snapshot.watermarking.strategy internal.advanced.metrics.enable internal.legacy.snapshot.max.threads
  internal.log.position.check.enable internal.snapshot.scan.all.columns.force interval.handling.mode legacy.snapshot.max.threads
  lsn.flush.mode lsn.flush.timeout.action lsn.flush.timeout.ms max.batch.size max.queue.size max.queue.size.in.bytes
  memory.management.schemas.class memory.management.tables.class message.key.columns message.prefix.exclude.list
  message.prefix.include.list notification.enabled.channels notification.sink.topic.name openlineage.integration.config.file.path
  openlineage.integration.dataset.kafka.bootstrap.servers openlineage.integration.enabled openlineage.integration.job.description
  openlineage.integration.job.namespace openlineage.integration.job.owners openlineage.integration.job.tags plugin.name
  poll.interval.ms post.processors provide.transaction.metadata publication.autocreate.mode publication.name publish.via.partition.root
  query.fetch.size replica.identity.autoset.values retriable.restart.connector.wait.ms schema.exclude.list schema.include.list
  schema.name.adjustment.mode schema.refresh.mode signal.data.collection signal.enabled.channels signal.poll.interval.ms
  skipped.operations slot.drop.on.stop slot.failover slot.max.retries slot.name slot.retry.delay.ms slot.stream.params
  snapshot.delay.ms snapshot.fetch.size snapshot.include.collection.list snapshot.isolation.mode snapshot.lock.timeout.ms
  snapshot.locking.mode snapshot.locking.mode.custom.name snapshot.max.threads snapshot.max.threads.multiplier snapshot.mode
  snapshot.mode.configuration.based.snapshot.data snapshot.mode.configuration.based.snapshot.on.data.error
  snapshot.mode.configuration.based.snapshot.on.schema.error snapshot.mode.configuration.based.snapshot.schema
  snapshot.mode.configuration.based.start.stream snapshot.mode.custom.name snapshot.query.mode snapshot.query.mode.custom.name
  snapshot.select.statement.overrides snapshot.tables.order.by.row.count sourceinfo.struct.maker statistics.metrics.enabled
  status.update.interval.ms streaming.delay.ms table.exclude.list table.ignore.builtin table.include.list time.precision.mode
  tombstones.on.delete topic.naming.strategy topic.prefix transaction.metadata.factory unavailable.value.placeholder
  xmin.fetch.interval.ms
`);

/** What it reads besides, what 3.7 adds, and names of older releases. */
const DEBEZIUM_UNPUBLISHED = words(`
  database.connection.factory.class database.connection.timeout.ms database.autosave driver.options read.only offset.mismatch.strategy
  internal.slot.seek.to.known.offset.on.start internal.create.slot.command.timeout skip.messages.without.change money.fraction.digits
  field.name.adjustment.mode column.mask.hash.v2.SHA-256.with.salt.salt event.converting.failure.handling.mode
  snapshot.select.statement.overrides.public.orders incremental.snapshot.allow.schema.changes signal.kafka.topic
  signal.kafka.bootstrap.servers signal.kafka.groupId signal.kafka.poll.timeout.ms signal.consumer.fetch.max.bytes signal.file
  topic.delimiter topic.cache.size topic.heartbeat.prefix topic.heartbeat.name topic.transaction topic.regex topic.replacement
  topic.key.enforce.uniqueness topic.key.field.name topic.key.field.regex topic.key.field.replacement queue.provider.type
  internal.custom.retriable.exception poll.dispatch.interval.ms signal.emit.failure.max.retries signal.emit.failure.backoff.ms
  internal.offset.activity.monitor.interval.ms database.server.name snapshot.new.tables snapshot.custom.class
  slot.seek.to.known.offset.on.start toasted.value.placeholder truncate.handling.mode sanitize.field.names table.whitelist
  table.blacklist column.whitelist column.blacklist schema.whitelist schema.blacklist
`);

/** Source connectors and the JSON converter of Kafka Connect 4.3. */
const CONNECT = words(`
  config.action.reload connector.class connector.plugin.version errors.log.enable errors.log.include.messages errors.retry.delay.max.ms
  errors.retry.timeout errors.tolerance exactly.once.support header.converter header.converter.plugin.version key.converter
  key.converter.plugin.version name offsets.storage.topic predicates tasks.max tasks.max.enforce topic.creation.groups
  transaction.boundary transaction.boundary.interval.ms transforms value.converter value.converter.plugin.version transforms.a.type
  predicates.a.type topic.creation.enable topic.creation.default.partitions topic.creation.default.cleanup.policy
  admin.override.client.id consumer.override.client.id value.converter.converter.type value.converter.decimal.format
  value.converter.replace.null.with.default value.converter.schema.content value.converter.schemas.cache.size
  value.converter.schemas.enable
`);

/** The producer of Apache Kafka 4.3. */
const PRODUCER = words(`
  acks batch.size bootstrap.servers buffer.memory client.dns.lookup client.id compression.gzip.level compression.lz4.level
  compression.type compression.zstd.level config.providers connections.max.idle.ms delivery.timeout.ms enable.idempotence
  enable.metrics.push interceptor.classes key.serializer linger.ms max.block.ms max.in.flight.requests.per.connection max.request.size
  metadata.max.age.ms metadata.max.idle.ms metadata.recovery.rebootstrap.trigger.ms metadata.recovery.strategy metric.reporters
  metrics.num.samples metrics.recording.level metrics.sample.window.ms partitioner.adaptive.partitioning.enable
  partitioner.availability.timeout.ms partitioner.class partitioner.ignore.keys receive.buffer.bytes reconnect.backoff.max.ms
  reconnect.backoff.ms request.timeout.ms retries retry.backoff.max.ms retry.backoff.ms sasl.client.callback.handler.class
  sasl.jaas.config sasl.kerberos.kinit.cmd sasl.kerberos.min.time.before.relogin sasl.kerberos.service.name
  sasl.kerberos.ticket.renew.jitter sasl.kerberos.ticket.renew.window.factor sasl.login.callback.handler.class sasl.login.class
  sasl.login.connect.timeout.ms sasl.login.read.timeout.ms sasl.login.refresh.buffer.seconds sasl.login.refresh.min.period.seconds
  sasl.login.refresh.window.factor sasl.login.refresh.window.jitter sasl.login.retry.backoff.max.ms sasl.login.retry.backoff.ms
  sasl.mechanism sasl.oauthbearer.assertion.algorithm sasl.oauthbearer.assertion.claim.aud sasl.oauthbearer.assertion.claim.exp.seconds
  sasl.oauthbearer.assertion.claim.iss sasl.oauthbearer.assertion.claim.jti.include sasl.oauthbearer.assertion.claim.nbf.seconds
  sasl.oauthbearer.assertion.claim.sub sasl.oauthbearer.assertion.file sasl.oauthbearer.assertion.private.key.file
  sasl.oauthbearer.assertion.private.key.passphrase sasl.oauthbearer.assertion.template.file
  sasl.oauthbearer.client.credentials.client.id sasl.oauthbearer.client.credentials.client.secret sasl.oauthbearer.clock.skew.seconds
  sasl.oauthbearer.expected.audience sasl.oauthbearer.expected.issuer sasl.oauthbearer.header.urlencode
  sasl.oauthbearer.jwks.endpoint.refresh.ms sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms
  sasl.oauthbearer.jwks.endpoint.retry.backoff.ms sasl.oauthbearer.jwks.endpoint.url sasl.oauthbearer.jwt.retriever.class
  sasl.oauthbearer.jwt.validator.class sasl.oauthbearer.scope sasl.oauthbearer.scope.claim.name sasl.oauthbearer.sub.claim.name
  sasl.oauthbearer.token.endpoint.url security.protocol security.providers send.buffer.bytes socket.connection.setup.timeout.max.ms
  socket.connection.setup.timeout.ms ssl.cipher.suites ssl.enabled.protocols ssl.endpoint.identification.algorithm
  ssl.engine.factory.class ssl.key.password ssl.keymanager.algorithm ssl.keystore.certificate.chain ssl.keystore.key
  ssl.keystore.location ssl.keystore.password ssl.keystore.type ssl.protocol ssl.provider ssl.secure.random.implementation
  ssl.trustmanager.algorithm ssl.truststore.certificates ssl.truststore.location ssl.truststore.password ssl.truststore.type
  transaction.timeout.ms transaction.two.phase.commit.enable transactional.id value.serializer
`);

const isKnown = (name: string): boolean => findOption(name) !== undefined || findFamily(name) !== undefined || RENAMED[name] !== undefined || foreignNames(name) !== undefined;

describe('option table', () => {
  test.each([
    ['Debezium', DEBEZIUM],
    ['Debezium, unpublished', DEBEZIUM_UNPUBLISHED],
    ['Connect', CONNECT],
    ['Kafka producer, bare', PRODUCER],
    ['Kafka producer, as a worker has it', PRODUCER.map((name) => `producer.${name}`)],
    ['Kafka producer, as a connector overrides it', PRODUCER.map((name) => `producer.override.${name}`)],
  ])('knows every name: %s', (_, names) => {
    expect(names.filter((name) => !isKnown(name))).toEqual([]);
  });

  test('every option says what it is, why its default is so, and why it is not honoured', () => {
    for (const spec of OPTIONS) {
      expect(spec.doc, spec.name).toMatch(/^\S.*[.!?]$/s);
      expect(spec.why, spec.name).toMatch(/^\S.*[.!?]$/s);
      if (spec.status !== 'honoured' || spec.honouredValues !== undefined) expect((spec.reason ?? '').length + (spec.honouredValues?.length ?? 0), spec.name).toBeGreaterThan(1);
      if (spec.status !== 'honoured') expect(spec.reason, spec.name).toMatch(/^\S.*[.!?]$/s);
    }
  });

  test('every default passes its own check and is honoured', () => {
    for (const spec of OPTIONS) {
      if (spec.default === undefined) continue;
      expect(kindProblem(spec.kind, spec.default), spec.name).toBeUndefined();
      expect(spec.check?.(spec.default), spec.name).toBeUndefined();
      expect(normalValue(spec.kind, spec.default), spec.name).toBe(spec.default);
      if (spec.status === 'honoured' && spec.honouredValues !== undefined) expect(spec.honouredValues, spec.name).toContain(spec.default);
    }
  });

  test('no spelling means two options, and no old name is still an option', () => {
    const spellings = OPTIONS.flatMap((spec) => [...new Set([spec.name, ...spec.aliases])]);
    expect(spellings.filter((name, index) => spellings.indexOf(name) !== index)).toEqual([]);
    expect(Object.keys(RENAMED).filter((name) => findOption(name) !== undefined)).toEqual([]);
    for (const each of Object.values(RENAMED)) {
      expect(findOption(each.to), each.to).toBeDefined();
    }
  });

  test('families take their members and nothing else', () => {
    expect(findFamily('column.mask.with.10.chars')?.name).toBe('column.mask.with.<n>.chars');
    expect(findFamily('column.mask.hash.SHA-256.with.salt.a.b')?.name).toBe('column.mask.hash.<algorithm>.with.salt.<salt>');
    expect(findFamily('column.mask.hash.v2.SHA-256.with.salt.a')?.name).toBe('column.mask.hash.v2.<algorithm>.with.salt.<salt>');
    expect(findFamily('transforms.unwrap.add.fields')?.name).toBe('transforms.<name>.<option>');
    expect(findFamily('topic.creation.big.replication.factor')?.name).toBe('topic.creation.<group>.replication.factor');
    expect(findFamily('column.mask.with.10.char')).toBeUndefined();
    expect(findFamily('transforms.')).toBeUndefined();
  });

  test('parents of families are options', () => {
    for (const spec of OPTIONS) {
      if (spec.parent !== undefined) expect(findOption(spec.parent)?.spec, spec.name).toBeDefined();
      if (isFamily(spec)) expect(spec.required, spec.name).toBe(false);
    }
    expect(OPTION_TOPICS.length).toBeGreaterThan(5);
  });
});
