/**
 * Owns what `check` says of changes of the source that were made while nothing ran: the comparison with which a start begins
 * (source-watch.ts). Looks only.
 */
import { formatLsn } from '../../core/lsn.ts';
import type { ResolvedOptions } from '../../core/options.ts';
import { compileFilter } from '../../events/filter.ts';
import type { PgSession } from '../../postgres/connection.ts';
import type { ServerFacts } from '../../postgres/session.ts';
import { loadSourceFacts, tablesWithRows } from '../../postgres/source-facts.ts';
import type { StartDecision } from '../../snapshot/decision.ts';
import { judgeSource } from '../source-judgement.ts';
import { judgementRules, lossError, weighChanges } from '../source-losses.ts';
import { rememberedSource, type SourceRecord } from '../source-memory.ts';
import { shown, snapshotRemedy } from '../source-remedies.ts';
import { failure, type Judgement, ok, warn } from './judgement.ts';
import { isSnapshot } from './start.ts';

const CHECK = 'postgres.source';

type ChangesQuestion = { readonly facts: ServerFacts; readonly decision: StartDecision; readonly record: SourceRecord | undefined };

/** A slot that is new has nothing behind it, and a start that ends before it reads compares nothing. */
export async function judgeChanges(
  session: PgSession,
  options: ResolvedOptions,
  { facts, decision, record }: ChangesQuestion,
): Promise<readonly Judgement[]> {
  const comparesNothing = ['createSlot', 'snapshotOnly', 'nothing', 'refuse'].includes(decision.tag);
  if (record === undefined || comparesNothing) return [];
  const now = await loadSourceFacts(session, options.publication.name);
  const known = rememberedSource(record, now, { systemIdentifier: facts.systemIdentifier, database: options.database.dbname });
  if (known === undefined) return [];
  const found = judgeSource(known, now, judgementRules(options, compileFilter(options.filter)));
  const oids = found.flatMap((change) => change.oids);
  const withRows = oids.length === 0 ? new Set<number>() : await tablesWithRows(session, oids, {});
  const { includeCollections } = options.snapshot;
  const items: Judgement[] = [];
  for (const change of weighChanges(found, { withRows, snapshotFollows: isSnapshot(decision), includeCollections })) {
    if (change.severity === 'info') continue;
    const { fromLsn, toLsn } = { fromLsn: known.fromLsn, toLsn: now.toLsn };
    const loss = lossError(change, { fromLsn, toLsn, options, serverMajor: facts.major });
    if (change.severity === 'loss' && options.sourceChangedAction === 'fail') {
      items.push(failure(CHECK, loss));
      continue;
    }
    const what = change.severity === 'loss' ? loss.message : `${change.what} (since ${formatLsn(fromLsn)}): ${shown(change.tables)}`;
    items.push(warn(CHECK, what, { remedy: snapshotRemedy(change.tables, options) }));
  }
  return items.length > 0 ? items : [ok(CHECK, 'Publication and tables are as they were when they were last looked at')];
}
