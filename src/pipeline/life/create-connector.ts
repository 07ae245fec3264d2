/**
 * Owns what a connector of the product is made of, and how long each part lives: the producer's identity with the connector, what was
 * judged and whether a snapshot was taken with the task, secrets with the attempt.
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
  /** Those of the task with the secrets of now, for each attempt; absent: they do not change. */
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

/** It does nothing yet: start() does. */
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
