/**
 * Owns one judgement: the slot is older than its publication. The server reads WAL with the catalog of that time, so it does not send what
 * was written before the publication existed; before version 18 the stream even fails there (publication_gap). For a connector that has
 * run before, changes.ts knows more.
 */
import { LSN_ZERO } from '../../core/lsn.ts';
import type { TaskOptions } from '../../core/options.ts';
import type { PgSession } from '../../postgres/session/open-session.ts';
import type { ServerFacts } from '../../postgres/session/server-facts.ts';
import type { SlotState } from '../../postgres/stream/slot.ts';
import type { StartDecision } from '../../snapshot/decision.ts';
import { skipsMissingPublication } from '../source/losses.ts';
import { newSlotRemedy, snapshotRemedy } from '../source/remedies.ts';
import { type Judgement, warn } from './judgement.ts';
import { createsSlot, isSnapshot, needsSlot } from './start.ts';

type AgeQuestion = {
  readonly facts: Pick<ServerFacts, 'major' | 'currentLsn'>;
  readonly slot: SlotState | undefined;
  readonly decision: StartDecision | undefined;
  /** The start makes the publication. */
  readonly isNew: boolean;
};

export async function judgePublicationAge(
  session: PgSession,
  options: Pick<TaskOptions, 'publication' | 'slot'>,
  question: AgeQuestion,
): Promise<readonly Judgement[]> {
  const { facts, slot, decision, isNew } = question;
  if (slot === undefined || decision === undefined || !needsSlot(decision) || createsSlot(decision)) return [];
  const bytes = facts.currentLsn - (slot.confirmedFlushLsn ?? LSN_ZERO);
  // Harmless: the snapshot reads what the server left out.
  if (skipsMissingPublication(facts.major) && isSnapshot(decision)) return [];
  if (bytes <= 0 || !(isNew || (await isYounger(session, options)))) return [];
  const { name } = options.publication;
  const came = isNew
    ? `The publication ${name}, which the start makes,`
    : `The publication ${name} was made or changed after the slot was: it`;
  const skips = skipsMissingPublication(facts.major);
  const effect = skips ? 'is left out' : 'ends the stream with publication_gap, if it is a change of any table';
  const what = `${came} is younger than the slot ${slot.name}, which still has ${bytes} bytes of WAL to read: what was written before the publication came ${effect}`;
  return [warn('postgres.publication_age', what, { remedy: skips ? snapshotRemedy([], options) : newSlotRemedy(options) })];
}

/** Finds a row if the publication's catalog row is younger than the oldest transaction that the slot keeps the catalog for. */
const YOUNGER_SQL = `
select 1 from pg_catalog.pg_publication p, pg_catalog.pg_replication_slots s
 where p.pubname = $1 and s.slot_name = $2 and pg_catalog.age(p.xmin) <= pg_catalog.age(s.catalog_xmin)`;

async function isYounger(session: PgSession, { publication, slot }: Pick<TaskOptions, 'publication' | 'slot'>): Promise<boolean> {
  return (await session.query(YOUNGER_SQL, [publication.name, slot.name])).length > 0;
}
