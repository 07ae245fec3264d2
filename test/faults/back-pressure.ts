/**
 * Owns one run of a huge transaction against a broker that stands still for seconds in the middle: memory, status updates, delivery.
 */
import { countRecords } from '../harness/consume.ts';
import type { Broker } from '../harness/kafka.ts';
import { writeBigTransaction } from '../harness/load.ts';
import type { PostgresHandle } from '../harness/postgres.ts';
import { startStreaming } from '../harness/slotline.ts';
import { until } from '../harness/until.ts';
import type { DeliveryReport } from '../harness/verify.ts';
import { openScene, WAIT } from './delivery-scene.ts';

type PressureResult = {
  readonly report: DeliveryReport;
  readonly peakMemoryMb: number;
  /** Codes of what made it reconnect: none, or the server or the fence gave it up. */
  readonly troubles: readonly string[];
  readonly exitCode: number | NodeJS.Signals;
};

/** `standstillMs` should be several times the server's wal_sender_timeout. */
export async function runUnderPressure(
  place: { readonly server: PostgresHandle; readonly bootstrapServers: string; readonly broker: Broker },
  o: { rows: number; standstillMs: number; timeoutMs: number },
): Promise<PressureResult> {
  const { server, bootstrapServers, broker } = place;
  await using scene = await openScene(server, bootstrapServers);
  await using slotline = await startStreaming(scene.config, WAIT);
  const before = await countRecords(bootstrapServers, scene.topic);
  await writeBigTransaction(await scene.client(), { rows: o.rows, noteLength: 100 });
  const isUnderWay = async (): Promise<boolean> => (await countRecords(bootstrapServers, scene.topic)) > before;
  await until('the topic has a part of the transaction', isUnderWay, WAIT);
  broker.pause();
  try {
    await until('the standstill is over', standstill(o.standstillMs), { timeoutMs: o.standstillMs + 10_000 });
  } finally {
    broker.resume();
  }
  await scene.untilAllConfirmed({ timeoutMs: o.timeoutMs });
  const peakMemoryMb = slotline.peakMemoryMb();
  const troubles = slotline.lines.filter(({ event }) => event === 'connector.retrying').map((line) => String(line['code']));
  const { exitCode } = await slotline.stop();
  const report = await scene.verify(slotline);
  return { report, peakMemoryMb, troubles, exitCode };
}

function standstill(ms: number): () => Promise<boolean> {
  const endMs = performance.now() + ms;
  return async () => performance.now() >= endMs;
}
