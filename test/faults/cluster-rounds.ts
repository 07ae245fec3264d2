/** Owns rounds over a cluster of three, end to end: each broker killed and restarted in turn while the load goes on. */
import { startKafka } from '../harness/kafka.ts';
import { startPostgres } from '../harness/postgres.ts';
import { startStreaming } from '../harness/slotline.ts';
import type { DeliveryReport } from '../harness/verify.ts';
import { openScene, untilStreaming, WAIT } from './delivery-scene.ts';

type ClusterResult = {
  readonly report: DeliveryReport;
  /** Per restart: until a change committed after it was confirmed. */
  readonly flowingAfterMs: readonly number[];
  readonly exitCode: number | NodeJS.Signals;
};

const CONFIG = {
  'topic.creation.default.partitions': '6',
  'topic.creation.default.replication.factor': '3',
  'offset.storage.replication.factor': '3',
};

/** RF 3, min.insync.replicas 2, six partitions. */
export async function killBrokersInTurn(o: { rounds: number; pauseMs: number }): Promise<ClusterResult> {
  await using cluster = await startKafka({ brokers: 3 });
  await using server = await startPostgres({ major: 18 });
  await using scene = await openScene(server, cluster.bootstrapServers, CONFIG);
  await using slotline = await startStreaming(scene.config, WAIT);
  const load = await scene.startLoad(o);
  await untilStreaming(slotline);
  const flowingAfterMs: number[] = [];
  for (let round = 1; round <= o.rounds; round++) {
    for (const broker of cluster.brokers) {
      const killedMs = performance.now();
      await broker.kill();
      await scene.untilAllConfirmed();
      const withoutMs = Math.round(performance.now() - killedMs);
      await broker.start();
      const restartedMs = performance.now();
      await scene.untilAllConfirmed();
      flowingAfterMs.push(Math.round(performance.now() - restartedMs));
      console.log(
        `[cluster] broker ${broker.id}: delivering ${withoutMs} ms after the kill, ${flowingAfterMs.at(-1)} ms after the restart`,
      );
    }
  }
  await load.stop();
  await scene.untilAllConfirmed();
  const report = await scene.verify(slotline);
  const { exitCode } = await slotline.stop();
  return { report, flowingAfterMs, exitCode };
}
