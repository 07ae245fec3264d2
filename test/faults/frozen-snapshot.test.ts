/** A process that is frozen in its snapshot and wakes behind its successor writes nothing: no row, no offset. More moments: the .all file. */
import { expect, test } from 'vitest';
import { startServers, wakeBehindSuccessor } from './frozen-snapshot.ts';

test('a snapshot that was frozen writes no row and no offset once another process streams', async () => {
  await using servers = await startServers();
  const unacknowledged = await wakeBehindSuccessor(servers, 'with records unacknowledged');
  const beforeComplete = await wakeBehindSuccessor(servers, 'with the last record unacknowledged, just before "complete" is stored');
  expect({ unacknowledged, beforeComplete }).toEqual({
    unacknowledged: { records: 0, offsets: 0 },
    beforeComplete: { records: 0, offsets: 0 },
  });
}, 300_000);
