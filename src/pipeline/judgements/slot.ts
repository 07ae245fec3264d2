/** Owns what is judged of the slot, given what the start decides: whether it exists or is to be made, is of the right kind, lost or endangered. */
import type { SlotlineError } from '../../core/errors.ts';
import type { TaskOptions } from '../../core/options.ts';
import { prettyBytes } from '../../core/pretty-bytes.ts';
import { type Continuity, heldByOther, otherOwner } from '../../offsets/continuity.ts';
import type { Remembered } from '../../offsets/store.ts';
import { quoteLiteral } from '../../postgres/identifiers.ts';
import type { PgSession } from '../../postgres/session/open-session.ts';
import type { ServerFacts } from '../../postgres/session/server-facts.ts';
import { loadSlotLag, type SlotState, unsuitability } from '../../postgres/stream/slot.ts';
import type { StartDecision } from '../../snapshot/decision.ts';
import { foreignHolder, turnOwner } from '../positions/turn.ts';
import { advise, fail, failure, type Judgement, ok, warn } from './judgement.ts';
import { createsSlot, refusalOf, slotPlace } from './start.ts';

const CHECK = 'postgres.slot';

/** `decision`: undefined when Kafka did not say what is remembered. */
type SlotQuestion = {
  readonly slot: SlotState | undefined;
  readonly decision: StartDecision | undefined;
  readonly continuity?: Continuity | undefined;
  readonly foreign?: SlotlineError | undefined;
};

export async function judgeSlot(
  session: PgSession,
  options: Pick<TaskOptions, 'database' | 'offsetStorage' | 'slot' | 'snapshot'>,
  { slot, decision, continuity, foreign }: SlotQuestion,
): Promise<readonly Judgement[]> {
  const { name } = options.slot;
  const drop = `select pg_drop_replication_slot(${quoteLiteral(name)})`;
  const unsuitable = slot === undefined ? undefined : unsuitability(slot, options.database.dbname);
  if (unsuitable !== undefined) {
    const remedy = 'If nobody else needs it; or choose another slot.name.';
    return [fail(CHECK, 'slot_unsuitable', `The slot ${name} cannot be used: ${unsuitable}`, { sql: [drop], remedy })];
  }
  if (foreign !== undefined) return [failure(CHECK, foreign)];
  if (decision?.tag === 'refuse') return [judgeRefused(decision, { options, slot, drop, continuity })];
  const made = [...(decision === undefined ? [] : await judgeCreation(session, decision)), ...judgeDropOnStop(options, decision)];
  if (slot === undefined) return [judgeMissing(name, decision), ...made];
  if (decision?.tag === 'snapshotNewSlot') {
    const what = `The slot ${name} is lost: ${whyLost(slot)}; the start drops it, makes it anew and reads every row again`;
    return [warn(CHECK, what, { remedy: 'Raise max_slot_wal_keep_size, so that it does not happen again.' }), ...made];
  }
  const lag = await loadSlotLag(session, name);
  const lagText = `${prettyBytes(lag?.lagBytes)} behind, keeps ${prettyBytes(lag?.retainedBytes)} of WAL`;
  return [
    ok(CHECK, `The slot ${name} exists, ${lagText}${nextStep(decision)}`),
    ...judgeContinuityOf(continuity),
    ...judgeDanger(slot),
    ...(await judgeOwner(session, slot)),
    ...made,
  ];
}

/** Fails when another connector is running on this slot, as the lock of its session shows. A start is refused then, whatever is remembered. */
export async function judgeHolder(
  session: PgSession,
  options: Pick<TaskOptions, 'events' | 'name' | 'slot' | 'taskId'>,
  { facts, others }: { readonly facts: ServerFacts; readonly others: Remembered['others'] },
): Promise<readonly Judgement[]> {
  const pid = await foreignHolder(session, options.slot.name, turnOwner(options));
  if (pid === undefined) return [];
  const owner = otherOwner({ own: undefined, others }, slotPlace(options, { server: facts, slot: undefined }));
  return [failure(CHECK, heldByOther(`process ${pid}`, { slot: options.slot.name, owner }))];
}

function nextStep(decision: StartDecision | undefined): string {
  switch (decision?.tag) {
    case 'snapshotExistingSlot':
      return '; the start reads every row and goes on from it';
    case 'snapshotOnly':
      return '; the start reads every row and leaves the slot alone';
    case 'nothing':
      return '; the start has nothing to do: the snapshot is taken';
    default:
      return '';
  }
}

type Refused = {
  readonly options: Pick<TaskOptions, 'database' | 'offsetStorage' | 'slot' | 'snapshot'>;
  readonly slot: SlotState | undefined;
  readonly drop: string;
  readonly continuity: Continuity | undefined;
};

