/**
 * Owns private PostgreSQL servers for tests, demo and bench: real binaries, a temp folder, a free port, gone at the end.
 * Does not install the binaries (scripts/stack.ts) and does not share servers (shared.ts).
 */
import { spawn } from 'node:child_process';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { ensureStack, type PostgresBinaries, type PostgresServerName, postgresBinaries, postgresPart } from '../../scripts/stack.ts';
import { freePorts } from './ports.ts';
import {
  dataFolder,
  giveToUnprivileged,
  removeTemporaryFolder,
  runsAsRoot,
  type ServerProcess,
  spawnIdentity,
  startServer,
  temporaryFolder,
  waitForExit,
} from './process.ts';
import { until } from './until.ts';

/** Where to reach a server and what a test does with it; shared servers are handed out as this. */
export type PostgresHandle = {
  readonly major: PostgresServerName;
  readonly host: string;
  readonly port: number;
  /** The folder of the Unix socket; '' where the server was named by an environment variable that does not tell. */
  readonly socketDir: string;
  readonly superuser: string;
  readonly password: string;
  /** One statement on a connection of its own, as superuser. */
  query(database: string, sql: string): Promise<pg.QueryResult>;
  createDatabase(name: string, encoding?: string): Promise<void>;
  /** A connected client as superuser. Its later connection errors are swallowed: a test that stops the server sees them in its queries. */
  connect(database: string): Promise<pg.Client>;
};

export type PostgresServer = PostgresHandle & {
  readonly dataDir: string;
  stop(mode?: 'fast' | 'immediate'): Promise<void>;
  start(): Promise<void>;
  pid(): number;
  [Symbol.asyncDispose](): Promise<void>;
};

export type PostgresOptions = {
  readonly major: PostgresServerName;
  /** Server settings; they win over the defaults below. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Lines that stand before the default pg_hba.conf lines (the first that matches decides). */
  readonly hbaLines?: readonly string[];
  readonly port?: number;
  readonly password?: string;
};

/** Nothing in a test survives its server's machine, so nothing is synced to disk; everything else is as users run it. */
const DEFAULT_SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  wal_level: 'logical',
  max_wal_senders: '40',
  max_replication_slots: '40',
  max_connections: '100',
  fsync: 'off',
  full_page_writes: 'off',
  // Its transactions reach the stream as empty ones before release 15, where no test expects them.
  autovacuum: 'off',
};
const START_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 60_000;
const START_ATTEMPTS = 3;
const CONNECT_TIMEOUT_MS = 5_000;
const DEFAULT_PASSWORD = 'test-superuser';

/** A new cluster and its running server: wal_level=logical, password login (SCRAM) over TCP, trust on the socket. */
export async function startPostgres(o: PostgresOptions): Promise<PostgresServer> {
  await ensureStack([postgresPart(o.major)], (line) => console.log(line));
  const binaries = await usableBinaries(o.major);
  const folder = dataFolder(`pg${o.major}`, { unprivileged: true });
  const password = o.password ?? DEFAULT_PASSWORD;
  const dataDir = join(folder, 'data');
  const socketDir = join(folder, 'socket');
  await mkdir(socketDir);
  giveToUnprivileged(socketDir);
  await initializeCluster({ binaries, folder, dataDir, password, hbaLines: o.hbaLines ?? [] });
  const server = new NativePostgres({ ...o, folder, dataDir, socketDir, password, binaries });
  await server.startFirst();
  return server;
}

/** A handle on any reachable server. */
export function postgresHandle(o: Omit<PostgresHandle, 'query' | 'createDatabase' | 'connect'>): PostgresHandle {
  const connect = (database: string): Promise<pg.Client> => connectAs(o, database);
  const query = async (database: string, sql: string): Promise<pg.QueryResult> => {
    const client = await connect(database);
    try {
      return await client.query(sql);
    } finally {
      await client.end();
    }
  };
  const createDatabase = async (name: string, encoding = 'UTF8'): Promise<void> => {
    await query('postgres', createDatabaseSql(o.major, name, encoding));
  };
  return { ...o, connect, query, createDatabase };
}

export function createDatabaseSql(major: PostgresServerName, name: string, encoding: string): string {
  // Since 15 the server would write the whole template to the WAL, which every walsender then reads.
  const strategy = major === 14 ? '' : ' strategy file_copy';
  return `create database ${pg.escapeIdentifier(name)} template template0 encoding '${encoding}' locale 'C'${strategy}`;
}

type ServerAddress = { readonly host: string; readonly port: number; readonly superuser: string; readonly password: string };

