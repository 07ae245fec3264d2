/**
 * Owns schema registries for tests, private ones and the one that is shared: Apicurio and its Confluent API, in memory, or in a file where a test stops it and wants its ids
 * back. Does not install it (scripts/stack.ts).
 * A registry named by SLOTLINE_TEST_REGISTRY is taken where no test needs to stop it.
 */
import { rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import process from 'node:process';
import { ensureStack, javaPath, registryJar } from '../../scripts/stack.ts';
import { freePorts } from './ports.ts';
import { dataFolder, removeTemporaryFolder, type ServerProcess, startServer, waitForExit } from './process.ts';
import { until } from './until.ts';

const REGISTRY_VARIABLE = 'SLOTLINE_TEST_REGISTRY';
/** Where a run's tests ask for the registry that they share. */
const REGISTRY_OFFICE_VARIABLE = 'SLOTLINE_TEST_REGISTRY_OFFICE';

export type RegistryServer = {
  /** Of the Confluent API: schema.registry.url. */
  readonly url: string;
  /** SIGTERM, and waits for the end; what was registered is lost unless it keeps its data. */
  stop(): Promise<void>;
  /** Starts it again on the same port. */
  start(): Promise<void>;
  /** Removes what a stopped registry has kept. */
  forget(): Promise<void>;
  /** SIGSTOP: it accepts connections and answers nothing. */
  pause(): void;
  resume(): void;
  [Symbol.asyncDispose](): Promise<void>;
};

const DATA_FOLDER = 'data';
/** Its start is most of what it ever computes: the first compiler alone takes half the CPU. */
const JAVA_OPTIONS = ['-Xmx384m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC'];
const START_TIMEOUT_MS = 120_000;
const STOP_TIMEOUT_MS = 30_000;

export async function startRegistry(o: { readonly keepsData: boolean } = { keepsData: false }): Promise<RegistryServer> {
  await ensureStack(['registry'], (line) => console.log(line));
  const [port = 0] = await freePorts(1);
  const folder = dataFolder('registry');
  const url = `http://127.0.0.1:${port}/apis/ccompat/v7`;
  let server: ServerProcess | undefined;
  const start = async (): Promise<void> => {
    const args = [...JAVA_OPTIONS, '-Dquarkus.http.host=127.0.0.1', `-Dquarkus.http.port=${port}`, '-jar', registryJar()];
    const env = o.keepsData
      ? { ...process.env, REGISTRY_DATASOURCE_URL: `jdbc:h2:file:${join(folder, DATA_FOLDER, 'registry')}` }
      : process.env;
    const started = await startServer({ name: 'schema registry', command: javaPath(), args, env, logFile: join(folder, 'registry.log') });
    server = started;
    await until('the schema registry answers', async () => started.hasExited() || (await isUp(url)), { timeoutMs: START_TIMEOUT_MS });
    if (started.hasExited()) throw new Error(`the schema registry ended at its start. Its log ends:\n${started.logTail()}`);
  };
  const stop = async (): Promise<void> => {
    if (server === undefined || server.hasExited()) return;
    server.signal('SIGCONT');
    server.signal('SIGTERM');
    await waitForExit(server, { what: 'the schema registry', timeoutMs: STOP_TIMEOUT_MS });
  };
  await start();
  return {
    url,
    stop,
    start,
    forget: () => rm(join(folder, DATA_FOLDER), { recursive: true, force: true }),
    pause: () => server?.signal('SIGSTOP'),
    resume: () => server?.signal('SIGCONT'),
    [Symbol.asyncDispose]: async () => {
      await stop();
      await removeTemporaryFolder(folder);
    },
  };
}

export type SomeRegistry = Pick<RegistryServer, 'url'> & AsyncDisposable;

/** The registry that is named, else a private one. */
export async function anyRegistry(): Promise<SomeRegistry> {
  const url = process.env[REGISTRY_VARIABLE];
  return url ? notOurs(url) : await startRegistry();
}

/** That of this run: other files write to it at the same time, so the subjects must be of the test's own. */
export async function sharedRegistry(): Promise<SomeRegistry> {
  const url = process.env[REGISTRY_VARIABLE] || (await askOffice());
  return url === undefined ? await startRegistry() : notOurs(url);
}

function notOurs(url: string): SomeRegistry {
  return { url, [Symbol.asyncDispose]: async () => {} };
}

async function askOffice(): Promise<string | undefined> {
  const office = process.env[REGISTRY_OFFICE_VARIABLE];
  if (office === undefined) return undefined;
  const answer = await fetch(office);
  const text = await answer.text();
  if (!answer.ok) throw new Error(text);
  return text;
}

/** One registry for the tests of a run, started when the first of them asks: most runs of a single file need none. */
export async function openRegistryOffice(): Promise<AsyncDisposable> {
  let registry: Promise<RegistryServer> | undefined;
  const office = createServer((_, response) => {
    registry ??= startRegistry();
    registry.then(
      ({ url }) => response.end(url),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  const [port = 0] = await freePorts(1);
  await new Promise<void>((settle) => office.listen(port, '127.0.0.1', settle));
  process.env[REGISTRY_OFFICE_VARIABLE] = `http://127.0.0.1:${port}`;
  return {
    async [Symbol.asyncDispose]() {
      office.close();
      await (await registry?.catch(() => undefined))?.[Symbol.asyncDispose]();
    },
  };
}

async function isUp(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/subjects`)).ok;
  } catch {
    return false;
  }
}
