/**
 * Owns the comparison of a topic with what really happened (truth.ts): no hole, order per key, the same content, the final state of the
 * table, duplicates only as contiguous replays of whole transactions after the flushed position, snapshot records at their place.
 *
 * Per partition the topic is a walk over the expected records of that partition: each step goes to the next one, or back to the first
 * record of a transaction. Never forward over one.
 */
import type pg from 'pg';
import { type ConsumedRecord, readTopic } from './consume.ts';
import { type ExpectedRecord, type LoadRow, loadTruth, lsnNumber } from './truth.ts';
import { until } from './until.ts';

type TopicEvent = {
  readonly partition: number;
  readonly offset: string;
  readonly key: number;
  readonly kind: 'c' | 'u' | 'd' | 'tombstone' | 'r';
  readonly row: LoadRow | undefined;
  readonly lsn: number;
  readonly xid: number | null;
  readonly runId: string;
  readonly timestampMs: number;
  /** The value without what may differ in a repetition: the connector's clock, and the first element of `sequence`. */
  readonly stable: string;
};

export type DeliveryReport = {
  readonly expected: number;
  readonly records: number;
  readonly repeated: number;
  /** How often a partition went back. */
  readonly replays: number;
  readonly snapshotRecords: number;
  /** Runs that wrote, oldest first. */
  readonly runIds: readonly string[];
  /** The whole topic, for what a test wants to know besides. */
  readonly events: readonly TopicEvent[];
};

type DeliveryFacts = {
  readonly client: pg.Client;
  readonly bootstrapServers: string;
  readonly topic: string;
  readonly truthSlot: string;
  /** Where our slot began: changes up to here are in the snapshot or nowhere. */
  readonly slotStartLsn: number;
  /** Where each start began, in order. The run that appears as the n-th in the topic was at least the n-th: nothing of it may be older. */
  readonly startLsns?: readonly number[];
  readonly toJson?: ToJson;
};

/** Gives a record of another format as JSON has it. */
export type ToJson = (record: ConsumedRecord) => Promise<ConsumedRecord>;

/** Reads the whole topic and fails at the first thing that is not as it must be. */
export async function verifyDelivery(facts: DeliveryFacts): Promise<DeliveryReport> {
  const truth = await loadTruth(facts.client, facts.truthSlot);
  const events = await readEvents(facts.bootstrapServers, facts.topic, facts.toJson);
  const table = await facts.client.query<{ id: number; version: string; note: string | null }>('select id, version, note from load');
  const streamed = truth.filter(({ commitLsn }) => commitLsn > facts.slotStartLsn);
  const walks = walkPartitions(events, streamed);
  checkContent(events, walks);
  checkSnapshots(events, walks, truth);
  checkFinalState(events, table.rows);
  const runIds = runsInOrder(events);
  checkStarts(events, walks, { runIds, startLsns: facts.startLsns ?? [] });
  const snapshotRecords = events.filter(({ kind }) => kind === 'r').length;
  const replays = [...walks.values()].reduce((sum, walk) => sum + walk.replays, 0);
  const repeated = events.length - snapshotRecords - streamed.length;
  return { expected: streamed.length, records: events.length, repeated, replays, snapshotRecords, runIds, events };
}

export function describeReport(report: DeliveryReport): string {
  const { expected, records, repeated, replays, snapshotRecords, runIds } = report;
  return `${expected} changes, 0 lost; ${records} records by ${runIds.length} runs: ${snapshotRecords} of snapshots, ${repeated} repeated in ${replays} replays`;
}

/** Waits until the server was told that everything up to now is delivered. */
export async function untilAllConfirmed(client: pg.Client, slot: string, o: { timeoutMs: number }): Promise<void> {
  await client.query("insert into load values (0, nextval('versions'), null) on conflict (id) do update set version = excluded.version");
  const { rows } = await client.query<{ lsn: string }>('select pg_current_wal_insert_lsn()::text as lsn');
  const target = rows[0]?.lsn;
  await until(
    `slot ${slot} is confirmed up to ${target}`,
    async () => {
      const found = await client.query(
        `select 1 from pg_replication_slots where slot_name = '${slot}' and confirmed_flush_lsn >= '${target}'`,
      );
      return found.rowCount === 1;
    },
    o,
  );
}

export async function confirmedLsn(client: pg.Client, slot: string): Promise<number> {
  const { rows } = await client.query<{ lsn: string }>(
    `select confirmed_flush_lsn::text as lsn from pg_replication_slots where slot_name = '${slot}'`,
  );
  return lsnNumber(rows[0]?.lsn ?? '0/0');
}

