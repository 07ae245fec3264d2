/**
 * Owns recording one case: its statements on a database of its own, Debezium twice (without schemas and with), and what it published.
 * Does not read or write case files (case-files.ts).
 */
import type pg from 'pg';
import { type FreshDatabase, freshDatabase, uniqueName } from '../../harness/shared.ts';
import { until } from '../../harness/until.ts';
import {
  type CaseColumns,
  type CaseGroup,
  END_STATEMENT,
  type GoldenCase,
  type GoldenRecord,
  hasEndMessage,
  isDdl,
  isEnd,
  isHeartbeatTopic,
  isTopicOf,
  withoutEnd,
} from '../replay-cases.ts';
import { endOffsets, readRecords, type TopicOffsets } from '../topics.ts';
import { addColumns } from './columns.ts';
import { ConnectorFailedError, type ConnectWorker } from './connect.ts';

const TIMEOUT_MS = 90_000;
/**
 * Nothing tells when Debezium has decoded what was sent to it, and it reads a table's keys, defaults and optionality from the live catalog
 * when it decodes the table's first change. So before a statement that changes a table: all is sent, both connectors have published as many
 * records as each other, and no record has come for so long, several times what it takes from the socket to the topic.
 */
const SETTLE_MS = 1_200;
/** The same at the end of a recording without a closing message. */
const SETTLE_AT_END_MS = 3_000;
const SEQUENCE_HEADER = 'golden.sequence';
const CONVERTER = 'org.apache.kafka.connect.json.JsonConverter';

type Recording = { readonly golden: GoldenCase; readonly connector: string; readonly slot: string };

/** What was published, as text that tells where a recording ends. */
type Reader = (records: readonly GoldenRecord[]) => Promise<readonly GoldenRecord[]>;

type RecordedCase = {
  /** With its records as text, and the first of a group with its column types. */
  readonly golden: GoldenCase;
  /** The same records as they were published. */
  readonly published: readonly GoldenRecord[];
};

/** Both cases of the group with their records and column types. */
export async function recordGroup(group: CaseGroup, worker: ConnectWorker): Promise<GoldenCase[]> {
  const recorded = await recordCases(group, worker, async (records) => records);
  return recorded.map(({ golden }) => golden);
}

/** The same where what is published is not text. */
export async function recordCases(group: CaseGroup, worker: ConnectWorker, read: Reader): Promise<RecordedCase[]> {
  const [first] = group.cases;
  if (first === undefined) throw new Error(`${group.name} has no case`);
  const db = await freshDatabase(first.server ?? 18, databaseName(group.name));
  const starts = await endOffsets((topic) => group.cases.some((golden) => isTopicOf(golden, topic)));
  const running: Recording[] = [];
  try {
    const columns: CaseColumns = {};
    for (const statement of first.setup) await db.client.query(statement);
    await addColumns(db.client, columns);
    // One after the other: both make sure of the same publication.
    for (const golden of group.cases) {
      const recording = { golden, connector: uniqueName(group.name), slot: uniqueName('golden') };
      running.push(recording);
      await startRecording(recording, db, worker);
    }
    // A commit between the snapshots and the first event, whatever the first step is.
    await db.client.query('select txid_current()');
    await runSteps({ db, steps: first.steps, columns, settle: () => settle({ client: db.client, worker, running, quietMs: SETTLE_MS }) });
    await db.client.query(END_STATEMENT);
    if (!hasEndMessage(first)) await settle({ client: db.client, worker, running, quietMs: SETTLE_AT_END_MS });
    const recorded: RecordedCase[] = [];
    for (const recording of running) {
      const sent = await readToEnd({ recording, worker, read, starts });
      const records = withoutRepeats(recording.golden, withoutEnd([...sent.keys()]));
      const { records: _, columns: __, ...golden } = recording.golden;
      const published = records.map((record) => sent.get(record) ?? record);
      recorded.push({ golden: { ...golden, ...(recorded.length === 0 ? { columns } : {}), records }, published });
    }
    return recorded;
  } finally {
    // One that never started is not known to the worker.
    for (const { connector } of running) await worker.remove(connector).catch(() => undefined);
    await db.drop();
  }
}

