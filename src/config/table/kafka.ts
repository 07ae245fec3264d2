/**
 * Owns the option rows of Kafka's producer and client, but for security (security.ts), and of topic creation.
 * Every one may be written bare, as `producer.…`, or as Connect's `producer.override.…`; the last of these wins.
 */

import { notZero } from './connector.ts';
import { BOOLEAN, CLASS, honoured, integer, LIST, long, NUMBER, noEffect, notYet, type OptionSpec, oneOf, REGEX_LIST } from './option-spec.ts';

/** The spellings of a client option whose own name is the bare one. */
export function clientAliases(name: string): readonly string[] {
  return [`producer.${name}`, `producer.override.${name}`];
}

/** The spellings of an option of the producer alone, whose own name begins with `producer.`. */
function producerAliases(name: string): readonly string[] {
  const bare = name.slice('producer.'.length);
  return [bare, `producer.${bare}`, `producer.override.${bare}`];
}

const OWN_RECONNECT = 'Slotline has its own pauses between attempts.';
const NO_TRANSACTIONS = 'Kafka transactions are not used.';
const NO_METRICS = 'There is no JMX.';
const LIBRARY_LEVEL = 'The standard level of the codec is used.';
const BY_KEY = "Records are spread by Kafka's standard partitioner; another one would change which partition a key goes to.";

export const CLIENT_OPTIONS: readonly OptionSpec[] = [
  honoured({
    name: 'bootstrap.servers',
    kind: LIST,
    required: true,
    aliases: clientAliases('bootstrap.servers'),
    why: 'There is no sensible default.',
    doc: 'Brokers to start from, `host:port` separated by commas; IPv6 literals in brackets.',
    check: (value) => (parseBootstrapServers(value) === undefined ? 'must be host:port pairs separated by commas' : undefined),
  }),
  honoured({ name: 'client.id', default: 'slotline', aliases: clientAliases('client.id'), why: 'Names the client in the logs of brokers.', differs: 'Connect: `connector-producer-<name>-0`.', doc: 'Client id sent to brokers; quotas may name it.' }),
  honoured({ name: 'metadata.max.age.ms', kind: long(1), unit: 'ms', default: '300000', aliases: clientAliases('metadata.max.age.ms'), why: "Kafka's.", doc: 'Longest time between two looks at the partitions of a topic.' }),
  honoured({ name: 'socket.connection.setup.timeout.ms', kind: long(1), unit: 'ms', default: '10000', aliases: clientAliases('socket.connection.setup.timeout.ms'), why: "Kafka's.", doc: 'How long one attempt to connect to a broker may take.' }),
  ...clientRow('socket.connection.setup.timeout.max.ms', '30000', OWN_RECONNECT),
  ...clientRow('reconnect.backoff.ms', '50', OWN_RECONNECT),
  ...clientRow('reconnect.backoff.max.ms', '1000', OWN_RECONNECT),
  ...clientRow('retry.backoff.ms', '100', OWN_RECONNECT),
  ...clientRow('retry.backoff.max.ms', '1000', OWN_RECONNECT),
  ...clientRow('client.dns.lookup', 'use_all_dns_ips', 'Every address of a name is tried.'),
  ...clientRow('connections.max.idle.ms', '540000', 'Idle connections are kept until the broker closes them.'),
  ...clientRow('send.buffer.bytes', '131072', "The system's socket buffers are used."),
  ...clientRow('receive.buffer.bytes', '32768', "The system's socket buffers are used."),
  ...clientRow('metadata.max.idle.ms', '300000', 'Topics are known for as long as their table is.'),
  ...clientRow('metadata.recovery.strategy', 'rebootstrap', 'bootstrap.servers are always tried again.'),
  ...clientRow('metadata.recovery.rebootstrap.trigger.ms', '300000', 'bootstrap.servers are always tried again.'),
  ...clientRow('enable.metrics.push', 'true', NO_METRICS),
  ...clientRow('metric.reporters', undefined, NO_METRICS),
  ...clientRow('auto.include.jmx.reporter', 'true', NO_METRICS),
  ...clientRow('metrics.num.samples', '2', NO_METRICS),
  ...clientRow('metrics.recording.level', 'INFO', NO_METRICS),
  ...clientRow('metrics.sample.window.ms', '30000', NO_METRICS),
];

