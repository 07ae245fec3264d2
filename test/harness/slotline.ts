/**
 * Owns running the real program as a child process: a config object in, log events out, signals, exit code, peak memory. Does not know
 * what a connector does; tests wait on its log events with deadlines.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { PostgresHandle } from './postgres.ts';
import { removeTemporaryFolder, temporaryFolder, trackProcess } from './process.ts';

const PROJECT_DIR = resolve(dirname(fileURLToPath(import.meta.url)), '..', '..');
const WAIT_TIMEOUT_MS = 20_000;

export type ConnectorConfig = Readonly<Record<string, string>>;

export type LogLine = {
  readonly event: string;
  readonly level: string;
  readonly time: string;
  readonly [field: string]: unknown;
};

type LogCondition = string | ((line: LogLine) => boolean);

export type Slotline = {
  readonly pid: number;
  readonly config: ConnectorConfig;
  /** Every log line so far. */
  readonly lines: readonly LogLine[];
  /** Settles when the process has ended: its exit code, or the signal. */
  readonly exited: Promise<number | NodeJS.Signals>;
  hasExited(): boolean;
  stderr(): string;
  /** The last log lines, for the message of a failed test. */
  tail(): string;
  /** The first line that fits, from line number `from` on. Fails when the process ends before. */
  waitFor(condition: LogCondition, o?: { timeoutMs?: number; from?: number }): Promise<LogLine>;
  /** SIGKILL, and waits for the end. */
  kill(): Promise<void>;
  /** SIGTERM, and waits for the end. */
  stop(): Promise<{ exitCode: number | NodeJS.Signals; tookMs: number }>;
  pause(): void;
  resume(): void;
  /** Peak resident set size of the process so far (VmHWM). */
  peakMemoryMb(): number;
  /** Kills it if it still runs. */
  [Symbol.asyncDispose](): Promise<void>;
};

type ConnectorPlace = {
  readonly server: Pick<PostgresHandle, 'host' | 'port' | 'superuser' | 'password'>;
  readonly database: string;
  readonly bootstrapServers: string;
  /** Topic prefix, slot and publication. */
  readonly name: string;
};

/** What every test needs said; `overrides` win. Rows are JSON without schemas, one partition per topic, every line logged. */
export function connectorConfig(place: ConnectorPlace, overrides: ConnectorConfig = {}): ConnectorConfig {
  const { server, database, bootstrapServers, name } = place;
  return {
    name,
    'bootstrap.servers': bootstrapServers,
    'database.hostname': server.host,
    'database.port': String(server.port),
    'database.user': server.superuser,
    'database.password': server.password,
    'database.dbname': database,
    'slot.name': name,
    'publication.name': name,
    'publication.autocreate.mode': 'filtered',
    'table.include.list': 'public\\..*',
    'topic.prefix': name,
    'topic.creation.default.partitions': '1',
    'topic.creation.default.replication.factor': '-1',
    'offset.storage.topic': `${name}.offsets`,
    'offset.storage.partitions': '1',
    'offset.storage.replication.factor': '1',
    'key.converter': 'json',
    'key.converter.schemas.enable': 'false',
    'value.converter': 'json',
    'value.converter.schemas.enable': 'false',
    'slotline.log.level': 'debug',
    ...overrides,
  };
}

