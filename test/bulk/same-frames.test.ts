/** Bulk decoding gives the same frames with the same LSNs as the replication stream, wherever its slices end. */
import type pg from 'pg';
import { describe, expect, test } from 'vitest';
import type { Lsn } from '../../src/core/lsn.ts';
import { freshDatabase } from '../harness/shared.ts';
import { endOfWal, framesByBulk, framesByStream, openRange, type Range } from './both-sources.ts';
import { createWorkloadTables, runWorkload, seededRandom } from './random-workload.ts';

const WAL_PAGE = 8_192;
const WORKLOADS = 5;
const seed = Number(process.env['SLOTLINE_SEED'] ?? Math.floor(Math.random() * 1_000_000));
console.info(`bulk decoding: seed ${seed}`);

async function withWorkload(server: 14 | 18, one: number, compare: (client: pg.Client, range: Range) => Promise<void>): Promise<void> {
  const db = await freshDatabase(server);
  try {
    await createWorkloadTables(db.client);
    const { slot, fromLsn } = await openRange(db.client);
    await runWorkload(db.server, { database: db.database, seed: seed + one, transactions: 60 });
    const toLsn = await endOfWal(db.client);
    await compare(db.client, { server: db.server, database: db.database, slot, fromLsn, toLsn });
    await db.client.query('select pg_drop_replication_slot($1)', [slot]);
  } finally {
    await db.drop();
  }
}

/** On, inside and across records and pages. */
function edges(random: () => number): readonly ((asked: Lsn) => Lsn)[] {
  const within = (bytes: number) => (asked: Lsn) => (asked + 1 + Math.floor(random() * bytes)) as Lsn;
  const toPage = (asked: Lsn): Lsn => ((Math.floor(asked / WAL_PAGE) + 1) * WAL_PAGE) as Lsn;
  return [within(3_000), within(40_000), within(4_000_000), toPage, (asked) => (toPage(asked) + Math.floor(random() * 60)) as Lsn];
}

describe.each([
  { server: 18 as const, workloads: WORKLOADS },
  { server: 14 as const, workloads: 2 },
])('on PostgreSQL $server', ({ server, workloads }) => {
  test.each(Array.from({ length: workloads }, (_, i) => i))('random workload %i', { timeout: 60_000 }, async (one) => {
    await withWorkload(server, one, async (client, range) => {
      const streamed = await framesByStream(client, range);
      expect(streamed.length).toBeGreaterThan(200);
      const nextEdge = edges(seededRandom(seed + one))[one];
      if (nextEdge === undefined) throw new Error('a workload without edges');
      const { frames, slices } = await framesByBulk(client, range, { nextEdge });
      expect(slices.length).toBeGreaterThan(one === 2 ? 0 : 5);
      expect(frames).toEqual(streamed);
    });
  });
});

test('either goes on where the other stood, at every commit: nothing is missing and nothing comes twice', { timeout: 60_000 }, async () => {
  await withWorkload(18, 7, async (client, range) => {
    const streamed = await framesByStream(client, range);
    const commits = streamed.flatMap((frame, index) => (frame.includes(' C ') ? [{ index, endLsn: endOfCommit(frame) }] : []));
    const random = seededRandom(seed);
    for (let i = 0; i < 8; i++) {
      const at = commits[Math.floor(random() * (commits.length - 1))];
      if (at === undefined) throw new Error('no commit');
      const rest = withRelations(streamed.slice(at.index + 1));
      const onward = await framesByBulk(client, range, { fromLsn: at.endLsn, nextEdge: (asked) => (asked + 200_000) as Lsn });
      expect(withRelations(onward.frames), `bulk from ${at.endLsn}`).toEqual(rest);
      expect(withRelations(await framesByStream(client, range, at.endLsn)), `stream from ${at.endLsn}`).toEqual(rest);
    }
  });
});

/** Commit: 'C', flags, LSN, end LSN, time. */
function endOfCommit(frame: string): Lsn {
  const bytes = Buffer.from(frame.split(' ')[2] ?? '', 'hex');
  return Number(bytes.readBigUInt64BE(10)) as Lsn;
}

/** A later start describes relations at another place. */
function withRelations(frames: readonly string[]): string[] {
  return frames.filter((frame) => !frame.includes(' R '));
}