function judgeRefused(decision: Extract<StartDecision, { tag: 'refuse' }>, { options, slot, drop, continuity }: Refused): Judgement {
  const { name } = options.slot;
  const error = refusalOf(decision, options, continuity ?? { tag: 'unknown' });
  const start = { error };
  if (decision.code === 'slot_missing') {
    const what = `The slot ${name} does not exist, and ${options.offsetStorage.topic} remembers that the snapshot is taken: what changed since the slot was there would be missing`;
    const remedy = 'Start with snapshot.mode=when_needed: the slot is made and every row read again.';
    return fail(CHECK, decision.code, what, { remedy, start });
  }
  if (decision.code === 'slot_lost' && slot !== undefined) {
    const remedy =
      'Start with snapshot.mode=when_needed, or drop it and start with initial: rows are read anew. Raise max_slot_wal_keep_size.';
    return fail(CHECK, decision.code, `The slot ${name} is lost: ${whyLost(slot)}`, { sql: [drop], remedy, start });
  }
  return fail(CHECK, decision.code, error.message, { remedy: error.remedy, start });
}

/** Warns that the slot dropped at the stop will be missing at the next start. */
function judgeDropOnStop(
  { slot, snapshot }: Pick<TaskOptions, 'slot' | 'snapshot'>,
  decision: StartDecision | undefined,
): readonly Judgement[] {
  const isRefusedNext = snapshot.mode === 'initial' || snapshot.mode === 'no_data';
  if (!slot.dropOnStop || !isRefusedNext || decision?.tag === 'nothing') return [];
  const what = `slot.drop.on.stop=true drops the slot at each stop, and with snapshot.mode=${snapshot.mode} the next start is refused (slot_missing)`;
  const remedy = 'Set snapshot.mode=when_needed, which reads every row again; or let the slot stay.';
  return [advise('postgres.slot_drop_on_stop', what, { remedy })];
}

function judgeMissing(name: string, decision: StartDecision | undefined): Judgement {
  if (decision === undefined) {
    const remedy = 'Kafka has to tell whether the snapshot was taken: where it was, a start without its slot is refused (slot_missing).';
    return warn(CHECK, `The slot ${name} does not exist`, { remedy });
  }
  if (createsSlot(decision)) return ok(CHECK, `The slot ${name} does not exist yet; the start creates it`);
  return ok(CHECK, `The slot ${name} does not exist, and the start needs none`);
}

function whyLost(slot: SlotState): string {
  return slot.invalidationReason ?? slot.walStatus ?? 'lost';
}

/** The start reports these with log lines of its own. */
function judgeContinuityOf(continuity: Continuity | undefined): readonly Judgement[] {
  if (continuity?.tag !== 'broken' && continuity?.tag !== 'accepted') return [];
  const { message, remedy } = continuity.error;
  return [warn('postgres.slot_continuity', message, { remedy, start: { tried: true } })];
}

function judgeDanger(slot: SlotState): readonly Judgement[] {
  if (slot.walStatus !== 'unreserved') return [];
  const remedy = 'The next checkpoint may remove WAL that it needs: start the connector now, or raise max_slot_wal_keep_size.';
  return [warn('postgres.slot_wal_status', `The slot ${slot.name} is about to be lost (wal_status unreserved)`, { remedy })];
}

async function judgeOwner(session: PgSession, slot: SlotState): Promise<readonly Judgement[]> {
  if (!slot.active) return [];
  const sql = 'select application_name::text as "name" from pg_catalog.pg_stat_activity where pid = $1';
  const rows = await session.query<{ name: string }>(sql, [slot.activePid]);
  const owner = `pid ${slot.activePid}${rows[0] === undefined ? '' : `, ${rows[0].name}`}`;
  const remedy = 'Another start waits as a hot standby until that process ends.';
  return [advise('postgres.slot_active', `The slot ${slot.name} is in use (${owner})`, { remedy })];
}

/** Making a slot waits for these. Other roles' transactions are seen only by a superuser or a member of pg_read_all_stats. */
const OPEN_TRANSACTIONS_SQL = `
select "name", "seconds" from (
  select 'pid ' || pid as "name", extract(epoch from pg_catalog.now() - xact_start)::int4 as "seconds"
    from pg_catalog.pg_stat_activity where backend_xid is not null and pid <> pg_catalog.pg_backend_pid()
  union all
  select 'prepared transaction ' || transaction, extract(epoch from pg_catalog.now() - prepared)::int4 from pg_catalog.pg_prepared_xacts) as open
 where "seconds" >= 60 order by "seconds" desc limit 5`;

async function judgeCreation(session: PgSession, decision: StartDecision): Promise<readonly Judgement[]> {
  if (!createsSlot(decision) && decision.tag !== 'snapshotExistingSlot') return [];
  const rows = await session.query<{ name: string; seconds: number }>(OPEN_TRANSACTIONS_SQL);
  if (rows.length === 0) return [];
  const list = rows.map(({ name, seconds }) => `${name} for ${seconds} s`).join(', ');
  const remedy = 'Creating a slot, and a snapshot beside one, waits until they end.';
  return [warn('postgres.open_transactions', `Transactions that have written are open: ${list}`, { remedy })];
}
