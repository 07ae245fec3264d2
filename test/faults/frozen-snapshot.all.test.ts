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

test.each([
  'before the slot is made',
  'in the middle of rows',
  'in the middle of rows beside a slot that exists',
  'with records unacknowledged',
  'with the last record unacknowledged, just before "complete" is stored',
] as const)('a snapshot that was frozen %s writes nothing once another process streams', async (moment) => {
  for (let round = 0; round < 3; round++) {
    expect(await wakeBehindSuccessor(servers, moment)).toEqual({ records: 0, offsets: 0 });
  }
});
