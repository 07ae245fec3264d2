/**
 * Owns the scene of a fault test: a database with the load table and the truth slot, a connector's config on it, and the check of the
 * topic at the end. Does not own servers and brokers, nor the fault.
 */
import type pg from 'pg';
import { expect } from 'vitest';
import { createLoadTable, type Load, startLoad, writeLoad } from '../harness/load.ts';
import type { PostgresHandle } from '../harness/postgres.ts';
import { uniqueName } from '../harness/shared.ts';
import { type ConnectorConfig, connectorConfig, type Slotline } from '../harness/slotline.ts';
import { createTruthSlot, lsnNumber } from '../harness/truth.ts';
import { until } from '../harness/until.ts';
import { type DeliveryReport, describeReport, type ToJson, untilAllConfirmed, verifyDelivery } from '../harness/verify.ts';

export const WAIT = { timeoutMs: 30_000 };

export type DeliveryScene = {
  readonly name: string;
  readonly database: string;
  readonly topic: string;
  readonly config: ConnectorConfig;
  /** A connection to the database, opened anew where the server closed it. */
  client(): Promise<pg.Client>;
  startLoad(o?: { pauseMs: number }): Promise<Load>;
  /** The server was told that everything so far is in Kafka. */
  untilAllConfirmed(o?: { timeoutMs: number }): Promise<void>;
  /** Compares the whole topic with what happened; `first` is the process that made the slot. */
  verify(first: Slotline, toJson?: ToJson): Promise<DeliveryReport>;
  [Symbol.asyncDispose](): Promise<void>;
};

export async function openScene(server: PostgresHandle, bootstrapServers: string, overrides: ConnectorConfig = {}): Promise<DeliveryScene> {
  const name = uniqueName('fault');
  const truthSlot = `${name}_truth`;
  await server.createDatabase(name);
  let connected: pg.Client | undefined;
  const client = async (): Promise<pg.Client> => {
    connected ??= await connectWatched(server, name, () => {
      connected = undefined;
    });
    return connected;
  };
  await createLoadTable(await client());
  await createTruthSlot(await client(), truthSlot);
  await writeLoad(await client(), 50);
  const config = connectorConfig({ server, database: name, bootstrapServers, name }, { 'status.update.interval.ms': '1000', ...overrides });
  const topic = `${name}.public.load`;
  return {
    name,
    database: name,
    topic,
    config,
    client,
    startLoad: (o) => startLoad(server, name, o),
    untilAllConfirmed: async (o = WAIT) => untilAllConfirmed(await client(), name, o),
    async verify(first, toJson) {
      const slotStartLsn = lsnNumber(String((await first.waitFor('slot.created'))['lsn']));
      const facts = { client: await client(), bootstrapServers, topic, truthSlot, slotStartLsn };
      const report = await verifyDelivery(toJson === undefined ? facts : { ...facts, toJson });
      console.log(`[fault] ${describeReport(report)}`);
      return report;
    },
    async [Symbol.asyncDispose]() {
      await connected?.end();
    },
  };
}

/** The program streams, and has confirmed something since. */
export async function untilStreaming(slotline: Slotline, from = 0): Promise<void> {
  await slotline.waitFor('stream.started', { ...WAIT, from });
  await slotline.waitFor('lsn.confirmed', { ...WAIT, from });
}

/** Waits until more than `bytes` of WAL are received by the program and not flushed. */
export async function untilUnacknowledged(scene: DeliveryScene, bytes: number): Promise<void> {
  await until(
    'records are read and not acknowledged',
    async () => {
      const { rows } = await (await scene.client()).query<{ bytes: string }>(
        `select (r.write_lsn - s.confirmed_flush_lsn)::text as bytes
           from pg_stat_replication r join pg_replication_slots s on s.active_pid = r.pid where s.slot_name = '${scene.name}'`,
      );
      return Number(rows[0]?.bytes ?? 0) > bytes;
    },
    WAIT,
  );
}

/** Within one process and producer nothing is repeated: Kafka keeps one copy of a batch that was sent twice. */
export function expectNoRepetition(report: DeliveryReport): void {
  expect({ repeated: report.repeated, replays: report.replays }).toEqual({ repeated: 0, replays: 0 });
}

async function connectWatched(server: PostgresHandle, database: string, onEnd: () => void): Promise<pg.Client> {
  const client = await server.connect(database);
  client.once('end', onEnd);
  client.once('error', onEnd);
  return client;
}
