/**
 * Owns the checks of the server itself: login, version, encoding, wal_level, free slots and WAL senders, the role's right to replicate, and
 * settings that endanger a slot. Does not look at tables (tables.ts) or the slot (slot.ts).
 */
import { SlotlineError, toSlotlineError } from '../../core/errors.ts';
import type { TaskOptions } from '../../core/options.ts';
import { prettyBytes } from '../../core/pretty-bytes.ts';
import { quoteIdentifier } from '../../postgres/identifiers.ts';
import { openSession, type PgSession } from '../../postgres/session/open-session.ts';
import { requireEncoding, requireVersion, type ServerFacts } from '../../postgres/session/server-facts.ts';
import type { StartDecision } from '../../snapshot/decision.ts';
import { advise, fail, failure, type Judgement, ok, warn } from './judgement.ts';
import { createsSlot, needsSlot } from './start.ts';

/** From this version on a standby can decode logically. */
const STANDBY_SINCE = 16;
/** With a shorter wal_sender_timeout a busy moment of the network ends the stream. */
const SENDER_TIMEOUT_MIN_MS = 5_000;

export function checkServer(session: PgSession, facts: ServerFacts): Judgement[] {
  const { host, port, database, user } = session.address;
  const encryption = session.encrypted ? 'TLS' : 'not encrypted';
  const where = `${user}@${host}:${port}/${database}, ${encryption}`;
  return [
    ok('postgres.login', `PostgreSQL ${facts.versionText} lets ${user} in`, { where }),
    guarded('postgres.version', `Version ${facts.major} is supported`, () => requireVersion(facts)),
    guarded('postgres.encoding', `The encoding is ${facts.encoding}`, () => requireEncoding(facts)),
    checkWalLevel(facts),
  ];
}

/** What a start checks once it is logged in. `decision`: undefined when Kafka did not say what is remembered. */
export async function judgeSettings(
  session: PgSession,
  options: Pick<TaskOptions, 'catchUp' | 'slot'>,
  { facts, decision }: { readonly facts: ServerFacts; readonly decision: StartDecision | undefined },
): Promise<readonly Judgement[]> {
  const rows = await session.query<LimitsRow>(LIMITS_SQL, [options.slot.name]);
  const row = rows[0];
  if (row === undefined) throw new SlotlineError('pg_query_failed', { message: 'no row of limits' });
  const slots = { decision, readsInBulk: options.catchUp.enabled };
  const standby = judgeStandby(facts, decision);
  return [...standby, judgeSenderTimeout(facts), judgeSlotsLeft(row, slots), judgeSendersLeft(row), ...judgeKeepSize(row)];
}

function guarded(check: string, what: string, requirement: () => void): Judgement {
  try {
    requirement();
    return ok(check, what);
  } catch (error) {
    return failure(check, error);
  }
}

function checkWalLevel(facts: ServerFacts): Judgement {
  if (facts.walLevel === 'logical') return ok('postgres.wal_level', 'wal_level is logical');
  const remedy = 'Then restart PostgreSQL. (Amazon RDS: rds.logical_replication = 1; Cloud SQL: cloudsql.logical_decoding = on.)';
  const extra = { sql: ["alter system set wal_level = 'logical'"], remedy };
  return fail('postgres.wal_level', 'wal_level_not_logical', `wal_level is ${facts.walLevel}`, extra);
}

function judgeStandby(facts: ServerFacts, decision: StartDecision | undefined): readonly Judgement[] {
  if (!facts.inRecovery || (decision !== undefined && !needsSlot(decision))) return [];
  if (facts.major < STANDBY_SINCE) {
    const what = `The server is a standby; logical decoding there needs version ${STANDBY_SINCE}`;
    return [fail('postgres.standby', 'slot_unsuitable', what, { remedy: 'Name the primary in database.hostname.' })];
  }
  return [
    warn('postgres.standby', 'The server is a standby', {
      remedy: 'A slot made here waits for the primary to be active; the publication is made there.',
    }),
  ];
}

function judgeSenderTimeout(facts: ServerFacts): Judgement {
  const check = 'postgres.wal_sender_timeout';
  const timeoutMs = facts.walSenderTimeoutMs;
  const sql = ["alter system set wal_sender_timeout = '60s'", 'select pg_reload_conf()'];
  if (timeoutMs === 0) {
    const remedy = 'Without it the server keeps the slot busy for a client that is gone, and no standby process takes over.';
    return advise(check, 'wal_sender_timeout is off', { remedy, sql });
  }
  if (timeoutMs >= SENDER_TIMEOUT_MIN_MS) return ok(check, `wal_sender_timeout is ${timeoutMs / 1000} s`);
  return advise(check, `wal_sender_timeout is only ${timeoutMs} ms`, { remedy: 'A short pause of the network ends the stream.', sql });
}

