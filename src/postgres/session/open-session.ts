/**
 * Owns opening a session: sslmode's attempts, login, pinned settings, the clock over all of it. The only file that
 * imports `pg`, which does authentication and SQL. The session itself is session.ts; TLS and the socket transport.ts.
 */
import { Client } from 'pg';
import { SlotlineError } from '../../core/errors.ts';
import type { DatabaseOptions } from '../../core/options.ts';
import { Scope } from '../../core/scope.ts';
import { connectionError, type ServerAddress } from './errors.ts';
import { ClientSession, type PgSession, type QueryPatience } from './session.ts';
import { type Encryption, encryptionAttempts, tlsOptions } from './tls-options.ts';
import { openTransport, type TransportRequest } from './transport.ts';
import { WireBridge } from './wire-bridge.ts';

export type { PgSession, QueryOptions, QueryPatience } from './session.ts';
export type { SocketOwner } from './transport.ts';

type SessionRequest = {
  /** A walsender of the database (`replication=database`): takes replication commands, and SQL by the simple protocol. */
  readonly replication?: boolean;
  readonly applicationName: string;
  /** Aborts the opening only; queries have signals of their own. On abort the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Settings besides the pinned ones, e.g. `wal_sender_timeout` of a replication session. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Aborts queries that name no signal of their own. */
  readonly until?: AbortSignal;
  /** Limit of each query that names none of its own. */
  readonly queryTimeoutMs?: number | undefined;
  /** The same for queries of the extended protocol, which only read. Default: queryTimeoutMs. */
  readonly readTimeoutMs?: number;
  /** Told of queries of the extended protocol. */
  readonly patience?: QueryPatience;
};

/**
 * What the server prints, and how long it lets us work, must not depend on `ALTER ROLE/DATABASE … SET`. These settings go
 * with the startup packet, which beats those defaults. search_path is left alone: row filters and default expressions
 * may need the role's own; our SQL qualifies every name instead. lc_monetary too: it says how many digits `money` has.
 */
const PINNED_SETTINGS: Readonly<Record<string, string>> = {
  DateStyle: 'ISO,MDY',
  IntervalStyle: 'postgres',
  TimeZone: 'UTC',
  bytea_output: 'hex',
  extra_float_digits: '3',
  client_encoding: 'UTF8',
  standard_conforming_strings: 'on',
  quote_all_identifiers: 'off',
  client_min_messages: 'warning',
  statement_timeout: '0',
  lock_timeout: '0',
  idle_in_transaction_session_timeout: '0',
  idle_session_timeout: '0',
  default_transaction_isolation: 'read committed',
  default_transaction_read_only: 'off',
  default_transaction_deferrable: 'off',
  // A policy that hides rows must fail a snapshot loudly, not shorten it.
  row_security: 'off',
};

/** transaction_timeout exists from this version on; an older server refuses a startup packet that names it. */
const TRANSACTION_TIMEOUT_SINCE = 17;

/**
 * Opens a session. Throws SlotlineError: `pg_unreachable`, `pg_tls_failed`, `pg_authentication_failed`,
 * `pg_database_missing`, `pg_shutting_down`, `pg_connections_exhausted`, `wal_senders_exhausted`, `pg_privilege_missing`.
 */
export async function openSession(options: DatabaseOptions, request: SessionRequest): Promise<PgSession> {
  const address: ServerAddress = {
    host: options.hostname,
    port: options.port,
    database: options.dbname,
    user: options.user,
  };
  const encryption = encryptionAttempts(options);
  const tls = encryption.every((one) => one === 'plain') ? {} : await tlsOptions(options);
  const deadline = new AbortController();
  const timer = setTimeout(() => {
    const message = `no session within ${options.connectTimeoutMs} ms`;
    deadline.abort(new SlotlineError('pg_unreachable', { ...address, message }));
  }, options.connectTimeoutMs);
  using scope = new Scope();
  const signal = scope.any(deadline.signal, request.signal);
  try {
    const attempt = { options, address, tlsOptions: tls, signal };
    return await attemptAll(encryption, (one) => openOnce({ ...attempt, encryption: one }, request));
  } finally {
    clearTimeout(timer);
  }
}

