/**
 * Owns the scene of transactions that change a table and write to it: the table's description stands in the catalog, which another session
 * sees a moment after the stream has the rows, or much later. Counts events that do not describe what the transaction left.
 */
import type pg from 'pg';
import { type ConsumedRecord, readTopic } from '../harness/consume.ts';
import { type KafkaCluster, startKafka } from '../harness/kafka.ts';
import { type PostgresOptions, type PostgresServer, startPostgres } from '../harness/postgres.ts';
import { uniqueName } from '../harness/shared.ts';
import { connectorConfig, type Slotline, startStreaming } from '../harness/slotline.ts';
import { until } from '../harness/until.ts';
import { WAIT } from './delivery-scene.ts';

/** One way to change a table and to write to it in one transaction; `i` numbers the tries, from 1. */
type Shape = {
  readonly table: string;
  readonly transaction: (i: number) => string;
  /** What the event of that try says. */
  readonly expected: (i: number) => string;
  readonly said: (event: SchemaEvent) => string;
};

type Field = { readonly field: string; readonly optional: boolean; readonly default?: unknown; readonly fields?: readonly Field[] };
type SchemaEvent = {
  readonly key: { readonly payload: Readonly<Record<string, unknown>> } | null;
  readonly value: { readonly schema: Field; readonly payload: { readonly after: Readonly<Record<string, unknown>> | null } };
};

const fieldText = (event: SchemaEvent, name: string): string => {
  const after = event.value.schema.fields?.find(({ field }) => field === 'after');
  const field = after?.fields?.find((one) => one.field === name);
  return JSON.stringify({ optional: field?.optional, default: field?.default });
};

const SETUP_SQL = `
create table keyed (id int not null, code int not null, n int, constraint keyed_pkey primary key (code));
insert into keyed values (1, 1, 0);
create table made (id int primary key, n int);
create table added (id int primary key, n int)`;

const keyOf = (i: number): string => (i % 2 === 1 ? 'id, code' : 'code');

const SHAPES: readonly Shape[] = [
  {
    table: 'keyed',
    transaction: (i) => `alter table keyed drop constraint keyed_pkey;
      alter table keyed add primary key (${keyOf(i)}); update keyed set n = ${i}`,
    expected: keyOf,
    said: (event) => Object.keys(event.key?.payload ?? {}).join(', '),
  },
  {
    table: 'made',
    transaction: (i) => `drop table made; create table made (id int primary key, n int not null default ${i});
      insert into made values (1, ${i})`,
    expected: (i) => JSON.stringify({ optional: false, default: i }),
    said: (event) => fieldText(event, 'n'),
  },
  {
    table: 'added',
    transaction: (i) => `alter table added drop column if exists v; alter table added add column v int not null default ${i};
      insert into added (id, n) values (${i}, ${i})`,
    expected: (i) => JSON.stringify({ optional: false, default: i }),
    said: (event) => fieldText(event, 'v'),
  },
];

