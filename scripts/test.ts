/**
 * Owns `npm test`: type check, lint, the servers' binaries, then the test lanes, and the closing line `N passed, N failed`.
 * `--all` adds the long matrices, `--unit` leaves out what needs a server.
 * A step that fails counts as one failure and does not keep the others from running. Further arguments go to vitest.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { COUNT_FILE_VARIABLE, type TestCount } from '../test/harness/counting-reporter.ts';
import { ALL_PARTS, ensureStack, StackError } from './stack.ts';

const PROJECT_DIR = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const BIN_DIR = join(PROJECT_DIR, 'node_modules', '.bin');

/** `budgetS` is the time that a lane should take on two cores. A lane that takes `HARD_LIMIT_FACTOR` times as long is ended. */
type Lane = { readonly name: string; readonly budgetS: number };
const HARD_LIMIT_FACTOR = 3;
const LANES: readonly Lane[] = [
  { name: 'unit', budgetS: 50 },
  { name: 'integration', budgetS: 400 },
];
const LONG_LANES: readonly Lane[] = [
  { name: 'unit', budgetS: 50 },
  { name: 'integration', budgetS: 2_400 },
];

async function main(): Promise<void> {
  const args = process.argv.slice(2);
  const runsLong = args.includes('--all');
  const isUnitOnly = args.includes('--unit');
  const vitestArgs = args.filter((arg) => arg !== '--all' && arg !== '--unit');
  const total: TestCount = { passed: 0, failed: 0, skipped: 0 };
  const count = (ok: boolean): void => {
    if (!ok) total.failed += 1;
  };
  count(await step('typecheck', 'tsc', ['--noEmit', '-p', PROJECT_DIR]));
  count(await step('lint', 'biome', ['check', PROJECT_DIR]));
  const hasStack = isUnitOnly || (await installStack());
  count(hasStack);
  for (const lane of runsLong ? LONG_LANES : LANES) {
    if (lane.name === 'integration' && (isUnitOnly || !hasStack)) continue;
    const result = await runLane(lane, { runsLong, vitestArgs });
    total.passed += result.passed;
    total.failed += result.failed;
    total.skipped += result.skipped;
  }
  if (total.skipped > 0) console.log(`${total.skipped} skipped (each named above)`);
  console.log(`${total.passed} passed, ${total.failed} failed`);
  process.exitCode = total.failed === 0 ? 0 : 1;
}

async function installStack(): Promise<boolean> {
  try {
    await ensureStack(ALL_PARTS, (line) => console.log(line));
    return true;
  } catch (error) {
    if (!(error instanceof StackError)) throw error;
    console.log(`[stack] ${error.message}`);
    return false;
  }
}

async function step(name: string, tool: string, args: readonly string[]): Promise<boolean> {
  const startedMs = Date.now();
  const code = await run({ args: [join(BIN_DIR, tool), ...args], timeoutMs: 300_000, env: process.env });
  console.log(`[test] ${name}: ${code === 0 ? 'ok' : 'FAILED'} in ${seconds(startedMs)} s`);
  return code === 0;
}

async function runLane(lane: Lane, o: { runsLong: boolean; vitestArgs: readonly string[] }): Promise<TestCount> {
  const startedMs = Date.now();
  const folder = mkdtempSync(join(tmpdir(), 'slotline-count-'));
  const countFile = join(folder, 'count.json');
  const env = { ...process.env, [COUNT_FILE_VARIABLE]: countFile, SLOTLINE_TEST_ALL: o.runsLong ? '1' : '' };
  const args = [join(BIN_DIR, 'vitest'), 'run', '--project', lane.name, '--passWithNoTests', ...o.vitestArgs];
  try {
    const code = await run({ args, timeoutMs: lane.budgetS * HARD_LIMIT_FACTOR * 1000, env });
    const result = readCount(countFile);
    // vitest also fails without a failed test, such as when a set-up threw; that counts as one failure
    if (code !== 0 && result.failed === 0) result.failed = 1;
    const over = (Date.now() - startedMs) / 1000 > lane.budgetS ? ', OVER its budget' : '';
    console.log(
      `[test] lane ${lane.name}: ${result.passed} passed, ${result.failed} failed in ${seconds(startedMs)} s (budget ${lane.budgetS} s${over})`,
    );
    return result;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function readCount(file: string): TestCount {
  try {
    const parsed: Partial<TestCount> = JSON.parse(readFileSync(file, 'utf8'));
    return { passed: parsed.passed ?? 0, failed: parsed.failed ?? 0, skipped: parsed.skipped ?? 0 };
  } catch {
    return { passed: 0, failed: 1, skipped: 0 }; // it ended before it could count
  }
}

/** Runs a tool by its path with the Node that runs us. All tools are scripts for Node, or links to such. */
async function run(o: { args: readonly string[]; timeoutMs: number; env: NodeJS.ProcessEnv }): Promise<number> {
  const args = ['--disable-warning=TimeoutNegativeWarning', ...o.args];
  const child = spawn(process.execPath, args, { cwd: PROJECT_DIR, stdio: 'inherit', env: o.env, timeout: o.timeoutMs });
  const forward = (signal: NodeJS.Signals): void => {
    child.kill(signal);
  };
  process.on('SIGINT', forward).on('SIGTERM', forward);
  const code = await new Promise<number>((settle, fail) => {
    child.once('error', fail);
    child.once('exit', (exitCode) => settle(exitCode ?? -1));
  });
  process.off('SIGINT', forward).off('SIGTERM', forward);
  return code;
}

function seconds(sinceMs: number): string {
  return ((Date.now() - sinceMs) / 1000).toFixed(1);
}

await main();
