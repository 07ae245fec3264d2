/**
 * Owns private Kafka clusters for tests, demo and bench: one JVM per broker, KRaft combined mode, temp folders, free ports, gone at
 * the end. Does not install the jars (scripts/stack.ts) and does not share clusters (shared.ts).
 */
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import { ensureStack, javaPath, kafkaClassPath } from '../../scripts/stack.ts';
import { testJvmArgs } from './kafka-classes.ts';
import { BROKER_HOST, type BrokerAddress, brokerProperties, type KafkaListener } from './kafka-properties.ts';
import { freePorts } from './ports.ts';
import { dataFolder, isTestRun, removeTemporaryFolder, type ServerProcess, startServer, waitForExit } from './process.ts';
import { until } from './until.ts';

export type { KafkaListener } from './kafka-properties.ts';

export type Broker = {
  readonly id: number;
  readonly host: string;
  readonly port: number;
  /** SIGKILL, and waits for the end. */
  kill(): Promise<void>;
  /** A controlled shutdown. */
  stop(): Promise<void>;
  /** Starts it again on the same ports and data, and waits until the cluster counts it in. */
  start(): Promise<void>;
  /** SIGSTOP: the process stands still, its connections stay open. */
  pause(): void;
  resume(): void;
  pid(): number | undefined;
};

export type KafkaCluster = {
  /** The PLAINTEXT listener of every broker. */
  readonly bootstrapServers: string;
  /** `host:port,…` by the name of an extra listener. */
  readonly listenerServers: Readonly<Record<string, string>>;
  readonly brokers: readonly Broker[];
  [Symbol.asyncDispose](): Promise<void>;
};

type KafkaOptions = {
  readonly brokers?: 1 | 3;
  /** Lines of server.properties, the same for every broker; they win over the defaults in kafka-properties.ts. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly listeners?: readonly KafkaListener[];
  /** For SCRAM listeners: `SCRAM-SHA-256=[name=alice,password=secret]`, one per credential. */
  readonly scramCredentials?: readonly string[];
  /** Further JVM flags, such as `-Dname=value`. */
  readonly jvmArgs?: readonly string[];
  /** The PLAINTEXT port of the only broker, where it must be a known one. */
  readonly port?: number;
};

/** What the first broker of a test run found in its formatted folder, for those behind it: a JVM less for each. */
const FORMATTED_VARIABLE = 'SLOTLINE_TEST_KAFKA_FORMATTED';
/** A controller waits for more records before it writes one: with 25 ms, a topic is most of a test's wait. */
const TEST_SETTINGS: Readonly<Record<string, string>> = { 'controller.quorum.append.linger.ms': '2' };
const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 30_000;
const START_ATTEMPTS = 3;

/** Starts one broker, or three that replicate (default.replication.factor 3, min.insync.replicas 2), and waits until all are in. */
export async function startKafka(o: KafkaOptions = {}): Promise<KafkaCluster> {
  await ensureStack(['kafka'], (line) => console.log(line));
  for (let attempt = 1; ; attempt++) {
    const cluster = await prepareCluster(o);
    try {
      await Promise.all(cluster.brokers.map((broker) => broker.format()));
      await Promise.all(cluster.brokers.map((broker) => broker.launch()));
      await cluster.waitUntilComplete(cluster.brokers.length);
      return cluster;
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      const portTaken = error instanceof Error && /BindException|Address already in use/.test(error.message);
      if (!portTaken || o.port !== undefined || attempt === START_ATTEMPTS) throw error;
    }
  }
}

type NativeCluster = Omit<KafkaCluster, 'brokers'> & {
  readonly brokers: readonly NativeBroker[];
  waitUntilComplete(count: number): Promise<void>;
};

async function prepareCluster(o: KafkaOptions): Promise<NativeCluster> {
  const count = o.brokers ?? 1;
  const listeners = o.listeners ?? [];
  const perBroker = 2 + listeners.length;
  const ports = await freePorts(count * perBroker);
  const addresses = Array.from({ length: count }, (_, index): BrokerAddress => {
    const [port = 0, controllerPort = 0, ...listenerPorts] = ports.slice(index * perBroker, (index + 1) * perBroker);
    return { id: index + 1, port: o.port ?? port, controllerPort, listenerPorts };
  });
  const bootstrapServers = addresses.map(({ port }) => `${BROKER_HOST}:${port}`).join(',');
  const waitUntilComplete = (wanted: number): Promise<void> => waitForBrokers(bootstrapServers, brokers, wanted);
  const clusterId = uuid();
  const brokers = addresses.map((address) => new NativeBroker({ ...o, address, addresses, clusterId, waitUntilComplete }));
  const listenerServers = Object.fromEntries(
    listeners.map(({ name, host }, index) => [
      name,
      addresses.map(({ listenerPorts }) => `${host ?? BROKER_HOST}:${listenerPorts[index]}`).join(','),
    ]),
  );
  const dispose = async (): Promise<void> => {
    await Promise.all(brokers.map((broker) => broker.dispose()));
  };
  return { bootstrapServers, listenerServers, brokers, waitUntilComplete, [Symbol.asyncDispose]: dispose };
}

/** As Kafka prints one. The tool would take a leading '-' for an option. */
function uuid(): string {
  return randomBytes(16).toString('base64url').replace(/^-/, 'A');
}

type BrokerOptions = KafkaOptions & {
  readonly address: BrokerAddress;
  readonly addresses: readonly BrokerAddress[];
  readonly clusterId: string;
  readonly waitUntilComplete: (count: number) => Promise<void>;
};

class NativeBroker implements Broker {
  readonly id: number;
  readonly host = BROKER_HOST;
  readonly port: number;
  readonly #options: BrokerOptions;
  readonly #folder: string;
  #process: ServerProcess | undefined;

