/** Every case of the Avro corpus, replayed. */
import { readAvroCases } from './avro-cases.ts';
import { testReplays } from './avro-replaying.ts';

testReplays(readAvroCases());