export type MomentScene = {
  readonly server: PostgresServer;
  readonly slotline: Slotline;
  readonly client: pg.Client;
  readonly bootstrapServers: string;
  readonly topicOf: (table: string) => string;
  /** Of the same connector, once the first process has ended. */
  restart(): Promise<Slotline>;
  /** The slot has confirmed everything that was written. */
  untilConfirmed(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
};

/** A server of its own, for its settings change; a broker unless one is given. */
export async function openMomentScene(
  major: PostgresOptions['major'],
  o: { readonly bootstrapServers?: string; readonly settings?: Readonly<Record<string, string>> } = {},
): Promise<MomentScene> {
  const stack = new AsyncDisposableStack();
  try {
    const server = stack.use(await startPostgres({ major, settings: o.settings ?? {} }));
    let cluster: KafkaCluster | undefined;
    if (o.bootstrapServers === undefined) cluster = stack.use(await startKafka());
    const bootstrapServers = o.bootstrapServers ?? cluster?.bootstrapServers ?? '';
    const name = uniqueName('moment');
    const client = await server.connect('postgres');
    stack.defer(() => client.end());
    await client.query(SETUP_SQL);
    const config = connectorConfig(
      { server, database: 'postgres', bootstrapServers, name },
      {
        'publication.autocreate.mode': 'all_tables',
        'snapshot.mode': 'no_data',
        'key.converter.schemas.enable': 'true',
        'value.converter.schemas.enable': 'true',
        'status.update.interval.ms': '100',
      },
    );
    const slotline = stack.use(await startStreaming(config, WAIT));
    return {
      server,
      slotline,
      client,
      bootstrapServers,
      topicOf: (table) => `${name}.public.${table}`,
      restart: () => startStreaming(config, WAIT),
      untilConfirmed: () => untilConfirmed(client, name),
      [Symbol.asyncDispose]: () => stack.disposeAsync(),
    };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

async function untilConfirmed(client: pg.Client, slot: string): Promise<void> {
  const { rows } = await client.query<{ lsn: string }>('select pg_current_wal_lsn()::text as lsn');
  const sql = 'select confirmed_flush_lsn >= $1::pg_lsn as done from pg_replication_slots where slot_name = $2';
  await until(
    `the slot is confirmed up to ${rows[0]?.lsn}`,
    async () => (await client.query<{ done: boolean }>(sql, [rows[0]?.lsn, slot])).rows[0]?.done,
    { timeoutMs: 60_000 },
  );
}

/** So many transactions, each confirmed before the next one, the three shapes in turn. */
export async function runNaturally(scene: MomentScene, from: number, tries: number): Promise<void> {
  for (let i = from; i < from + tries; i++) {
    await scene.client.query(`begin; ${shapeOf(i).transaction(numberOf(i))}; commit`);
    await scene.untilConfirmed();
  }
}

/**
 * So many transactions that the stream has before any session sees them: their sessions wait for a standby that does not exist, until the
 * connector has met them.
 */
export async function runForced(scene: MomentScene, from: number, tries: number): Promise<void> {
  await withoutStandby(scene, async (writer) => {
    for (let i = from; i < from + tries; i++) {
      const seen = scene.slotline.lines.length;
      const held = await hold(scene, writer, `begin; ${shapeOf(i).transaction(numberOf(i))}; commit`);
      // Where nothing awaits the transaction, its event is out by then.
      await scene.slotline.waitFor(({ event }) => event === 'catalog.awaited' || event === 'lsn.confirmed', { ...WAIT, from: seen });
      await held.release();
      await scene.untilConfirmed();
    }
  });
}

/** Every commit of `writer` waits for a standby that does not exist. */
export async function withoutStandby(scene: MomentScene, act: (writer: pg.Client) => Promise<void>): Promise<void> {
  await scene.server.query('postgres', "alter system set synchronous_standby_names = 'nobody'");
  await scene.server.query('postgres', 'select pg_reload_conf()');
  const writer = await scene.server.connect('postgres');
  try {
    const isSet = async (): Promise<boolean> =>
      (await writer.query("select from pg_settings where name = 'synchronous_standby_names' and setting <> ''")).rowCount === 1;
    await until('commits wait', isSet, { timeoutMs: 20_000 });
    await act(writer);
  } finally {
    await scene.server.query('postgres', 'alter system reset synchronous_standby_names');
    await scene.server.query('postgres', 'select pg_reload_conf()');
    await writer.end();
  }
}

/** Resolves when the transaction is in the WAL and its session waits for the standby. */
export async function hold(scene: MomentScene, writer: pg.Client, sql: string): Promise<{ release(): Promise<void> }> {
  const { rows } = await writer.query<{ pid: number }>('select pg_backend_pid() as pid');
  const pid = rows[0]?.pid;
  let isOver = false;
  const written = writer.query(sql).finally(() => {
    isOver = true;
  });
  const isHeld = async (): Promise<boolean> => {
    const waiting = await scene.client.query('select from pg_stat_activity where pid = $1 and wait_event = $2', [pid, 'SyncRep']);
    return isOver || waiting.rowCount === 1;
  };
  await until('the session waits for a standby', isHeld, { timeoutMs: 20_000 });
  if (isOver) throw new Error('the transaction did not wait');
  const release = async (): Promise<void> => {
    await scene.client.query('select pg_cancel_backend($1)', [pid]);
    await written;
  };
  return { release };
}

/** Of the tries 1 … count: how many events there are, and each that says something else than its transaction left. */
export async function countWrong(scene: MomentScene, count: number): Promise<{ events: number; wrong: string[] }> {
  const wrong: string[] = [];
  let events = 0;
  for (const [index, shape] of SHAPES.entries()) {
    const tries = Array.from({ length: count }, (_, i) => i + 1).filter((i) => (i - 1) % SHAPES.length === index);
    if (tries.length === 0) continue;
    const records = await readTopic(scene.bootstrapServers, scene.topicOf(shape.table), {
      until: (all) => all.filter(({ value }) => value !== null).length >= tries.length,
      timeoutMs: 60_000,
    });
    const said = new Map(records.flatMap((record) => saidBy(shape, record)));
    events += said.size;
    for (const i of tries.map(numberOf)) {
      if (said.get(i) !== shape.expected(i)) wrong.push(`${shape.table} ${i}: ${said.get(i)} instead of ${shape.expected(i)}`);
    }
  }
  return { events, wrong };
}

function saidBy(shape: Shape, record: ConsumedRecord): [number, string][] {
  if (record.value === null) return [];
  const key: SchemaEvent['key'] = record.key === null ? null : JSON.parse(record.key.toString('utf8'));
  const value: SchemaEvent['value'] = JSON.parse(record.value.toString('utf8'));
  const n = value.payload.after?.['n'];
  return typeof n === 'number' ? [[n, shape.said({ key, value })]] : [];
}

function shapeOf(i: number): Shape {
  const shape = SHAPES[(i - 1) % SHAPES.length];
  if (shape === undefined) throw new Error('no shape');
  return shape;
}

/** Of the tries of one shape, so that each differs from the one before it. */
function numberOf(i: number): number {
  return Math.floor((i - 1) / SHAPES.length) + 1;
}
