/**
 * Owns what happens to a record that a transform cannot take: it ends the attempt, or is left out with errors.tolerance=all. The first record
 * that is left out for a reason is logged, all are counted. Source: org.apache.kafka.connect.runtime.errors.RetryWithToleranceOperator.
 */
import type { Log } from '../../core/log.ts';
import type { OnRefused } from '../../transforms/chain.ts';

/** Tables may come and go without end; a reason that was dropped from here is logged again. */
const TOLD_MAX = 1_000;

export function refusedRecords({ tolerates, log }: { readonly tolerates: boolean; readonly log: Log }): OnRefused {
  const told = new Set<string>();
  return (error) => {
    if (!tolerates) throw error;
    const { transform, table, record, reason } = error.details;
    const refusal = JSON.stringify([transform, table, record, reason]);
    if (told.has(refusal)) return;
    if (told.size >= TOLD_MAX) told.clear();
    told.add(refusal);
    log.warn('transform.left_out', { code: error.code, message: error.message, remedy: error.remedy });
  };
}
