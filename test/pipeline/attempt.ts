/** The parts of an attempt as the program makes them, over a session that answers by hand and a publisher that only records. */
import { resolveConfig } from '../../src/config/resolve/resolve.ts';
import type { Lsn } from '../../src/core/lsn.ts';
import { type ResolvedOptions, TASK_ID } from '../../src/core/options.ts';
import { SYSTEM_CLOCK } from '../../src/core/time.ts';
import { createProducerIdentity } from '../../src/kafka/producer/identity.ts';
import { type AttemptContext, createContext } from '../../src/pipeline/life/attempt-context.ts';
import { LiveState } from '../../src/pipeline/life/live-state.ts';
import { Fence } from '../../src/pipeline/positions/fence.ts';
import { PositionKeeper } from '../../src/pipeline/positions/position-keeper.ts';
import { Positions } from '../../src/pipeline/positions/positions.ts';
import type { PgSession } from '../../src/postgres/session/open-session.ts';
import { type LogLine, recordingLog } from '../kafka/publishing.ts';
import { RecordingPublisher } from './recording-publisher.ts';

export function testOptions(more: Readonly<Record<string, string>> = {}): ResolvedOptions {
  const config = {
    'database.hostname': 'localhost',
    'database.user': 'u',
    'database.dbname': 'd',
    'topic.prefix': 'srv',
    'bootstrap.servers': 'localhost:9092',
    ...more,
  };
  const noFile = (): never => {
    throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
  };
  const result = resolveConfig(config, { variables: {}, readFile: noFile });
  if (result.tag === 'refused') throw new Error(JSON.stringify(result.problems));
  return result.options;
}

export type TestAttempt = AsyncDisposable & {
  readonly context: AttemptContext;
  readonly fence: Fence;
  readonly positions: Positions;
  readonly publisher: RecordingPublisher;
  readonly lines: readonly LogLine[];
  /** Ends the attempt. */
  readonly fail: (reason: Error) => void;
};

export function testAttempt(sql: PgSession, more: Readonly<Record<string, string>> = {}): TestAttempt {
  const { log, lines } = recordingLog();
  const failed = new AbortController();
  const base = { log, clock: SYSTEM_CLOCK, random: Math.random };
  const fence = new Fence(base);
  const positions = new Positions(log);
  const publisher = new RecordingPublisher(positions);
  const live = new LiveState({ name: 'srv', taskId: TASK_ID });
  const deps = { ...base, options: testOptions(more), version: '0', runId: 'r', producerIdentity: createProducerIdentity(), live };
  const made = createContext(deps, sql, { signal: failed.signal, onFailure: () => {}, fence, positions });
  const dispose = async (): Promise<void> => {
    fence.close();
    positions.rest();
    // The one that would send.
    await made.publisher.close();
    await made.kafka.close();
  };
  const context = { ...made, publisher };
  return { context, fence, positions, publisher, lines, fail: (reason) => failed.abort(reason), [Symbol.asyncDispose]: dispose };
}

/** Stores at once, in memory. */
export function testKeeper({ positions, context }: TestAttempt, fromLsn: Lsn): Promise<PositionKeeper> {
  const { clock, log, signal } = context;
  const deps = { store: { save: async () => {} }, clock, log, signal, ended: signal, confirmer: positions, onTrouble: () => {} };
  return PositionKeeper.begin(deps, { lsn: fromLsn, mark: { confirmedLsn: fromLsn, slot: 's', systemId: '1', databaseOid: 5, claim: 1 } });
}
