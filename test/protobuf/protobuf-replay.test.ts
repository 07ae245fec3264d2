/** A few cases of the corpus. All of them: protobuf-replay.all.test.ts. */
import { sharedRegistry } from '../harness/registry.ts';
import { SHORT_LANE } from './protobuf-lanes.ts';
import { readTwins, testReplays } from './protobuf-replaying.ts';

testReplays(
  readTwins().filter(({ name }) => SHORT_LANE.some((one) => name === `${one}.schemas`)),
  { nulls: 'optional.for.nullables', openRegistry: sharedRegistry },
);
