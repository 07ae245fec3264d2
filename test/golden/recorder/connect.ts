/**
 * Owns a Kafka Connect worker with Debezium for the recorder: start, its REST API, and its end. Does not know what is recorded.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connectClassPath, javaPath } from '../../../scripts/stack.ts';
import { freePorts } from '../../harness/ports.ts';
import { removeTemporaryFolder, startServer, temporaryFolder, waitForExit } from '../../harness/process.ts';
import { until } from '../../harness/until.ts';

export type ConnectWorker = {
  /** Throws what the worker answers if it refuses. */
  create(name: string, config: Readonly<Record<string, string>>): Promise<void>;
  /** Throws the connector's own error if its task has failed. */
  requireAlive(name: string): Promise<void>;
  remove(name: string): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
};

const START_TIMEOUT_MS = 90_000;
const STOP_TIMEOUT_MS = 30_000;
const JVM = ['-Xmx768m', '-Duser.timezone=UTC', '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn'];

export async function startConnect(bootstrapServers: string): Promise<ConnectWorker> {
  const folder = temporaryFolder('connect');
  const [port = 0] = await freePorts(1);
  const url = `http://127.0.0.1:${port}`;
  await mkdir(join(folder, 'plugins'));
  const propertiesFile = join(folder, 'worker.properties');
  await writeFile(propertiesFile, workerProperties({ bootstrapServers, folder, url }));
  const args = [...JVM, '-cp', connectClassPath(), 'org.apache.kafka.connect.cli.ConnectStandalone', propertiesFile];
  const server = await startServer({ name: 'Kafka Connect', command: javaPath(), args, logFile: join(folder, 'connect.log') });
  await until('Kafka Connect answers', async () => server.hasExited() || (await fetch(url)).ok, { timeoutMs: START_TIMEOUT_MS });
  if (server.hasExited()) throw new Error(`Kafka Connect ended at its start. Its log ends:\n${server.logTail()}`);
  return {
    create: async (name, config) => void (await request({ url, method: 'POST', path: '/connectors', body: { name, config } })),
    requireAlive: (name) => requireAlive(url, name),
    remove: async (name) => void (await request({ url, method: 'DELETE', path: `/connectors/${name}` })),
    [Symbol.asyncDispose]: async () => {
      server.signal('SIGTERM');
      await waitForExit(server, { what: 'Kafka Connect', timeoutMs: STOP_TIMEOUT_MS });
      await removeTemporaryFolder(folder);
    },
  };
}

function workerProperties(o: { bootstrapServers: string; folder: string; url: string }): string {
  const converter = 'org.apache.kafka.connect.json.JsonConverter';
  return [
    `bootstrap.servers=${o.bootstrapServers}`,
    `key.converter=${converter}`,
    `value.converter=${converter}`,
    `offset.storage.file.filename=${join(o.folder, 'offsets')}`,
    'offset.flush.interval.ms=1000',
    `listeners=${o.url}`,
    'plugin.discovery=service_load',
    `plugin.path=${join(o.folder, 'plugins')}`,
    '',
  ].join('\n');
}

type Request = { readonly url: string; readonly method: string; readonly path: string; readonly body?: unknown };

async function request({ url, method, path, body }: Request): Promise<unknown> {
  const init = body === undefined ? { method } : { method, body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
  const response = await fetch(url + path, init);
  const text = await response.text();
  if (!response.ok) throw new Error(`Kafka Connect answers ${response.status} to ${method} ${path}: ${text}`);
  return text === '' ? undefined : JSON.parse(text);
}

type Status = { readonly connector?: TaskStatus; readonly tasks?: readonly TaskStatus[] };
type TaskStatus = { readonly state: string; readonly trace?: string };

async function requireAlive(url: string, name: string): Promise<void> {
  const response = await fetch(`${url}/connectors/${name}/status`);
  if (!response.ok) return; // it is not known yet
  const status: Status = JSON.parse(await response.text());
  const failed = [status.connector, ...(status.tasks ?? [])].find((one) => one?.state === 'FAILED');
  if (failed !== undefined) throw new ConnectorFailedError(failed.trace ?? 'no trace');
}

/** No wait may swallow it. */
export class ConnectorFailedError extends Error {}
