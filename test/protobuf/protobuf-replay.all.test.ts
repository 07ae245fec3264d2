/** Every case of the corpus in Protobuf, and those of the short lane with the other way to tell nulls from zeros. */
import { anyRegistry } from '../harness/registry.ts';
import { SHORT_LANE } from './protobuf-lanes.ts';
import { readTwins, testReplays } from './protobuf-replaying.ts';

const WRAPPED: readonly string[] = [
  ...SHORT_LANE,
  'basics',
  'numbers',
  'geometric',
  'transaction-metadata',
  'heartbeat',
  'toast',
  'ddl',
  'matrix-text',
];

testReplays(readTwins(), { nulls: 'optional.for.nullables', openRegistry: anyRegistry });
testReplays(
  readTwins().filter(({ name }) => WRAPPED.some((one) => name === `${one}.schemas`)),
  { nulls: 'wrapper.for.nullables', openRegistry: anyRegistry },
);
