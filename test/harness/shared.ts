/**
 * Owns the servers that all tests of one run share: PostgreSQL 18, PostgreSQL 14, one Kafka broker. Each test makes its own database
 * and its own topic prefix on them; a test that stops or reconfigures a server starts a private one (postgres.ts, kafka.ts).
 *
 * A server is named by an environment variable. Where it is set already, that server is taken; otherwise the run's global setup starts a
 * native one and sets it. A Docker engine is not used: the native servers start faster and need no image.
 */
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import type { PostgresServerName } from '../../scripts/stack.ts';
import { createDatabaseSql, type PostgresHandle, postgresHandle } from './postgres.ts';
import { until } from './until.ts';

declare module 'pg' {
  // Its types leave it out.
  interface Client {
    unref(): void;
  }
}

export const KAFKA_VARIABLE = 'SLOTLINE_TEST_KAFKA';
const DROP_TIMEOUT_MS = 30_000;

/** `postgres://superuser:password@host:port?socketDir=/path` */
export function postgresVariable(server: PostgresServerName): string {
  return `SLOTLINE_TEST_POSTGRES_${String(server).toUpperCase()}`;
}

/** Holds why an optional server could not be had. */
export function postgresMissingVariable(server: PostgresServerName): string {
  return `${postgresVariable(server)}_MISSING`;
}

/** Why there is no such server in this run; undefined where there is one. */
export function missingPostgres(server: PostgresServerName): string | undefined {
  if (process.env[postgresVariable(server)]) return undefined;
  return process.env[postgresMissingVariable(server)] ?? 'no such server was started';
}

export function sharedPostgres(server: PostgresServerName): PostgresHandle {
  const url = new URL(requiredVariable(postgresVariable(server)));
  return postgresHandle({
    major: server,
    host: url.hostname,
    port: Number(url.port === '' ? 5432 : url.port),
    socketDir: url.searchParams.get('socketDir') ?? '',
    superuser: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
  });
}

export function sharedKafka(): { readonly bootstrapServers: string } {
  return { bootstrapServers: requiredVariable(KAFKA_VARIABLE) };
}

/** Lower-case letters and digits: fit for a database, a slot, a topic prefix. */
export function uniqueName(prefix: string): string {
  return `${prefix}_${randomBytes(5).toString('hex')}`;
}

export type FreshDatabase = {
  readonly server: PostgresHandle;
  readonly database: string;
  /** Connected to the new database as superuser. */
  readonly client: pg.Client;
  /** Ends every connection to it, drops its slots and the database. */
  drop(): Promise<void>;
};

export async function freshDatabase(name: PostgresServerName, database = uniqueName('t'), encoding = 'UTF8'): Promise<FreshDatabase> {
  const server = sharedPostgres(name);
  const admin = await adminOf(server);
  await admin.query(createDatabaseSql(name, database, encoding));
  const client = await server.connect(database);
  return { server, database, client, drop: () => dropDatabase({ server, database, client }) };
}

async function dropDatabase(o: Omit<FreshDatabase, 'drop'>): Promise<void> {
  await o.client.end();
  const admin = await adminOf(o.server);
  // Its slots go with it, once nobody reads from them.
  const readers = `select pg_terminate_backend(active_pid) from pg_replication_slots where active and database = ${pg.escapeLiteral(o.database)}`;
  const isDropped = async (): Promise<boolean> => {
    if ((await admin.query(readers)).rowCount !== 0) return false;
    await admin.query(`drop database ${pg.escapeIdentifier(o.database)} with (force)`);
    return true;
  };
  await until(`database ${o.database} is dropped`, isDropped, { timeoutMs: DROP_TIMEOUT_MS });
}

const admins = new Map<number, Promise<pg.Client>>();

/** One connection for each server and test file: a new one costs more than what is asked over it. It does not keep the process alive. */
function adminOf(server: PostgresHandle): Promise<pg.Client> {
  const known = admins.get(server.port);
  if (known !== undefined) return known;
  const forget = (): void => {
    admins.delete(server.port);
  };
  const opened = server.connect('postgres').then((client) => {
    client.once('end', forget);
    client.unref();
    return client;
  });
  admins.set(server.port, opened);
  opened.catch(forget);
  return opened;
}

function requiredVariable(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === '')
    throw new Error(`${name} is not set: run this test in the integration lane (npx vitest run --project integration)`);
  return value;
}
