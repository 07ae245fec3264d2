/** Every case of the corpus with JSON Schema converters: minutes, so not in `npm test`. */
import { fileURLToPath } from 'node:url';
import { readGroups } from '../golden/replay-cases.ts';
import { testReplays } from './json-schema-replaying.ts';

testReplays(readGroups(fileURLToPath(new URL('../golden/spine', import.meta.url))));
