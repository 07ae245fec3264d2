import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createProducerIdentity } from '../../src/kafka/producer/identity.ts';
import type { TopicHandle } from '../../src/kafka/producer/publisher-contract.ts';
import { readTopic } from '../harness/consume.ts';
import { type Broker, type KafkaCluster, startKafka } from '../harness/kafka.ts';
import { uniqueName } from '../harness/shared.ts';
import { until } from '../harness/until.ts';
import { openPublishing, type Publishing, recordOf } from '../kafka/publishing.ts';

const FLOWING_WITHIN_MS = 5_000;
const PADDING = 'x'.repeat(300);

let cluster: KafkaCluster;
let broker: Broker;

beforeAll(async () => {
  cluster = await startKafka();
  [broker] = cluster.brokers as [Broker];
}, 120_000);

afterAll(async () => {
  broker?.resume();
  await cluster?.[Symbol.asyncDispose]();
});

type Outage = Publishing & { readonly topic: TopicHandle; readonly name: string };

async function opened(producer: Parameters<typeof openPublishing>[1]): Promise<Outage> {
  const publishing = openPublishing(cluster.bootstrapServers, producer);
  const name = uniqueName('outage');
  const topic = await publishing.publisher.openTopic(name, AbortSignal.timeout(30_000));
  return { ...publishing, topic, name };
}

/** Appends while there is room, at most `count`. */
function fill({ publisher, topic }: Outage, count: number): void {
  for (let i = 0; i < count && publisher.hasCapacity(); i++)
    publisher.append(topic, recordOf('k', `${publisher.appendedOrdinal + 1} ${PADDING}`));
  publisher.flush();
}

async function expectAllOnceInOrder({ publisher, name }: Outage): Promise<void> {
  const records = await readTopic(cluster.bootstrapServers, name, { timeoutMs: 30_000 });
  expect(records.map(({ value }) => Number.parseInt(String(value), 10))).toEqual(
    Array.from({ length: publisher.appendedOrdinal }, (_, i) => i + 1),
  );
}

describe('the only broker', () => {
  test('killed under load: input is held back within bounds, then everything arrives once, in order', async () => {
    const bufferRecordsMax = 5_000;
    await using outage = await opened({ producer: { bufferRecordsMax, batchBytesMax: 20_000 } });
    const { publisher } = outage;
    fill(outage, 2_000);
    await broker.kill();
    fill(outage, 20_000);
    expect(publisher.hasCapacity()).toBe(false);
    expect(publisher.pending.records).toBeLessThanOrEqual(bufferRecordsMax);
    const capacity = publisher.whenCapacity();
    const acknowledged = publisher.acknowledgedOrdinal;
    await broker.start();
    const since = performance.now();
    await capacity;
    const seconds = (performance.now() - since) / 1000;
    console.log(`[broker killed] flowing ${seconds.toFixed(1)} s after the broker was back`);
    expect(seconds * 1000).toBeLessThan(FLOWING_WITHIN_MS);
    expect(publisher.acknowledgedOrdinal).toBeGreaterThan(acknowledged);
    fill(outage, 1_000);
    await publisher.drain(AbortSignal.timeout(20_000));
    expect(outage.failures).toEqual([]);
    await expectAllOnceInOrder(outage);
  });

  test('frozen: the request timeout notices, and what it had taken already is not written twice', async () => {
    await using outage = await opened({
      producer: { requestTimeoutMs: 1_000, batchBytesMax: 20_000 },
      connection: { connectTimeoutMs: 1_000 },
    });
    const { publisher, lines } = outage;
    fill(outage, 3_000);
    await until('some are acknowledged', async () => publisher.acknowledgedOrdinal > 0, { timeoutMs: 20_000 });
    fill(outage, 3_000);
    broker.pause();
    fill(outage, 3_000);
    try {
      await until('the silence is noticed', async () => lines.some(({ event }) => event === 'kafka.broker_trouble'), { timeoutMs: 10_000 });
    } finally {
      broker.resume();
    }
    await publisher.drain(AbortSignal.timeout(30_000));
    expect(outage.failures).toEqual([]);
    await expectAllOnceInOrder(outage);
  });

  test('down for longer than the delivery timeout: the failure says so, and nothing more is acknowledged', async () => {
    await using outage = await opened({ producer: { deliveryTimeoutMs: 1_500 } });
    const { publisher, failures } = outage;
    fill(outage, 10);
    await publisher.drain(AbortSignal.timeout(20_000));
    await broker.kill();
    fill(outage, 10);
    await until('the failure is told', async () => failures.length > 0, { timeoutMs: 10_000 });
    expect(failures.map(({ code }) => code)).toEqual(['kafka_delivery_timeout']);
    await broker.start();
    expect(publisher.acknowledgedOrdinal).toBe(10);
    const warnings = outage.lines.filter(({ level }) => level === 'warn').map(({ event }) => event);
    expect(warnings.sort()).toEqual(['kafka.broker_trouble', 'kafka.waiting']);
  });
});

test('whatever happens to the broker, no more is acknowledged than the topic holds', async () => {
  let checked = 0;
  const beyond: string[] = [];
  let watch: (() => void) | undefined;
  await using outage = await opened({ producer: { batchBytesMax: 5_000, requestTimeoutMs: 2_000 }, onAcknowledged: () => watch?.() });
  const { publisher, client, name } = outage;
  const questions: Promise<void>[] = [];
  watch = () => {
    const acknowledged = publisher.acknowledgedOrdinal;
    const asked = client
      .control((connection) => connection.endOffset(name, 0, 2_000))
      .then(({ errorCode, offset }) => {
        if (errorCode !== 0) return;
        checked++;
        if (offset < acknowledged) beyond.push(`${acknowledged} acknowledged, ${offset} in the topic`);
      })
      // While the broker is down there is no answer.
      .catch(() => undefined);
    questions.push(asked);
  };
  for (const disturb of [() => broker.kill(), () => broker.stop()]) {
    fill(outage, 3_000);
    await disturb();
    fill(outage, 3_000);
    await broker.start();
    await publisher.drain(AbortSignal.timeout(30_000));
  }
  await Promise.all(questions);
  expect(beyond).toEqual([]);
  expect(checked).toBeGreaterThan(5);
  await expectAllOnceInOrder(outage);
});

test('what a publisher left at a frozen broker does not come behind the records of its successor', async () => {
  const identity = createProducerIdentity();
  await using first = await opened({ identity, producer: { deliveryTimeoutMs: 1_000 } });
  fill(first, 10);
  await first.publisher.drain(AbortSignal.timeout(20_000));
  broker.pause();
  const successor = openPublishing(cluster.bootstrapServers, { identity });
  try {
    fill(first, 10);
    await until('the first gives up', async () => first.failures.length > 0, { timeoutMs: 10_000 });
  } finally {
    broker.resume();
  }
  // As after a restart: again from behind the last acknowledged record.
  const topic = await successor.publisher.openTopic(first.name, AbortSignal.timeout(20_000));
  for (let i = 11; i <= 40; i++) successor.publisher.append(topic, recordOf('k', `${i} ${PADDING}`));
  await successor.publisher.drain(AbortSignal.timeout(20_000));
  await successor[Symbol.asyncDispose]();
  const numbers = (await readTopic(cluster.bootstrapServers, first.name)).map(({ value }) => Number.parseInt(String(value), 10));
  const restart = numbers.lastIndexOf(11);
  expect(numbers.slice(restart)).toEqual(Array.from({ length: 30 }, (_, i) => i + 11));
  expect(numbers.slice(0, 10)).toEqual(Array.from({ length: 10 }, (_, i) => i + 1));
});
