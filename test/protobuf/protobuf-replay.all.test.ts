/** Every case of the corpus in Protobuf, and with the other way to tell nulls from zeros. */
import { readTwins, testReplays } from './protobuf-replaying.ts';

testReplays(readTwins(), 'optional.for.nullables');
testReplays(readTwins(), 'wrapper.for.nullables');
