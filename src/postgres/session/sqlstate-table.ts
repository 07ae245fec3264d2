/**
 * Owns the table of SQLSTATEs: what heals each class, and each single state that differs from its class, and which error it becomes.
 * docs/errors.md is generated from it. Does not own reading the state of an error (errors.ts).
 * Source: PostgreSQL manual, appendix A "PostgreSQL Error Codes".
 */
import type { ErrorCode, Healing } from '../../core/errors.ts';

/** What a command was about; one SQLSTATE means different things for a slot and for a table. */
export type ErrorSubject = 'slot' | 'publication' | 'other';

type StateEntry = {
  /** Five characters: one state. Two: a class. */
  readonly state: string;
  readonly healing: Healing;
  readonly becomes: ErrorCode;
  readonly note: string;
  /** The row is only for commands about this subject. */
  readonly subject?: ErrorSubject;
  /** The row is only for messages that contain this text. Names of settings are never translated; another text that is translated falls to the row without. */
  readonly named?: string;
};

type Where = Pick<StateEntry, 'subject' | 'named'>;

function alone(state: string, becomes: ErrorCode, note: string, where: Where = {}): StateEntry {
  return { state, healing: 'alone', becomes, note, ...where };
}
function again(state: string, becomes: ErrorCode, note: string, where: Where = {}): StateEntry {
  return { state, healing: 'again', becomes, note, ...where };
}
function person(state: string, becomes: ErrorCode, note: string, where: Where = {}): StateEntry {
  return { state, healing: 'person', becomes, note, ...where };
}

const SLOT = { subject: 'slot' } as const;

/** The first row that fits counts. So single states stand before their class, and among equal ones the narrower before the wider. */
export const POSTGRES_STATES: readonly StateEntry[] = [
  alone('08', 'pg_connection_lost', 'connection exception'),
  person('0A000', 'slot_unsuitable', 'it is no slot of this database, or no logical one', SLOT),
  person('0A', 'pg_query_refused', 'feature not supported'),
  person('0L', 'pg_query_refused', 'invalid grantor'),
  person('0P', 'pg_query_refused', 'invalid role'),
  person('22021', 'pg_text_untranslatable', 'bytes that are no characters of the encoding'),
  person('22P05', 'pg_text_untranslatable', 'a character that UTF8 does not have'),
  person('22', 'pg_query_refused', 'data exception, such as a division by zero in a SELECT of the configuration'),
  again('23', 'pg_query_failed', 'constraint violation: the query of a heartbeat'),
  person('25006', 'pg_query_refused', 'read-only transaction: a standby, or default_transaction_read_only'),
  alone('25P03', 'pg_connection_lost', 'idle_in_transaction_session_timeout'),
  alone('25P04', 'pg_connection_lost', 'transaction_timeout'),
  again('25', 'pg_query_failed', 'invalid transaction state'),
  person('28', 'pg_authentication_failed', 'role, password or pg_hba.conf'),
  person('2B', 'pg_query_refused', 'other objects depend on it'),
  person('3D', 'pg_database_missing', 'the database does not exist'),
  person('3F', 'pg_query_refused', 'the schema does not exist'),
  alone('40', 'pg_query_failed', 'rolled back: deadlock, serialization, conflict with recovery'),
  person('42501', 'pg_privilege_missing', 'insufficient privilege'),
  person('42704', 'slot_missing', 'undefined object', SLOT),
  alone('42710', 'slot_in_use', 'another process made it at the same moment', SLOT),
  person('42704', 'publication_missing', 'undefined object', { subject: 'publication' }),
  again('42P01', 'pg_query_failed', 'undefined table: it was dropped meanwhile'),
  again('42703', 'pg_query_failed', 'undefined column: it was dropped meanwhile'),
  again('42704', 'pg_query_failed', 'undefined object: it was dropped meanwhile'),
  again('42883', 'pg_query_failed', 'undefined function: it was dropped meanwhile'),
  again('42710', 'pg_query_failed', 'duplicate object: another made it meanwhile'),
  again('42P07', 'pg_query_failed', 'duplicate table: another made it meanwhile'),
  person('42', 'pg_query_refused', 'syntax error or access rule violation, such as in a statement of the configuration'),
  alone('53300', 'wal_senders_exhausted', 'too many connections of walsenders', { named: 'max_wal_senders' }),
  alone('53300', 'pg_connections_exhausted', 'too many connections'),
  alone('53400', 'pg_resources_exhausted', 'a query needs more temporary files than allowed', { named: 'temp_file_limit' }),
  person('53400', 'replication_slots_exhausted', 'a limit of the configuration, such as max_replication_slots'),
  alone('53', 'pg_resources_exhausted', 'disk full, out of memory'),
  person('54', 'pg_query_refused', 'a limit of PostgreSQL itself'),
  person('55000', 'wal_level_not_logical', 'wal_level is not logical', { named: 'wal_level' }),
  person('55000', 'slot_unsuitable', 'the slot is of another database', { subject: 'slot', named: 'not created in this database' }),
  person('55000', 'slot_unsuitable', 'the slot is physical', { subject: 'slot', named: 'physical' }),
  person('55000', 'slot_unsuitable', 'the server is a standby', { subject: 'slot', named: 'recovery' }),
  person('55000', 'slot_lost', 'the slot was invalidated', { subject: 'slot', named: 'can no longer' }),
  person('55000', 'slot_lost', 'the slot was invalidated', { subject: 'slot', named: 'cannot read from' }),
  again('55000', 'slot_not_ready', 'the slot is not in the state for it; the next attempt asks the catalog why', SLOT),
  alone('55006', 'slot_in_use', 'object in use'),
  person('55P02', 'pg_query_refused', 'a setting cannot be changed now'),
  again('55', 'pg_query_failed', 'not in the state for it, a lock not available'),
  person('57P04', 'pg_database_missing', 'the database was dropped'),
  alone('57P05', 'pg_connection_lost', 'idle_session_timeout'),
  alone('57014', 'pg_query_failed', 'cancelled, or over its time'),
  alone('57', 'pg_shutting_down', 'an operator or a crash: shutdown, start, recovery'),
  person('58P01', 'slot_lost', 'undefined file: the WAL was removed', SLOT),
  person('58', 'pg_storage_failed', 'system error: I/O, a missing file'),
  person('F0', 'pg_query_refused', 'error of the configuration file'),
  person('P0', 'pg_query_refused', 'raised by a function or trigger'),
  person('XX001', 'pg_storage_failed', 'data corrupted'),
  person('XX002', 'pg_storage_failed', 'index corrupted'),
  again('XX', 'pg_query_failed', 'internal error, such as a catalog entry that goes at this moment'),
];

/** For a state that is not in the table: the trouble may pass by itself, and each attempt meets it once only. */
const UNKNOWN: Omit<StateEntry, 'state'> = { healing: 'again', becomes: 'pg_query_failed', note: 'not known' };

export function stateEntry(state: string, message: string, subject: ErrorSubject): StateEntry {
  const row = POSTGRES_STATES.find(
    (each) =>
      (each.state === state || (each.state.length === 2 && state.startsWith(each.state))) &&
      (each.subject === undefined || each.subject === subject) &&
      (each.named === undefined || message.includes(each.named)),
  );
  return row ?? { state, ...UNKNOWN };
}
