/**
 * Owns the checks of Kafka: whether it is reachable, whether topics exist or can be created, which settings would refuse or lose
 * records, and what the topic of offsets remembers. Creates nothing.
 */
import { SlotlineError } from '../../core/errors.ts';
import { SILENT_LOG } from '../../core/log.ts';
import type { TaskOptions } from '../../core/options.ts';
import { SYSTEM_CLOCK } from '../../core/time.ts';
import { topicNaming } from '../../events/table-checks.ts';
import { deadLetterTopic, heartbeatTopic, type TopicNaming, transactionTopic } from '../../events/topic.ts';
import type { KafkaClient } from '../../kafka/client.ts';
import type { TopicDescription } from '../../kafka/cluster.ts';
import { createCompactedTopic, newCompactedTopic } from '../../kafka/compacted-topic.ts';
import { newTopic, refusedTopics } from '../../kafka/topics.ts';
import { isSnapshotUnfinished, type StoredOffset } from '../../offsets/offset.ts';
import { createOffsetStore, type Remembered } from '../../offsets/store.ts';
import { fail, failure, type Judgement, nameOf, ok, shorten, warn } from '../../pipeline/judgements/judgement.ts';
import { keyOf } from '../../pipeline/judgements/tables.ts';
import { offsetOwner } from '../../pipeline/positions/past.ts';
import { readSource, type SourceRecord } from '../../pipeline/source/memory.ts';
import type { TableDescription } from '../../postgres/catalog/catalog.ts';

/** How many questions may be open at once: enough for hundreds of tables within seconds. */
const QUESTIONS_AT_ONCE = 8;

export async function checkCluster(kafka: KafkaClient, options: Pick<TaskOptions, 'kafka'>): Promise<Judgement[]> {
  const cluster = await kafka.describeCluster();
  const where = options.kafka.bootstrapServers.map(({ host, port }) => `${host}:${port}`).join(', ');
  const brokers = `${cluster.brokers.length} broker${cluster.brokers.length === 1 ? '' : 's'}`;
  return [ok('kafka.reachable', `Kafka answers, ${brokers}`, { where })];
}

/** What the topic of offsets tells of this connector, and of the source as it last saw it. */
export type Recalled = (Remembered & { readonly source: SourceRecord | undefined }) | 'unknown';

type OffsetQuestion = { readonly signal: AbortSignal; readonly onRemembered: (remembered: Recalled) => void };

/** Reads the topic as a start reads it. Where the topic does not exist, nothing is remembered. */
export async function checkOffsets(
  kafka: KafkaClient,
  options: Pick<TaskOptions, 'events' | 'name' | 'offsetStorage' | 'producer' | 'taskId'>,
  { signal, onRemembered }: OffsetQuestion,
): Promise<Judgement[]> {
  const check = 'kafka.offset_topic';
  const topic = await kafka.describeTopic(options.offsetStorage.topic);
  const where = topic.name;
  if (topic.error !== undefined) return [failure(check, topic.error)];
  if (!topic.exists) {
    onRemembered({ own: undefined, others: [], source: undefined });
    const wanted = newCompactedTopic(options.offsetStorage);
    const refused = await refusedTopics(kafka, wanted === undefined ? [] : [wanted]);
    if (refused.size > 0) return [...refused].map(([name, error]) => judgeRefused({ check, names: [name], error }));
    return [ok(check, 'The topic of offsets does not exist yet; the start creates it', { where })];
  }
  const health = checkTopicHealth(topic, options);
  try {
    const reading = { ...options.offsetStorage, mayCreate: false };
    const deps = { log: SILENT_LOG, clock: SYSTEM_CLOCK, random: Math.random, maySend: () => false };
    const compacted = createCompactedTopic(kafka, reading, deps);
    const remembered = await createOffsetStore(compacted, offsetOwner(options)).loadAll(signal);
    onRemembered({ ...remembered, source: await readSource(compacted, offsetOwner(options), signal) });
    return [ok(check, `The topic of offsets is read: ${memoryWords(remembered.own)}`, { where }), ...health];
  } catch (error) {
    const remedy = 'Set cleanup.policy=compact: else the broker forgets that the snapshot was taken, and it is taken again.';
    const item = failure(check, error);
    return [item.code === 'kafka_topic_invalid' ? { ...item, where, remedy } : { ...item, where }, ...health];
  }
}