  constructor(options: BrokerOptions) {
    this.#options = options;
    this.id = options.address.id;
    this.port = options.address.port;
    this.#folder = dataFolder(`kafka${this.id}`);
  }

  /** Writes server.properties and formats the log folder. What the tool writes is the same for every broker without credentials, but for ids. */
  async format(): Promise<void> {
    const { address: broker, addresses: all, listeners = [], settings = {}, clusterId, scramCredentials = [] } = this.#options;
    const logDir = join(this.#folder, 'data');
    const lines = isTestRun() ? { ...TEST_SETTINGS, ...settings } : settings;
    await writeFile(this.#propertiesFile, brokerProperties({ broker, all, logDir, listeners, settings: lines }), { mode: 0o600 });
    const formatted = scramCredentials.length === 0 ? process.env[FORMATTED_VARIABLE] : undefined;
    if (formatted !== undefined) return await this.#writeFormatted(logDir, Buffer.from(formatted, 'base64'));
    await this.#runFormat(clusterId, scramCredentials);
    if (isTestRun() && scramCredentials.length === 0)
      process.env[FORMATTED_VARIABLE] = await readFile(join(logDir, 'bootstrap.checkpoint'), 'base64');
  }

  async #writeFormatted(logDir: string, checkpoint: Buffer): Promise<void> {
    const ids = { 'node.id': this.id, 'directory.id': uuid(), 'cluster.id': this.#options.clusterId };
    const lines = Object.entries({ version: 1, ...ids }).map(([name, value]) => `${name}=${value}\n`);
    await mkdir(logDir);
    await writeFile(join(logDir, 'meta.properties'), lines.join(''));
    await writeFile(join(logDir, 'bootstrap.checkpoint'), checkpoint);
  }

  async #runFormat(clusterId: string, scramCredentials: readonly string[]): Promise<void> {
    const scram = scramCredentials.flatMap((credential) => ['--add-scram', credential]);
    const tool = await startServer({
      name: 'Kafka StorageTool',
      command: javaPath(),
      args: [
        ...testJvmArgs(),
        '-cp',
        kafkaClassPath(),
        'kafka.tools.StorageTool',
        'format',
        '-t',
        clusterId,
        '-c',
        this.#propertiesFile,
        ...scram,
      ],
      logFile: join(this.#folder, 'format.log'),
    });
    await waitForExit(tool, { what: 'Kafka StorageTool', timeoutMs: START_TIMEOUT_MS });
    if ((await tool.exited) !== 0) throw new Error(`Kafka's log folder cannot be formatted:\n${tool.logTail()}`);
  }

  /** Starts the JVM and waits for the client port. */
  async launch(): Promise<void> {
    const heap = this.#options.addresses.length > 1 ? '-Xmx384m' : '-Xmx512m';
    const logging = '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn';
    const server = await startServer({
      name: `Kafka broker ${this.id}`,
      command: javaPath(),
      args: [
        heap,
        logging,
        ...testJvmArgs(),
        ...(this.#options.jvmArgs ?? []),
        '-cp',
        kafkaClassPath(),
        'kafka.Kafka',
        this.#propertiesFile,
      ],
      logFile: join(this.#folder, 'server.log'),
    });
    this.#process = server;
    await until(`Kafka broker ${this.id} listens`, async () => server.hasExited() || (await acceptsConnections(this.port)), {
      timeoutMs: START_TIMEOUT_MS,
    });
    if (server.hasExited()) throw new Error(`Kafka broker ${this.id} ended at its start. Its log ends:\n${server.logTail()}`);
  }

  async start(): Promise<void> {
    if (this.#process !== undefined) return;
    await this.launch();
    await this.#options.waitUntilComplete(this.#options.addresses.length);
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  async stop(): Promise<void> {
    await this.#end('SIGTERM');
  }

  pause(): void {
    this.#process?.signal('SIGSTOP');
  }

  resume(): void {
    this.#process?.signal('SIGCONT');
  }

  pid(): number | undefined {
    return this.#process?.pid;
  }

  isRunning(): boolean {
    return this.#process !== undefined && !this.#process.hasExited();
  }

  async dispose(): Promise<void> {
    await this.kill();
    await removeTemporaryFolder(this.#folder);
  }

  get #propertiesFile(): string {
    return join(this.#folder, 'server.properties');
  }

  async #end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const server = this.#process;
    if (server === undefined) return;
    this.#process = undefined;
    server.signal(signal);
    await waitForExit(server, { what: `Kafka broker ${this.id} (${signal})`, timeoutMs: STOP_TIMEOUT_MS });
  }
}

/**
 * A started broker takes part only when the controller has unfenced it; a killed one may come back only when its old session has
 * run out. Only as many as run can be waited for: a test may hold others down.
 */
async function waitForBrokers(bootstrapServers: string, brokers: readonly NativeBroker[], wanted: number): Promise<void> {
  const admin = new Kafka({ brokers: bootstrapServers.split(','), logLevel: logLevel.NOTHING, retry: { retries: 0 } }).admin();
  await until(
    `${wanted} Kafka brokers are in the cluster`,
    async () => {
      const expected = Math.min(wanted, brokers.filter((broker) => broker.isRunning()).length);
      await admin.connect();
      return (await admin.describeCluster()).brokers.length >= expected;
    },
    { timeoutMs: START_TIMEOUT_MS },
  );
  await admin.disconnect();
}

async function acceptsConnections(port: number): Promise<boolean> {
  const socket = connect({ host: BROKER_HOST, port });
  return await new Promise((settle) => {
    socket.once('error', () => settle(false));
    socket.once('connect', () => {
      socket.destroy();
      settle(true);
    });
  });
}
