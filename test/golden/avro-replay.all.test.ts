/** Every case of the Avro corpus, replayed. */
import { useOwnBroker } from '../harness/own-broker.ts';
import { anyRegistry } from '../harness/registry.ts';
import { readAvroCases, readCasesOfJsonAlone } from './avro-cases.ts';
import { testReplays } from './avro-replaying.ts';

useOwnBroker();
testReplays(readAvroCases(), { openRegistry: anyRegistry, json: readCasesOfJsonAlone() });
