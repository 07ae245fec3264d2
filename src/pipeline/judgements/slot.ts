/** Owns the checks of the replication slot: there or to be made, of the right kind, not lost, not endangered. */
import type { ResolvedOptions } from '../../core/options.ts';
import { prettyBytes } from '../../core/pretty-bytes.ts';
import type { PgSession } from '../../postgres/connection.ts';
import { quoteLiteral } from '../../postgres/identifiers.ts';
import { isLost, loadSlot, loadSlotLag, type SlotState, unsuitability } from '../../postgres/slot.ts';
import { fail, type Judgement, ok, warn } from './judgement.ts';

const CHECK = 'postgres.slot';

export async function checkSlot(session: PgSession, options: ResolvedOptions): Promise<Judgement[]> {
  const { name } = options.slot;
  const slot = await loadSlot(session, name);
  if (slot === undefined) {
    const missing = ok(CHECK, `The slot ${name} does not exist yet; the start creates it`);
    return [missing, ...(await checkOpenTransactions(session))];
  }
  const drop = `select pg_drop_replication_slot(${quoteLiteral(name)})`;
  const unsuitable = unsuitability(slot, options.database.dbname);
  if (unsuitable !== undefined) {
    return [
      fail(CHECK, 'slot_unsuitable', `The slot ${name} cannot be used: ${unsuitable}`, {
        sql: [drop],
        remedy: 'If nobody else needs it; or choose another slot.name.',
      }),
    ];
  }
  if (isLost(slot)) {
    const why = slot.invalidationReason ?? slot.walStatus ?? 'lost';
    return [
      fail(CHECK, 'slot_lost', `The slot ${name} is lost: ${why}`, {
        sql: [drop],
        remedy: 'Then start with snapshot.mode=when_needed or initial: rows are read anew. Raise max_slot_wal_keep_size.',
      }),
    ];
  }
  const lag = await loadSlotLag(session, name);
  const lagText = `${prettyBytes(lag?.lagBytes)} behind, keeps ${prettyBytes(lag?.retainedBytes)} of WAL`;
  return [ok(CHECK, `The slot ${name} exists, ${lagText}`), ...checkDanger(slot), ...(await checkOwner(session, slot))];
}

function checkDanger(slot: SlotState): Judgement[] {
  if (slot.walStatus !== 'unreserved') return [];
  const remedy = 'The next checkpoint may remove WAL that it needs: start the connector now, or raise max_slot_wal_keep_size.';
  return [warn('postgres.slot_wal_status', `The slot ${slot.name} is about to be lost (wal_status unreserved)`, { remedy })];
}

async function checkOwner(session: PgSession, slot: SlotState): Promise<Judgement[]> {
  if (!slot.active) return [];
  const sql = 'select application_name::text as "name" from pg_catalog.pg_stat_activity where pid = $1';
  const rows = await session.query<{ name: string }>(sql, [slot.activePid]);
  const owner = `pid ${slot.activePid}${rows[0] === undefined ? '' : `, ${rows[0].name}`}`;
  const remedy = 'Another start waits as a hot standby until that process ends.';
  return [warn('postgres.slot_active', `The slot ${slot.name} is in use (${owner})`, { remedy })];
}

/** Making a slot waits for these; a superuser or a member of pg_read_all_stats sees those of other roles. */
const OPEN_TRANSACTIONS_SQL = `
select pid, extract(epoch from pg_catalog.now() - xact_start)::int4 as "seconds"
  from pg_catalog.pg_stat_activity
 where backend_xid is not null and pid <> pg_catalog.pg_backend_pid() and xact_start < pg_catalog.now() - interval '60 seconds'
 order by xact_start limit 5`;

async function checkOpenTransactions(session: PgSession): Promise<Judgement[]> {
  const rows = await session.query<{ pid: number; seconds: number }>(OPEN_TRANSACTIONS_SQL);
  if (rows.length === 0) return [];
  const list = rows.map(({ pid, seconds }) => `pid ${pid} for ${seconds} s`).join(', ');
  const remedy = 'Creating the slot waits until they end.';
  return [warn('postgres.open_transactions', `Transactions that have written are open: ${list}`, { remedy })];
}
