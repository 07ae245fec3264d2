/**
 * Every recorded case with as much bulk reading as there can be: a byte of backlog is enough, and it is looked for all the time, so that
 * the sources hand over to each other within the cases. What is published equals what a real Debezium published.
 */
import { describeReplays } from '../golden/replay-suite.ts';
import { useOwnBroker } from '../harness/own-broker.ts';

const RESTLESS = { 'slotline.catchup.threshold.bytes': '1', 'status.update.interval.ms': '30' };

useOwnBroker();
describeReplays([18, 'postgis', 'pgvector'], { twins: false, place: RESTLESS });
