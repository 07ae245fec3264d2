/** Owns comparing both sources over the recorded cases: each case's statements in a database of its own, read by both. */
import { describe, it } from 'vitest';
import type { Lsn } from '../../src/core/lsn.ts';
import { readGroups } from '../golden/case-store.ts';
import { type CaseGroup, type CaseServer, serversOf } from '../golden/replay-cases.ts';
import { reasonLeftOut } from '../golden/server-differences.ts';
import { freshDatabase, missingPostgres } from '../harness/shared.ts';
import { endOfWal, framesByBulk, framesByStream, openRange } from './both-sources.ts';

/** Several slices for a case, whose statements write some kilobytes. */
const SLICE_BYTES = 3_000;
const TIMEOUT_MS = 60_000;
/** A slice describes its relations as a new connection does, and there the two differ on that server. */
const LIKE_A_NEW_CONNECTION: Readonly<Record<string, string>> = {
  'ddl-set-schema on 14': 'PostgreSQL 14 describes a table under its old name until the connection ends, when its schema is renamed',
};

export function corpusGroups(): CaseGroup[] {
  return readGroups();
}

export function describeCorpusFrames(groups: readonly CaseGroup[], servers: readonly CaseServer[]): void {
  describe('a recorded case, read by both sources', () => {
    for (const server of servers) {
      for (const group of groups.filter(({ cases }) => cases[0] !== undefined && serversOf(cases[0]).includes(server))) {
        const title = `${group.name} on ${server}`;
        const reason = reasonLeftOut(group.name, server) ?? missingPostgres(server) ?? LIKE_A_NEW_CONNECTION[title];
        if (reason !== undefined) it.skip(`${title}: ${reason}`, () => {});
        else
          it.concurrent(title, { timeout: TIMEOUT_MS }, async ({ expect }) => {
            const { streamed, bulk } = await readBoth(group, server);
            expect(bulk).toEqual(streamed);
            expect(streamed.length).toBeGreaterThan(2);
          });
      }
    }
  });
}

async function readBoth(group: CaseGroup, server: CaseServer): Promise<{ streamed: string[]; bulk: string[] }> {
  const db = await freshDatabase(server);
  try {
    const [golden] = group.cases;
    for (const statement of golden?.setup ?? []) await db.client.query(statement);
    const { slot, fromLsn } = await openRange(db.client);
    for (const step of golden?.steps ?? []) {
      if (step.length > 1) await db.client.query('begin');
      for (const statement of step) await db.client.query(statement);
      if (step.length > 1) await db.client.query('commit');
    }
    const range = { server: db.server, database: db.database, slot, fromLsn, toLsn: await endOfWal(db.client) };
    const streamed = await framesByStream(db.client, range);
    const { frames } = await framesByBulk(db.client, range, { nextEdge: (asked) => (asked + SLICE_BYTES) as Lsn });
    return { streamed, bulk: frames };
  } finally {
    await db.drop();
  }
}
