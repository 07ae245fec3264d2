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
  {
    cases: ['ddl-dropped-later'],
    debezium: '{"type":"int32","optional":true,"field":"id"},{"type":"string","optional":true,"field":"a"}',
    slotline: '{"type":"int32","optional":false,"field":"id"},{"type":"string","optional":true,"field":"a"}',
    reason:
      'Of a table that its own transaction drops the catalog knows nothing any more: Debezium publishes such changes without a key and every field optional. Slotline keeps the key that the stream tells, so that no order per row is lost.',
  },
];
