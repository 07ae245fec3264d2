/** The cases of the corpus that between them have every form of value, key and control record. All of them: json-schema-replay.all.test.ts. */
import { fileURLToPath } from 'node:url';
import { readGroups } from '../golden/replay-cases.ts';
import { testReplays } from './json-schema-replaying.ts';

const SHORT_LANE: readonly string[] = [...['basics', 'temporal', 'arrays', 'defaults', 'extensions', 'messages', 'transaction-metadata']];

testReplays(readGroups(fileURLToPath(new URL('../golden/spine', import.meta.url))).filter(({ name }) => SHORT_LANE.includes(name)));
