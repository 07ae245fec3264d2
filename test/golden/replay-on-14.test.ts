/** Recorded cases on 14, at the same time as on 18: with a broker of its own, for the topics have the same names. */
import process from 'node:process';
import { afterAll, beforeAll } from 'vitest';
import { type KafkaCluster, startKafka } from '../harness/kafka.ts';
import { KAFKA_VARIABLE } from '../harness/shared.ts';
import { describeReplays } from './replay-suite.ts';

let cluster: KafkaCluster | undefined;
const START_TIMEOUT_MS = 120_000;
const shared = process.env[KAFKA_VARIABLE];

beforeAll(async () => {
  cluster = await startKafka();
  process.env[KAFKA_VARIABLE] = cluster.bootstrapServers;
}, START_TIMEOUT_MS);

afterAll(async () => {
  process.env[KAFKA_VARIABLE] = shared;
  await cluster?.[Symbol.asyncDispose]();
});

// What differs between releases is in the payload; the schemas are compared on 18 for both ways.
describeReplays([14], { twins: false, repeats: true });