/** Starts `slotline run` on the config; it ends with the test process at the latest. */
export function startSlotline(config: ConnectorConfig): Slotline {
  const folder = temporaryFolder('run');
  const file = join(folder, 'connector.json');
  writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
  // As the launcher's first line starts it.
  const launcher = ['--max-semi-space-size=4', join(PROJECT_DIR, 'bin', 'slotline.mjs')];
  const child = spawn(process.execPath, [...launcher, 'run', '--config', file], {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  if (child.pid === undefined) throw new Error('Slotline cannot be started');
  return new RunningSlotline(child, child.pid, { config, folder });
}

/** Starts it and waits until it streams. */
export async function startStreaming(config: ConnectorConfig, o: { timeoutMs?: number } = {}): Promise<Slotline> {
  const slotline = startSlotline(config);
  try {
    await slotline.waitFor('stream.started', o);
    return slotline;
  } catch (error) {
    await slotline[Symbol.asyncDispose]();
    throw error;
  }
}

type Watcher = { readonly fits: (line: LogLine) => boolean; readonly found: (line: LogLine) => void };

class RunningSlotline implements Slotline {
  readonly pid: number;
  readonly config: ConnectorConfig;
  readonly lines: LogLine[] = [];
  readonly exited: Promise<number | NodeJS.Signals>;
  readonly #process: ReturnType<typeof trackProcess>;
  readonly #folder: string;
  readonly #errors: string[] = [];
  #watchers: Watcher[] = [];

  constructor(child: ChildProcess, pid: number, o: { readonly config: ConnectorConfig; readonly folder: string }) {
    this.pid = pid;
    this.config = o.config;
    this.#folder = o.folder;
    this.#process = trackProcess(child, pid);
    // 'close' comes after 'exit', when the last log line was read.
    this.exited = new Promise((settle) => {
      child.once('close', (code, signal) => settle(signal ?? code ?? -1));
    });
    if (child.stdout !== null) createInterface({ input: child.stdout }).on('line', (text) => this.#onLine(text));
    child.stderr?.on('data', (chunk: Buffer) => this.#errors.push(chunk.toString('utf8')));
  }

  hasExited(): boolean {
    return this.#process.hasExited();
  }

  stderr(): string {
    return this.#errors.join('');
  }

  async waitFor(condition: LogCondition, o: { timeoutMs?: number; from?: number } = {}): Promise<LogLine> {
    const fits = typeof condition === 'string' ? (line: LogLine): boolean => line.event === condition : condition;
    const known = this.lines.slice(o.from ?? 0).find(fits);
    if (known !== undefined) return known;
    const timeoutMs = o.timeoutMs ?? WAIT_TIMEOUT_MS;
    const what = typeof condition === 'string' ? condition : String(condition);
    const { promise, resolve: found, reject } = Promise.withResolvers<LogLine>();
    const timer = setTimeout(() => reject(new Error(`Not logged within ${timeoutMs} ms: ${what}\n${this.tail()}`)), timeoutMs);
    const watcher = { fits, found };
    this.#watchers.push(watcher);
    void this.exited.then((end) => reject(new Error(`Slotline ended (${end}) before it logged ${what}\n${this.tail()}`)));
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#watchers = this.#watchers.filter((other) => other !== watcher);
    }
  }

  async kill(): Promise<void> {
    this.#process.signal('SIGKILL');
    await this.exited;
  }

  async stop(): Promise<{ exitCode: number | NodeJS.Signals; tookMs: number }> {
    const startedMs = performance.now();
    this.#process.signal('SIGTERM');
    const exitCode = await this.exited;
    return { exitCode, tookMs: Math.round(performance.now() - startedMs) };
  }

  pause(): void {
    this.#process.signal('SIGSTOP');
  }

  resume(): void {
    this.#process.signal('SIGCONT');
  }

  peakMemoryMb(): number {
    const status = readFileSync(`/proc/${this.pid}/status`, 'utf8');
    return Math.round(Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1024);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.signal('SIGKILL');
    await this.exited;
    await removeTemporaryFolder(this.#folder);
  }

  #onLine(text: string): void {
    const line = parseLine(text);
    this.lines.push(line);
    for (const watcher of this.#watchers) if (watcher.fits(line)) watcher.found(line);
  }

  tail(): string {
    const last = this.lines.slice(-25).map((line) => JSON.stringify(line));
    return [...last, this.stderr()].join('\n');
  }
}

/** What is no JSON line must not be lost: it shows in a failed test. */
function parseLine(text: string): LogLine {
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === 'object' && parsed !== null && 'event' in parsed) return { level: '', time: '', ...parsed } as LogLine;
  } catch {
    // below
  }
  return { event: 'unreadable', level: 'error', time: '', text };
}