async function startRecording({ golden, connector, slot }: Recording, db: FreshDatabase, worker: ConnectWorker): Promise<void> {
  await worker.create(connector, {
    'connector.class': 'io.debezium.connector.postgresql.PostgresConnector',
    'tasks.max': '1',
    'plugin.name': 'pgoutput',
    'poll.interval.ms': '50',
    'key.converter': CONVERTER,
    'value.converter': CONVERTER,
    'producer.override.interceptor.classes': 'SequenceInterceptor',
    ...golden.settings,
    'database.hostname': db.server.host,
    'database.port': String(db.server.port),
    'database.user': db.server.superuser,
    'database.password': db.server.password,
    'database.dbname': db.database,
    'slot.name': slot,
  });
  await alive(worker, connector, `${connector} streams`, async () => {
    const { rows } = await db.client.query('select 1 from pg_replication_slots where slot_name = $1 and active', [slot]);
    // The slot is active during the snapshot too, as long as its export is held: only START_REPLICATION has a sent position.
    const { rows: streaming } = await db.client.query(
      "select 1 from pg_replication_slots s join pg_stat_replication r on r.pid = s.active_pid where s.slot_name = $1 and r.state = 'streaming'",
      [slot],
    );
    return rows.length > 0 && streaming.length > 0;
  });
}

/** Fails at once where the connector has failed. */
async function alive(worker: ConnectWorker, connector: string, what: string, condition: () => Promise<boolean>): Promise<void> {
  const failure = await until(
    what,
    async () => {
      try {
        await worker.requireAlive(connector);
      } catch (error) {
        if (error instanceof ConnectorFailedError) return error;
        throw error;
      }
      return condition();
    },
    { timeoutMs: TIMEOUT_MS },
  );
  if (failure instanceof Error) throw failure;
}

/** The types of a case's columns alone: its statements are run, and nothing listens. */
export async function findColumns({ name, server, setup, steps }: GoldenCase): Promise<CaseColumns> {
  const db = await freshDatabase(server ?? 18, databaseName(name));
  const columns: CaseColumns = {};
  try {
    for (const statement of setup) await db.client.query(statement);
    await addColumns(db.client, columns);
    await runSteps({ db, steps, columns, settle: async () => undefined });
  } finally {
    await db.drop();
  }
  return columns;
}

function databaseName(caseName: string): string {
  return `golden_${caseName.replaceAll('-', '_')}`.slice(0, 63);
}

type Steps = {
  readonly db: FreshDatabase;
  readonly settle: () => Promise<void>;
  readonly steps: readonly (readonly string[])[];
  readonly columns: CaseColumns;
};

async function runSteps({ db, settle, steps, columns }: Steps): Promise<void> {
  let dirty = false;
  for (const step of steps) {
    const changesTables = step.some(isDdl);
    if (changesTables && dirty) await settle();
    dirty = !step.every(isDdl);
    if (step.length > 1) await db.client.query('begin');
    for (const statement of step) await db.client.query(statement);
    if (step.length > 1) await db.client.query('commit');
    if (changesTables) await addColumns(db.client, columns);
  }
}

type Settling = {
  readonly client: pg.Client;
  readonly worker: ConnectWorker;
  readonly running: readonly Recording[];
  /** How long no record must have come. */
  readonly quietMs: number;
};

async function settle({ client, worker, running, quietMs }: Settling): Promise<void> {
  const { rows } = await client.query<{ lsn: string }>('select pg_current_wal_insert_lsn()::text as lsn');
  const slots = running.map(({ slot }) => slot);
  await until(
    'everything is sent',
    async () => {
      const sent = await client.query(
        'select 1 from pg_replication_slots s join pg_stat_replication r on r.pid = s.active_pid where s.slot_name = any($1) and r.sent_lsn >= $2::pg_lsn',
        [slots, rows[0]?.lsn],
      );
      return sent.rows.length === slots.length;
    },
    { timeoutMs: TIMEOUT_MS },
  );
  await until('both connectors are quiet', quiet({ running, worker, quietMs }), { timeoutMs: TIMEOUT_MS });
}

