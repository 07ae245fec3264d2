/** Which source is read when, and the fence and the confirmations meanwhile. What a source does is tested with servers. */
import { afterEach, describe, expect, it } from 'vitest';
import { type AnsweringSession, answeringSession } from '../../../test/pipeline/answering-session.ts';
import { type TestAttempt, testAttempt, testKeeper } from '../../../test/pipeline/attempt.ts';
import { beginFrame, commitFrame } from '../../../test/pipeline/frames.ts';
import { formatLsn, type Lsn } from '../../core/lsn.ts';
import type { StreamLoop } from '../loop/stream-loop.ts';
import { runStreaming, type Sources, type StreamingRun } from './streaming.ts';

const MEBIBYTE = 1024 * 1024;
const START_LSN = 0x1000 as Lsn;
/** A position that is stored while no source is open. */
const BETWEEN_LSN = 0x50 as Lsn;
const FAR = (2_000 * MEBIBYTE) as Lsn;

type Step = 'bulk' | 'stream';

/** A server whose end of WAL the test sets. */
function server(): { readonly wal: { endLsn: Lsn }; readonly sql: AnsweringSession } {
  const wal = { endLsn: START_LSN };
  const sql = answeringSession([
    { to: 'currentLsn', rows: () => [{ currentLsn: formatLsn(wal.endLsn), lagBytes: 0, retainedBytes: 0 }] },
    { to: 'pg_locks', rows: () => [{ held: true }] },
    { to: 'pg_advisory_unlock', rows: () => [{}] },
  ]);
  return { wal, sql };
}

function setUp(more: Readonly<Record<string, string>> = {}) {
  const { wal, sql } = server();
  const attempt = testAttempt(sql, more);
  const stop = new AbortController();
  const steps: Step[] = [];
  const started: number[] = [];
  const confirmed: [Step, Lsn][] = [];
  /** States of the fence at each opening of the stream. */
  const states: string[] = [];
  /** What the sources do when they are read. By default they end in order, with the backlog read. */
  const acts: { bulk: (loop: StreamLoop) => Promise<'handOver' | 'givenUp' | 'stopped'>; stream: () => Promise<'ended' | 'behind'> } = {
    bulk: async () => 'handOver',
    stream: async () => 'ended',
  };
  const hold = (state: 'bulk' | 'walsender', of: Step): void => {
    const contact = { serverContactMs: attempt.context.clock.monotonicMs(), noteContact: () => {} };
    attempt.fence.hold({ state, timeoutMs: 60_000, isOurs: async () => true, contact });
    attempt.positions.confirmTo({ confirm: (lsn) => confirmed.push([of, lsn]) });
  };
  const sources: Sources = {
    catchUp: async (_context, parts) => {
      steps.push('bulk');
      hold('bulk', 'bulk');
      await parts.onStarted();
      const end = await acts.bulk(parts.loop);
      return end === 'stopped' ? { tag: 'stopped' } : { tag: 'handOver', mayAgain: end === 'handOver' };
    },
    readStream: async (_context, parts) => {
      steps.push('stream');
      states.push(attempt.fence.state);
      attempt.positions.onStored(BETWEEN_LSN);
      hold('walsender', 'stream');
      await parts.onStarted();
      return await acts.stream();
    },
  };
  const run = async (rest: Partial<StreamingRun> = {}): Promise<void> => {
    const keeper = await testKeeper(attempt, START_LSN);
    const base = { untilLsn: undefined, stop: stop.signal, walSenderTimeoutMs: 60_000, startLsn: START_LSN, keeper, onNotice: () => {} };
    const onStarted = async (): Promise<void> => {
      started.push(steps.length);
    };
    await runStreaming(attempt.context, { ...base, onStarted, ...rest }, sources);
  };
  attempts.push(attempt);
  return { ...attempt, wal, sql, steps, states, started, confirmed, acts, stop, run };
}

const attempts: TestAttempt[] = [];
afterEach(async () => {
  for (const attempt of attempts.splice(0)) await attempt[Symbol.asyncDispose]();
});

/** Passes a transaction without rows. */
async function passCommit(loop: StreamLoop, end: number): Promise<void> {
  for (const frame of [beginFrame({ commitLsn: end - 0x30 }), commitFrame({ commitLsn: end - 0x30, endLsn: end })])
    await loop.onFrame(frame, 0, frame.length, end as Lsn);
}