function memoryWords(offset: StoredOffset | undefined): string {
  if (offset === undefined) return 'nothing is remembered of this connector';
  return isSnapshotUnfinished(offset) ? 'a snapshot was begun and is not complete' : 'the snapshot is complete';
}

/** Checks each topic of a table once, and the topics of control records. Whether two tables share a topic is judged without Kafka (pipeline/judgements/names.ts). */
export async function checkTopics(
  kafka: KafkaClient,
  options: Pick<TaskOptions, 'events' | 'producer' | 'topicCreation'>,
  /** By topic: the tables whose rows go there. */
  named: ReadonlyMap<string, readonly TableDescription[]>,
  signal: AbortSignal,
): Promise<Judgement[]> {
  const naming = topicNaming(options.events);
  const byTopic = new Map(named);
  for (const name of controlTopics(options, naming)) byTopic.set(name, byTopic.get(name) ?? []);
  const items: Judgement[] = [];
  const missing: string[] = [];
  const queue = [...byTopic];
  const askInTurn = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      signal.throwIfAborted();
      const [name, tables] = next;
      const topic = await kafka.describeTopic(name);
      if (!topic.exists && topic.error === undefined) missing.push(name);
      else items.push(...checkTopic(topic, options, tables));
    }
  };
  await Promise.all(Array.from({ length: QUESTIONS_AT_ONCE }, askInTurn));
  if (missing.length > 0) items.push(...(await checkMissing(kafka, options, { missing: missing.sort(), byTopic })));
  const good = byTopic.size - missing.length;
  if (good > 0 && items.every(({ status }) => status !== 'fail'))
    items.unshift(ok('kafka.topics', `${good} of ${byTopic.size} topics exist`));
  return items;
}

/** Of BEGIN and END, of heartbeats and of dead letters, where they are asked for. */
function controlTopics({ events }: Pick<TaskOptions, 'events'>, naming: TopicNaming): string[] {
  const topics: string[] = [];
  if (events.transactionMetadata) topics.push(transactionTopic(naming, events.transactionTopic));
  if (events.heartbeat.intervalMs > 0) topics.push(heartbeatTopic(naming, events.heartbeat));
  if (events.deadLetters !== undefined) topics.push(deadLetterTopic(naming, events.deadLetters));
  return topics;
}

type Missing = {
  readonly missing: readonly string[];
  readonly byTopic: ReadonlyMap<string, readonly TableDescription[]>;
};

/** What Kafka would answer is asked of it; one item for each kind of answer. */
async function checkMissing(
  kafka: KafkaClient,
  options: Pick<TaskOptions, 'events' | 'topicCreation'>,
  { missing, byTopic }: Missing,
): Promise<Judgement[]> {
  const check = 'kafka.topics_missing';
  const wanted = missing.flatMap((name) => newTopic(name, options.topicCreation) ?? []);
  if (wanted.length === 0) {
    return [await judgeAutoCreation(kafka, check, missing)];
  }
  const items: Judgement[] = [];
  const refused = await refusedTopics(kafka, wanted);
  const kinds = Map.groupBy(refused.entries(), ([, error]) => `${error.code} ${String(error.details['error'])}`);
  for (const kind of kinds.values()) {
    const [first] = kind;
    if (first !== undefined) items.push(judgeRefused({ check, names: kind.map(([name]) => name), error: first[1] }));
  }
  const made = wanted.filter(({ name }) => !refused.has(name));
  if (made.length > 0) items.unshift(ok(check, `Topics that the first record creates: ${shorten(made.map(({ name }) => name))}`));
  const policy = 'cleanup.policy';
  return [
    ...items,
    ...made.flatMap(({ name, configs }) => checkPolicy(name, new Map(configs).get(policy), { options, tables: byTopic.get(name) ?? [] })),
  ];
}

