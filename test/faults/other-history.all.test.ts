/** The same with a copy that was set back, and a database made anew. */
import { test } from 'vitest';
import { throughOtherHistories } from './other-history.ts';

test.for([18, 14] as const)(
  'a failover goes on; another history, database or server is refused on PostgreSQL %i',
  { timeout: 600_000 },
  async (major) => {
    await throughOtherHistories(major, { all: true });
  },
);
