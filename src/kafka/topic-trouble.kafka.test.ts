/** What other hands do to a topic while a publisher writes to it: lower its limit, compact it, delete it, make it again. */
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sharedKafka, uniqueName } from '../../test/harness/shared.ts';
import { until } from '../../test/harness/until.ts';
import { NO_CREATION, openPublishing, type Publishing, recordOf, topicCreation } from '../../test/kafka/publishing.ts';
import type { FetchedRecord } from './client-contract.ts';
import type { TopicHandle } from './producer/publisher-contract.ts';

const soon = (): AbortSignal => AbortSignal.timeout(30_000);
const servers = (): string => sharedKafka().bootstrapServers;
const LONG = { timeoutMs: 20_000 };
let admin: ReturnType<Kafka['admin']>;

beforeAll(async () => {
  admin = new Kafka({ brokers: servers().split(','), logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
});
afterAll(() => admin.disconnect());

/** What the topic has at this moment; the broker needs a moment to take it up. */
async function configure(topic: string, settings: Readonly<Record<string, string>>): Promise<void> {
  const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value }));
  await admin.alterConfigs({ validateOnly: false, resources: [{ type: 2, name: topic, configEntries }] });
  await until(
    'the broker has the settings',
    async () => {
      const { resources } = await admin.describeConfigs({ resources: [{ type: 2, name: topic }], includeSynonyms: false });
      const has = new Map(resources[0]?.configEntries.map(({ configName, configValue }) => [configName, configValue]));
      return configEntries.every(({ name, value }) => has.get(name) === value);
    },
    LONG,
  );
}

/** Every record of the topic, partition by partition. */
async function recordsOf({ client }: Publishing, topic: string): Promise<FetchedRecord[]> {
  const { topics } = await client.metadata({ topics: [topic], allowAutoTopicCreation: false });
  const records: FetchedRecord[] = [];
  for (const { index, leaderId } of topics[0]?.partitions ?? []) {
    const address = client.brokerAddress(leaderId);
    if (address === undefined) throw new Error('no leader');
    const connection = await client.connect(address);
    const { offset: end } = await connection.endOffset(topic, index, 5_000);
    for (let at = 0; at < end; ) {
      const fetched = await connection.fetch(topic, index, at, 5_000);
      records.push(...fetched.records);
      at = fetched.nextOffset;
    }
    connection.destroy();
  }
  return records;
}

const numberOf = ({ value }: FetchedRecord): number =>
  Number(
    Buffer.from(value ?? [])
      .toString()
      .split(' ')[0],
  );

async function delivered(publishing: Publishing, topic: string): Promise<number[]> {
  return (await recordsOf(publishing, topic)).map(numberOf);
}

const numbers = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, index) => from + index);
const PADDING = 'x'.repeat(300);

/** Record i is `i padding`. */
function appendNumbers({ publisher }: Publishing, topic: TopicHandle, from: number, to: number): void {
  for (const i of numbers(from, to)) publisher.append(topic, recordOf(`k${i % 7}`, `${i} ${PADDING}`));
}

