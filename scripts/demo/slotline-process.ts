/** Owns the Slotline process of the demo: its environment, its log lines in short, its end. */

import { spawn } from 'node:child_process';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { trackProcess } from '../../test/harness/process.ts';

const PROJECT_DIR = resolve(dirname(fileURLToPath(import.meta.url)), '..', '..');
/** Slotline itself promises to end within 10 s. */
const STOP_TIMEOUT_MS = 15_000;
/** The flags of the launcher's first line, which has no effect where Node is given the launcher as an argument. */
const NODE_FLAGS = ['--max-semi-space-size=4'];
const KEPT_LINES = 10;
/** pino's level numbers. */
const WARN_LEVEL = 40;

export type SlotlineProcess = {
  /** Settles when the process has ended. */
  readonly exited: Promise<{ code: number | null; lastLines: readonly string[] }>;
  /** Sends SIGTERM, and SIGKILL where that does not end the process. Returns the exit code. */
  stop(): Promise<number | null>;
};

export function startSlotline(o: { env: Readonly<Record<string, string>>; print: (line: string) => void }): SlotlineProcess {
  const config = join(PROJECT_DIR, 'config', 'demo.json');
  const args = [...NODE_FLAGS, join(PROJECT_DIR, 'bin', 'slotline.mjs'), 'run', '--config', config];
  // Its own process group: a Ctrl-C in the terminal is for the demo, which then stops Slotline in good order.
  const child = spawn(process.execPath, args, {
    cwd: PROJECT_DIR,
    env: { ...process.env, ...o.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const lastLines: string[] = [];
  const keep = (line: string): void => {
    lastLines.push(line);
    if (lastLines.length > KEPT_LINES) lastLines.shift();
    const text = shortLogLine(line);
    if (text !== undefined) o.print(text);
  };
  for (const stream of [child.stdout, child.stderr]) eachLine(stream, keep);
  if (child.pid !== undefined) trackProcess(child, child.pid);
  const exited = new Promise<{ code: number | null; lastLines: readonly string[] }>((settle, fail) => {
    child.once('error', fail);
    child.once('close', (code) => {
      settle({ code, lastLines });
    });
  });
  const stop = async (): Promise<number | null> => {
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    const { code } = await exited;
    clearTimeout(timer);
    return code;
  };
  return { exited, stop };
}

function eachLine(stream: Readable, use: (line: string) => void): void {
  createInterface({ input: stream }).on('line', use);
}

/** `event field=value …` of a JSON line; warnings are marked. What is no JSON line is shown as it is. */
function shortLogLine(line: string): string | undefined {
  if (line.trim() === '') return undefined;
  const parsed = parseObject(line);
  if (parsed === undefined) return line;
  const { level, time: _time, pid: _pid, hostname: _hostname, event, msg, ...fields } = parsed;
  const rest = Object.entries(fields).map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  const mark = typeof level === 'number' && level >= WARN_LEVEL ? 'WARN ' : '';
  return `${mark}${[event ?? msg, ...rest].join(' ')}`;
}

function parseObject(line: string): Record<string, unknown> | undefined {
  try {
    const parsed: unknown = JSON.parse(line);
    return typeof parsed === 'object' && parsed !== null ? { ...parsed } : undefined;
  } catch {
    return undefined;
  }
}
