/**
 * Owns killing the program at chosen moments of one connector's life, under load, and what must hold afterwards. The moment is made sure
 * of, not hoped for: a proxy in front of PostgreSQL or a stopped broker keeps the program in the phase until it is dead.
 */
import type pg from 'pg';
import { expect } from 'vitest';
import { countRecords } from '../harness/consume.ts';
import { type KafkaCluster, startKafka } from '../harness/kafka.ts';
import { createLoadTable, type Load, startLoad, writeBigTransaction, writeLoad } from '../harness/load.ts';
import { type PostgresServer, startPostgres } from '../harness/postgres.ts';
import { uniqueName } from '../harness/shared.ts';
import { type ConnectorConfig, connectorConfig, type Slotline, startSlotline, startStreaming } from '../harness/slotline.ts';
import { type ProxyConnection, startTcpProxy, type TcpProxy } from '../harness/tcp-proxy.ts';
import { createTruthSlot, lsnNumber } from '../harness/truth.ts';
import { until } from '../harness/until.ts';
import { confirmedLsn, type DeliveryReport, describeReport, untilAllConfirmed, untilInactive, verifyDelivery } from '../harness/verify.ts';

const PHASES = [
  'during the snapshot',
  'under load',
  'unacknowledged records in flight',
  'inside a transaction larger than the queue',
  'acknowledged by Kafka, not yet told to PostgreSQL',
] as const;
export type Phase = (typeof PHASES)[number];

const WAIT = { timeoutMs: 30_000 };
const SNAPSHOT_ROWS = 8_000;
const BIG_ROWS = 8_000;
/** The big transaction's events are some 3 MB, its frames 1 MB. */
const QUEUE_BYTES = 256 * 1024;
const LET_PASS_BYTES = 400 * 1024;

type Scene = {
  readonly server: PostgresServer;
  readonly cluster: KafkaCluster;
  readonly proxy: TcpProxy;
  readonly client: pg.Client;
  readonly config: ConnectorConfig;
  readonly name: string;
  /** Of the big transactions that a kill cut. */
  readonly bigXids: number[];
  readonly startLsns: number[];
  slotStartLsn: number;
  load: Load;
};

/** Kills once per phase given, restarts after each, and verifies the topic at the end. */
export async function killAtMoments(phases: readonly Phase[], o: { partitions: number }): Promise<DeliveryReport> {
  const cluster = await startKafka();
  const server = await startPostgres({ major: 18 });
  const proxy = await startTcpProxy(server);
  const client = await server.connect('postgres');
  let scene: Scene | undefined;
  try {
    scene = await prepare({ server, cluster, proxy, client }, o);
    for (const [index, phase] of phases.entries()) {
      const found = await killOnce(scene, phase);
      console.log(`[kill ${index + 1}/${phases.length}] ${phase}: ${found}`);
    }
    await scene.load.stop();
    return await finish(scene);
  } finally {
    await scene?.load.stop().catch(() => undefined);
    await client.end();
    await proxy[Symbol.asyncDispose]();
    await Promise.all([server[Symbol.asyncDispose](), cluster[Symbol.asyncDispose]()]);
  }
}

async function prepare(parts: Pick<Scene, 'server' | 'cluster' | 'proxy' | 'client'>, o: { partitions: number }): Promise<Scene> {
  const { server, cluster, proxy, client } = parts;
  const name = uniqueName('kill');
  await createLoadTable(client);
  await createTruthSlot(client, 'truth');
  await writeLoad(client, 100);
  await writeBigTransaction(client, { rows: SNAPSHOT_ROWS, noteLength: 100 });
  const config = connectorConfig(
    { server, database: 'postgres', bootstrapServers: cluster.bootstrapServers, name },
    {
      'database.port': String(proxy.port),
      'topic.creation.default.partitions': String(o.partitions),
      'producer.buffer.memory': String(QUEUE_BYTES),
      'producer.batch.size': '16384',
      'status.update.interval.ms': '1000',
    },
  );
  const load = await startLoad(server, 'postgres');
  return { ...parts, config, name, load, bigXids: [], startLsns: [], slotStartLsn: 0 };
}