describe("a topic's limit that is lowered while it is written to", () => {
  test.each([
    { name: 'as they are', producer: {} },
    { name: 'compressed', producer: { compression: 'gzip' as const, batchBytesMax: 1024 * 1024 } },
    { name: 'without idempotence', producer: { idempotence: false } },
  ])('its batches are cut, $name: every record arrives once and in order', async ({ producer }) => {
    await using publishing = openPublishing(servers(), { producer });
    const name = uniqueName('lowered');
    const topic = await publishing.publisher.openTopic(name, soon());
    appendNumbers(publishing, topic, 0, 100);
    await publishing.publisher.drain(soon());
    await configure(name, { 'max.message.bytes': '6000' });
    appendNumbers(publishing, topic, 100, 1_500);
    await publishing.publisher.drain(soon());
    expect(publishing.failures).toEqual([]);
    expect(publishing.publisher.pending).toEqual({ bytes: 0, records: 0, requestsInFlight: 0 });
    expect(await delivered(publishing, name)).toEqual(numbers(0, 1_500));
    // It is remembered: nothing is cut any more.
    const cuts = publishing.lines.filter(({ event }) => event === 'kafka.batch_split').length;
    appendNumbers(publishing, topic, 1_500, 2_000);
    await publishing.publisher.drain(soon());
    expect(publishing.lines.filter(({ event }) => event === 'kafka.batch_split')).toHaveLength(cuts);
  });

  test('batches are cut too where the broker names a larger limit than it accepts, because a segment is smaller than the batch', async () => {
    await using publishing = openPublishing(servers(), {
      topics: topicCreation(1, 1, [['segment.bytes', '1048576']]),
      producer: { batchBytesMax: 1_900_000, requestBytesMax: 2_000_000 },
    });
    const name = uniqueName('segment');
    const topic = await publishing.publisher.openTopic(name, soon());
    await configure(name, { 'segment.bytes': '1048576', 'max.message.bytes': '2000000' });
    await using again = openPublishing(servers(), { producer: { batchBytesMax: 1_900_000, requestBytesMax: 2_000_000 } });
    const wide = await again.publisher.openTopic(topic.name, soon());
    appendNumbers(again, wide, 0, 12_000);
    await again.publisher.drain(soon());
    expect(again.failures).toEqual([]);
    expect(await delivered(publishing, name)).toEqual(numbers(0, 12_000));
  });

  test('a record that does not fit by itself is refused, by sizes and both limits and without its text', async () => {
    await using publishing = openPublishing(servers());
    const name = uniqueName('lowered');
    const topic = await publishing.publisher.openTopic(name, soon());
    await configure(name, { 'max.message.bytes': '6000' });
    publishing.publisher.append(topic, recordOf('k', 'before'));
    publishing.publisher.append(topic, recordOf('secretkey', 'secretvalue'.repeat(900)));
    await expect(publishing.publisher.drain(soon())).rejects.toMatchObject({
      code: 'kafka_record_too_large',
      details: { topic: name, bytes: expect.any(Number), limit: 6_000, requestBytesMax: 1024 * 1024 },
    });
    expect(publishing.publisher.failure?.message).not.toContain('secret');
    expect((await recordsOf(publishing, name)).map(({ value }) => String(value))).toEqual(['before']);
  });
});

test('a record without a key for a compacted topic ends it at once, with the place, the reason and the remedy', async () => {
  await using publishing = openPublishing(servers(), {
    topics: topicCreation(1, 1, [['cleanup.policy', 'compact']]),
    producer: { compression: 'gzip' },
  });
  const name = uniqueName('compacted');
  const topic = await publishing.publisher.openTopic(name, soon());
  publishing.publisher.append(topic, recordOf('k', 'with a key'));
  publishing.publisher.append(topic, recordOf(null, 'secretvalue'));
  await expect(publishing.publisher.drain(soon())).rejects.toMatchObject({
    code: 'kafka_record_invalid',
    retry: 'never',
    details: { topic: name, error: 'INVALID_RECORD', recordIndex: 1, hasKey: false, reason: expect.stringMatching(/[Cc]ompacted topic/) },
    remedy: expect.stringMatching(/code 87.*primary key.*cleanup\.policy=delete/),
  });
  expect(publishing.publisher.failure?.message).not.toContain('secret');
  expect(publishing.failures).toHaveLength(1);
});

test("a record outside of the topic's time limits ends it at once", async () => {
  const limits: [string, string][] = [['message.timestamp.before.max.ms', '1000']];
  await using publishing = openPublishing(servers(), { topics: topicCreation(1, 1, limits) });
  const topic = await publishing.publisher.openTopic(uniqueName('dated'), soon());
  publishing.publisher.append(topic, recordOf('k', 'v', { timestampMs: Date.now() - 3_600_000 }));
  await expect(publishing.publisher.drain(soon())).rejects.toMatchObject({
    code: 'kafka_record_invalid',
    details: { error: 'INVALID_TIMESTAMP' },
  });
});