async function connectAs(server: ServerAddress, database: string): Promise<pg.Client> {
  const { host, port, superuser: user, password } = server;
  const client = new pg.Client({ host, port, user, password, database, connectionTimeoutMillis: CONNECT_TIMEOUT_MS });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

type NativeOptions = PostgresOptions & {
  readonly folder: string;
  readonly dataDir: string;
  readonly socketDir: string;
  readonly password: string;
  readonly binaries: PostgresBinaries;
};

class NativePostgres implements PostgresServer {
  readonly major: PostgresServerName;
  readonly host = '127.0.0.1';
  readonly superuser = 'postgres';
  readonly password: string;
  readonly socketDir: string;
  readonly dataDir: string;
  readonly #options: NativeOptions;
  #port = 0;
  #process: ServerProcess | undefined;

  constructor(options: NativeOptions) {
    this.#options = options;
    this.major = options.major;
    this.password = options.password;
    this.socketDir = options.socketDir;
    this.dataDir = options.dataDir;
  }

  get port(): number {
    return this.#port;
  }

  /** Another process may take a free port before the server binds it: then a new one is tried. A port that was asked for is not replaced. */
  async startFirst(): Promise<void> {
    const asked = this.#options.port;
    for (let attempt = 1; ; attempt++) {
      this.#port = asked ?? (await freePorts(1))[0] ?? 0;
      try {
        await this.start();
        return;
      } catch (error) {
        const portTaken = error instanceof Error && /could not bind|Address already in use/.test(error.message);
        if (asked !== undefined || !portTaken || attempt === START_ATTEMPTS) throw error;
      }
    }
  }

  async start(): Promise<void> {
    const { binaries, dataDir, socketDir, settings, folder } = this.#options;
    const merged = { ...DEFAULT_SETTINGS, unix_socket_directories: socketDir, port: String(this.#port), ...settings };
    const flags = Object.entries(merged).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const server = await startServer({
      name: `PostgreSQL ${this.major}`,
      command: binaries.postgres,
      args: ['-D', dataDir, ...flags],
      logFile: join(folder, 'server.log'),
      env: serverEnv(binaries),
      unprivileged: true,
      killSignal: 'SIGQUIT',
    });
    this.#process = server;
    await until(
      `PostgreSQL ${this.major} accepts connections`,
      async () => {
        if (server.hasExited()) return 'ended';
        await this.query('postgres', 'select 1');
        return 'ready';
      },
      { timeoutMs: START_TIMEOUT_MS },
    );
    if (server.hasExited()) throw new Error(`PostgreSQL ${this.major} ended at its start. Its log ends:\n${server.logTail()}`);
  }

  async stop(mode: 'fast' | 'immediate' = 'fast'): Promise<void> {
    const server = this.#process;
    if (server === undefined) return;
    server.signal(mode === 'fast' ? 'SIGINT' : 'SIGQUIT');
    await waitForExit(server, { what: `PostgreSQL ${this.major} (${mode} shutdown)`, timeoutMs: STOP_TIMEOUT_MS });
    this.#process = undefined;
  }

  pid(): number {
    if (this.#process === undefined) throw new Error('The server is stopped');
    return this.#process.pid;
  }

  query(database: string, sql: string): Promise<pg.QueryResult> {
    return postgresHandle(this).query(database, sql);
  }

  createDatabase(name: string): Promise<void> {
    return postgresHandle(this).createDatabase(name);
  }

  connect(database: string): Promise<pg.Client> {
    return connectAs(this, database);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop('immediate');
    await removeTemporaryFolder(this.#options.folder);
  }
}

type ClusterOptions = {
  readonly binaries: PostgresBinaries;
  readonly folder: string;
  readonly dataDir: string;
  readonly password: string;
  readonly hbaLines: readonly string[];
};

async function initializeCluster(o: ClusterOptions): Promise<void> {
  const passwordFile = join(o.folder, 'password');
  await writeFile(passwordFile, o.password, { mode: 0o600 });
  giveToUnprivileged(passwordFile);
  const login = ['--username=postgres', `--pwfile=${passwordFile}`, '--auth-local=trust', '--auth-host=scram-sha-256'];
  const args = ['-D', o.dataDir, ...login, '--encoding=UTF8', '--no-locale', '--no-sync'];
  const result = await runUnprivileged(o.binaries.initdb, args, serverEnv(o.binaries));
  if (result.exitCode !== 0) throw new Error(`initdb failed with exit code ${result.exitCode}:\n${result.output}`);
  if (o.hbaLines.length === 0) return;
  const hbaFile = join(o.dataDir, 'pg_hba.conf');
  await writeFile(hbaFile, `${o.hbaLines.join('\n')}\n${await readFile(hbaFile, 'utf8')}`);
}

/** The caller's PG* and locale variables must not reach a server under test. */
function serverEnv({ libraryDirs }: PostgresBinaries): NodeJS.ProcessEnv {
  const env = { PATH: process.env['PATH'] ?? '', LC_ALL: 'C', TZ: 'UTC' };
  return libraryDirs.length === 0 ? env : { ...env, LD_LIBRARY_PATH: libraryDirs.join(':') };
}

const usable = new Map<PostgresServerName, Promise<PostgresBinaries>>();

function usableBinaries(major: PostgresServerName): Promise<PostgresBinaries> {
  const known = usable.get(major) ?? findUsableBinaries(major);
  usable.set(major, known);
  return known;
}

/** As root the server runs as another user, who may not reach our folder (a clone under a closed home): then it gets a copy. */
async function findUsableBinaries(major: PostgresServerName): Promise<PostgresBinaries> {
  const installed = postgresBinaries(major);
  const result = await runUnprivileged(installed.postgres, ['--version'], serverEnv(installed)).catch(() => undefined);
  if (result?.exitCode === 0) return installed;
  if (!runsAsRoot) throw new Error(`${installed.postgres} does not start here${result === undefined ? '' : `:\n${result.output}`}`);
  const nativeDir = join(temporaryFolder(`pg${major}-bin`, { unprivileged: true }), 'native');
  await cp(installed.nativeDir, nativeDir, { recursive: true, verbatimSymlinks: true });
  return installed.within(nativeDir);
}

async function runUnprivileged(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<{ exitCode: number; output: string }> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], cwd: '/', env, ...spawnIdentity() });
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
  return await new Promise((settle, fail) => {
    child.once('error', fail);
    child.once('close', (code) => settle({ exitCode: code ?? -1, output: Buffer.concat(chunks).toString('utf8') }));
  });
}
