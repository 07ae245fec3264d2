import { Kafka, logLevel } from 'kafkajs';
import { expect, test } from 'vitest';
import { sharedKafka, uniqueName } from '../../test/harness/shared.ts';
import { connectionOptions, recordingLog } from '../../test/kafka/publishing.ts';
import type { Lsn } from '../core/lsn.ts';
import { SYSTEM_CLOCK } from '../core/time.ts';
import { createKafkaClient, type KafkaClient } from '../kafka/client.ts';
import { createCompactedTopic } from '../kafka/compacted-topic.ts';
import { createOffsetStore, type OffsetStore } from './store.ts';

function storeOn(o: { topic: string; partitions?: number; connector?: string }): { client: KafkaClient; store: OffsetStore } {
  const { log } = recordingLog();
  const deps = { log, clock: SYSTEM_CLOCK, random: Math.random };
  const client = createKafkaClient(connectionOptions(sharedKafka().bootstrapServers), deps);
  const topic = createCompactedTopic(client, { topic: o.topic, partitions: o.partitions ?? 1, replicationFactor: 1 }, deps, {
    maySend: () => true,
  });
  return { client, store: createOffsetStore(topic, { connector: o.connector ?? 'shop', task: '0', server: 'shop' }) };
}

test('an offset is remembered across clients, per connector, the last one wins', async () => {
  const topic = uniqueName('offsets');
  const first = storeOn({ topic, partitions: 5 });
  expect(await first.store.load()).toBeUndefined();
  for (let i = 1; i <= 3; i++) await first.store.save({ lsn: (i * 100) as Lsn, snapshot: 'INITIAL', snapshotCompleted: i === 3 });
  const other = storeOn({ topic, connector: 'other' });
  await other.store.save({ lsn: 7 as Lsn });
  await first.client.close();

  const second = storeOn({ topic });
  expect(await second.store.load()).toEqual({ lsn: 300, snapshot: 'INITIAL', snapshotCompleted: true });
  expect(await other.store.load()).toEqual({ lsn: 7 });
  await second.store.clear();
  expect(await second.store.load()).toBeUndefined();
  await second.client.close();
  await other.client.close();
});

test('the topic is created compacted, with the partitions asked for', async () => {
  const topic = uniqueName('offsets');
  const { client, store } = storeOn({ topic, partitions: 5 });
  await store.load();
  const described = await client.describeTopic(topic);
  expect(described).toMatchObject({ exists: true, partitions: 5, replicationFactor: 1, error: undefined });
  expect(described.configs.get('cleanup.policy')).toBe('compact');
  await client.close();
});

test('a topic that deletes by age is refused: it would forget the offset', async () => {
  const topic = uniqueName('offsets');
  const admin = new Kafka({ brokers: sharedKafka().bootstrapServers.split(','), logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic, numPartitions: 1, replicationFactor: 1 }], waitForLeaders: true });
  await admin.disconnect();
  const { client, store } = storeOn({ topic });
  await expect(store.load()).rejects.toMatchObject({ code: 'kafka_topic_invalid' });
  await expect(store.save({ lsn: 1 as Lsn })).rejects.toMatchObject({ code: 'kafka_topic_invalid' });
  await client.close();
});

test("what Kafka Connect wrote is read: its producer's partition and its spacing", async () => {
  const topic = uniqueName('offsets');
  const { client, store } = storeOn({ topic, partitions: 3 });
  await store.load();
  const producer = new Kafka({ brokers: sharedKafka().bootstrapServers.split(','), logLevel: logLevel.NOTHING }).producer();
  await producer.connect();
  await producer.send({ topic, messages: [{ key: '["shop",{"server":"shop"}]', value: '{"lsn":41,"txId":9}' }] });
  await producer.disconnect();
  expect(await store.load()).toEqual({ lsn: 41, txId: 9 });
  await client.close();
});