/** Slotline is not told to create topics (nor is Connect by default), so it depends on the brokers' automatic creation. */
async function judgeAutoCreation(kafka: KafkaClient, check: string, missing: readonly string[]): Promise<Judgement> {
  const setting = await kafka.brokerSetting(AUTO_CREATE);
  if (setting === 'true') return ok(check, `Topics that the brokers create for the first record (${AUTO_CREATE}): ${shorten(missing)}`);
  const what = `Topics do not exist, and Slotline is not told to create them: ${shorten(missing)}`;
  const ways = 'Create them, or set topic.creation.default.partitions and .replication.factor.';
  if (setting === undefined)
    return warn(check, what, { remedy: `They come into being only if the brokers have ${AUTO_CREATE}=true. ${ways}` });
  return fail(check, 'kafka_topic_missing', `${what}; nor do the brokers (${AUTO_CREATE}=${setting})`, { remedy: ways });
}

const AUTO_CREATE = 'auto.create.topics.enable';

/** Judges by the error with which the start, or the first record of a topic, would end. */
function judgeRefused({ check, names, error }: { check: string; names: readonly string[]; error: SlotlineError }): Judgement {
  const isReplication = error.details['error'] === 'INVALID_REPLICATION_FACTOR';
  const what = `Kafka would not make ${shorten(names)}: ${error.message}`;
  return fail(isReplication ? 'kafka.replication_factor' : check, error.code, what, { remedy: error.remedy, start: { error } });
}

function checkTopic(
  topic: TopicDescription,
  options: Pick<TaskOptions, 'events' | 'producer'>,
  tables: readonly TableDescription[],
): Judgement[] {
  if (topic.error !== undefined) return [failure('kafka.topics', topic.error)];
  return [...checkTopicHealth(topic, options), ...checkPolicy(topic.name, topic.configs.get('cleanup.policy'), { options, tables })];
}

/** The first record without a key would end the connector. */
function checkPolicy(
  topic: string,
  policy: string | undefined,
  { options, tables }: { readonly options: Pick<TaskOptions, 'events'>; readonly tables: readonly TableDescription[] },
): Judgement[] {
  const isCompacted = policy?.split(',').some((part) => part.trim() === 'compact') === true;
  const keyless = isCompacted ? tables.filter((table) => keyOf(table, options).length === 0) : [];
  if (keyless.length === 0) return [];
  const remedy = 'Set cleanup.policy=delete, or give the table a key (message.key.columns).';
  const what = `A compacted topic refuses records without a key, and ${shorten(keyless.map(nameOf))} has none`;
  return [fail('kafka.topic_policy', 'kafka_record_invalid', what, { where: topic, remedy })];
}

function checkTopicHealth(topic: TopicDescription, options: Pick<TaskOptions, 'producer'>): Judgement[] {
  const where = topic.name;
  const items: Judgement[] = [];
  if (topic.mayWrite === false) items.push(fail('kafka.authorization', 'kafka_unauthorized', 'The principal may not write', { where }));
  if (topic.leaderless > 0) {
    const what = `${topic.leaderless} of ${topic.partitions} partitions have no leader`;
    items.push(fail('kafka.leaders', 'kafka_unreachable', what, { where, remedy: 'Start the brokers that hold them.' }));
  }
  const insyncMin = Number(topic.configs.get('min.insync.replicas') ?? 1);
  if (insyncMin > topic.replicationFactor) {
    const what = `min.insync.replicas is ${insyncMin} and there are ${topic.replicationFactor} replicas: brokers before Kafka 4 refuse every write`;
    items.push(warn('kafka.min_insync', what, { where, remedy: 'Lower it, or add replicas.' }));
  }
  const bytesMax = Number(topic.configs.get('max.message.bytes') ?? Number.POSITIVE_INFINITY);
  if (bytesMax < options.producer.requestBytesMax) {
    const what = `max.message.bytes is ${bytesMax}: a larger record stops the connector, although producer.max.request.size is ${options.producer.requestBytesMax}`;
    items.push(warn('kafka.max_message_bytes', what, { where, remedy: 'Raise max.message.bytes if rows may be that large.' }));
  }
  return items;
}

export function kafkaTimeout(timeoutMs: number): SlotlineError {
  return new SlotlineError('kafka_unreachable', { message: `no answer within ${timeoutMs} ms` });
}