describe('a reading', () => {
  it('is by the stream while little is left to read, and begins where the slot stands', async () => {
    const { run, acts, steps, started, positions, fence, sql } = setUp();
    acts.stream = async () => {
      expect([fence.state, positions.markedLsn]).toEqual(['walsender', START_LSN]);
      return 'ended';
    };
    await run();
    expect([steps, started]).toEqual([['stream'], [1]]);
    expect(sql.asked.filter((text) => text.includes('pg_advisory_unlock')).length).toBe(1);
  });

  it('ends in order under the lock, and confirms to nobody from there on', async () => {
    const { run, fence, positions, confirmed, publisher } = setUp();
    await run();
    expect(fence.state).toBe('lock');
    publisher.settle(0);
    positions.onStored(0x2000 as Lsn);
    expect(confirmed).toEqual([]);
  });

  it('takes a large backlog in bulk first, and the stream goes on at the commit where that stood', async () => {
    const { run, acts, wal, steps, states, started, positions, fence, context } = setUp();
    wal.endLsn = FAR;
    acts.bulk = async (loop) => {
      expect([fence.state, context.live.view().isReadingInBulk]).toEqual(['bulk', true]);
      await passCommit(loop, FAR - MEBIBYTE);
      return 'handOver';
    };
    acts.stream = async () => {
      expect([fence.state, context.live.view().isReadingInBulk]).toEqual(['walsender', false]);
      expect(positions.markedLsn).toBe(FAR - MEBIBYTE);
      return 'ended';
    };
    await run();
    expect(steps).toEqual(['bulk', 'stream']);
    expect(states).toEqual(['lock']);
    // Whichever source comes first, `onStarted` is called once.
    expect(started).toEqual([1]);
  });

  it('comes back to bulk when the stream fell behind, and each source hears its own confirmations', async () => {
    const { run, acts, wal, steps, positions, confirmed } = setUp();
    const ends: ('behind' | 'ended')[] = ['behind', 'ended'];
    acts.stream = async () => {
      positions.onStored((steps.length * 0x100) as Lsn);
      wal.endLsn = FAR;
      return ends.shift() ?? 'ended';
    };
    acts.bulk = async (loop) => {
      positions.onStored(0x200 as Lsn);
      await passCommit(loop, FAR);
      return 'handOver';
    };
    await run();
    expect(steps).toEqual(['stream', 'bulk', 'stream']);
    expect(confirmed).toEqual([
      ['stream', 0x100],
      ['bulk', 0x200],
      ['stream', 0x300],
    ]);
  });

  it('does not read in bulk for a while after that did not pay', async () => {
    const { run, acts, wal, steps } = setUp();
    wal.endLsn = FAR;
    const ends: ('behind' | 'ended')[] = ['behind', 'ended'];
    acts.bulk = async () => 'givenUp';
    acts.stream = async () => ends.shift() ?? 'ended';
    await run();
    expect(steps).toEqual(['bulk', 'stream', 'stream']);
  });

  it('opens no stream after a stop during bulk reading', async () => {
    const { run, acts, wal, steps, fence } = setUp();
    wal.endLsn = FAR;
    acts.bulk = async () => 'stopped';
    await run();
    expect([steps, fence.state]).toEqual([['bulk'], 'lock']);
  });

  it('up to a snapshot is by the stream alone, and starts nothing', async () => {
    const { run, wal, steps, started, sql } = setUp();
    wal.endLsn = FAR;
    await run({ untilLsn: FAR });
    expect([steps, started]).toEqual([['stream'], []]);
    // The lock is kept, for the rows of the snapshot come next.
    expect(sql.asked.filter((text) => text.includes('pg_advisory_unlock'))).toEqual([]);
  });

  it('that fails closes the fence for good, and confirms nothing more', async () => {
    const { run, acts, fence, positions, confirmed } = setUp();
    acts.stream = async () => {
      throw new Error('broken');
    };
    await expect(run()).rejects.toThrow('broken');
    positions.onStored(0x2000 as Lsn);
    expect([fence.state, fence.maySend(), confirmed]).toEqual(['closed', false, []]);
    fence.hold({ state: 'lock', timeoutMs: 60_000, isOurs: async () => true });
    expect(fence.state).toBe('closed');
  });
});