/** Opens a replication session and closes it. That tests role attributes, cloud roles and pg_hba.conf together. */
export async function checkReplicationLogin(options: Pick<TaskOptions, 'database'>, signal: AbortSignal): Promise<Judgement> {
  const check = 'postgres.replication_login';
  try {
    const session = await openSession(options.database, { replication: true, applicationName: 'Slotline Check', signal });
    await session.close();
    return ok(check, `The role ${options.database.user} may replicate`);
  } catch (thrown) {
    const error = toSlotlineError(thrown);
    const role = quoteIdentifier(options.database.user);
    if (error.code === 'pg_privilege_missing') {
      const remedy = 'By a superuser. (Amazon RDS: grant rds_replication to the role.)';
      return fail(check, error.code, `The role ${options.database.user} may not replicate`, {
        sql: [`alter role ${role} replication`],
        remedy,
      });
    }
    if (error.code === 'wal_senders_exhausted') return fail(check, error.code, 'Every WAL sender is in use', sendersRemedy());
    return failure(check, error);
  }
}

function sendersRemedy(): { readonly sql: readonly string[]; readonly remedy: string } {
  return { sql: ['alter system set max_wal_senders = 20'], remedy: 'Then restart PostgreSQL.' };
}

type LimitsRow = {
  slotsMax: number;
  slotsUsed: number;
  sendersMax: number;
  sendersUsed: number;
  ownSlot: boolean;
  keepBytes: number;
  idleTimeoutS: number;
};

const LIMITS_SQL = `
select pg_catalog.current_setting('max_replication_slots')::int4 as "slotsMax",
       (select pg_catalog.count(*)::int4 from pg_catalog.pg_replication_slots) as "slotsUsed",
       pg_catalog.current_setting('max_wal_senders')::int4 as "sendersMax",
       (select pg_catalog.count(*)::int4 from pg_catalog.pg_stat_activity where backend_type = 'walsender') as "sendersUsed",
       exists (select from pg_catalog.pg_replication_slots where slot_name = $1) as "ownSlot",
       (select case when setting::int8 < 0 then -1 else setting::float8 * 1024 * 1024 end
          from pg_catalog.pg_settings where name = 'max_slot_wal_keep_size') as "keepBytes",
       coalesce((select setting::float8 from pg_catalog.pg_settings where name = 'idle_replication_slot_timeout'), 0) as "idleTimeoutS"`;

type SlotNeeds = { readonly decision: StartDecision | undefined; readonly readsInBulk: boolean };

function judgeSlotsLeft(row: LimitsRow, { decision, readsInBulk }: SlotNeeds): Judgement {
  const check = 'postgres.max_replication_slots';
  const left = row.slotsMax - row.slotsUsed;
  const what = `${left} of ${row.slotsMax} replication slots are free`;
  const extra = {
    sql: [`alter system set max_replication_slots = ${row.slotsMax + 10}`],
    remedy: 'Then restart PostgreSQL; or drop a slot that nobody uses.',
  };
  // The start tries anyway: a slot may be free by the time it needs one.
  const tried = { ...extra, start: { tried: true } } as const;
  if (left > 0 || (decision !== undefined && !needsSlot(decision))) return ok(check, what);
  if (decision?.tag === 'snapshotExistingSlot') {
    return fail(check, 'replication_slots_exhausted', `${what}, and the snapshot beside the slot needs one for the time`, tried);
  }
  const isMade = decision === undefined ? !row.ownSlot : createsSlot(decision) && !row.ownSlot;
  if (isMade || (decision?.tag === 'refuse' && !row.ownSlot)) return fail(check, 'replication_slots_exhausted', what, tried);
  if (decision?.tag === 'stream' && !readsInBulk) return ok(check, what);
  const needs = readsInBulk
    ? 'a snapshot beside an existing slot, and reading a backlog in bulk, need'
    : 'a snapshot beside an existing slot needs';
  return warn(check, `${what}; ${needs} a second one for the time`, extra);
}

function judgeSendersLeft(row: LimitsRow): Judgement {
  const check = 'postgres.max_wal_senders';
  const left = row.sendersMax - row.sendersUsed;
  const what = `${left} of ${row.sendersMax} WAL senders are free`;
  // A connector needs two while it takes a snapshot: the second one exports the slot's snapshot.
  if (left >= 2) return ok(check, what);
  return advise(check, what, sendersRemedy());
}

function judgeKeepSize(row: LimitsRow): readonly Judgement[] {
  const check = 'postgres.max_slot_wal_keep_size';
  const items: Judgement[] = [];
  if (row.keepBytes < 0) {
    const remedy = 'A connector that is stopped for long keeps WAL until the disk is full. A limit costs a new snapshot instead.';
    const sql = ["alter system set max_slot_wal_keep_size = '100GB'", 'select pg_reload_conf()'];
    items.push(advise(check, 'max_slot_wal_keep_size is unlimited', { remedy, sql }));
  } else {
    items.push(ok(check, `A slot may keep ${prettyBytes(row.keepBytes)} of WAL`));
  }
  if (row.idleTimeoutS > 0) {
    const remedy = 'A connector that is stopped for longer loses its slot and needs a new snapshot.';
    const sql = ['alter system set idle_replication_slot_timeout = 0', 'select pg_reload_conf()'];
    items.push(advise('postgres.idle_replication_slot_timeout', `idle_replication_slot_timeout is ${row.idleTimeoutS} s`, { remedy, sql }));
  }
  return items;
}