export const PRODUCER_OPTIONS: readonly OptionSpec[] = [
  producer('acks', {
    kind: oneOf('all', '-1', '0', '1'),
    default: 'all',
    why: 'With less a broker failure loses records that PostgreSQL has been told to forget.',
    doc: 'Acknowledgements to wait for. 0 and 1 are refused unless slotline.allow.loss=true.',
  }),
  producer('enable.idempotence', { kind: BOOLEAN, default: 'true', why: "Kafka's; without it a retry may repeat or reorder records.", doc: 'Let brokers drop repeated batches and keep their order.' }),
  producer('max.in.flight.requests.per.connection', { kind: integer(1), default: '5', why: "Kafka's; the most for which brokers keep order.", doc: 'Requests to one broker that may be unanswered at a time; at most 5 with idempotence, 1 without.' }),
  producer('compression.type', { kind: oneOf('none', 'gzip', 'snappy', 'lz4', 'zstd'), default: 'none', why: "Kafka's.", doc: 'Compression of record batches.' }),
  producer('batch.size', { kind: integer(1), unit: 'bytes', default: '524288', why: 'A batch goes out as soon as a request may; under load large batches cost brokers and us least.', differs: 'Kafka: 16384.', doc: 'Most bytes of one batch before compression; never above the limit of the topic.' }),
  producer('linger.ms', { kind: long(0), unit: 'ms', default: '0', why: 'Batches grow by themselves while requests are in flight; waiting only adds latency.', differs: 'Kafka: 5.', doc: 'How long a batch waits for more records.' }),
  producer('max.request.size', { kind: integer(1), unit: 'bytes', default: '1048576', why: "Kafka's; brokers refuse larger batches by default.", doc: 'Most bytes of a batch and of a record.' }),
  producer('delivery.timeout.ms', { kind: integer(1), unit: 'ms', default: '120000', why: "Kafka's.", doc: 'When an unacknowledged record counts as failed; the connector then goes back to the last durable position.' }),
  producer('request.timeout.ms', { kind: integer(1), unit: 'ms', default: '30000', why: "Kafka's.", doc: 'How long a broker may take to answer.' }),
  producer('buffer.memory', { kind: long(1), unit: 'bytes', default: '33554432', why: "Kafka's; enough for several requests to each broker.", doc: 'Most bytes that are read but not acknowledged; then reading pauses.' }),
  unusedProducer('retries', '2147483647', 'Batches are retried until producer.delivery.timeout.ms.'),
  unusedProducer('max.block.ms', '60000', 'A full buffer pauses reading for as long as it takes.'),
  unusedProducer('compression.gzip.level', '-1', LIBRARY_LEVEL),
  unusedProducer('compression.lz4.level', '9', LIBRARY_LEVEL),
  unusedProducer('compression.zstd.level', '3', LIBRARY_LEVEL),
  unusedProducer('partitioner.adaptive.partitioning.enable', 'true', 'Records without key go round batch by batch.'),
  unusedProducer('partitioner.availability.timeout.ms', '0', 'Records without key go round batch by batch.'),
  unusedProducer('transaction.timeout.ms', '60000', NO_TRANSACTIONS),
  unusedProducer('key.serializer', undefined, 'Keys are bytes.'),
  unusedProducer('value.serializer', undefined, 'Values are bytes.'),
  notYet({ name: 'producer.partitioner.class', kind: CLASS, aliases: producerAliases('producer.partitioner.class'), reason: BY_KEY, doc: 'Class that chooses partitions.' }),
  notYet({ name: 'producer.partitioner.ignore.keys', kind: BOOLEAN, default: 'false', aliases: producerAliases('producer.partitioner.ignore.keys'), reason: BY_KEY, doc: 'Spread records without regard to keys.' }),
  notYet({ name: 'producer.interceptor.classes', kind: LIST, aliases: producerAliases('producer.interceptor.classes'), reason: 'Interceptors are Java classes.', doc: 'Classes that see each record.' }),
  notYet({ name: 'producer.transactional.id', aliases: producerAliases('producer.transactional.id'), reason: NO_TRANSACTIONS, doc: 'Id for Kafka transactions.' }),
  notYet({ name: 'producer.transaction.two.phase.commit.enable', kind: BOOLEAN, default: 'false', aliases: producerAliases('producer.transaction.two.phase.commit.enable'), reason: NO_TRANSACTIONS, doc: 'Two-phase commit of Kafka transactions.' }),
];

const GROUPS = 'topic.creation.groups';

export const TOPIC_CREATION_OPTIONS: readonly OptionSpec[] = [
  honoured({ name: 'topic.creation.enable', kind: BOOLEAN, default: 'true', why: "Connect's.", doc: 'Create missing topics. Otherwise they must exist, or the broker creates them by itself.' }),
  honoured({ name: GROUPS, kind: LIST, why: 'One rule for all topics.', doc: 'Names of groups of topics with rules of their own, in the order in which they are tried; `default` is for the rest.', check: checkGroups }),
  honoured({ name: 'topic.creation.<group>.include', kind: REGEX_LIST, parent: GROUPS, why: 'A group says what it holds.', doc: 'Topics of the group.' }),
  honoured({ name: 'topic.creation.<group>.exclude', kind: REGEX_LIST, parent: GROUPS, why: 'Nothing is left out.', doc: 'Topics that are not of the group all the same.' }),
  honoured({ name: 'topic.creation.<group>.partitions', kind: integer(-1), parent: GROUPS, why: "The broker's default, or that of the default group.", differs: 'Connect demands topic.creation.default.partitions.', doc: 'Partitions of new topics; -1: the default of the broker.', check: notZero }),
  honoured({ name: 'topic.creation.<group>.replication.factor', kind: integer(-1, 32767), parent: GROUPS, why: "The broker's default, or that of the default group.", differs: 'Connect demands topic.creation.default.replication.factor.', doc: 'Replicas of new topics; -1: the default of the broker.', check: notZero }),
  honoured({ name: 'topic.creation.<group>.<topic config>', parent: GROUPS, why: "The broker's.", doc: 'Any config of a topic, such as `cleanup.policy` or `retention.ms`.' }),
];