describe('a topic that is deleted while it is written to', () => {
  /** Appends until told to end; returns how many. */
  function startWriter(publishing: Publishing, topic: TopicHandle): { readonly written: () => number; [Symbol.dispose](): void } {
    let at = 0;
    const timer = setInterval(() => {
      if (publishing.publisher.failure !== undefined) return;
      appendNumbers(publishing, topic, at, at + 20);
      at += 20;
      publishing.publisher.flush();
    }, 5);
    return { written: () => at, [Symbol.dispose]: () => clearInterval(timer) };
  }

  test.each([
    { name: 'by the rules of topic.creation', topics: topicCreation(3, 1, [['retention.ms', '123456']]), partitions: 3 },
    { name: 'by the broker', topics: NO_CREATION, partitions: 1 },
  ])('is made again within seconds $name; what was not acknowledged arrives, in order', async ({ topics, partitions }) => {
    await using publishing = openPublishing(servers(), { topics });
    const { publisher } = publishing;
    const name = uniqueName('deleted');
    const topic = await publisher.openTopic(name, soon());
    using writer = startWriter(publishing, topic);
    await until('records are acknowledged', async () => publisher.acknowledgedOrdinal > 500, LONG);
    const acknowledged = publisher.acknowledgedOrdinal;
    await admin.deleteTopics({ topics: [name] });
    const since = performance.now();
    await until(
      'it goes on',
      async () => publishing.lines.some(({ event }) => event === 'topic.recreated') && publisher.acknowledgedOrdinal > acknowledged + 2_000,
      LONG,
    );
    console.log(`[topic] made again and written to after ${Math.round(performance.now() - since)} ms`);
    // About two seconds on a machine of its own.
    expect(performance.now() - since).toBeLessThan(20_000);
    writer[Symbol.dispose]();
    await publisher.drain(soon());
    const here = await recordsOf(publishing, name);
    // Gone with the old topic is, of each key, a beginning that had been acknowledged; behind it nothing is missing, and all is in order.
    const byKey = Map.groupBy(here, ({ key }) => String(key));
    expect(byKey.size).toBe(7);
    for (const [key, records] of byKey) {
      const seen = records.map(numberOf);
      const all = numbers(0, writer.written()).filter((i) => `k${i % 7}` === key);
      expect(seen).toEqual(all.slice(all.indexOf(seen[0] ?? -1)));
    }
    expect(publishing.failures).toEqual([]);
    expect(publisher.topicsRecreated).toBe(1);
    const told = publishing.lines.filter(({ event }) => event.startsWith('topic.'));
    expect(told).toEqual([
      { level: 'warn', event: 'topic.missing', fields: { topic: name } },
      { level: 'warn', event: 'topic.recreated', fields: { topic: name, partitions, partitionsBefore: partitions } },
    ]);
    if (partitions === 3) expect((await publishing.client.describeTopic(name)).configs.get('retention.ms')).toBe('123456');
  });

  test('and made again by somebody else at once is used as it is, and logged', async () => {
    await using publishing = openPublishing(servers());
    const { publisher } = publishing;
    const name = uniqueName('swapped');
    const topic = await publisher.openTopic(name, soon());
    appendNumbers(publishing, topic, 0, 500);
    await publisher.drain(soon());
    await admin.deleteTopics({ topics: [name] });
    await admin.createTopics({ topics: [{ topic: name, numPartitions: 1, replicationFactor: 1 }], waitForLeaders: false });
    appendNumbers(publishing, topic, 500, 1_000);
    await publisher.drain(soon());
    expect(await delivered(publishing, name)).toEqual(numbers(500, 1_000));
    expect(publishing.lines.map(({ event }) => event).filter((event) => event === 'topic.recreated')).toHaveLength(1);
    expect(publishing.failures).toEqual([]);
  });

  test.each([1, 5])('and comes back with %i partitions instead of 3 ends the attempt, for its keys belong elsewhere', async (count) => {
    await using publishing = openPublishing(servers(), { topics: topicCreation(3) });
    const { publisher } = publishing;
    const name = uniqueName('fewer');
    const topic = await publisher.openTopic(name, soon());
    using writer = startWriter(publishing, topic);
    await until('records are acknowledged', async () => publisher.acknowledgedOrdinal > 500, LONG);
    await admin.deleteTopics({ topics: [name] });
    await admin.createTopics({ topics: [{ topic: name, numPartitions: count, replicationFactor: 1 }], waitForLeaders: false });
    await until('it ends', async () => publishing.failures.length > 0, LONG);
    writer[Symbol.dispose]();
    expect(publishing.failures).toMatchObject([
      { code: 'kafka_topic_changed', retry: 'auto', details: { topic: name, partitions: count, before: 3 } },
    ]);
  });

  test('while nothing waits for it stays away until there is a record for it', async () => {
    await using publishing = openPublishing(servers());
    const { publisher } = publishing;
    const name = uniqueName('quiet');
    const topic = await publisher.openTopic(name, soon());
    await admin.deleteTopics({ topics: [name] });
    await until('it is gone', async () => !(await publishing.client.describeTopic(name)).exists, LONG);
    publisher.append(topic, recordOf('k', '1 once more'));
    await publisher.drain(soon());
    expect(await delivered(publishing, name)).toEqual([1]);
  });
});
