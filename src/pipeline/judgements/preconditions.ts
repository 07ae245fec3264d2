/**
 * Owns judging the source as a whole: settings, slot, tables, publication, in this order. It makes the one list that `check` prints and a
 * start acts on. Changes nothing.
 */
import type { SlotlineError } from '../../core/errors.ts';
import type { TaskOptions } from '../../core/options.ts';
import { compileFilter } from '../../events/filter.ts';
import type { Continuity } from '../../offsets/continuity.ts';
import type { PgSession } from '../../postgres/session/open-session.ts';
import type { ServerFacts } from '../../postgres/session/server-facts.ts';
import type { SlotState } from '../../postgres/stream/slot.ts';
import type { StartDecision } from '../../snapshot/decision.ts';
import { checkIdentityChanges, withChanges } from './identities.ts';
import { type Judgement, section } from './judgement.ts';
import { checkKeys, checkSnapshotContents } from './misleading.ts';
import { checkColumnLists, checkFieldNames, checkGuardrail, checkKeyColumns, checkSnapshotLists, checkTopicNames } from './names.ts';
import { judgePartitions } from './partitions.ts';
import { judgePublication, type PublicationVerdict } from './publication.ts';
import { judgePublicationAge } from './publication-age.ts';
import { checkHeartbeatQuery, checkSelectOverrides } from './selects.ts';
import { judgeSettings } from './server.ts';
import { judgeSlot } from './slot.ts';
import { type CapturedTables, checkCaptured, checkGrants, checkReplicaIdentity, loadCaptured } from './tables.ts';

export type SourceQuestion = {
  readonly facts: ServerFacts;
  readonly slot: SlotState | undefined;
  /** undefined: Kafka did not say what is remembered. */
  readonly decision: StartDecision | undefined;
  readonly continuity?: Continuity | undefined;
  /** Slotline has stored a position, and a look at the source, for this connector before. */
  readonly hasRun?: boolean;
  /** slot_in_use: according to the offset topic the slot is another connector's. */
  readonly foreign?: SlotlineError | undefined;
  readonly onCaptured?: (tables: CapturedTables) => Promise<void> | void;
};

export async function judgePreconditions(
  session: PgSession,
  options: TaskOptions,
  question: SourceQuestion,
): Promise<readonly Judgement[]> {
  const isIdle = question.decision?.tag === 'nothing';
  const settings = isIdle ? [] : await section('postgres.limits', () => judgeSettings(session, options, question));
  const slot = await section('postgres.slot', () => judgeSlot(session, options, question));
  const tables = await section('tables.captured', async () => {
    const loaded = await loadCaptured(session, compileFilter(options.filter));
    await question.onCaptured?.(loaded);
    // With nothing to do, the start ends before it looks at tables.
    if (isIdle) return [];
    return await judgeTables(session, options, { ...question, loaded });
  });
  return [...settings, ...slot, ...tables];
}

type TableQuestion = SourceQuestion & { readonly loaded: CapturedTables };

async function judgeTables(session: PgSession, options: TaskOptions, question: TableQuestion): Promise<readonly Judgement[]> {
  const { loaded, facts, decision } = question;
  const { captured, all } = loaded;
  const read = { captured, decision };
  const grants = captured.length === 0 ? [] : await section('tables.grants', () => checkGrants(session, options, read));
  const overrides = await section('tables.select_overrides', () => checkSelectOverrides(session, options, read));
  const heartbeat = await section('heartbeat.action_query', () => checkHeartbeatQuery(session, options));
  const autoset = await checkIdentityChanges(session, options, { facts, captured });
  const contents = await section('tables.snapshot', () => checkSnapshotContents(session, options, captured));
  let verdict: PublicationVerdict | undefined;
  const publication = await section('postgres.publication', async () => {
    verdict = await judgePublication(session, options, { facts, captured, changes: autoset.changes });
    return verdict.items;
  });
  const age = await section('postgres.publication_age', async () => {
    if (verdict === undefined || verdict.plan.tag === 'refuse' || question.hasRun === true) return [];
    return await judgePublicationAge(session, options, { ...question, isNew: verdict.plan.tag === 'create' });
  });
  const plan = verdict?.plan;
  const partitions =
    plan === undefined
      ? []
      : await section('tables.partitions', () => judgePartitions(session, options, { all, plan, filter: compileFilter(options.filter) }));
  return [
    ...(plan === undefined ? [] : checkCaptured(loaded, options, plan)),
    ...checkGuardrail(options, captured),
    ...checkTopicNames(options, captured),
    ...checkFieldNames(options, captured),
    ...checkKeyColumns(options, captured),
    ...checkColumnLists(options, captured),
    ...checkSnapshotLists(options, captured),
    ...partitions,
    ...grants,
    ...overrides,
    ...heartbeat,
    ...autoset.items,
    ...checkReplicaIdentity(withChanges(loaded, autoset.changes)),
    ...checkKeys(loaded, options),
    ...contents,
    ...publication,
    ...age,
  ];
}
