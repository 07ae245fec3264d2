/**
 * Owns what a connector is made of, and how long each part lives: the producer's identity as long as the connector; what was judged, and
 * whether a snapshot was taken, as long as the task; secrets as long as the attempt.
 */
import type { Log } from '../../core/log.ts';
import type { ResolvedOptions, TaskOptions } from '../../core/options.ts';
import type { Clock } from '../../core/time.ts';
import { createProducerIdentity } from '../../kafka/producer/identity.ts';
import type { SnapshotProgress } from '../../snapshot/initial.ts';
import { runAttempt, type TaskMemory } from './attempt.ts';
import type { TaskDeps } from './attempt-context.ts';
import { type AttemptRunner, Connector } from './connector.ts';
import type { LiveState } from './live-state.ts';

type ConnectorParts = {
  readonly options: ResolvedOptions;
  /** Reads the options, with the secrets as they are now, for each attempt. Absent: `options` are used every time. */
  readonly readOptions?: (() => TaskOptions) | undefined;
  readonly log: Log;
  readonly clock: Clock;
  readonly random: () => number;
  readonly version: string;
  /** A UUID. */
  readonly runId: string;
  readonly pid: number;
  readonly live: LiveState;
  readonly onProgress: (progress: SnapshotProgress) => void;
};

/** Makes a connector that is not started yet: call start(). */
export function createConnector(parts: ConnectorParts): Connector {
  const { options, readOptions = () => options, pid, onProgress, ...shared } = parts;
  const { log, clock, random, version, live } = parts;
  const deps: Omit<TaskDeps, 'options'> = { ...shared, producerIdentity: createProducerIdentity() };
  const newTask = (): AttemptRunner => {
    const memory: TaskMemory = { snapshotTaken: false };
    return (signals) => runAttempt({ ...deps, options: readOptions() }, memory, { ...signals, onProgress });
  };
  return new Connector({
    newTask,
    limits: options,
    clock,
    log,
    random,
    startFields: { version, pid, slot: options.slot.name, topicPrefix: options.events.topicPrefix },
    onState: (state) => live.tell({ tag: 'connector', state }),
  });
}
