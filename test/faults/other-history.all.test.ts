/** The same on the oldest server. */
import { test } from 'vitest';
import { throughOtherHistories } from './other-history.ts';

test('a failover goes on; another history, database or server is refused on PostgreSQL 14', { timeout: 300_000 }, async () => {
  await throughOtherHistories(14);
});
