/** The cases of the Avro corpus that between them have every form of value, key and control record. All of them: avro-replay.all.test.ts. */
import { sharedRegistry } from '../harness/registry.ts';
import { readAvroCases } from './avro-cases.ts';
import { testReplays } from './avro-replaying.ts';

const SHORT_LANE: readonly string[] = [
  ...['basics', 'numbers', 'temporal', 'arrays', 'defaults', 'extensions', 'hstore-map-key', 'key-change', 'ddl', 'messages'],
  ...['heartbeat', 'transaction-metadata', 'zero-fallbacks', 'toast', 'pgvector', 'xmin'],
];

testReplays(
  readAvroCases().filter(({ name }) => SHORT_LANE.includes(name)),
  { openRegistry: sharedRegistry },
);
