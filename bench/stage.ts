/** Owns what every case runs on: the servers, an SQL session, the topic counter, and how a Slotline is configured for them. */
import type pg from 'pg';
import { type KafkaCluster, startKafka } from '../test/harness/kafka.ts';
import { type PostgresServer, startPostgres } from '../test/harness/postgres.ts';
import { removeTemporaryFolder, temporaryFolder } from '../test/harness/process.ts';
import { startRegistry } from '../test/harness/registry.ts';
import type { BenchOptions } from './options.ts';
import { SlotlineProcess } from './slotline-process.ts';
import { TopicCounter } from './topic.ts';
import { type ChainName, chainConfig } from './transform-chains.ts';
import { createSchema, DATABASE, PUBLICATION, TABLE } from './workload.ts';

export type Stage = {
  readonly options: BenchOptions;
  readonly postgres: PostgresServer;
  readonly kafka: KafkaCluster;
  readonly sql: pg.Client;
  readonly topics: TopicCounter;
  /** The address of the schema registry; undefined without --converter. */
  readonly registryUrl: string | undefined;
  readonly folder: string;
  readonly print: (line: string) => void;
};

/** Keeps checkpoints and autovacuum out of a run. Everything else is the server's default, except fsync=off of the harness. */
export const POSTGRES_SETTINGS: Readonly<Record<string, string>> = {
  autovacuum: 'off',
  max_wal_size: '32GB',
  checkpoint_timeout: '1d',
};

export async function openStage(options: BenchOptions, cleanup: AsyncDisposableStack, print: (line: string) => void): Promise<Stage> {
  print(`starting PostgreSQL ${options.pgMajor} and Kafka`);
  const postgres = cleanup.use(await startPostgres({ major: options.pgMajor, settings: POSTGRES_SETTINGS }));
  const kafka = cleanup.use(await startKafka());
  const registry = options.converter === undefined ? undefined : cleanup.use(await startRegistry());
  const folder = temporaryFolder('bench');
  cleanup.defer(() => removeTemporaryFolder(folder));
  await createSchema(postgres);
  const sql = await postgres.connect(DATABASE);
  cleanup.defer(() => sql.end());
  const topics = cleanup.use(new TopicCounter(kafka.bootstrapServers));
  await topics.connect();
  return { options, postgres, kafka, sql, topics, registryUrl: registry?.url, folder, print };
}

export type SlotlineRun = {
  /** The name of the connector, its slot and its topics. */
  readonly name: string;
  readonly snapshotMode: 'no_data' | 'initial_only';
  /** undefined: the producer's defaults, as users have them. */
  readonly codec: string | undefined;
  readonly publication?: string;
  readonly table?: string;
  /** True: runs the Slotline of --baseline. */
  readonly isBaseline?: boolean;
  /** True: reads the replication stream only, never in bulk. */
  readonly isStreamOnly?: boolean;
  /** True: keys and values are in the format of --converter; else in JSON without schemas. */
  readonly isConverted?: boolean;
  /** Its transforms. */
  readonly chain?: ChainName | undefined;
};

/** Starts a Slotline with a name of its own, so it shares slot, topics and remembered offsets with no other run. */
export function startSlotline(stage: Stage, run: SlotlineRun): SlotlineProcess {
  const { options } = stage;
  return new SlotlineProcess({
    config: slotlineConfig(stage, run),
    folder: stage.folder,
    programDir: run.isBaseline === true ? options.baselineDir : undefined,
    nodeArgs: options.nodeArgs,
    profile: options.profileDir === undefined ? undefined : { dir: options.profileDir, name: run.name },
  });
}

export function topicOf(run: SlotlineRun): string {
  return `${run.name}.public.${run.table ?? TABLE}`;
}

function slotlineConfig(stage: Stage, run: SlotlineRun): Record<string, string> {
  const { postgres, kafka, options } = stage;
  return {
    name: run.name,
    'bootstrap.servers': kafka.bootstrapServers,
    'database.hostname': postgres.host,
    'database.port': String(postgres.port),
    'database.user': postgres.superuser,
    'database.password': postgres.password,
    'database.dbname': DATABASE,
    'database.sslmode': 'disable',
    'plugin.name': 'pgoutput',
    'slot.name': run.name,
    'publication.name': run.publication ?? PUBLICATION,
    'publication.autocreate.mode': 'disabled',
    'table.include.list': `public\\.${run.table ?? TABLE}`,
    'topic.prefix': run.name,
    'topic.creation.default.partitions': '1',
    'topic.creation.default.replication.factor': '1',
    'offset.storage.topic': `${run.name}.offsets`,
    'offset.storage.replication.factor': '1',
    ...converterConfig(stage, 'key.converter', run.isConverted === true),
    ...converterConfig(stage, 'value.converter', run.isConverted === true),
    'snapshot.mode': run.snapshotMode,
    ...(run.codec === undefined ? {} : { 'producer.compression.type': run.codec }),
    ...(run.isStreamOnly === true ? { 'slotline.catchup.mode': 'off' } : {}),
    ...(run.chain === undefined ? {} : chainConfig(run.chain)),
    ...options.settings,
  };
}

function converterConfig({ options, registryUrl }: Stage, name: string, isConverted: boolean): Record<string, string> {
  if (!isConverted || options.converter === undefined) return { [name]: 'json', [`${name}.schemas.enable`]: 'false' };
  return { [name]: options.converter, [`${name}.schema.registry.url`]: registryUrl ?? '' };
}