/** Topic configs of Apache Kafka 4.3, for did-you-mean only: brokers of other releases may know others. */
export const TOPIC_CONFIG_NAMES: readonly string[] = [
  'cleanup.policy',
  'compression.gzip.level',
  'compression.lz4.level',
  'compression.type',
  'compression.zstd.level',
  'delete.retention.ms',
  'file.delete.delay.ms',
  'flush.messages',
  'flush.ms',
  'follower.replication.throttled.replicas',
  'index.interval.bytes',
  'leader.replication.throttled.replicas',
  'local.retention.bytes',
  'local.retention.ms',
  'max.compaction.lag.ms',
  'max.message.bytes',
  'message.downconversion.enable',
  'message.format.version',
  'message.timestamp.after.max.ms',
  'message.timestamp.before.max.ms',
  'message.timestamp.difference.max.ms',
  'message.timestamp.type',
  'min.cleanable.dirty.ratio',
  'min.compaction.lag.ms',
  'min.insync.replicas',
  'preallocate',
  'remote.log.copy.disable',
  'remote.log.delete.on.disable',
  'remote.storage.enable',
  'retention.bytes',
  'retention.ms',
  'segment.bytes',
  'segment.index.bytes',
  'segment.jitter.ms',
  'segment.ms',
  'unclean.leader.election.enable',
];

/** `bootstrap.servers` as hosts (IPv6 without brackets) and ports; undefined where one cannot be read. */
export function parseBootstrapServers(value: string): { host: string; port: number }[] | undefined {
  const servers: { host: string; port: number }[] = [];
  for (const part of value.split(',')) {
    if (part.trim() === '') continue;
    const match = /^(?:[A-Za-z_]+:\/\/)?(?:\[([0-9A-Fa-f:.%\w]+)\]|([A-Za-z0-9._-]+)):(\d{1,5})$/.exec(part.trim());
    const host = match?.[1] ?? match?.[2];
    const port = Number(match?.[3]);
    if (host === undefined || !(port >= 1 && port <= 65535)) return undefined;
    if (!servers.some((each) => each.host === host && each.port === port)) servers.push({ host, port });
  }
  return servers.length === 0 ? undefined : servers;
}

function checkGroups(value: string): string | undefined {
  const groups = value.split(',').map((each) => each.trim());
  if (groups.some((each) => !/^[A-Za-z0-9_-]+$/.test(each))) return 'must be names of A-Z, a-z, 0-9, _ and - separated by commas';
  if (groups.includes('default')) return 'may not name default, which is always there';
  return new Set(groups).size < groups.length ? 'names a group twice' : undefined;
}

type ProducerRow = Omit<Parameters<typeof honoured>[0], 'name' | 'aliases'>;

function producer(bare: string, row: ProducerRow): OptionSpec {
  return honoured({ ...row, name: `producer.${bare}`, aliases: producerAliases(`producer.${bare}`) });
}

/** Nobody can tell pauses, buffers and look-ups from what is published; compression and metrics somebody can. */
function silence(reason: string): 'always' | readonly string[] {
  return [LIBRARY_LEVEL, NO_METRICS, NO_TRANSACTIONS].includes(reason) ? [] : 'always';
}

function unusedProducer(bare: string, value: string | undefined, reason: string): OptionSpec {
  const row = { name: `producer.${bare}`, aliases: producerAliases(`producer.${bare}`), reason, silent: silence(reason), doc: `Kafka's \`${bare}\`.` };
  return noEffect(value === undefined ? row : { ...row, default: value, ...(/^-?\d+$/.test(value) ? { kind: NUMBER } : {}) });
}

function clientRow(name: string, value: string | undefined, reason: string): OptionSpec[] {
  const row = { name, aliases: clientAliases(name), reason, silent: silence(reason), doc: `Kafka's \`${name}\`.` };
  return [noEffect(value === undefined ? row : { ...row, default: value, ...(/^-?\d+$/.test(value) ? { kind: NUMBER } : {}) })];
}
