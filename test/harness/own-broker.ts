/** Owns a broker for the tests of one file: recorded topic names are the same in each suite that replays them, and files run side by side. */
import process from 'node:process';
import { afterAll, beforeAll } from 'vitest';
import { type KafkaCluster, startKafka } from './kafka.ts';
import { KAFKA_VARIABLE } from './shared.ts';

const START_TIMEOUT_MS = 120_000;

/** For the file, or the `describe` that it is called in; `sharedKafka()` is this one then. */
export function useOwnBroker(): void {
  const shared = process.env[KAFKA_VARIABLE];
  let cluster: KafkaCluster | undefined;
  beforeAll(async () => {
    cluster = await startKafka();
    process.env[KAFKA_VARIABLE] = cluster.bootstrapServers;
  }, START_TIMEOUT_MS);
  afterAll(async () => {
    process.env[KAFKA_VARIABLE] = shared;
    await cluster?.[Symbol.asyncDispose]();
  });
}
