/**
 * Owns finding a topic or creating it as Kafka Connect would: the first group whose patterns match gives the settings, and the default
 * group gives the settings that this one leaves out. Without any topic.creation.* the broker may create the topic itself. Also learns the
 * topic's largest batch.
 * Does not own sending.
 */
import { SlotlineError } from '../core/errors.ts';
import type { TopicCreationGroup, TopicCreationOptions } from '../core/options.ts';
import { compileUserPattern } from '../core/user-pattern.ts';
import type { KafkaClient } from './client.ts';
import type { NewTopic, TopicMetadata } from './client-contract.ts';
import { isRetriableCode, KAFKA_CODE, kafkaAnswerError } from './protocol-errors.ts';

export type ResolvedTopic = { readonly name: string; readonly metadata: TopicMetadata; readonly maxMessageBytes: number | undefined };

/** Kafka's own default of max.message.bytes, with which batches begin where DescribeConfigs is not granted. */
export const MAX_MESSAGE_BYTES_DEFAULT = 1_048_588;
const MAX_MESSAGE_BYTES = 'max.message.bytes';
/** A new topic shows up at every broker well within this time. One that does not, nobody creates. */
const MISSING_FOR_MS = 15_000;
const CONFIG_TIMEOUT_MS = 5_000;
/** How many topics one request asks for: many thousands would take the controller long. */
const TRIED_AT_ONCE = 500;

/** Retries until Kafka answers or `signal` aborts. Throws kafka_topic_missing, kafka_topic_invalid or kafka_unauthorized. */
export async function openTopic(
  client: KafkaClient,
  name: string,
  creation: TopicCreationOptions,
  signal: AbortSignal,
): Promise<ResolvedTopic> {
  const wanted = newTopic(name, creation);
  let missingSinceMs: number | undefined;
  const metadata = await client.untilAnswered(`topic ${name}`, signal, async () => {
    const topic = await describe(client, name, wanted === undefined);
    if (topic.errorCode === KAFKA_CODE.NONE) return topic;
    if (topic.errorCode !== KAFKA_CODE.UNKNOWN_TOPIC_OR_PARTITION) throw kafkaAnswerError(topic.errorCode, { topic: name });
    if (wanted !== undefined) await createTopic(client, wanted);
    missingSinceMs ??= performance.now();
    if (performance.now() - missingSinceMs > MISSING_FOR_MS) throw new SlotlineError('kafka_topic_missing', { topic: name });
    // This error is retriable, so the question is asked again until the brokers' metadata shows the topic.
    throw new SlotlineError('kafka_request_failed', { topic: name, error: 'UNKNOWN_TOPIC_OR_PARTITION' });
  });
  const askedSinceMs = performance.now();
  const limit = await client.untilAnswered(`topic ${name}`, signal, () =>
    maxMessageBytes(client, name).catch((error: unknown) => {
      // Brokers may refuse this question for ever. After a while the topic is used without knowing its limit.
      const isRefusal = error instanceof SlotlineError && error.code === 'kafka_request_failed';
      if (isRefusal && performance.now() - askedSinceMs > CONFIG_TIMEOUT_MS) return undefined;
      throw error;
    }),
  );
  return { name, metadata, maxMessageBytes: limit };
}

async function describe(client: KafkaClient, name: string, allowAutoTopicCreation: boolean): Promise<TopicMetadata> {
  const reply = await client.metadata({ topics: [name], allowAutoTopicCreation });
  const topic = reply.topics.find((candidate) => candidate.name === name);
  if (topic === undefined) throw new SlotlineError('kafka_reply_incomplete', { topic: name, request: 'Metadata' });
  return topic;
}

/** Creates the topic. It is no error if somebody else has created it meanwhile. */
async function createTopic(client: KafkaClient, topic: NewTopic): Promise<void> {
  const timeoutMs = client.options.requestTimeoutMs;
  const results = await client.control((connection) => connection.createTopics([topic], timeoutMs));
  const result = results.find((candidate) => candidate.name === topic.name);
  if (result === undefined) throw new SlotlineError('kafka_reply_incomplete', { topic: topic.name, request: 'CreateTopics' });
  if (result.errorCode === KAFKA_CODE.NONE || result.errorCode === KAFKA_CODE.TOPIC_ALREADY_EXISTS) return;
  throw kafkaAnswerError(result.errorCode, { topic: topic.name }, result.errorMessage);
}

/** Asks the cluster which of these topics it would refuse to create, and why: rights, names, replication, its own rules. Creates none. */
export async function refusedTopics(client: KafkaClient, topics: readonly NewTopic[]): Promise<ReadonlyMap<string, SlotlineError>> {
  const refused = new Map<string, SlotlineError>();
  for (let from = 0; from < topics.length; from += TRIED_AT_ONCE) {
    const some = topics.slice(from, from + TRIED_AT_ONCE);
    const results = await client.control((connection) => connection.createTopics(some, CONFIG_TIMEOUT_MS, { validateOnly: true }));
    for (const { name, errorCode, errorMessage } of results) {
      if (errorCode === KAFKA_CODE.NONE || errorCode === KAFKA_CODE.TOPIC_ALREADY_EXISTS) continue;
      refused.set(name, kafkaAnswerError(errorCode, { topic: name }, errorMessage));
    }
  }
  return refused;
}

/** What to create, or undefined where creation is left to the broker, as Connect leaves it without topic.creation.* or with it disabled. */
export function newTopic(name: string, creation: TopicCreationOptions): NewTopic | undefined {
  const { enable, groups } = creation;
  const fallback = creation.default;
  const isConfigured = fallback.partitions !== undefined || fallback.replicationFactor !== undefined || groups.length > 0;
  if (!enable || !isConfigured) return undefined;
  const group = groups.find((candidate) => matches(candidate, name)) ?? fallback;
  return {
    name,
    partitions: group.partitions ?? fallback.partitions ?? -1,
    replicationFactor: group.replicationFactor ?? fallback.replicationFactor ?? -1,
    configs: group.configs,
  };
}

/** Exclude wins; a pattern must match the whole name. */
function matches(group: TopicCreationGroup, name: string): boolean {
  return !group.exclude.some((pattern) => matchesWhole(pattern, name)) && group.include.some((pattern) => matchesWhole(pattern, name));
}

function matchesWhole(pattern: string, name: string): boolean {
  return compileUserPattern(pattern, '').test(name);
}

/** Undefined where DescribeConfigs is not granted. */
export async function maxMessageBytes(client: KafkaClient, name: string): Promise<number | undefined> {
  const results = await client.control((connection) => connection.describeTopicConfigs([name], [MAX_MESSAGE_BYTES], CONFIG_TIMEOUT_MS));
  const result = results[0];
  const code = result?.errorCode ?? KAFKA_CODE.NONE;
  // A broker that lags does not know a new topic yet.
  if (isRetriableCode(code)) throw kafkaAnswerError(code, { topic: name });
  const bytes = Number(result?.configs.get(MAX_MESSAGE_BYTES));
  return Number.isInteger(bytes) && bytes > 0 ? bytes : undefined;
}
