/** Recorded cases on 18, and on the servers that have what a case needs. */
import { describeReplays } from './replay-suite.ts';

describeReplays([18, 'postgis', 'pgvector'], { twins: true });