/**
 * sslmode allow and prefer: the second attempt comes when the server refused the first one's kind of connection, or when
 * the handshake failed. A wrong password is tried twice, as libpq does, for pg_hba.conf may differ by encryption.
 */
async function attemptAll(
  attempts: readonly Encryption[],
  open: (encryption: Encryption) => Promise<ClientSession>,
): Promise<ClientSession> {
  let first: SlotlineError | undefined;
  for (const encryption of attempts) {
    try {
      return await open(encryption);
    } catch (error) {
      if (!(error instanceof SlotlineError)) throw error;
      if (first !== undefined) throw moreTelling(first, error);
      if (!isRefusal(error, encryption)) throw error;
      first = error;
    }
  }
  throw first ?? new SlotlineError('unexpected', { message: 'sslmode names no connection to try' });
}

function isRefusal(error: SlotlineError, encryption: Encryption): boolean {
  // `offered` without TLS on the server was a plain attempt already.
  if (encryption === 'offered' && error.details.encrypted === false) return false;
  return error.code === 'pg_authentication_failed' || error.code === 'pg_tls_failed';
}

/** Of two refusals "wrong password" says more than "no such line in pg_hba.conf", and that more than "no TLS here". */
function moreTelling(first: SlotlineError, second: SlotlineError): SlotlineError {
  return first.details.sqlState === '28P01' || second.details.tlsOffered === false ? first : second;
}

async function openOnce(attempt: TransportRequest, request: SessionRequest): Promise<ClientSession> {
  const { options, address, signal } = attempt;
  const transport = await openTransport(attempt);
  const bridge = new WireBridge(transport);
  const client = new Client({
    host: options.hostname,
    port: options.port,
    user: options.user,
    database: options.dbname,
    password: () => passwordOf(options, address),
    stream: () => bridge,
    // The transport has done both already. Naming them keeps `pg` from reading PGSSLMODE and PGSSLNEGOTIATION.
    ssl: false,
    sslnegotiation: 'postgres',
    enableChannelBinding: transport.encrypted,
    application_name: request.applicationName,
    options: startupOptions(request.settings ?? {}),
    ...(request.replication === true ? { replication: 'database' } : {}),
  });
  const session = new ClientSession({ client, bridge, transport, address, attempt, request });
  const destroy = (): void => {
    bridge.destroy();
  };
  signal.addEventListener('abort', destroy, { once: true });
  try {
    signal.throwIfAborted();
    await client.connect();
    await settle(session, options, request);
    return session;
  } catch (error) {
    bridge.destroy();
    signal.throwIfAborted();
    const mapped = connectionError(error, { address, opening: true });
    const details = { ...mapped.details, encrypted: transport.encrypted };
    throw new SlotlineError(mapped.code, details, { cause: error });
  } finally {
    signal.removeEventListener('abort', destroy);
  }
}

function passwordOf(options: DatabaseOptions, address: ServerAddress): string {
  const { password } = options;
  if (password !== undefined && password !== '') return password;
  const message = 'the server asks for a password and database.password is not set';
  throw new SlotlineError('pg_authentication_failed', { ...address, message });
}

/** `-c name=value` for each; a space or backslash in a value is escaped. Source: manual, "postgres", option -c; libpq "options". */
function startupOptions(settings: Readonly<Record<string, string>>): string {
  return Object.entries({ ...PINNED_SETTINGS, ...settings })
    .map(([name, value]) => `-c ${name}=${value.replaceAll(/[\\ ]/g, (character) => `\\${character}`)}`)
    .join(' ');
}

/** Runs what cannot go with the startup packet. Initial statements are the user's; the pinned settings are set again after them. */
async function settle(session: ClientSession, options: DatabaseOptions, request: SessionRequest): Promise<void> {
  const statements: string[] = [];
  if (session.serverMajor >= TRANSACTION_TIMEOUT_SINCE) statements.push('set transaction_timeout = 0');
  if (request.replication !== true && options.initialStatements.length > 0) {
    for (const statement of options.initialStatements) await session.simple(statement);
    for (const [name, value] of Object.entries(PINNED_SETTINGS)) statements.push(`set ${name} = '${value}'`);
  }
  for (const statement of statements) await session.simple(statement);
}
