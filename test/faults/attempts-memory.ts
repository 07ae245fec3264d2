/**
 * Owns many attempts of one connector in this process, each of which reaches the stream and is then broken: what they leave behind on the
 * signals that outlive them, and in memory.
 */
import { getEventListeners } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { systemEnvironment } from '../../src/config/environment.ts';
import { loadConfig } from '../../src/config/load.ts';
import { SILENT_LOG } from '../../src/core/log.ts';
import { SYSTEM_CLOCK } from '../../src/core/time.ts';
import { createProducerIdentity } from '../../src/kafka/producer/identity.ts';
import { runAttempt } from '../../src/pipeline/life/attempt.ts';
import { Connector } from '../../src/pipeline/life/connector.ts';
import { LiveState } from '../../src/pipeline/life/live-state.ts';

type AttemptsReport = {
  readonly attempts: number;
  /** Listeners on the connector's signals when the first attempts have ended, and at the end. */
  readonly listeners: readonly [number, number];
  /** Used heap behind a collection, at the same two moments. */
  readonly heapMb: readonly [number, number];
  readonly stopMs: number;
  readonly error: string | undefined;
};

/** After so many the code is compiled and every cache is full. */
const WARM_UP = 20;

/** `breakStream` ends the walsender of the attempt that streams. */
export async function runAttempts(configFile: string, count: number, breakStream: () => Promise<unknown>): Promise<AttemptsReport> {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  const loaded = loadConfig(configFile, systemEnvironment(process.env));
  if (loaded.tag !== 'resolved') throw new Error('the configuration has problems');
  const { options } = loaded;
  const live = new LiveState(options);
  const deps = { options, log: SILENT_LOG, clock: SYSTEM_CLOCK, random: () => 0, version: '0', runId: 'test', live };
  const taskDeps = { ...deps, producerIdentity: createProducerIdentity() };
  const memory = { snapshotTaken: false };
  /** Of the attempt before: nothing of it may be left on them. */
  let signals: readonly AbortSignal[] = [];
  const seen: { listeners: number; heapMb: number }[] = [];
  let attempts = 0;
  let stoppedMs = 0;
  const look = (): void => {
    collect();
    const listeners = signals.reduce((sum, signal) => sum + getEventListeners(signal, 'abort').length, 0);
    seen.push({ listeners, heapMb: process.memoryUsage().heapUsed / 1024 / 1024 });
  };
  const connector = new Connector({
    ...deps,
    limits: { startTimeoutMs: Number.POSITIVE_INFINITY, retriesMax: -1, retryWaitMaxMs: 1 },
    newTask: () => async (hooks) => {
      if (attempts === WARM_UP) look();
      if (attempts === count) {
        look();
        stoppedMs = performance.now();
        void connector.stop();
      }
      signals = [hooks.stop, hooks.startDeadline];
      attempts++;
      const started = (): void => {
        hooks.started();
        if (attempts <= count) void breakStream();
      };
      await runAttempt(taskDeps, memory, { ...hooks, started, onProgress: () => {} });
    },
  });
  await connector.start();
  const error = await connector.untilStopped();
  const [first, last] = seen;
  if (first === undefined || last === undefined) throw new Error(`it ended after ${attempts} attempts: ${error?.message}`);
  return {
    attempts,
    listeners: [first.listeners, last.listeners],
    heapMb: [first.heapMb, last.heapMb],
    stopMs: performance.now() - stoppedMs,
    error: error?.code,
  };
}
