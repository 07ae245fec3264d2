/**
 * Owns the life of server processes and their temp folders: start, signals, exit, and that none outlives us.
 * Does not know PostgreSQL or Kafka.
 *
 * Three nets: the owner stops its server; an `exit` hook kills what is left; and a guard, a small shell in a session of its own that
 * reads our pipe, does the same when we die without running any hook (SIGKILL, a crashed test worker).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { chownSync, closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import type { Writable } from 'node:stream';

/** A user without rights ("nobody"): PostgreSQL refuses to run as root. */
const UNPRIVILEGED_ID = 65534;
/** A Unix socket's path has 107 bytes at most, and a TMPDIR under a home folder may be closed to the user above. */
export const TEMP_PARENT = '/tmp';
const LOG_TAIL_LINES = 15;

/** Set in a test run (global-setup.ts), not in a benchmark: where servers keep their data. */
export const DATA_PARENT_VARIABLE = 'SLOTLINE_TEST_DATA';

export const runsAsRoot = process.getuid?.() === 0;

/** `killSignal` is what ends the process for sure and cleanly enough: SIGQUIT for PostgreSQL, which then frees its shared memory. */
type ServerCommand = {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly logFile: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly unprivileged?: boolean;
  readonly killSignal?: 'SIGKILL' | 'SIGQUIT';
};

export type ServerProcess = {
  readonly pid: number;
  /** Settles, never fails, when the process has ended. */
  readonly exited: Promise<number | NodeJS.Signals>;
  hasExited(): boolean;
  signal(signal: NodeJS.Signals): void;
  logTail(): string;
};

const running = new Map<number, NodeJS.Signals>();
const folders = new Set<string>();
let guardInput: Writable | undefined;

/** Starts a process that ends with us at the latest. stdout and stderr go to `logFile`. */
export async function startServer(o: ServerCommand): Promise<ServerProcess> {
  const log = openSync(o.logFile, 'a');
  const user = o.unprivileged && runsAsRoot ? { uid: UNPRIVILEGED_ID, gid: UNPRIVILEGED_ID } : {};
  const child = spawn(o.command, o.args, { stdio: ['ignore', log, log], env: o.env ?? process.env, detached: true, ...user });
  closeSync(log);
  const pid = await new Promise<number>((settle, fail) => {
    child.once('error', (error) => fail(new Error(`${o.name} cannot be started: ${error.message}`, { cause: error })));
    child.once('spawn', () => settle(child.pid ?? 0));
  });
  const tracked = trackProcess(child, pid, o.killSignal);
  return { ...tracked, logTail: () => readTail(o.logFile) };
}

/** Puts a process that someone else spawned under the same three nets. */
export function trackProcess(
  child: ChildProcess,
  pid: number,
  killSignal: 'SIGKILL' | 'SIGQUIT' = 'SIGKILL',
): Omit<ServerProcess, 'logTail'> {
  running.set(pid, killSignal);
  tellGuard(`run ${pid} ${killSignal.slice(3)}`);
  let ended = false;
  const exited = new Promise<number | NodeJS.Signals>((settle) => {
    child.once('exit', (code, signal) => {
      ended = true;
      running.delete(pid);
      tellGuard(`end ${pid}`);
      settle(signal ?? code ?? -1);
    });
  });
  // A server left running must not keep the program alive; whoever waits for it holds a timer or a socket.
  child.unref();
  return {
    pid,
    exited,
    hasExited: () => ended,
    signal: (signal) => {
      if (ended) return;
      try {
        process.kill(pid, signal);
        if (signal === 'SIGSTOP') awaitStopped(pid);
      } catch (error) {
        // It ended just now, and 'exit' has not been emitted yet.
        if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
      }
    },
  };
}

const STOP_DEADLINE_MS = 5_000;

/** On a busy machine the threads of a process go on for a moment behind SIGSTOP: what is sent to it then may still be answered. */
function awaitStopped(pid: number): void {
  if (process.platform !== 'linux') return;
  const deadlineMs = performance.now() + STOP_DEADLINE_MS;
  const pause = new Int32Array(new SharedArrayBuffer(4));
  while (!hasStopped(pid) && performance.now() < deadlineMs) Atomics.wait(pause, 0, 0, 1);
}

