/** The other moments at which a snapshot may be frozen, each several times: frozen-snapshot.test.ts. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Servers, startServers, wakeBehindSuccessor } from './frozen-snapshot.ts';

let servers: Servers & AsyncDisposable;

beforeAll(async () => {
  servers = await startServers();
});
afterAll(async () => {
  await servers[Symbol.asyncDispose]();
});

/** More than a request of MANY_UNSENT holds, and far fewer than are not sent. */
const REQUEST_RECORDS_MAX = 60;

test.each(['in the middle of rows', 'in the middle of rows beside a slot that exists'] as const)(
  'a snapshot that was frozen %s writes no more than the one request that it was handing to the socket',
  async (moment) => {
    for (let round = 0; round < 3; round++) {
      const { records, offsets } = await wakeBehindSuccessor(servers, moment);
      expect(offsets).toBe(0);
      expect(records).toBeLessThan(REQUEST_RECORDS_MAX);
    }
  },
);

test.each([
  'before the slot is made',
  'with records unacknowledged',
  'with the last record unacknowledged, just before "complete" is stored',
] as const)('a snapshot that was frozen %s writes nothing once another process streams', async (moment) => {
  for (let round = 0; round < 3; round++) {
    expect(await wakeBehindSuccessor(servers, moment)).toEqual({ records: 0, offsets: 0 });
  }
});
