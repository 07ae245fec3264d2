/**
 * Owns the tests that replay recorded cases of a real Debezium through the real Slotline: the same statements must give the same topics,
 * records, order, keys, values and headers, byte for byte but for masks.ts and replay-differences.ts.
 */

import process from 'node:process';
import { describe, it } from 'vitest';
import { missingPostgres } from '../harness/shared.ts';
import { readGroups } from './case-store.ts';
import { differences } from './compare.ts';
import { type CaseGroup, type CaseServer, serversOf } from './replay-cases.ts';
import { reasonRefused } from './replay-config.ts';
import { KNOWN_DIFFERENCES, type KnownDifference } from './replay-differences.ts';
import { type ReplayOptions, replayGroup } from './replay-run.ts';
import { reasonLeftOut } from './server-differences.ts';

const GROUPS = readGroups();
const SHOWN_MAX = 6;
/** The first of a run wait for cold servers. */
const TIMEOUT_MS = 120_000;

async function replayedDifferences(group: CaseGroup, server: CaseServer, o: ReplayOptions): Promise<string> {
  const known = KNOWN_DIFFERENCES.filter((one) => one.cases.includes(group.name) && (one.server === undefined || one.server === server));
  const met = new Set<KnownDifference>();
  const adjust = (line: string): string =>
    known.reduce((text, difference) => {
      const changed = text.replaceAll(difference.debezium, difference.slotline);
      if (changed !== text) met.add(difference);
      return changed;
    }, line);
  const found = (await replayGroup(group, server, o)).flatMap(({ golden, records }) => {
    const sides = { expected: { name: 'debezium', records: golden.records }, actual: { name: 'slotline', records } };
    return differences({ group: group.name, ...sides, adjust }).map((text) => `${golden.name}: ${text}`);
  });
  found.push(...known.filter((one) => !met.has(one)).map(({ reason }) => `a known difference is gone: ${reason}`));
  if (found.length > SHOWN_MAX) found.splice(SHOWN_MAX, found.length, `and ${found.length - SHOWN_MAX} more`);
  return found.join('\n');
}

/** Why a group is not replayed on a server, if so. */
function reasonToSkip(group: CaseGroup, server: CaseServer): string | undefined {
  for (const golden of group.cases) {
    const reason = reasonRefused(golden);
    if (reason !== undefined) return reason;
  }
  return reasonLeftOut(group.name, server) ?? missingPostgres(server);
}

/** In `npm test` a server that repeats what another shows takes each third case, and all that it shows alone; `npm run test:all` takes all. */
const SHARE = process.env['SLOTLINE_TEST_ALL'] === '1' ? 1 : 3;

function groupsOf(server: CaseServer, repeats: boolean): readonly CaseGroup[] {
  const groups = GROUPS.filter(({ cases }) => cases.some((golden) => serversOf(golden).includes(server)));
  const isOwn = ({ name, cases }: CaseGroup): boolean =>
    cases.some((golden) => serversOf(golden).length === 1) ||
    KNOWN_DIFFERENCES.some((one) => one.server === server && one.cases.includes(name));
  return repeats ? groups.filter((group, index) => index % SHARE === 0 || isOwn(group)) : groups;
}

/** One test for each case and server that it is for. A case's topics are the same on every server: two with it need two brokers. */
export function describeReplays(
  servers: readonly CaseServer[],
  o: Pick<ReplayOptions, 'place'> & { readonly twins: boolean; readonly repeats?: true },
): void {
  describe('a recorded Debezium', () => {
    for (const server of servers) {
      for (const group of groupsOf(server, o.repeats === true)) {
        if (group.cases.some(({ records }) => records.length === 0)) {
          it(`${group.name} on ${server}`, () => Promise.reject(new Error(`Not recorded yet: npm run golden:record -- ${group.name}`)));
          continue;
        }
        const reason = reasonToSkip(group, server);
        if (reason !== undefined) it.skip(`${group.name} on ${server}: ${reason}`, () => {});
        else
          it.concurrent(`${group.name} on ${server}`, { timeout: TIMEOUT_MS }, async ({ expect }) => {
            expect(await replayedDifferences(o.twins ? group : withSchemasOnly(group), server, o)).toBe('');
          });
      }
    }
  });
}

/** The payload is the same without schemas. Where a connector writes to the database itself, its twin sees it: both run. */
function withSchemasOnly({ name, cases }: CaseGroup): CaseGroup {
  const writes = cases.some(({ settings }) => settings['heartbeat.action.query'] !== undefined);
  return { name, cases: writes ? cases : cases.slice(-1) };
}
