/** Owns the start and the end of the shared servers of one integration run, and says which were taken. */
import { existsSync, statfsSync } from 'node:fs';
import { freemem } from 'node:os';
import process from 'node:process';
import { OPTIONAL_PARTS, type OptionalPostgres, type PostgresServerName, StackError } from '../../scripts/stack.ts';
import { startKafka } from './kafka.ts';
import { shareKafkaClasses } from './kafka-classes.ts';
import { startPostgres } from './postgres.ts';
import { DATA_PARENT_VARIABLE, TEMP_PARENT } from './process.ts';
import { openRegistryOffice } from './registry.ts';
import { KAFKA_VARIABLE, postgresMissingVariable, postgresVariable } from './shared.ts';

/** Linux keeps what is in it in memory. */
const MEMORY_FOLDER = '/dev/shm';
/** Several times what the servers of a run store at once, which is some 400 MB. */
const MEMORY_BYTES_MIN = 3 * 1024 ** 3;

const started: AsyncDisposable[] = [];

export async function setup(): Promise<void> {
  process.env[DATA_PARENT_VARIABLE] ??= dataParent();
  try {
    started.push(await openRegistryOffice());
    await Promise.all([sharePostgres(18), sharePostgres(14), shareKafka(), ...OPTIONAL_PARTS.map(shareOptionalPostgres)]);
  } catch (error) {
    await teardown();
    throw error;
  }
}

export async function teardown(): Promise<void> {
  await Promise.all(started.splice(0).map((server) => server[Symbol.asyncDispose]()));
}

/** In memory a database is made in 6 ms, on a disk in 180 ms, and most tests make one. */
function dataParent(): string {
  if (!existsSync(MEMORY_FOLDER)) return TEMP_PARENT;
  const { bavail, bsize } = statfsSync(MEMORY_FOLDER);
  return Math.min(bavail * bsize, freemem()) < MEMORY_BYTES_MIN ? TEMP_PARENT : MEMORY_FOLDER;
}

/** What cannot be had here is said with its reason, and so is each test that is skipped for it. */
async function shareOptionalPostgres(name: OptionalPostgres): Promise<void> {
  try {
    await sharePostgres(name);
  } catch (error) {
    if (!(error instanceof StackError)) throw error;
    process.env[postgresMissingVariable(name)] = error.message;
    say(`PostgreSQL ${name}: none: ${error.message}`);
  }
}

async function sharePostgres(major: PostgresServerName): Promise<void> {
  const variable = postgresVariable(major);
  if (process.env[variable]) return say(`PostgreSQL ${major}: the server named by ${variable}`);
  const server = await startPostgres({ major });
  started.push(server);
  const { host, port, socketDir, superuser, password } = server;
  process.env[variable] = `postgres://${superuser}:${password}@${host}:${port}?socketDir=${encodeURIComponent(socketDir)}`;
  say(`PostgreSQL ${major}: native, port ${port}`);
}

async function shareKafka(): Promise<void> {
  if (process.env[KAFKA_VARIABLE]) return say(`Kafka: the brokers named by ${KAFKA_VARIABLE}`);
  await shareKafkaClasses(runBroker);
  const cluster = await startKafka();
  started.push(cluster);
  process.env[KAFKA_VARIABLE] = cluster.bootstrapServers;
  say(`Kafka: native, ${cluster.bootstrapServers}`);
}

async function runBroker(jvmArgs: readonly string[]): Promise<void> {
  await using cluster = await startKafka({ jvmArgs });
  await Promise.all(cluster.brokers.map((broker) => broker.stop()));
}

function say(line: string): void {
  console.log(`[stack] ${line}`);
}