async function killOnce(scene: Scene, phase: Phase): Promise<string> {
  await using slotline = startSlotline(scene.config);
  const found = await KILLERS[phase](scene, slotline).catch((error: unknown) => {
    throw new Error(`${phase}: ${String(error)}\n${slotline.tail()}`, { cause: error });
  });
  const created = slotline.lines.find(({ event }) => event === 'slot.created');
  if (created !== undefined) scene.slotStartLsn = lsnNumber(String(created['lsn']));
  for (const connection of scene.proxy.connections()) connection.cut();
  scene.startLsns.push(await untilInactive(scene.client, scene.name));
  return found;
}

/** Each brings the program into the phase, kills it there, and says what it found. */
const KILLERS: Readonly<Record<Phase, (scene: Scene, slotline: Slotline) => Promise<string>>> = {
  'during the snapshot': killInSnapshot,
  'under load': killUnderLoad,
  'unacknowledged records in flight': killUnacknowledged,
  'inside a transaction larger than the queue': killInBigTransaction,
  'acknowledged by Kafka, not yet told to PostgreSQL': killBeforeStatus,
};

/** The reader gets a part of the rows and no more. */
async function killInSnapshot(scene: Scene, slotline: Slotline): Promise<string> {
  scene.proxy.limitNext('Slotline Snapshot', 'down', LET_PASS_BYTES);
  await slotline.waitFor('snapshot.started', WAIT);
  const reader = connectionOf(scene, 'Slotline Snapshot');
  await until('a part of the rows has come', async () => reader.held('down').length > 0, WAIT);
  if (Math.random() < 0.7) await untilWritten(scene, 0);
  await slotline.kill();
  expect(slotline.lines.map(({ event }) => event)).not.toContain('snapshot.completed');
  return `${LET_PASS_BYTES} bytes of rows had come`;
}

async function killUnderLoad(scene: Scene, slotline: Slotline): Promise<string> {
  await untilStreaming(slotline);
  await pause(Math.random() * 300);
  await slotline.kill();
  const told = slotline.lines.findLast(({ event }) => event === 'lsn.confirmed');
  return `last told ${String(told?.['lsn'])}, server at ${await serverLsn(scene)}`;
}

/** A stopped broker answers nothing: what is read from now on stays unacknowledged. */
async function killUnacknowledged(scene: Scene, slotline: Slotline): Promise<string> {
  await untilStreaming(slotline);
  // Before the first acknowledgement the topic may not be open, and then nothing is read at all.
  const told = (): number => new Set(slotline.lines.filter(({ event }) => event === 'lsn.confirmed').map((line) => line['lsn'])).size;
  await until('records are acknowledged', async () => told() > 1, WAIT);
  const [broker] = scene.cluster.brokers;
  broker?.pause();
  try {
    const behind = await until('records are read and not acknowledged', () => unacknowledgedBytes(scene), WAIT);
    await slotline.kill();
    return `${behind} bytes of WAL received and not flushed`;
  } finally {
    broker?.resume();
  }
}

async function unacknowledgedBytes(scene: Scene): Promise<number | false> {
  const { rows } = await scene.client.query<{ bytes: string }>(
    `select (r.write_lsn - s.confirmed_flush_lsn)::text as bytes
       from pg_stat_replication r join pg_replication_slots s on s.active_pid = r.pid where s.slot_name = '${scene.name}'`,
  );
  const bytes = Number(rows[0]?.bytes ?? 0);
  return bytes > 2_000 && bytes;
}

/** Of the big transaction's frames the first part passes, more than the queue holds. The load goes on behind it. */
async function killInBigTransaction(scene: Scene, slotline: Slotline): Promise<string> {
  await untilStreaming(slotline);
  await scene.load.stop();
  await untilAllConfirmed(scene.client, scene.name, WAIT);
  const connection = connectionOf(scene, 'Slotline Streaming');
  const writer = await scene.server.connect('postgres');
  await writer.query('begin');
  const { rows } = await writer.query<{ xid: string }>('select pg_current_xact_id()::text as xid');
  await writeBigTransaction(writer, { rows: BIG_ROWS, noteLength: 100 });
  connection.hold('down');
  await writer.query('commit');
  await writer.end();
  scene.load = await startLoad(scene.server, 'postgres');
  const xid = Number(rows[0]?.xid);
  await until('most of its frames are on their way', async () => connection.held('down').length > 2 * LET_PASS_BYTES, WAIT);
  const start = beginOf(connection.held('down'), xid);
  const written = await countRecords(scene.cluster.bootstrapServers, topicOf(scene));
  connection.forward('down', start + LET_PASS_BYTES);
  await untilWritten(scene, written + BIG_ROWS / 10);
  await slotline.kill();
  scene.bigXids.push(xid);
  return `${LET_PASS_BYTES} bytes of ${BIG_ROWS} rows had come`;
}

