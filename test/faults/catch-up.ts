/**
 * Owns killing the program while it reads a backlog in bulk and at the hand-over to the stream and back, under load, and what must hold
 * afterwards. Moments are random within a phase.
 */
import { expect } from 'vitest';
import { type Load, writeLoad } from '../harness/load.ts';
import type { PostgresHandle } from '../harness/postgres.ts';
import { type ConnectorConfig, type LogLine, type Slotline, startSlotline, startStreaming } from '../harness/slotline.ts';
import { startTcpProxy, type TcpProxy } from '../harness/tcp-proxy.ts';
import { until } from '../harness/until.ts';
import { type DeliveryReport, describeReport, untilInactive } from '../harness/verify.ts';
import { type DeliveryScene, openScene, WAIT } from './delivery-scene.ts';

const CATCH_UP_PHASES = ['reading in bulk', 'handing over to the stream', 'leaving the stream'] as const;
export type CatchUpPhase = (typeof CATCH_UP_PHASES)[number];

/** A backlog of a few pages counts, slices are small, and the slot is moved often. */
const EAGER: ConnectorConfig = {
  'slotline.catchup.threshold.bytes': '65536',
  'slotline.catchup.max.chunk.bytes': '1048576',
  'status.update.interval.ms': '100',
  'producer.buffer.memory': String(256 * 1024),
  'producer.batch.size': '16384',
};
const BACKLOG_TRANSACTIONS = 1_500;
/** Some hundreds of changes. */
const HELD_AFTER_BYTES = 100_000;
/** More than a login and the answer to the copying of the slot. */
const LOGIN_BYTES = 5_000;
export const CATCH_UP = 'Slotline Catch-up';

type CatchUpScene = AsyncDisposable & {
  readonly scene: DeliveryScene;
  readonly first: Slotline;
  /** Between the program and PostgreSQL. */
  readonly proxy: TcpProxy;
};

/** Begins with a slot and a table that are in step, and a process that has ended. */
export async function openCatchUp(
  server: PostgresHandle,
  bootstrapServers: string,
  overrides: ConnectorConfig = {},
): Promise<CatchUpScene> {
  const proxy = await startTcpProxy(server);
  const scene = await openScene(server, bootstrapServers, { ...EAGER, 'database.port': String(proxy.port), ...overrides });
  const first = await startStreaming(scene.config, WAIT);
  await scene.untilAllConfirmed();
  expect((await first.stop()).exitCode).toBe(0);
  const dispose = async (): Promise<void> => {
    await scene[Symbol.asyncDispose]();
    await proxy[Symbol.asyncDispose]();
  };
  return { scene, first, proxy, [Symbol.asyncDispose]: dispose };
}

/** Starts the program, lets a part of the backlog come in bulk, and holds the rest back. */
export async function startHeldInBulk(
  { scene, proxy }: CatchUpScene,
  o: { bytes?: number; config?: ConnectorConfig } = {},
): Promise<Slotline> {
  proxy.limitNext(CATCH_UP, 'down', o.bytes ?? HELD_AFTER_BYTES);
  const slotline = startSlotline(o.config ?? scene.config);
  await slotline.waitFor('stream.started', WAIT);
  await until('a part of the backlog has come', async () => (proxy.find(CATCH_UP)?.held('down').length ?? 0) > 0, WAIT);
  return slotline;
}

export async function writeBacklog(scene: DeliveryScene, transactions = BACKLOG_TRANSACTIONS): Promise<void> {
  await writeLoad(await scene.client(), transactions);
}

/** Kills once per phase given, and verifies the topic at the end. */
export async function killWhileCatchingUp(
  server: PostgresHandle,
  bootstrapServers: string,
  phases: readonly CatchUpPhase[],
): Promise<DeliveryReport> {
  await using catchUp = await openCatchUp(server, bootstrapServers);
  const { scene, first } = catchUp;
  let load: Load | undefined;
  try {
    for (const [index, phase] of phases.entries()) {
      await writeBacklog(scene);
      load = await scene.startLoad();
      await killOnce(catchUp, phase);
      await load.stop();
      await untilInactive(await scene.client(), scene.name);
      console.log(`[catch-up ${index + 1}/${phases.length}] killed while ${phase}`);
    }
  } finally {
    await load?.stop().catch(() => undefined);
  }
  await writeBacklog(scene);
  await using last = await startStreaming(scene.config, WAIT);
  await scene.untilAllConfirmed();
  expect((await last.stop()).exitCode).toBe(0);
  const report = await scene.verify(first);
  console.log(`[catch-up] ${describeReport(report)}`);
  return report;
}

async function killOnce(catchUp: CatchUpScene, phase: CatchUpPhase): Promise<void> {
  await using slotline = await KILL_AFTER[phase](catchUp);
  await pause(Math.random() * 60);
  await slotline.kill();
  for (const connection of catchUp.proxy.connections()) connection.cut();
}

const KILL_AFTER: Readonly<Record<CatchUpPhase, (catchUp: CatchUpScene) => Promise<Slotline>>> = {
  'reading in bulk': (catchUp) => startHeldInBulk(catchUp, { bytes: LOGIN_BYTES + Math.floor(Math.random() * 2 * HELD_AFTER_BYTES) }),
  'handing over to the stream': async ({ scene }) => {
    const slotline = startSlotline(scene.config);
    await slotline.waitFor('catchup.completed', WAIT);
    return slotline;
  },
  'leaving the stream': async ({ scene }) => {
    const slotline = startSlotline(scene.config);
    await slotline.waitFor('catchup.completed', WAIT);
    await slotline.waitFor('lsn.confirmed', { ...WAIT, from: slotline.lines.length });
    await writeBacklog(scene, 3_000);
    await slotline.waitFor(isBehind, WAIT);
    return slotline;
  },
};

/** A fast machine may keep up with the load: then the kill comes at some other moment of the stream. */
function isBehind(line: LogLine): boolean {
  return line.event === 'stream.behind' || line.event === 'lsn.confirmed';
}

/** A random moment within a phase; nothing is waited for. */
function pause(ms: number): Promise<void> {
  return new Promise((settle) => setTimeout(settle, ms));
}