function hasStopped(pid: number): boolean {
  const isStopped = (thread: string): boolean => {
    try {
      // pid (comm) state …
      return /\) [TtXZ] /.test(readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8'));
    } catch {
      return true; // that thread has ended
    }
  };
  try {
    return readdirSync(`/proc/${pid}/task`).every(isStopped);
  } catch {
    return true; // so has the process
  }
}

/** Waits for the end, and kills it (and fails) when it does not come in time. */
export async function waitForExit(server: ServerProcess, o: { what: string; timeoutMs: number }): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'late'>((settle) => {
    timer = setTimeout(() => settle('late'), o.timeoutMs);
  });
  const outcome = await Promise.race([server.exited, late]);
  clearTimeout(timer);
  if (outcome !== 'late') return;
  server.signal('SIGKILL');
  throw new Error(`${o.what} did not end within ${o.timeoutMs} ms; killed. Its log ends:\n${server.logTail()}`);
}

/** A folder for one server, removed with it, or when we end. */
export function temporaryFolder(prefix: string, o: { unprivileged?: boolean } = {}): string {
  return newFolder(TEMP_PARENT, prefix, o);
}

/** A test's server lives for seconds or minutes: it is to start cheaply, a benchmark's to run fast. */
export function isTestRun(): boolean {
  return process.env[DATA_PARENT_VARIABLE] !== undefined;
}

/** The same, for what a server stores. */
export function dataFolder(prefix: string, o: { unprivileged?: boolean } = {}): string {
  return newFolder(process.env[DATA_PARENT_VARIABLE] ?? TEMP_PARENT, prefix, o);
}

function newFolder(parent: string, prefix: string, o: { unprivileged?: boolean }): string {
  const folder = mkdtempSync(join(parent, `slotline-${prefix}-`));
  folders.add(folder);
  tellGuard(`dir ${folder}`);
  if (o.unprivileged) giveToUnprivileged(folder);
  return folder;
}

export async function removeTemporaryFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  folders.delete(folder);
}

export function giveToUnprivileged(path: string): void {
  if (runsAsRoot) chownSync(path, UNPRIVILEGED_ID, UNPRIVILEGED_ID);
}

export function spawnIdentity(): { uid?: number; gid?: number } {
  return runsAsRoot ? { uid: UNPRIVILEGED_ID, gid: UNPRIVILEGED_ID } : {};
}

function readTail(file: string): string {
  try {
    return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-LOG_TAIL_LINES).join('\n');
  } catch {
    return '(no log)';
  }
}

function killAll(): void {
  for (const [pid, signal] of running) {
    try {
      process.kill(pid, 'SIGCONT'); // a stopped process would not see SIGQUIT
      process.kill(pid, signal);
    } catch {
      // it ended in this moment
    }
  }
}

/**
 * Reads `run PID SIGNAL`, `end PID`, `dir PATH`. At the end of its input: signal what still runs, up to 10 s later SIGKILL, then
 * remove the folders. It ignores the terminal's signals, for it must outlive us.
 */
const GUARD_SCRIPT = `
trap '' INT TERM HUP
runs= dirs=
while read -r verb first second; do
  case $verb in
    run) runs="$runs $first:$second" ;;
    end) kept=; for r in $runs; do [ "\${r%%:*}" = "$first" ] || kept="$kept $r"; done; runs=$kept ;;
    dir) dirs="$dirs $first" ;;
  esac
done
for r in $runs; do kill -CONT "\${r%%:*}"; kill -"\${r##*:}" "\${r%%:*}"; done
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
  alive=; for r in $runs; do kill -0 "\${r%%:*}" && alive=1; done
  [ -n "$alive" ] || break
  sleep 0.5
done
for r in $runs; do kill -KILL "\${r%%:*}"; done
for d in $dirs; do rm -rf "$d"; done
`;

function tellGuard(line: string): void {
  guardInput ??= startGuard();
  guardInput.write(`${line}\n`);
}

function startGuard(): Writable {
  const guard = spawn('sh', ['-c', GUARD_SCRIPT], { stdio: ['pipe', 'ignore', 'ignore'], detached: true, cwd: '/' });
  guard.unref();
  guard.stdin.on('error', () => undefined); // without a guard two nets remain
  if ('unref' in guard.stdin && typeof guard.stdin.unref === 'function') guard.stdin.unref();
  process.once('exit', onExit);
  return guard.stdin;
}

/** Servers are signalled here at once; the guard waits for their end and removes folders that are still in use now. */
function onExit(): void {
  killAll();
  if (running.size > 0) return;
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
}
