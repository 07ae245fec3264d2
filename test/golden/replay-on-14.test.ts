/** Recorded cases on 14, at the same time as on 18. */
import { useOwnBroker } from '../harness/own-broker.ts';
import { describeReplays } from './replay-suite.ts';

useOwnBroker();
// What differs between releases is in the payload; the schemas are compared on 18 for both ways.
describeReplays([14], { twins: false, repeats: true });
