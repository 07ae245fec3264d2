/**
 * Owns the load and the judgement of the three-broker fault tests: keyed, numbered records through one publisher while brokers are killed
 * one after another, then everything read back by kafkajs and compared.
 */
import { expect } from 'vitest';
import type { TopicHandle } from '../../src/kafka/producer/publisher-contract.ts';
import { type ConsumedRecord, readTopic } from '../harness/consume.ts';
import { type Broker, type KafkaCluster, startKafka } from '../harness/kafka.ts';
import { until } from '../harness/until.ts';
import { openPublishing, type Publishing, recordOf, topicCreation } from './publishing.ts';

const KEYS = 60;
const PARTITIONS = 6;
const RECORDS_PER_TICK = 10;
const TICK_MS = 10;
const FLOWING_WITHIN_MS = 5_000;
const PADDING = 'x'.repeat(400);

type RoundsReport = { readonly appended: number; readonly outages: readonly string[] };

/** Kills and restarts each broker in turn, `rounds` times, under load. */
export async function runBrokerRounds(rounds: number): Promise<RoundsReport> {
  await using cluster = await startKafka({ brokers: 3 });
  await using publishing = openPublishing(cluster.bootstrapServers, {
    topics: topicCreation(PARTITIONS, 3, [['min.insync.replicas', '2']]),
    producer: { batchBytesMax: 16 * 1024 },
  });
  const topic = await publishing.publisher.openTopic('rounds', AbortSignal.timeout(30_000));
  const load = startLoad(publishing, topic);
  const outages: string[] = [];
  try {
    await until('the load flows', async () => publishing.publisher.acknowledgedOrdinal > 2_000, { timeoutMs: 20_000 });
    for (let round = 1; round <= rounds; round++) {
      for (const broker of cluster.brokers) {
        const outage = await killAndRestart(broker, publishing, round);
        console.log(`[three brokers] ${outage}`);
        outages.push(outage);
      }
    }
  } finally {
    await load.stop();
  }
  await publishing.publisher.drain(AbortSignal.timeout(30_000));
  expect(publishing.failures).toEqual([]);
  const appended = publishing.publisher.appendedOrdinal;
  expect(publishing.publisher.acknowledgedOrdinal).toBe(appended);
  expectEveryRecordOnceInOrder(await readBack(cluster, appended), load.sentByKey);
  return { appended, outages };
}

function startLoad(publishing: Publishing, topic: TopicHandle): { sentByKey: Map<string, number>; stop(): Promise<void> } {
  const { publisher } = publishing;
  const sentByKey = new Map<string, number>();
  const stopped = new AbortController();
  const run = async (): Promise<void> => {
    for (let next = 0; !stopped.signal.aborted && publisher.failure === undefined; ) {
      for (let i = 0; i < RECORDS_PER_TICK; i++, next++) {
        const key = `k${next % KEYS}`;
        const sequence = (sentByKey.get(key) ?? 0) + 1;
        sentByKey.set(key, sequence);
        publisher.append(topic, recordOf(key, `${sequence} ${PADDING}`));
      }
      publisher.flush();
      await publisher.whenCapacity();
      await new Promise((resolve) => setTimeout(resolve, TICK_MS));
    }
  };
  const running = run();
  return {
    sentByKey,
    stop: async () => {
      stopped.abort();
      await running;
    },
  };
}

/** Kills the broker under load, starts it again, and says how long records stood still. Fails if they stand still for too long after either. */
async function killAndRestart(broker: Broker, publishing: Publishing, round: number): Promise<string> {
  await broker.kill();
  const moved = await msUntilFlowing(publishing, `records flow without broker ${broker.id}`, 20_000);
  await broker.start();
  const restarted = await msUntilFlowing(publishing, `records flow with broker ${broker.id} back`, FLOWING_WITHIN_MS);
  // The next kill comes when this broker's copies are whole again: with two replicas down the cluster itself has to stand still.
  await until(`replicas of broker ${broker.id} are in sync`, () => isInSync(publishing), { timeoutMs: 30_000 });
  return `round ${round}, broker ${broker.id}: flowing ${(moved / 1000).toFixed(1)} s after the kill, ${(restarted / 1000).toFixed(1)} s after the restart`;
}

/** Settling goes on, past the oldest record of every partition: a partition that stood still would hold it back. */
async function msUntilFlowing({ publisher, lines }: Publishing, what: string, timeoutMs: number): Promise<number> {
  const since = performance.now();
  const settled = publisher.acknowledgedOrdinal;
  const flows = async (): Promise<boolean> => publisher.acknowledgedOrdinal > settled + 10 * KEYS;
  await until(what, flows, { timeoutMs }).catch((error: unknown) => {
    const state = { settled: publisher.acknowledgedOrdinal, ...publisher.pending, failure: publisher.failure?.message };
    throw new Error(`${String(error)}; ${JSON.stringify(state)}; log ends: ${JSON.stringify(lines.slice(-6))}`);
  });
  return performance.now() - since;
}

async function isInSync({ client }: Publishing): Promise<boolean> {
  const { topics } = await client.metadata({ topics: ['rounds'], allowAutoTopicCreation: false });
  const partitions = topics[0]?.partitions ?? [];
  return partitions.length === PARTITIONS && partitions.every((partition) => partition.inSyncReplicas.length === 3);
}

async function readBack(cluster: KafkaCluster, count: number): Promise<ConsumedRecord[]> {
  const records = await readTopic(cluster.bootstrapServers, 'rounds', { timeoutMs: 60_000 });
  expect(records.length).toBe(count);
  return records;
}

/** With idempotence a run repeats nothing: per key the numbers are 1, 2, 3 … up to the last one sent. */
function expectEveryRecordOnceInOrder(records: readonly ConsumedRecord[], sentByKey: ReadonlyMap<string, number>): void {
  const seenByKey = new Map<string, number>();
  for (const { key, value } of records) {
    const name = String(key);
    const expected = (seenByKey.get(name) ?? 0) + 1;
    const sequence = Number.parseInt(String(value), 10);
    if (sequence !== expected) throw new Error(`key ${name}: record ${sequence} stands where ${expected} should`);
    seenByKey.set(name, expected);
  }
  expect(new Map([...seenByKey].sort())).toEqual(new Map([...sentByKey].sort()));
}