/** The slot has no reader: what the server was told is final. */
export async function untilInactive(client: pg.Client, slot: string): Promise<number> {
  await until(
    `slot ${slot} has no reader`,
    async () => (await client.query(`select 1 from pg_replication_slots where slot_name = '${slot}' and not active`)).rowCount === 1,
    { timeoutMs: 10_000 },
  );
  return confirmedLsn(client, slot);
}

async function readEvents(bootstrapServers: string, topic: string, toJson?: ToJson): Promise<TopicEvent[]> {
  const records = await readTopic(bootstrapServers, topic, { timeoutMs: 60_000 });
  const events: TopicEvent[] = [];
  const lastOf = new Map<number, TopicEvent>();
  for (const record of records) {
    const event = toEvent(toJson === undefined ? record : await toJson(record), lastOf.get(record.partition));
    lastOf.set(record.partition, event);
    events.push(event);
  }
  return events;
}

type Envelope = {
  op: 'c' | 'u' | 'd' | 'r';
  before: LoadRow | null;
  after: LoadRow | null;
  source: { lsn: number; txId: number | null; sequence: string; snapshot: string };
  ts_ms?: number;
  ts_us?: number;
  ts_ns?: number;
};

/** A tombstone stands directly behind its delete, and takes position and transaction from it. */
function toEvent(record: ConsumedRecord, previous: TopicEvent | undefined): TopicEvent {
  const { partition, offset } = record;
  const key: { id: number } = JSON.parse(String(record.key));
  const runId = String(record.headers['__debezium.context.runId']);
  const place = { partition, offset, key: key.id, runId, timestampMs: Number(record.timestamp) };
  if (record.value === null) {
    if (previous?.kind !== 'd' || previous.key !== key.id) fail(place, 'a tombstone without its delete before it');
    return { ...place, kind: 'tombstone', row: undefined, lsn: previous.lsn, xid: previous.xid, stable: '' };
  }
  const envelope: Envelope = JSON.parse(record.value.toString('utf8'));
  const { lsn, txId, sequence } = envelope.source;
  const { after } = envelope;
  const row = after === null ? undefined : { ...after, version: String(after.version) };
  const { ts_ms: _ms, ts_us: _us, ts_ns: _ns, ...rest } = envelope;
  const [, ownSequence] = JSON.parse(sequence) as [string | null, string];
  const stable = JSON.stringify({ ...rest, source: { ...rest.source, sequence: ownSequence } });
  return { ...place, kind: envelope.op, row, lsn, xid: txId, stable };
}

type Walk = {
  readonly expected: readonly ExpectedRecord[];
  /** For each event of the partition in order: which expected record it is; for a snapshot record, which one stands before it. */
  readonly steps: { readonly event: TopicEvent; readonly index: number }[];
  readonly replays: number;
};

type Walks = ReadonlyMap<number, Walk>;

function walkPartitions(events: readonly TopicEvent[], expected: readonly ExpectedRecord[]): Walks {
  const partitionOf = new Map<number, number>();
  for (const event of events) {
    const known = partitionOf.get(event.key) ?? event.partition;
    if (known !== event.partition) fail(event, `the key is in partition ${known} too`);
    partitionOf.set(event.key, known);
  }
  const byPartition = new Map<number, ExpectedRecord[]>();
  for (const record of expected) {
    const partition = partitionOf.get(record.key);
    if (partition === undefined) throw new Error(`Lost: ${describe(record)}; its key is nowhere in the topic`);
    const list = byPartition.get(partition) ?? [];
    list.push(record);
    byPartition.set(partition, list);
  }
  const walks = new Map<number, Walk>();
  for (const partition of new Set(events.map((event) => event.partition))) {
    const own = events.filter((event) => event.partition === partition);
    walks.set(partition, walk(own, byPartition.get(partition) ?? []));
  }
  return walks;
}

function walk(events: readonly TopicEvent[], expected: readonly ExpectedRecord[]): Walk {
  const indexOf = new Map(expected.map((record, index) => [identity(record), index]));
  const steps: { event: TopicEvent; index: number }[] = [];
  let at = -1;
  let replays = 0;
  for (const event of events) {
    if (event.kind === 'r') {
      steps.push({ event, index: at });
      continue;
    }
    const index = indexOf.get(identity(event));
    if (index === undefined) fail(event, 'no committed change is like this');
    if (index > at + 1) fail(event, `a hole: ${index - at - 1} missing before it, first ${describe(expected[at + 1])}`);
    if (index <= at) {
      replays++;
      if (expected[index - 1]?.xid === event.xid) fail(event, 'a replay begins in the middle of a transaction');
    }
    at = index;
    steps.push({ event, index });
  }
  if (at !== expected.length - 1) throw new Error(`The topic ends ${expected.length - 1 - at} short of ${describe(expected.at(-1))}`);
  return { expected, steps, replays };
}

function identity(record: { lsn: number; kind: string; key: number }): string {
  return `${record.lsn} ${record.kind} ${record.key}`;
}

