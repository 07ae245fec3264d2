/**
 * Owns the facts of a server that a session shows: version, encoding, role in replication, WAL settings. Does not open
 * sessions (open-session.ts). The caller decides, with the checks here, whether a fact stops the start.
 */
import { SlotlineError } from '../../core/errors.ts';
import { type Lsn, parseLsn } from '../../core/lsn.ts';
import type { PgSession } from './open-session.ts';

export type ServerFacts = {
  readonly major: number;
  readonly versionText: string;
  readonly encoding: string;
  readonly inRecovery: boolean;
  readonly walLevel: string;
  /** As text: it has 64 bits. */
  readonly systemIdentifier: string;
  readonly databaseOid: number;
  /** The timeline on which WAL is written; undefined on a standby. */
  readonly timeline: number | undefined;
  /** The setting of this role, 0 for none. */
  readonly walSenderTimeoutMs: number;
  /** The end of WAL: written, or on a standby received. */
  readonly currentLsn: Lsn;
};

const MAJOR_MIN = 14;
const MAJOR_MAX = 18;

/** Needs an SQL session. */
export async function loadServerFacts(session: PgSession): Promise<ServerFacts> {
  const rows = await session.query<FactsRow>(FACTS_SQL);
  const row = rows[0];
  if (row === undefined) throw new SlotlineError('pg_query_failed', { ...session.address, message: 'no row of server facts' });
  return {
    major: session.serverMajor,
    versionText: session.parameters.get('server_version') ?? '',
    encoding: row.encoding,
    inRecovery: row.inRecovery,
    walLevel: row.walLevel,
    systemIdentifier: row.systemIdentifier,
    databaseOid: Number(row.databaseOid),
    timeline: row.walFile === null ? undefined : Number.parseInt(row.walFile.slice(0, 8), 16),
    walSenderTimeoutMs: row.walSenderTimeoutMs,
    currentLsn: parseLsn(row.currentLsn),
  };
}

type FactsRow = {
  encoding: string;
  inRecovery: boolean;
  walLevel: string;
  systemIdentifier: string;
  databaseOid: string;
  walFile: string | null;
  walSenderTimeoutMs: number;
  currentLsn: string;
};

const FACTS_SQL = `
select pg_catalog.pg_encoding_to_char(d.encoding)::text as "encoding",
       pg_catalog.pg_is_in_recovery() as "inRecovery",
       pg_catalog.current_setting('wal_level') as "walLevel",
       (select c.system_identifier::text from pg_catalog.pg_control_system() c) as "systemIdentifier",
       d.oid::text as "databaseOid",
       case when not pg_catalog.pg_is_in_recovery() then pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()) end as "walFile",
       (select s.setting::int4 from pg_catalog.pg_settings s where s.name = 'wal_sender_timeout') as "walSenderTimeoutMs",
       coalesce(case when pg_catalog.pg_is_in_recovery() then pg_catalog.pg_last_wal_receive_lsn()
                     else pg_catalog.pg_current_wal_lsn() end, '0/0')::text as "currentLsn"
  from pg_catalog.pg_database d
 where d.datname = pg_catalog.current_database()`;

/** Throws `pg_version_unsupported`. */
export function requireVersion(facts: Pick<ServerFacts, 'major' | 'versionText'>): void {
  if (facts.major < MAJOR_MIN || facts.major > MAJOR_MAX) {
    throw new SlotlineError('pg_version_unsupported', { version: facts.versionText });
  }
}

/** Every session asks for UTF8. The server cannot convert from these: SQL_ASCII means any bytes, MULE_INTERNAL has no conversion. */
const WITHOUT_CONVERSION: ReadonlySet<string> = new Set(['SQL_ASCII', 'MULE_INTERNAL']);

/** Throws `pg_encoding_unsupported`. */
export function requireEncoding(facts: Pick<ServerFacts, 'encoding'>): void {
  if (WITHOUT_CONVERSION.has(facts.encoding)) throw new SlotlineError('pg_encoding_unsupported', { encoding: facts.encoding });
}

/** Throws `wal_level_not_logical`. */
export function requireLogicalWal(facts: Pick<ServerFacts, 'walLevel'>): void {
  if (facts.walLevel !== 'logical') throw new SlotlineError('wal_level_not_logical', { walLevel: facts.walLevel });
}
