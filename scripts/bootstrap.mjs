/**
 * Owns the way from a bare clone to a running script: installs the dependencies when they are missing or out of date, then runs the
 * script named on the command line with the Node that they bring. Plain JavaScript, for it may run on an older Node itself.
 *
 *   node scripts/bootstrap.mjs                             installs only
 *   node scripts/bootstrap.mjs scripts/test.ts --unit    installs and runs
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const NODE_MAJOR_MIN = 24;
const PARENT_POLL_MS = 500;
const projectDir = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const modulesDir = join(projectDir, 'node_modules');
const lockFile = join(projectDir, 'package-lock.json');
const stampFile = join(modulesDir, '.installed-lock');

if (!dependenciesAreCurrent()) await installDependencies();
const [script, ...args] = process.argv.slice(2);
if (script !== undefined) runScript(script, args);

/** Compares the contents of package-lock.json where this script installed; after a plain `npm ci` only the times can be compared. */
function dependenciesAreCurrent() {
  const npmStamp = join(modulesDir, '.package-lock.json');
  if (!existsSync(npmStamp)) return false;
  if (existsSync(stampFile)) return readFileSync(stampFile, 'utf8') === lockHash();
  return statSync(npmStamp).mtimeMs >= statSync(lockFile).mtimeMs;
}

function lockHash() {
  return createHash('sha256').update(readFileSync(lockFile)).digest('hex');
}

async function installDependencies() {
  console.log('[setup] installing dependencies (npm ci)');
  const startedMs = Date.now();
  const ticker = setInterval(() => console.log(`[setup] npm ci, ${Math.round((Date.now() - startedMs) / 1000)} s`), 5_000);
  const { code, output } = await capture('npm', ['ci', '--no-audit', '--no-fund']);
  clearInterval(ticker);
  if (code === 0) {
    writeFileSync(stampFile, lockHash());
    console.log(`[setup] dependencies ready after ${((Date.now() - startedMs) / 1000).toFixed(1)} s`);
    return;
  }
  const log = join(projectDir, 'npm-ci.log');
  writeFileSync(log, output);
  const noNetwork = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|network/i.test(output);
  const reason = code === undefined ? 'npm is missing' : noNetwork ? 'no network or no registry reachable' : `exit code ${code}`;
  fail(`npm ci failed: ${reason} (details: ${log})`);
}

function capture(command, args) {
  return new Promise((settle) => {
    const chunks = [];
    const child = spawn(command, args, { cwd: projectDir, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.on('data', (chunk) => chunks.push(chunk));
    child.stderr.on('data', (chunk) => chunks.push(chunk));
    child.on('error', () => settle({ code: undefined, output: '' }));
    child.on('close', (code) => settle({ code: code ?? -1, output: Buffer.concat(chunks).toString('utf8') }));
  });
}

/** The path of the right Node, which the dependency `node` brings. The name alone may still mean an older one to the shell. */
function nodePath() {
  const installed = join(modulesDir, 'node', 'bin', 'node');
  if (existsSync(installed)) return installed;
  if (Number(process.versions.node.split('.')[0]) >= NODE_MAJOR_MIN) return process.execPath;
  return fail(
    `Node ${NODE_MAJOR_MIN} is needed, this is ${process.versions.node}, and the dependency "node" has no program: are npm's install scripts switched off?`,
  );
}

function runScript(script, args) {
  const path = `${join(modulesDir, '.bin')}${delimiter}${process.env.PATH ?? ''}`;
  // kafkajs sets timers in the past; Node warns about each.
  const nodeArgs = ['--disable-warning=TimeoutNegativeWarning', join(projectDir, script), ...args];
  const child = spawn(nodePath(), nodeArgs, { cwd: projectDir, stdio: 'inherit', env: { ...process.env, PATH: path } });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  // The shell between npm and us may end by a signal without passing it on.
  const parent = process.ppid;
  const orphanCheck = setInterval(() => process.ppid !== parent && child.kill('SIGTERM'), PARENT_POLL_MS);
  orphanCheck.unref();
  child.on('error', (error) => fail(error.message));
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 1;
    if (signal !== null) console.error(`[setup] ${script} ended by ${signal}`);
    process.exit();
  });
}

function fail(message) {
  console.error(`[setup] ${message}`);
  process.exit(1);
}