function quiet({ running, worker, quietMs }: Omit<Settling, 'client'>): () => Promise<boolean> {
  let seen = '';
  let sinceMs = Date.now();
  return async () => {
    for (const { connector } of running) await worker.requireAlive(connector);
    const counts = await Promise.all(running.map(({ golden }) => countRecords(golden)));
    if (counts.join() !== seen || new Set(counts).size > 1) sinceMs = Date.now();
    seen = counts.join();
    return Date.now() - sinceMs > quietMs;
  };
}

/** Without heartbeats, which come when their time is up. */
async function countRecords(golden: GoldenCase): Promise<number> {
  const ends = await endOffsets((topic) => isTopicOf(golden, topic) && !isHeartbeatTopic(golden, topic));
  return [...ends.values()].reduce((sum, end) => sum + end, 0);
}

type Reading = { readonly recording: Recording; readonly worker: ConnectWorker; readonly read: Reader; readonly starts: TopicOffsets };

/** All that the connector sent up to the closing message, in the order it was sent, none missing: as text, and as it was published. */
async function readToEnd({ recording, worker, read, starts }: Reading): Promise<Map<GoldenRecord, GoldenRecord>> {
  const { golden, connector } = recording;
  let records = new Map<GoldenRecord, GoldenRecord>();
  let missing: readonly number[] = [];
  const wait = alive(worker, connector, `${golden.name} is published to its end`, async () => {
    const ends = await endOffsets((topic) => isTopicOf(golden, topic));
    const published = await readRecords({ starts, ends });
    const texts = await read(published);
    const sent = published.map((record, i) => ({ record, text: texts[i] ?? record, sequence: sequenceOf(record) }));
    const last = Math.max(0, ...sent.map(({ sequence }) => sequence));
    const end = hasEndMessage(golden) ? sent.find(({ text }) => isEnd(text))?.sequence : last;
    const sequences = new Set(sent.map(({ sequence }) => sequence));
    missing = Array.from({ length: end ?? 0 }, (_, i) => i + 1).filter((sequence) => !sequences.has(sequence));
    const upToEnd = sent.filter(({ sequence }) => end !== undefined && sequence <= end).sort((a, b) => a.sequence - b.sequence);
    records = new Map(upToEnd.map(({ record, text }) => [asStored(golden, text), asStored(golden, record)]));
    return end !== undefined && missing.length === 0;
  });
  await wait.catch((error: unknown) => {
    if (missing.length > 0)
      throw new Error(`${golden.name}: records ${missing.join(', ')} are in topics that are not of the case`, { cause: error });
    throw error;
  });
  return records;
}

/** How many heartbeats there are depends on how long it took: the first stands for all. */
function withoutRepeats(golden: GoldenCase, records: readonly GoldenRecord[]): GoldenRecord[] {
  return records.filter((record, i) => {
    if (!isHeartbeatTopic(golden, record.topic)) return true;
    return !records.slice(0, i).some(({ topic, key }) => topic === record.topic && key === record.key);
  });
}

function sequenceOf({ topic, headers }: GoldenRecord): number {
  const sequence = Number(headers.find(([name]) => name === SEQUENCE_HEADER)?.[1]);
  if (Number.isNaN(sequence)) throw new Error(`A record of ${topic} has no number`);
  return sequence;
}

function asStored({ timestamps }: GoldenCase, { timestamp, ...record }: GoldenRecord): GoldenRecord {
  const headers = record.headers.filter(([name]) => name !== SEQUENCE_HEADER);
  return { ...record, headers, ...(timestamps && timestamp !== undefined && { timestamp }) };
}
