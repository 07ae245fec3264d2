import { expect, test } from 'vitest';
import { readTopic } from '../../test/harness/consume.ts';
import { sharedKafka, uniqueName } from '../../test/harness/shared.ts';
import { openPublishing, recordOf, topicCreation } from '../../test/kafka/publishing.ts';

const { signal } = new AbortController();

test('records arrive with key, value, headers and timestamp, in order within a key', async () => {
  const { bootstrapServers } = sharedKafka();
  await using publishing = openPublishing(bootstrapServers, { topics: topicCreation(3) });
  const { publisher } = publishing;
  const name = uniqueName('smoke');
  const topic = await publisher.openTopic(name, signal);
  expect(topic.partitionCount).toBe(3);
  const headers = Buffer.concat([Buffer.of(2, 4), Buffer.from('hk'), Buffer.of(6), Buffer.from('hv1')]);
  for (let i = 0; i < 5_000; i++)
    publisher.append(topic, recordOf(`key-${i % 17}`, `value ${i}`, { headers, timestampMs: 1_700_000_000_000 + i }));
  publisher.append(topic, recordOf('key-1', null));
  publisher.flush();
  await publisher.drain(AbortSignal.timeout(20_000));
  expect(publisher.settledOrdinal).toBe(5_001);
  expect(publisher.pending).toEqual({ bytes: 0, records: 0, requestsInFlight: 0 });

  const records = await readTopic(bootstrapServers, name, { count: 5_001 });
  expect(records).toHaveLength(5_001);
  const lastByKey = new Map<string, number>();
  for (const { key, value, headers: seen } of records) {
    if (value === null) continue;
    const number = Number(value.toString().slice(6));
    expect(String(key)).toBe(`key-${number % 17}`);
    expect(lastByKey.get(String(key)) ?? -1).toBeLessThan(number);
    lastByKey.set(String(key), number);
    expect(seen['hk']?.toString()).toBe('hv1');
  }
  expect(records.filter(({ value }) => value === null).map(({ key }) => String(key))).toEqual(['key-1']);
  expect(publishing.failures).toEqual([]);
});
