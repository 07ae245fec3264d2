/**
 * Owns which cases a server does not take part in, and why. What a server prints otherwise, and so differs from the recording on
 * another, stands in replay-differences.ts with that server's name.
 */
import type { CaseServer } from './replay-cases.ts';

type LeftOut = {
  readonly server: CaseServer;
  /** By name, without the suffix for schemas. */
  readonly cases: readonly string[];
  readonly reason: string;
};

const EMPTY_TRANSACTIONS =
  'A server before 15 also sends transactions of which nothing is published. They end up in sequence[0] of the next event, and in the ' +
  'transaction topic: recorded for 14 in a case of its own.';

export const LEFT_OUT: readonly LeftOut[] = [
  { server: 14, cases: ['generated-columns'], reason: 'virtual generated columns, and publishing generated columns, came with 18' },
  { server: 14, cases: ['interval-infinity', 'interval-string-infinity'], reason: 'infinite intervals came with 17' },
  {
    server: 14,
    cases: [
      'numbers-negative-scale',
      'propagate-negative-scale',
      'matrix-numeric-double',
      'matrix-numeric-precise',
      'matrix-numeric-string',
    ],
    reason: 'a negative scale of numeric, and one greater than the precision, came with 15',
  },
  { server: 14, cases: ['extremes-numeric-double'], reason: 'hexadecimal numerics came with 16' },
  {
    server: 14,
    cases: ['key-change-skip-update', 'key-change-skip-update-only', 'skip-c-d-t', 'transaction-metadata', 'truncate-partitions-via-root'],
    reason: EMPTY_TRANSACTIONS,
  },
];

export function reasonLeftOut(group: string, server: CaseServer): string | undefined {
  return LEFT_OUT.find((entry) => entry.server === server && entry.cases.includes(group))?.reason;
}
