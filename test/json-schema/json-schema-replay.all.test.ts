/** Every case of the corpus with JSON Schema converters: minutes, so not in `npm test`. */
import { readGroups } from '../golden/case-store.ts';
import { anyRegistry } from '../harness/registry.ts';
import { testReplays } from './json-schema-replaying.ts';

// A case's topics may be named as those of another one with the suffix of another format.
testReplays(readGroups(), { openRegistry: anyRegistry });
