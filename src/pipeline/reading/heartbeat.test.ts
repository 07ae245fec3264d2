/** When heartbeats are sent. Their content is tested by the recorded cases. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SlotlineError } from '../../core/errors.ts';
import { SourceInfo } from '../../events/source-info.ts';
import { Heartbeat } from './heartbeat.ts';

const INTERVAL_MS = 1_000;

/** A publisher with room for one record, which the test fills and empties. */
function setUp() {
  const sent: { atUs: number }[] = [];
  const failures: unknown[] = [];
  const info = new SourceInfo();
  const room = { full: false, freed: Promise.withResolvers<void>() };
  const publisher: { failure: SlotlineError | undefined; flushed: number } & Record<string, unknown> = { failure: undefined, flushed: 0 };
  const heartbeat = new Heartbeat({
    intervalMs: INTERVAL_MS,
    clock: { nowUs: () => Date.now() * 1000, nowMs: () => Date.now(), monotonicMs: () => Date.now() },
    info,
    controls: {
      heartbeat: () => {
        sent.push({ atUs: info.nowUs });
        return undefined;
      },
    },
    publisher: {
      hasCapacity: () => !room.full,
      whenCapacity: () => room.freed.promise,
      flush: () => {
        publisher.flushed++;
      },
      get failure() {
        return publisher.failure;
      },
    },
    action: undefined,
    onFailure: (error) => failures.push(error),
  });
  const free = (): void => {
    room.full = false;
    room.freed.resolve();
    room.freed = Promise.withResolvers();
  };
  return { heartbeat, sent, failures, room, publisher, free };
}

describe('heartbeats', () => {
  beforeEach(() => vi.useFakeTimers({ now: 1_700_000_000_000 }));
  afterEach(() => vi.useRealTimers());

  it('are sent after each interval, with the time of sending, and flushed', async () => {
    const { heartbeat, sent, publisher } = setUp();
    heartbeat.start();
    await vi.advanceTimersByTimeAsync(INTERVAL_MS - 1);
    expect(sent).toEqual([]);
    await vi.advanceTimersByTimeAsync(2 * INTERVAL_MS + 1);
    expect(sent).toEqual([1, 2, 3].map((n) => ({ atUs: (1_700_000_000_000 + n * INTERVAL_MS) * 1000 })));
    expect(publisher.flushed).toBe(3);
  });

  it('wait while the publisher is full: one when there is room, the next an interval later', async () => {
    const { heartbeat, sent, room, free } = setUp();
    room.full = true;
    heartbeat.start();
    await vi.advanceTimersByTimeAsync(10 * INTERVAL_MS);
    expect(sent).toEqual([]);
    free();
    await vi.advanceTimersByTimeAsync(INTERVAL_MS - 1);
    expect(sent).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(sent).toHaveLength(2);
  });

  it('end with stop(), also one that waits for room', async () => {
    const { heartbeat, sent, room, free } = setUp();
    room.full = true;
    heartbeat.start();
    await vi.advanceTimersByTimeAsync(INTERVAL_MS);
    heartbeat.stop();
    free();
    await vi.advanceTimersByTimeAsync(10 * INTERVAL_MS);
    expect(sent).toEqual([]);
  });

  it('follow no failure of the publisher', async () => {
    const { heartbeat, sent, failures, publisher } = setUp();
    heartbeat.start();
    publisher.failure = new SlotlineError('kafka_delivery_timeout');
    await vi.advanceTimersByTimeAsync(3 * INTERVAL_MS);
    expect(sent).toEqual([]);
    expect(failures).toEqual([]);
  });

  it('beat() sends one at once, whatever the timer says', async () => {
    const { heartbeat, sent } = setUp();
    await heartbeat.beat();
    expect(sent).toHaveLength(1);
  });
});