function checkContent(events: readonly TopicEvent[], walks: Walks): void {
  const first = new Map<string, string>();
  for (const { steps, expected } of walks.values()) {
    for (const { event, index } of steps) {
      if (event.kind === 'r') continue;
      const record = expected[index];
      if (event.xid !== record?.xid) fail(event, `txId is not ${record?.xid}`);
      if (JSON.stringify(event.row) !== JSON.stringify(record?.row)) fail(event, 'the row is not the one that was committed');
    }
  }
  for (const event of events) {
    if (event.kind === 'r') continue;
    const known = first.get(identity(event));
    if (known === undefined) first.set(identity(event), event.stable);
    else if (known !== event.stable) fail(event, 'a repetition differs from the first');
  }
}

/**
 * D8: a snapshot record at S stands behind every change that was committed up to S, and no later one. The newest snapshot holds every
 * row of the table as of S.
 */
function checkSnapshots(events: readonly TopicEvent[], walks: Walks, truth: readonly ExpectedRecord[]): void {
  for (const { steps, expected } of walks.values()) {
    for (const { event, index } of steps) {
      if (event.kind !== 'r') continue;
      const before = expected.findLastIndex(({ commitLsn }) => commitLsn <= event.lsn);
      if (index !== before) fail(event, `a snapshot record at ${event.lsn} stands behind change ${index}, not ${before}`);
    }
  }
  const reads = events.filter(({ kind }) => kind === 'r');
  const newestLsn = reads.reduce((lsn, event) => Math.max(lsn, event.lsn), 0);
  if (reads.length === 0) return;
  const state = new Map<number, LoadRow>();
  for (const record of truth) if (record.commitLsn <= newestLsn) apply(state, record);
  const read = new Map<number, LoadRow>();
  for (const event of reads) if (event.lsn === newestLsn) apply(read, event);
  compareStates('the table at the newest snapshot', read, state);
}

function checkFinalState(events: readonly TopicEvent[], rows: readonly LoadRow[]): void {
  const state = new Map<number, LoadRow>();
  for (const event of events) apply(state, event);
  compareStates('the table', state, new Map(rows.map(({ id, version, note }) => [id, { id, version, note }])));
}

/** Partitions are read one beside the other: only the records' times tell which run was first. */
function runsInOrder(events: readonly TopicEvent[]): string[] {
  const firstMs = new Map<string, number>();
  for (const { runId, timestampMs } of events) firstMs.set(runId, Math.min(timestampMs, firstMs.get(runId) ?? Number.POSITIVE_INFINITY));
  return [...firstMs].sort((a, b) => a[1] - b[1]).map(([runId]) => runId);
}

function checkStarts(events: readonly TopicEvent[], walks: Walks, o: { runIds: readonly string[]; startLsns: readonly number[] }): void {
  if (o.startLsns.length === 0) return;
  if (events.length > 0 && o.runIds.length > o.startLsns.length)
    throw new Error(`${o.runIds.length} runs wrote, ${o.startLsns.length} were started`);
  const startOf = new Map(o.runIds.map((runId, index) => [runId, o.startLsns[index] ?? 0]));
  for (const { steps, expected } of walks.values()) {
    for (const { event, index } of steps) {
      const commitLsn = expected[index]?.commitLsn ?? 0;
      if (event.kind !== 'r' && commitLsn <= (startOf.get(event.runId) ?? 0)) fail(event, 'it was confirmed before this run began');
    }
  }
}

function apply(state: Map<number, LoadRow>, record: { readonly key: number; readonly row: LoadRow | undefined }): void {
  if (record.row === undefined) state.delete(record.key);
  else state.set(record.key, record.row);
}

function compareStates(what: string, found: ReadonlyMap<number, LoadRow>, wanted: ReadonlyMap<number, LoadRow>): void {
  for (const [key, row] of wanted) {
    const other = found.get(key);
    if (JSON.stringify(other) !== JSON.stringify(row))
      throw new Error(`Key ${key}: ${what} has ${JSON.stringify(row)}, the topic ${JSON.stringify(other)}`);
  }
  for (const key of found.keys()) if (!wanted.has(key)) throw new Error(`Key ${key}: ${what} has no such row, the topic has one`);
}

function describe(record: ExpectedRecord | undefined): string {
  return record === undefined ? 'nothing' : `${record.kind} of key ${record.key} at ${record.lsn} in transaction ${record.xid}`;
}

function fail(event: Pick<TopicEvent, 'partition' | 'offset' | 'key'> & Partial<TopicEvent>, why: string): never {
  throw new Error(
    `Partition ${event.partition} offset ${event.offset}, ${event.kind} of key ${event.key} at ${event.lsn} in ${event.xid}: ${why}`,
  );
}
