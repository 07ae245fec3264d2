/**
 * Owns replaying a recorded case through the real Slotline: a database of its own, the recorded statements, the connector in this
 * process against the shared PostgreSQL and Kafka, and reading back what it published. Does not compare.
 */

import type pg from 'pg';
import { SILENT_LOG } from '../../src/core/log.ts';
import { SYSTEM_CLOCK } from '../../src/core/time.ts';
import { createProducerIdentity } from '../../src/kafka/producer/identity.ts';
import { runAttempt } from '../../src/pipeline/life/attempt.ts';
import { LiveState } from '../../src/pipeline/life/live-state.ts';
import { type FreshDatabase, freshDatabase, sharedKafka, uniqueName } from '../harness/shared.ts';
import { until } from '../harness/until.ts';
import {
  type CaseGroup,
  type CaseServer,
  END_STATEMENT,
  type GoldenCase,
  type GoldenRecord,
  isDdl,
  isTopicOf,
  recordedRunId,
  recordedVersion,
  withoutEnd,
} from './replay-cases.ts';
import { resolveCase } from './replay-config.ts';
import { endOffsets, readRecords, type TopicOffsets } from './topics.ts';

const TIMEOUT_MS = 40_000;

export type ReplayOptions = {
  /** Further settings. */
  readonly place?: Readonly<Record<string, string>>;
  /** From what was published to the text that is compared, where it is not JSON. */
  readonly read?: (records: readonly GoldenRecord[]) => Promise<readonly GoldenRecord[]>;
};

type Replay = { readonly golden: GoldenCase; readonly records: readonly GoldenRecord[] };

/** Making a topic costs a broker more than a case's records; a start reads the whole topic, so no more than some connectors share one. */
const OFFSET_TOPIC_CONNECTORS = 16;
const OFFSET_TOPICS = uniqueName('golden.offsets');
let started = 0;

function offsetTopic(): string {
  return `${OFFSET_TOPICS}.${Math.floor(started++ / OFFSET_TOPIC_CONNECTORS)}`;
}

/** Where every replay of this run runs. */
function replayPlace(
  server: { readonly host: string; readonly port: number; readonly superuser: string; readonly password: string },
  o: { readonly database: string; readonly slot: string },
): Readonly<Record<string, string>> {
  const { database, slot } = o;
  return {
    name: slot,
    'bootstrap.servers': sharedKafka().bootstrapServers,
    'database.hostname': server.host,
    'database.port': String(server.port),
    'database.user': server.superuser,
    'database.password': server.password,
    'database.dbname': database,
    'plugin.name': 'pgoutput',
    'slot.name': slot,
    'offset.storage.topic': offsetTopic(),
    'offset.storage.partitions': '1',
    'offset.storage.replication.factor': '1',
    'producer.linger.ms': '0',
  };
}

/**
 * Runs the statements once, with a connector for each case of the group. The recorded topic names are used as they are, for they are in
 * keys, and keys hash to partitions: so only what came to the topics since the start is read, and a group runs on one server of a broker at a time.
 */
export async function replayGroup(group: CaseGroup, server: CaseServer, o: ReplayOptions = {}): Promise<Replay[]> {
  const db = await freshDatabase(server);
  const starts = await endOffsets(topicsOf(group));
  const running: RunningCase[] = [];
  try {
    const [first] = group.cases;
    for (const statement of first?.setup ?? []) await db.client.query(statement);
    // One after the other: both make sure of the same publication.
    for (const golden of group.cases) running.push(await startCase(golden, db, o));
    await runSteps(db, first?.steps ?? [], running);
    await db.client.query(END_STATEMENT);
    await settle(db.client, running);
    return await readReplays(group, starts, o);
  } finally {
    for (const one of running) one.stop.abort();
    await Promise.all(running.map((one) => one.ended));
    await db.drop();
  }
}

type RunningCase = {
  readonly slot: string;
  readonly stop: AbortController;
  /** Never rejects; what ended it early, if anything. */
  readonly ended: Promise<unknown>;
  failure: unknown;
};

async function startCase(golden: GoldenCase, db: FreshDatabase, o: ReplayOptions): Promise<RunningCase> {
  const slot = uniqueName('golden');
  const resolved = resolveCase(golden, { ...replayPlace(db.server, { database: db.database, slot }), ...o.place });
  if (resolved.tag === 'refused') throw new Error(`${golden.name}: ${resolved.why}`);
  const stop = new AbortController();
  const { promise: started, resolve: onStarted, reject } = Promise.withResolvers<void>();
  const deps = {
    options: resolved.options,
    log: SILENT_LOG,
    clock: SYSTEM_CLOCK,
    random: Math.random,
    version: recordedVersion(golden),
    runId: recordedRunId(golden),
    producerIdentity: createProducerIdentity(),
    live: new LiveState(resolved.options),
  };
  const task = runAttempt(deps, { snapshotTaken: false }, { started: onStarted, stop: stop.signal, onProgress: () => {} });
  const running: RunningCase = { slot, stop, failure: undefined, ended: task.catch((error: unknown) => onEnd(error)) };
  const onEnd = (error: unknown): void => {
    running.failure = error;
    reject(error);
  };
  await started;
  return running;
}

/** What Debezium was given time for, Slotline is waited for: before a table changes, everything before it is published. */
async function runSteps(db: FreshDatabase, steps: readonly (readonly string[])[], running: readonly RunningCase[]): Promise<void> {
  let dirty = false;
  for (const step of steps) {
    const changesTables = step.some(isDdl);
    if (changesTables && dirty) {
      await settle(db.client, running);
      dirty = false;
    }
    if (!step.every(isDdl)) dirty = true;
    if (step.length > 1) await db.client.query('begin');
    for (const statement of step) await db.client.query(statement);
    if (step.length > 1) await db.client.query('commit');
  }
}

/** Until the server has it confirmed that everything so far is in Kafka. */
async function settle(client: pg.Client, running: readonly RunningCase[]): Promise<void> {
  const { rows } = await client.query<{ lsn: string }>('select pg_current_wal_insert_lsn()::text as lsn');
  const slots = running.map((one) => one.slot);
  await until(
    'everything is published and confirmed',
    async () => {
      for (const one of running) if (one.failure !== undefined) return true;
      const { rows: behind } = await client.query(
        'select 1 from pg_replication_slots where slot_name = any($1) and (confirmed_flush_lsn is null or confirmed_flush_lsn < $2::pg_lsn)',
        [slots, rows[0]?.lsn],
      );
      return behind.length === 0;
    },
    { timeoutMs: TIMEOUT_MS },
  );
  for (const one of running) if (one.failure !== undefined) throw one.failure;
}

function topicsOf(group: CaseGroup): (topic: string) => boolean {
  return (topic) => group.cases.some((golden) => isTopicOf(golden, topic));
}

async function readReplays(group: CaseGroup, starts: TopicOffsets, o: ReplayOptions): Promise<Replay[]> {
  const published = await readRecords({ starts, ends: await endOffsets(topicsOf(group)) });
  const records = o.read === undefined ? published : await o.read(published);
  return group.cases.map((golden) => ({ golden, records: withoutEnd(records.filter(({ topic }) => isTopicOf(golden, topic))) }));
}
