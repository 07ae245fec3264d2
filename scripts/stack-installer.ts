/**
 * Owns running the tools that install the servers' binaries (npm, Maven, pip, apt-get, javac), and what their failure means. Does not
 * know which parts there are (stack.ts, stack-optional.ts).
 */
import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

/** A failure of the machine, not of the code: its message is one line that says what to do. */
export class StackError extends Error {}

export const PROJECT_DIR = resolve(dirname(fileURLToPath(import.meta.url)), '..');
/** A part has about 60 MB; a link that needs longer than this is too slow to wait for. */
const INSTALL_TIMEOUT_MS = 600_000;

export function stackDir(): string {
  return resolve(process.env['SLOTLINE_STACK_DIR'] ?? join(PROJECT_DIR, '.stack'));
}

type Installer = { command: string; args: readonly string[]; cwd: string; missing: string };

/** Runs the tool and returns its output. */
export async function runInstaller(installer: Installer): Promise<string> {
  const result = await run({ ...installer, timeoutMs: INSTALL_TIMEOUT_MS });
  if (result === 'missing') throw new StackError(installer.missing);
  if (result.exitCode === 0) return result.output;
  const log = join(stackDir(), `${installer.command}-failed.log`);
  await writeFile(log, result.output);
  if (looksLikeNoNetwork(result.output)) {
    throw new StackError(
      `${installer.command} could not download the server binaries: no network or no registry reachable (details: ${log})`,
    );
  }
  throw new StackError(`${installer.command} failed with exit code ${result.exitCode} (details: ${log})`);
}

function looksLikeNoNetwork(output: string): boolean {
  return /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|UnknownHostException|Could not transfer|Unknown host|No plugin found for prefix|Connection refused|timed out/i.test(
    output,
  );
}

type Command = { command: string; args: readonly string[]; cwd: string; timeoutMs: number };

export async function run(o: Command): Promise<'missing' | { exitCode: number; output: string }> {
  const child = spawn(o.command, o.args, { cwd: o.cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  // spawn's own timeout would keep us alive to its end where the program does not exist
  const timer = setTimeout(() => child.kill('SIGKILL'), o.timeoutMs);
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
  const ended = new Promise<'missing' | { exitCode: number; output: string }>((settle, fail) => {
    child.on('error', (error: NodeJS.ErrnoException) => (error.code === 'ENOENT' ? settle('missing') : fail(error)));
    child.on('close', (code) => settle({ exitCode: code ?? -1, output: Buffer.concat(chunks).toString('utf8') }));
  });
  return await ended.finally(() => clearTimeout(timer));
}
