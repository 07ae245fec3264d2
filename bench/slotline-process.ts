/** Owns Slotline as a child process as users start it: its config, its log events, its figures, its orderly end. */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { trackProcess } from '../test/harness/process.ts';
import { BenchError } from './options.ts';
import { ProcessWatch } from './process-figures.ts';

const LAUNCH_FLAG = '--max-semi-space-size=4';

export const PROJECT_DIR = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const STOP_TIMEOUT_MS = 15_000;
const KEPT_LINES = 15;

type LogEvent = { readonly event: string; readonly timeMs: number; readonly receivedMs: number; readonly cpuUs: number };

type SlotlineOptions = {
  readonly config: Readonly<Record<string, string>>;
  /** Folder for the config file. */
  readonly folder: string;
  /** The checkout to run; undefined: this one. */
  readonly programDir: string | undefined;
  readonly nodeArgs: readonly string[];
  /** CPU profile: folder and the run's name. */
  readonly profile: { readonly dir: string; readonly name: string } | undefined;
};

export class SlotlineProcess {
  readonly pid: number;
  readonly watch: ProcessWatch;
  readonly #exited: Promise<number | NodeJS.Signals>;
  readonly #signal: (signal: NodeJS.Signals) => void;
  readonly #lastLines: string[] = [];
  readonly #events = new Map<string, LogEvent>();
  readonly #waiting = new Map<string, (event: LogEvent) => void>();
  #ended = false;

  constructor(o: SlotlineOptions) {
    const name = o.config['name'] ?? 'bench';
    const file = join(o.folder, `${name}.json`);
    writeFileSync(file, JSON.stringify(o.config, undefined, 2), { mode: 0o600 });
    const profile =
      o.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${o.profile.dir}`, `--cpu-prof-name=${o.profile.name}.cpuprofile`];
    // The same flags as in the launcher's first line and in the image.
    const programDir = resolve(o.programDir ?? PROJECT_DIR);
    const args = [LAUNCH_FLAG, ...o.nodeArgs, ...profile, join(programDir, 'bin', 'slotline.mjs'), 'run', '--config', file];
    const child = spawn(process.execPath, args, { cwd: programDir, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    if (child.pid === undefined) throw new BenchError('Slotline cannot be started');
    this.pid = child.pid;
    const tracked = trackProcess(child, child.pid);
    this.#signal = tracked.signal;
    this.#exited = tracked.exited.then((code) => {
      this.#ended = true;
      this.watch.stop();
      return code;
    });
    this.watch = new ProcessWatch(child.pid);
    for (const input of [child.stdout, child.stderr]) createInterface({ input }).on('line', (line) => this.#onLine(line));
  }

  /** Waits for the first log line of this event, which may have come already. Rejects when the process ends first. */
  async event(name: string, timeoutMs: number): Promise<LogEvent> {
    const known = this.#events.get(name);
    if (known !== undefined) return known;
    let timer: NodeJS.Timeout | undefined;
    const failed = new Promise<never>((_, fail) => {
      timer = setTimeout(() => fail(this.error(`did not log ${name} within ${timeoutMs} ms`)), timeoutMs);
      void this.#exited.then((code) => fail(this.error(`ended with ${code} before it logged ${name}`)));
    });
    try {
      return await Promise.race([new Promise<LogEvent>((settle) => this.#waiting.set(name, settle)), failed]);
    } finally {
      clearTimeout(timer);
    }
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Waits until the process ends by itself. */
  async exit(timeoutMs = STOP_TIMEOUT_MS): Promise<number | NodeJS.Signals> {
    const timer = setTimeout(() => this.#signal('SIGKILL'), timeoutMs);
    const code = await this.#exited;
    clearTimeout(timer);
    return code;
  }

  /** Sends SIGTERM and throws where the exit code is not 0. */
  async stop(): Promise<void> {
    this.#signal('SIGTERM');
    const code = await this.exit();
    if (code !== 0) throw this.error(`ended with ${code} after SIGTERM`);
  }

  kill(): void {
    this.#signal('SIGKILL');
  }

  error(what: string): BenchError {
    return new BenchError(`Slotline ${what}. Its log ends:\n${this.#lastLines.join('\n')}`);
  }

  #onLine(line: string): void {
    this.#lastLines.push(line);
    if (this.#lastLines.length > KEPT_LINES) this.#lastLines.shift();
    const fields = parseLine(line);
    if (fields === undefined) return;
    const { cpuUs } = this.watch.look();
    const event = { event: fields.event, timeMs: Date.parse(fields.time), receivedMs: performance.now(), cpuUs };
    if (!this.#events.has(fields.event)) this.#events.set(fields.event, event);
    this.#waiting.get(fields.event)?.(event);
    this.#waiting.delete(fields.event);
  }
}

function parseLine(line: string): { event: string; time: string } | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const { event, time }: { event?: unknown; time?: unknown } = JSON.parse(line);
    return typeof event === 'string' && typeof time === 'string' ? { event, time } : undefined;
  } catch {
    return undefined;
  }
}
