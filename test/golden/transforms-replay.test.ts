/**
 * Recorded cases of transforms through the real Slotline: topics, partitions, keys, values and headers byte for byte but for masks.ts and
 * transform-masks.ts, and timestamps where the case has them. Those in Avro are transforms-replay-avro.test.ts.
 */
import { describe, it } from 'vitest';
import { missingPostgres } from '../harness/shared.ts';
import { differences } from './compare.ts';
import type { GoldenCase } from './replay-cases.ts';
import { reasonRefused } from './replay-config.ts';
import { replayGroup } from './replay-run.ts';
import { readTransformCases } from './transform-cases.ts';

const SHOWN_MAX = 4;
const TIMEOUT_MS = 120_000;

async function replayedDifferences(group: string, golden: GoldenCase): Promise<string[]> {
  const [replayed] = await replayGroup({ name: group, cases: [golden] }, golden.server ?? 18);
  const sides = { expected: { name: 'debezium', records: golden.records }, actual: { name: 'slotline', records: replayed?.records ?? [] } };
  return differences({ group, ...sides }).map((text) => `${golden.name}: ${text}`);
}

/** Converters that take bytes alone are refused, though behind a transform there may be nothing else. */
function reasonLeftOut(golden: GoldenCase): string | undefined {
  try {
    return reasonRefused(golden);
  } catch (error) {
    return String(error);
  }
}

describe('a recorded Debezium with transforms', () => {
  for (const { name, forms } of readTransformCases()) {
    const recordings = forms.flatMap(({ form, recorded }) => (form !== 'avro' && recorded !== undefined ? [recorded] : []));
    if (recordings.length === 0) continue; // in Avro only
    const missing = recordings.map(reasonLeftOut).find((reason) => reason !== undefined) ?? missingPostgres(recordings[0]?.server ?? 18);
    if (missing !== undefined) {
      it.skip(`${name}: ${missing}`, () => {});
      continue;
    }
    it.concurrent(name, { timeout: TIMEOUT_MS }, async ({ expect }) => {
      const found: string[] = [];
      // One after the other: some of their topics are the same.
      for (const recorded of recordings) found.push(...(await replayedDifferences(name, recorded)));
      expect(found.slice(0, SHOWN_MAX).join('\n')).toBe('');
    });
  }
});