/** Begin: 'B', final LSN, commit time, xid. */
function beginOf(bytes: Buffer, xid: number): number {
  for (let at = bytes.indexOf('B'); at >= 0; at = bytes.indexOf('B', at + 1)) {
    if (at + 21 <= bytes.length && bytes.readUInt32BE(at + 17) === xid) return at;
  }
  return 0;
}

/** Status updates are held back: the log says what the program tells, the slot what the server knows. */
async function killBeforeStatus(scene: Scene, slotline: Slotline): Promise<string> {
  await untilStreaming(slotline);
  const connection = connectionOf(scene, 'Slotline Streaming');
  connection.hold('up');
  const known = await confirmedLsn(scene.client, scene.name);
  const from = slotline.lines.length;
  const isLater = (line: { event: string; lsn?: unknown }): boolean =>
    line.event === 'lsn.confirmed' && lsnNumber(String(line.lsn)) > known;
  await slotline.waitFor(isLater, { ...WAIT, from });
  await pause(Math.random() * 50);
  await slotline.kill();
  const told = slotline.lines.findLast(({ event }) => event === 'lsn.confirmed');
  const atServer = await confirmedLsn(scene.client, scene.name);
  expect(atServer).toBeLessThan(lsnNumber(String(told?.['lsn'])));
  return `told up to ${String(told?.['lsn'])}, server still at ${await serverLsn(scene)}`;
}

function topicOf(scene: Scene): string {
  return `${scene.name}.public.load`;
}

async function untilWritten(scene: Scene, count: number): Promise<void> {
  const isWritten = async (): Promise<boolean> => (await countRecords(scene.cluster.bootstrapServers, topicOf(scene))) > count;
  await until(`the topic has more than ${count} records`, isWritten, WAIT);
}

async function untilStreaming(slotline: Slotline): Promise<void> {
  await slotline.waitFor('stream.started', WAIT);
  const from = slotline.lines.length;
  await slotline.waitFor('lsn.confirmed', { ...WAIT, from });
}

function connectionOf(scene: Scene, application: string): ProxyConnection {
  const connection = scene.proxy.find(application);
  if (connection === undefined) throw new Error(`${application} is not connected`);
  return connection;
}

async function serverLsn(scene: Scene): Promise<string> {
  const { rows } = await scene.client.query<{ lsn: string }>(
    `select confirmed_flush_lsn::text as lsn from pg_replication_slots where slot_name = '${scene.name}'`,
  );
  return rows[0]?.lsn ?? '';
}

async function finish(scene: Scene): Promise<DeliveryReport> {
  await using slotline = await startStreaming(scene.config, WAIT);
  await untilAllConfirmed(scene.client, scene.name, WAIT);
  expect((await slotline.stop()).exitCode).toBe(0);
  const { client, cluster, slotStartLsn } = scene;
  // The first run begins at the slot's start, each later one where the server was told.
  const startLsns = [slotStartLsn, ...scene.startLsns];
  const topic = topicOf(scene);
  const facts = { client, bootstrapServers: cluster.bootstrapServers, topic, truthSlot: 'truth', slotStartLsn, startLsns };
  const report = await verifyDelivery(facts);
  for (const xid of scene.bigXids) expectCut(report, xid);
  console.log(`[kill] ${describeReport(report)}`);
  return report;
}

/** The run that was killed in it wrote a part of the transaction, a later one all of it. */
function expectCut(report: DeliveryReport, xid: number): void {
  const ofXid = report.events.filter((event) => event.xid === xid);
  const counts = report.runIds.map((runId) => ofXid.filter((event) => event.runId === runId).length).filter((count) => count > 0);
  expect(counts[0]).toBeLessThan(BIG_ROWS);
  expect(counts.at(-1)).toBe(BIG_ROWS);
}

/** A random moment within a phase; nothing is waited for. */
function pause(ms: number): Promise<void> {
  return new Promise((settle) => setTimeout(settle, ms));
}
