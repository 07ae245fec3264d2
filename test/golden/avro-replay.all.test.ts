/** Every case of the Avro corpus, replayed. */
import { readAvroCases, readCasesOfJsonAlone } from './avro-cases.ts';
import { testReplays } from './avro-replaying.ts';

testReplays(readAvroCases(), readCasesOfJsonAlone());
