/** The cases of the corpus that between them have every form of value, key and control record. All of them: protobuf-replay.all.test.ts. */
import { readTwins, testReplays } from './protobuf-replaying.ts';

const SHORT_LANE: readonly string[] = [
  ...['basics', 'numbers', 'temporal', 'arrays', 'defaults', 'extensions', 'geometric', 'hstore-map-key', 'names', 'key-change'],
  ...['ddl', 'messages', 'heartbeat', 'transaction-metadata', 'zero-fallbacks', 'toast', 'column-mask', 'pgvector', 'postgis'],
].map((name) => `${name}.schemas`);

testReplays(
  readTwins().filter(({ name }) => SHORT_LANE.includes(name)),
  'optional.for.nullables',
);
