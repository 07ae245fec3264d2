/**
 * Owns what `check` says about changes of the source that were made while no process ran. It compares as a start does
 * (source/watch.ts), and changes nothing.
 */
import { formatLsn } from '../../core/lsn.ts';
import type { TaskOptions } from '../../core/options.ts';
import { compileFilter } from '../../events/filter.ts';
import { loadSourceFacts, type SourceFacts, tablesWithRows } from '../../postgres/catalog/source-facts.ts';
import type { PgSession } from '../../postgres/session/open-session.ts';
import type { ServerFacts } from '../../postgres/session/server-facts.ts';
import type { StartDecision } from '../../snapshot/decision.ts';
import { capturedTables, judgeSource, type SourceChange, uncoveredTables } from '../source/judgement.ts';
import { judgementRules, lossError, weighChanges } from '../source/losses.ts';
import { rememberedSource, type SourceRecord } from '../source/memory.ts';
import { shown, snapshotRemedy } from '../source/remedies.ts';
import { failure, type Judgement, ok, warn } from './judgement.ts';
import { isSnapshot } from './start.ts';

const CHECK = 'postgres.source';

type ChangesQuestion = { readonly facts: ServerFacts; readonly decision: StartDecision; readonly record: SourceRecord | undefined };

/** Tables that the start adds to the publication. The start itself reports them once they are added. */
function joiningTables(options: Pick<TaskOptions, 'filter' | 'publication'>, now: SourceFacts, decision: StartDecision): SourceChange[] {
  const isAdded = options.publication.autocreateMode === 'filtered' && now.publication?.allTables === false;
  if (!isAdded || isSnapshot(decision)) return [];
  const joining = uncoveredTables(now, compileFilter(options.filter));
  const tables = joining.map(({ schema, table }) => `${schema}.${table}`);
  const what = 'A table is captured from the start on: what it holds already is not sent';
  return joining.length === 0 ? [] : [{ kind: 'table_joined', severity: 'warning', tables, oids: joining.map(({ oid }) => oid), what }];
}

/** Nothing is compared for a new slot, which has nothing to read yet, nor for a start that ends before it reads. */
export async function judgeChanges(
  session: PgSession,
  options: Pick<TaskOptions, 'database' | 'events' | 'filter' | 'publication' | 'slot' | 'snapshot' | 'sourceChangedAction'>,
  { facts, decision, record }: ChangesQuestion,
): Promise<readonly Judgement[]> {
  if (['createSlot', 'snapshotOnly', 'nothing', 'refuse'].includes(decision.tag)) return [];
  const now = await loadSourceFacts(session, options.publication.name);
  const rules = judgementRules(options, compileFilter(options.filter));
  const known = rememberedSource(record, now, { systemIdentifier: facts.systemIdentifier, database: options.database.dbname });
  const found = [...(known === undefined ? [] : judgeSource(known, now, rules)), ...joiningTables(options, now, decision)];
  const oids = found.flatMap((change) => change.oids);
  const withRows = oids.length === 0 ? new Set<number>() : await tablesWithRows(session, oids, {});
  const sentBefore = new Set(known === undefined ? [] : capturedTables(known, rules));
  const { includeCollections } = options.snapshot;
  const items: Judgement[] = [];
  for (const change of weighChanges(found, { withRows, snapshotFollows: isSnapshot(decision), includeCollections, sentBefore })) {
    if (change.severity === 'info') continue;
    const { fromLsn, toLsn } = { fromLsn: known?.fromLsn ?? now.fromLsn, toLsn: now.toLsn };
    const loss = lossError(change, { fromLsn, toLsn, options, serverMajor: facts.major });
    if (change.severity === 'loss' && options.sourceChangedAction === 'fail') {
      items.push(failure(CHECK, loss));
      continue;
    }
    const what = change.severity === 'loss' ? loss.message : `${change.what} (since ${formatLsn(fromLsn)}): ${shown(change.tables)}`;
    items.push(warn(CHECK, what, { remedy: snapshotRemedy(change.tables, options) }));
  }
  if (known === undefined) return items;
  return items.length > 0 ? items : [ok(CHECK, 'Publication and tables are as they were when they were last looked at')];
}
