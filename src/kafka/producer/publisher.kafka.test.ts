import { Kafka, logLevel } from 'kafkajs';
import { describe, expect, test } from 'vitest';
import { readTopic } from '../../../test/harness/consume.ts';
import { sharedKafka, uniqueName } from '../../../test/harness/shared.ts';
import { until } from '../../../test/harness/until.ts';
import { NO_CREATION, openPublishing, recordOf, topicCreation } from '../../../test/kafka/publishing.ts';

const soon = (): AbortSignal => AbortSignal.timeout(20_000);
const servers = (): string => sharedKafka().bootstrapServers;

describe('records', () => {
  test('arrive with key, value, headers and timestamp, in order within a key', async () => {
    await using publishing = openPublishing(servers(), { topics: topicCreation(3) });
    const { publisher } = publishing;
    const name = uniqueName('plain');
    const topic = await publisher.openTopic(name, soon());
    expect(topic.partitionCount).toBe(3);
    const headers = Buffer.concat([Buffer.of(2, 4), Buffer.from('hk'), Buffer.of(6), Buffer.from('hv1')]);
    for (let i = 0; i < 5_000; i++)
      publisher.append(topic, recordOf(`key-${i % 17}`, `value ${i}`, { headers, timestampMs: 1_700_000_000_000 + i }));
    publisher.append(topic, recordOf('key-1', null));
    publisher.flush();
    await publisher.drain(soon());
    expect(publisher.acknowledgedOrdinal).toBe(5_001);
    expect(publisher.pending).toEqual({ bytes: 0, records: 0, requestsInFlight: 0 });

    const records = await readTopic(servers(), name, { count: 5_001 });
    const lastByKey = new Map<string, number>();
    for (const { key, value, headers: seen, timestamp } of records) {
      if (value === null) continue;
      const number = Number(value.toString().slice(6));
      expect(String(key)).toBe(`key-${number % 17}`);
      expect(lastByKey.get(String(key)) ?? -1).toBeLessThan(number);
      lastByKey.set(String(key), number);
      expect(seen['hk']?.toString()).toBe('hv1');
      expect(Number(timestamp)).toBe(1_700_000_000_000 + number);
    }
    expect(records.filter(({ value }) => value === null).map(({ key }) => String(key))).toEqual(['key-1']);
    expect(publishing.failures).toEqual([]);
  });

  test('go to the partition that they name; without key they stay together until the batch is full', async () => {
    await using publishing = openPublishing(servers(), { topics: topicCreation(4) });
    const { publisher } = publishing;
    const name = uniqueName('partitions');
    const topic = await publisher.openTopic(name, soon());
    for (let i = 0; i < 20; i++) publisher.append(topic, recordOf('same', 'named', { partition: i % 4 }));
    for (let i = 0; i < 20; i++) publisher.append(topic, recordOf(null, 'keyless'));
    await publisher.drain(soon());
    const records = await readTopic(servers(), name, { count: 40 });
    const named = records.filter(({ value }) => String(value) === 'named');
    expect([0, 1, 2, 3].map((index) => named.filter(({ partition }) => partition === index).length)).toEqual([5, 5, 5, 5]);
    const keyless = records.filter(({ value }) => String(value) === 'keyless');
    expect(keyless).toHaveLength(20);
    expect(new Set(keyless.map(({ partition }) => partition)).size).toBe(1);
  });

  test.each([
    { acks: 1, idempotence: false },
    { acks: -1, idempotence: false },
    { acks: 0, idempotence: false },
  ] as const)('arrive in order with acks=$acks and idempotence=$idempotence', async (producer) => {
    await using publishing = openPublishing(servers(), { producer: { ...producer, batchBytesMax: 2_000 } });
    const { publisher } = publishing;
    const name = uniqueName('acks');
    const topic = await publisher.openTopic(name, soon());
    for (let i = 0; i < 2_000; i++) publisher.append(topic, recordOf('k', `${i}`));
    await publisher.drain(soon());
    const records = await readTopic(servers(), name, { count: 2_000 });
    expect(records.map(({ value }) => Number(String(value)))).toEqual(Array.from({ length: 2_000 }, (_, i) => i));
  });

  test('of a quiet table go out while nobody calls flush', async () => {
    await using publishing = openPublishing(servers());
    const { publisher } = publishing;
    const topic = await publisher.openTopic(uniqueName('quiet'), soon());
    publisher.append(topic, recordOf('k', 'v'));
    await until('the record is acknowledged', async () => publisher.acknowledgedOrdinal === 1, { timeoutMs: 5_000 });
  });

  test('wait for each other as long as linger.ms says, and not longer', async () => {
    await using publishing = openPublishing(servers(), { producer: { lingerMs: 400 } });
    const { publisher } = publishing;
    const topic = await publisher.openTopic(uniqueName('linger'), soon());
    const since = performance.now();
    publisher.append(topic, recordOf('k', 'v1'));
    publisher.flush();
    publisher.append(topic, recordOf('k', 'v2'));
    publisher.flush();
    expect(publisher.pending.requestsInFlight).toBe(0);
    await until('both are acknowledged', async () => publisher.acknowledgedOrdinal === 2, { timeoutMs: 5_000 });
    expect(performance.now() - since).toBeGreaterThan(390);
  });
});

