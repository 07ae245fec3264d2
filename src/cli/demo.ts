/**
 * Owns `slotline demo`: it runs the demo script of a checkout, which brings servers of its own. Does not own the demo: scripts/demo.ts.
 * The published package and the image have no such script, for the servers' binaries are development dependencies.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { SlotlineError } from '../core/errors.ts';
import type { DemoArguments, ExitCode } from './args.ts';

const PROJECT_DIR = resolve(import.meta.dirname, '..', '..');

/** Ends when the demo ends. Throws `usage` outside a checkout. */
export async function runDemo({ seconds }: DemoArguments): Promise<ExitCode> {
  const bootstrap = join(PROJECT_DIR, 'scripts', 'bootstrap.mjs');
  if (!existsSync(bootstrap)) throw new SlotlineError('usage', { reason: 'the demo runs from a checkout of the project: npm run demo' });
  const args = [bootstrap, 'scripts/demo.ts', ...(seconds === undefined ? [] : ['--seconds', String(seconds)])];
  const child = spawn(process.execPath, args, { cwd: PROJECT_DIR, stdio: 'inherit' });
  const forward = (signal: NodeJS.Signals): void => {
    child.kill(signal);
  };
  process.on('SIGINT', forward).on('SIGTERM', forward);
  const code = await new Promise<number>((settle, fail) => {
    child.once('error', fail);
    child.once('exit', (exitCode) => settle(exitCode ?? 1));
  });
  process.off('SIGINT', forward).off('SIGTERM', forward);
  return code === 0 ? 0 : 1;
}
