/** A few cases of the corpus. All of them: protobuf-replay.all.test.ts. */
import { SHORT_LANE } from './protobuf-lanes.ts';
import { readTwins, testReplays } from './protobuf-replaying.ts';

testReplays(
  readTwins().filter(({ name }) => SHORT_LANE.some((one) => name === `${one}.schemas`)),
  'optional.for.nullables',
);