describe('size', () => {
  const small = topicCreation(1, 1, [['max.message.bytes', '4000']]);

  test('no batch is larger than the topic takes', async () => {
    await using publishing = openPublishing(servers(), { topics: small });
    const { publisher } = publishing;
    const topic = await publisher.openTopic(uniqueName('bounded'), soon());
    expect(topic.recordBatchBytesMax).toBe(4_000);
    for (let i = 0; i < 500; i++) publisher.append(topic, recordOf('k', 'v'.repeat(i % 300)));
    await publisher.drain(soon());
    expect(publishing.failures).toEqual([]);
  });

  test('a record that the topic does not take is refused by name, size and limit, and leaves no gap', async () => {
    await using publishing = openPublishing(servers(), { topics: small });
    const { publisher } = publishing;
    const name = uniqueName('toolarge');
    const topic = await publisher.openTopic(name, soon());
    publisher.append(topic, recordOf('k', 'before'));
    const refused = expect.objectContaining({
      code: 'kafka_record_too_large',
      details: expect.objectContaining({ topic: name, limit: 4_000 }),
    });
    expect(() => publisher.append(topic, recordOf('secretkey', 'secretvalue'.repeat(400)))).toThrowError(refused);
    expect(publisher.appendedOrdinal).toBe(1);
    await publisher.drain(soon());
    expect((await readTopic(servers(), name, { count: 1 })).map(({ value }) => String(value))).toEqual(['before']);
  });

  test('a record that fits once compressed goes, in a batch of its own and in its place', async () => {
    await using publishing = openPublishing(servers(), { topics: small, producer: { compression: 'gzip' } });
    const { publisher } = publishing;
    const name = uniqueName('squeezed');
    const topic = await publisher.openTopic(name, soon());
    for (const value of ['before', 'x'.repeat(100_000), 'after']) publisher.append(topic, recordOf('k', value));
    await publisher.drain(soon());
    const records = await readTopic(servers(), name, { count: 3 });
    expect(records.map(({ value }) => value?.length)).toEqual([6, 100_000, 5]);
  });
});

