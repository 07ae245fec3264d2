import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { answeringSession } from '../../../test/pipeline/answering-session.ts';
import { testOptions } from '../../../test/pipeline/attempt.ts';
import { RecordingPublisher } from '../../../test/pipeline/recording-publisher.ts';
import { SlotlineError } from '../../core/errors.ts';
import { SILENT_LOG } from '../../core/log.ts';
import { formatLsn, type Lsn } from '../../core/lsn.ts';
import { SYSTEM_CLOCK } from '../../core/time.ts';
import { Positions } from '../positions/positions.ts';
import { settle, untilConfirmed } from './orderly-end.ts';

const RECORD = {
  bytes: Buffer.from('v'),
  keyStart: 0,
  keyEnd: -1,
  valueStart: 0,
  valueEnd: 1,
  headers: Buffer.of(0),
  timestampMs: 0,
  partition: -1,
};
const TOPIC = { name: 't', partitionCount: 1, recordBatchBytesMax: 1_000 };

/** A reading with one record of a commit in flight. */
function setUp() {
  const positions = new Positions(SILENT_LOG);
  const stored: Lsn[] = [];
  const keeper = { storedLsn: 0 as Lsn, request: (lsn: Lsn) => stored.push(lsn), flush: async () => {} };
  positions.begin({ fromLsn: 0 as Lsn, keeper });
  const publisher = new RecordingPublisher(positions);
  publisher.append(TOPIC, RECORD);
  positions.mark(1, { tag: 'lsn', lsn: 0x500 as Lsn });
  const failed = new AbortController();
  const loop = { end: vi.fn() };
  const settling = settle({ publisher, positions, signal: failed.signal }, loop);
  settling.catch(() => {});
  return { publisher, stored, failed, loop, settling };
}

describe('what was taken in', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  it('is sent and waited for, and nothing more is taken in; then what is durable is stored', async () => {
    const { publisher, stored, loop, settling } = setUp();
    expect([loop.end.mock.calls.length, publisher.flushes, stored]).toEqual([1, 1, []]);
    publisher.settle(1);
    await settling;
    expect(stored.at(-1)).toBe(0x500);
  });

  it('is not waited for longer than eight seconds, and says what is left', async () => {
    const { settling, stored } = setUp();
    await vi.advanceTimersByTimeAsync(8_000);
    await expect(settling).rejects.toMatchObject({ code: 'stop_timeout', details: { records: 1 } });
    expect(stored).toEqual([]);
  });

  it('ends with what the publisher failed for', async () => {
    const { publisher, settling, stored } = setUp();
    publisher.fail(new SlotlineError('fenced', {}));
    await expect(settling).rejects.toMatchObject({ code: 'fenced' });
    expect(stored).toEqual([]);
  });

  it('ends with what ended the attempt', async () => {
    const { failed, settling } = setUp();
    failed.abort(new SlotlineError('slot_missing', { slot: 's' }));
    await expect(settling).rejects.toMatchObject({ code: 'slot_missing' });
  });
});

describe('the last position', () => {
  it('is waited for until the slot has it, but not long', async () => {
    const answers = [0x100, 0x200, 0x500];
    const row = { kind: 'logical', temporary: false, active: true, restartLsn: null, catalogXmin: null, walStatus: null };
    const rest = { twoPhase: false, failover: false, synced: false };
    const sql = answeringSession([
      { to: 'pg_replication_slots', rows: () => [{ ...row, ...rest, confirmedFlushLsn: formatLsn((answers.shift() ?? 0) as Lsn) }] },
    ]);
    const context = { clock: SYSTEM_CLOCK, options: testOptions(), signal: new AbortController().signal, sql };
    await untilConfirmed(context, 0x500 as Lsn);
    expect([sql.asked.length, answers]).toEqual([3, []]);
    const startedMs = performance.now();
    await untilConfirmed(context, 0x900 as Lsn);
    expect(performance.now() - startedMs).toBeLessThan(5_000);
  });
});
