/** Recorded cases of transforms in Avro: schemas, subjects and values as the recorded Debezium's. */
import { describe } from 'vitest';
import { useOwnBroker } from '../harness/own-broker.ts';
import { sharedRegistry } from '../harness/registry.ts';
import { testReplays } from './avro-replaying.ts';
import { readTransformsInAvro } from './transform-cases.ts';

describe('transforms', () => {
  // Topics without a prefix are those of the cases in JSON.
  useOwnBroker();
  testReplays(readTransformsInAvro(), { openRegistry: sharedRegistry, hasTwin: false });
});