describe('a topic', () => {
  test('is created as configured', async () => {
    await using publishing = openPublishing(servers(), { topics: topicCreation(5, 1, [['retention.ms', '123456']]) });
    const name = uniqueName('created');
    expect(await publishing.publisher.openTopic(name, soon())).toMatchObject({ name, partitionCount: 5, recordBatchBytesMax: 1024 * 1024 });
    const described = await publishing.client.describeTopic(name);
    expect(described).toMatchObject({ exists: true, partitions: 5, replicationFactor: 1, leaderless: 0, error: undefined });
    expect(described.configs.get('retention.ms')).toBe('123456');
  });

  test('is created by the broker where no topic.creation is configured', async () => {
    await using publishing = openPublishing(servers(), { topics: NO_CREATION });
    const topic = await publishing.publisher.openTopic(uniqueName('auto'), soon());
    expect(topic.partitionCount).toBe(1);
  });

  test('that gets more partitions is used with them after metadata.max.age.ms', async () => {
    await using publishing = openPublishing(servers(), { connection: { metadataMaxAgeMs: 200 } });
    const { publisher } = publishing;
    const name = uniqueName('grows');
    const topic = await publisher.openTopic(name, soon());
    const admin = new Kafka({ brokers: servers().split(','), logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    await admin.createPartitions({ topicPartitions: [{ topic: name, count: 4 }] });
    await admin.disconnect();
    await until('the publisher knows', async () => topic.partitionCount === 4, { timeoutMs: 10_000 });
    for (let i = 0; i < 100; i++) publisher.append(topic, recordOf(`k${i}`, 'v'));
    await publisher.drain(soon());
    const records = await readTopic(servers(), name, { count: 100 });
    expect(new Set(records.map(({ partition }) => partition)).size).toBe(4);
  });

  test('opened twice at once is one', async () => {
    await using publishing = openPublishing(servers());
    const name = uniqueName('once');
    const [first, second] = await Promise.all([publishing.publisher.openTopic(name, soon()), publishing.publisher.openTopic(name, soon())]);
    expect(first).toBe(second);
  });

  test.each([
    ['with a name that Kafka does not take', 'no/slash', topicCreation(1)],
    ['with more replicas than brokers', 'rf', topicCreation(1, 3)],
    ['with a setting that Kafka does not know', 'cfg', topicCreation(1, 1, [['no.such.setting', '1']])],
  ])('%s is refused', async (_what, prefix, topics) => {
    await using publishing = openPublishing(servers(), { topics });
    await expect(publishing.publisher.openTopic(uniqueName(prefix), soon())).rejects.toMatchObject({ code: 'kafka_topic_invalid' });
  });
});

describe('ending', () => {
  test('nothing is written once sending is not allowed any more', async () => {
    await using publishing = openPublishing(servers());
    const { publisher, gate, failures } = publishing;
    const name = uniqueName('fenced');
    const topic = await publisher.openTopic(name, soon());
    gate.open = false;
    publisher.append(topic, recordOf('k', 'v'));
    publisher.flush();
    await until('the failure is told', async () => failures.length > 0, { timeoutMs: 5_000 });
    expect(failures.map(({ code }) => code)).toEqual(['fenced']);
    expect(publisher.failure?.code).toBe('fenced');
    expect(publisher.acknowledgedOrdinal).toBe(0);
    await expect(publisher.drain(soon())).rejects.toMatchObject({ code: 'fenced' });
    expect(() => publisher.append(topic, recordOf('k', 'v'))).toThrowError(expect.objectContaining({ code: 'fenced' }));
    expect(await readTopic(servers(), name)).toEqual([]);
  });

  test('a closed publisher settles nothing more and lets nobody wait', async () => {
    await using publishing = openPublishing(servers(), { producer: { bufferRecordsMax: 1 } });
    const { publisher } = publishing;
    const topic = await publisher.openTopic(uniqueName('closed'), soon());
    publisher.append(topic, recordOf('k', 'v'));
    expect(publisher.hasCapacity()).toBe(false);
    const capacity = publisher.whenCapacity();
    const drained = publisher.drain(soon());
    await publisher.close();
    await capacity;
    await expect(drained).rejects.toMatchObject({ code: 'stop_timeout' });
    expect(publisher.acknowledgedOrdinal).toBe(0);
  });

  test('an unreachable Kafka is waited for until the signal aborts, with one log line', async () => {
    await using publishing = openPublishing('127.0.0.1:1');
    const opening = publishing.publisher.openTopic('t', AbortSignal.timeout(800));
    await expect(opening).rejects.toMatchObject({ code: 'kafka_unreachable' });
    expect(publishing.lines.map(({ event }) => event)).toEqual(['kafka.waiting']);
    await expect(publishing.client.describeCluster()).rejects.toMatchObject({ code: 'kafka_unreachable' });
  });
});
