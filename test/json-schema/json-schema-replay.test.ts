/** The cases of the corpus that between them have every form of value, key and control record. All of them: json-schema-replay.all.test.ts. */
import { readGroups } from '../golden/case-store.ts';
import { sharedRegistry } from '../harness/registry.ts';
import { testReplays } from './json-schema-replaying.ts';

const SHORT_LANE: readonly string[] = [...['basics', 'temporal', 'arrays', 'defaults', 'extensions', 'messages', 'transaction-metadata']];

testReplays(
  readGroups().filter(({ name }) => SHORT_LANE.includes(name)),
  { openRegistry: sharedRegistry },
);
