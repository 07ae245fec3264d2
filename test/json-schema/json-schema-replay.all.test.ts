/** Every case of the corpus with JSON Schema converters: minutes, so not in `npm test`. */
import { readGroups } from '../golden/case-store.ts';
import { testReplays } from './json-schema-replaying.ts';

testReplays(readGroups());
