/** A server that is not the one that was read, or that does not have what was delivered, is refused and told in bytes. */
import { test } from 'vitest';
import { throughOtherHistories } from './other-history.ts';

test('a failover goes on; another history or server is refused on PostgreSQL 18', { timeout: 300_000 }, async () => {
  await throughOtherHistories(18, { all: false });
});
