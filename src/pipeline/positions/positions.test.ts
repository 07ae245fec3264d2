/** The way back: from what the publisher says to what the source is told. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { recordingLog } from '../../../test/kafka/publishing.ts';
import type { Lsn } from '../../core/lsn.ts';
import type { Position } from './ledger.ts';
import { Positions } from './positions.ts';

const lsn = (value: number): Lsn => value as Lsn;
const at = (value: number): Position => ({ tag: 'lsn', lsn: lsn(value) });
const PACE_MS = 20;

/** A keeper that stores when the test says so. */
function setUp(fromLsn = 100) {
  const { log, lines } = recordingLog();
  const positions = new Positions(log);
  const requested: { lsn: number; records: number; urgent: boolean }[] = [];
  const confirmed: number[] = [];
  const keeper = {
    storedLsn: lsn(fromLsn),
    request: (position: Lsn, of: { readonly records: number; readonly urgent: boolean }) => {
      requested.push({ lsn: position, ...of });
    },
    flush: vi.fn(async (_signal: AbortSignal) => {}),
  };
  const store = (position: number): void => {
    keeper.storedLsn = lsn(position);
    positions.onStored(lsn(position));
  };
  const source = { confirm: (position: Lsn) => confirmed.push(position) };
  const begin = (): void => positions.begin({ fromLsn: lsn(fromLsn), keeper });
  return { positions, requested, confirmed, keeper, store, source, begin, lines };
}

describe('positions', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  it('go from what is acknowledged to the keeper, and from there to the source', () => {
    const { positions, requested, confirmed, store, source, begin } = setUp();
    begin();
    positions.confirmTo(source);
    positions.mark(3, at(500));
    positions.onAcknowledged(2, { waiting: 1 });
    vi.advanceTimersByTime(PACE_MS);
    expect(requested).toEqual([]);
    positions.onAcknowledged(3, { waiting: 0 });
    expect(requested).toEqual([{ lsn: 500, records: 3, urgent: true }]);
    expect(confirmed).toEqual([]);
    store(500);
    expect(confirmed).toEqual([500]);
  });

  it('are handed on at a pace, the newest one, while more is in flight', () => {
    const { positions, requested, begin } = setUp();
    begin();
    for (let ordinal = 1; ordinal <= 10; ordinal++) positions.mark(ordinal, at(100 + ordinal));
    for (let ordinal = 1; ordinal <= 9; ordinal++) positions.onAcknowledged(ordinal, { waiting: 10 - ordinal });
    expect(requested).toEqual([]);
    vi.advanceTimersByTime(PACE_MS);
    expect(requested).toEqual([{ lsn: 109, records: 9, urgent: false }]);
  });

  it('are told again when the server asks, also where nothing moved', () => {
    const { positions, requested, begin } = setUp();
    begin();
    positions.release({ urgent: true });
    positions.release({ urgent: false });
    expect(requested).toEqual([{ lsn: 100, records: 0, urgent: true }]);
  });

  it('go to the source that is read now, and to none between two', () => {
    const { positions, confirmed, store, source, begin } = setUp();
    const other: number[] = [];
    begin();
    positions.confirmTo(source);
    store(200);
    positions.confirmTo(undefined);
    store(300);
    positions.confirmTo({ confirm: (position) => other.push(position) });
    store(400);
    expect([confirmed, other]).toEqual([[200], [400]]);
  });

  it('do not move between readings, but what is acknowledged there counts for the next one', () => {
    const { positions, requested, confirmed, store, source, begin, lines } = setUp();
    positions.onAcknowledged(7, { waiting: 0 });
    positions.release({ urgent: true });
    store(50);
    expect(requested).toEqual([]);
    begin();
    positions.confirmTo(source);
    positions.mark(7, at(200));
    positions.release({ urgent: true });
    expect(requested).toEqual([{ lsn: 200, records: 7, urgent: true }]);
    positions.mark(8, at(300));
    positions.onAcknowledged(8, { waiting: 1 });
    positions.rest();
    vi.advanceTimersByTime(PACE_MS);
    store(300);
    expect(requested.length).toBe(1);
    expect([confirmed, lines]).toEqual([[], []]);
    // The next reading confirms to no source until it names one.
    begin();
    store(400);
    expect(confirmed).toEqual([]);
  });

  it('begin anew where the slot stands: nothing of the reading before is durable in the next', () => {
    const { positions, begin, keeper } = setUp();
    begin();
    positions.mark(5, at(900));
    positions.rest();
    positions.begin({ fromLsn: lsn(150), keeper });
    positions.onAcknowledged(5, { waiting: 0 });
    expect([positions.markedLsn, positions.durableLsn]).toEqual([150, 150]);
  });

  it('never follow a failure: an error is not followed by a later acknowledgement', () => {
    const { positions, requested, begin } = setUp();
    begin();
    positions.mark(1, at(200));
    positions.onEnded();
    positions.onAcknowledged(1, { waiting: 0 });
    positions.release({ urgent: true });
    vi.advanceTimersByTime(PACE_MS);
    expect(requested).toEqual([]);
  });

  it('are stored, the durable one, before a reading hands over; only what is stored may be confirmed', async () => {
    const { positions, requested, begin, keeper, store } = setUp();
    begin();
    positions.mark(2, at(250));
    positions.mark(3, at(300));
    positions.onAcknowledged(2, { waiting: 1 });
    const { signal } = new AbortController();
    await positions.store(signal);
    expect(requested).toEqual([{ lsn: 250, records: 2, urgent: false }]);
    expect(keeper.flush).toHaveBeenCalledWith(signal);
    expect(positions.confirmableLsn).toBe(100);
    store(250);
    expect([positions.confirmableLsn, positions.durableLsn, positions.markedLsn]).toEqual([250, 250, 300]);
    vi.advanceTimersByTime(PACE_MS);
    expect(requested.length).toBe(1);
  });

  it('log what is confirmed, at debug', () => {
    const { begin, store, lines } = setUp();
    begin();
    store(0x16);
    expect(lines).toEqual([{ level: 'debug', event: 'lsn.confirmed', fields: { lsn: '0/16' } }]);
  });
});
