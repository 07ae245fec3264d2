/** Owns logging, once per process, what may mislead about a table (judgements/misleading.ts). Judges nothing itself. */
import type { Log } from '../../core/log.ts';
import type { Misleading } from '../judgements/misleading.ts';
import type { LiveState } from '../life/live-state.ts';

/** How many log lines are remembered. Beyond this all are forgotten, and may be logged again. */
const TOLD_MAX = 100_000;

type Deps = { readonly log: Log; readonly live: Pick<LiveState, 'memory'> };

export function tellOnce(
  { log, live }: Deps,
  event: 'table.key_misleading' | 'table.snapshot_misleading' | 'table.enum_misleading',
  found: readonly Misleading[],
): void {
  for (const { table, column, reason, remedy, sql } of found) {
    const words = `${event} ${table} ${column ?? ''} ${reason}`;
    const { told } = live.memory;
    if (told.has(words)) continue;
    if (told.size >= TOLD_MAX) told.clear();
    told.add(words);
    log.warn(event, { table, ...(column === undefined ? {} : { column }), reason, remedy, sql });
  }
}
