/** Owns what Slotline publishes otherwise than the recorded Debezium, and why. Each entry must be met, or it is out of date. */

import type { CaseServer } from './replay-cases.ts';

export type KnownDifference = {
  /** Cases by name, without the suffix for schemas. */
  readonly cases: readonly string[];
  /** Where only this server prints it so. */
  readonly server?: CaseServer;
  /** As masks.ts leaves it. */
  readonly debezium: string | RegExp;
  readonly slotline: string;
  readonly reason: string;
};

export const KNOWN_DIFFERENCES: readonly KnownDifference[] = [
  ...[
    ['1.23456792E8', '1.2345679E8'],
    ['1.17549435E-38', '1.1754944E-38'],
    ['8.5899346E9', '8.589935E9'],
  ].map(([debezium = '', slotline = '']) => ({
    cases: ['escapes'],
    debezium,
    slotline,
    reason: 'Java before 19 does not always print the shortest digits of a float; Slotline prints the shortest, as Java does since.',
  })),
  {
    cases: ['ddl-dropped-later'],
    debezium: '{"type":"int32","optional":true,"field":"id"},{"type":"string","optional":true,"field":"a"}',
    slotline: '{"type":"int32","optional":false,"field":"id"},{"type":"string","optional":true,"field":"a"}',
    reason:
      'Of a table that its own transaction drops the catalog knows nothing any more: Debezium publishes such changes without a key and every field optional. Slotline keeps the key that the stream tells, so that no order per row is lost.',
  },
];
