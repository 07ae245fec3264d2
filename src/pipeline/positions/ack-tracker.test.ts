import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LSN_ZERO, type Lsn } from '../../core/lsn.ts';
import { AckTracker } from './ack-tracker.ts';

const lsn = (value: number): Lsn => value as Lsn;

describe('AckTracker', () => {
  it('D2: releases exactly the marked LSN, never one more', () => {
    const tracker = new AckTracker(LSN_ZERO);
    tracker.mark(3, lsn(1000));
    expect(tracker.release(2)).toBe(false);
    expect(tracker.durableLsn).toBe(0);
    expect(tracker.release(3)).toBe(true);
    expect(tracker.durableLsn).toBe(1000);
  });

  it('releases a position without records before it at once', () => {
    const tracker = new AckTracker(LSN_ZERO);
    tracker.mark(0, lsn(8));
    expect(tracker.release(0)).toBe(true);
    expect(tracker.durableLsn).toBe(8);
  });

  it('D6: a keepalive position waits for the records appended before it', () => {
    const tracker = new AckTracker(LSN_ZERO);
    tracker.mark(1, lsn(100));
    tracker.mark(5, lsn(900));
    tracker.release(4);
    expect(tracker.durableLsn).toBe(100);
  });

  it('ignores a position below the last one marked', () => {
    const tracker = new AckTracker(lsn(500));
    tracker.mark(0, lsn(400));
    expect(tracker.release(10)).toBe(false);
    expect(tracker.durableLsn).toBe(500);
  });

  it('D1: agrees with a plain model on any interleaving of marks and settlements', () => {
    const step = fc.record({ records: fc.nat(3), settle: fc.nat(6), advance: fc.nat(4) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 3000 }), (steps) => {
        const tracker = new AckTracker(LSN_ZERO);
        const marks: { ordinal: number; lsn: number }[] = [];
        let appended = 0;
        let settled = 0;
        let position = 0;
        for (const { records, settle, advance } of steps) {
          appended += records;
          position += advance;
          tracker.mark(appended, lsn(position));
          marks.push({ ordinal: appended, lsn: position });
          settled = Math.min(appended, settled + settle);
          const before = tracker.durableLsn;
          tracker.release(settled);
          const expected = Math.max(0, ...marks.filter((mark) => mark.ordinal <= settled).map((mark) => mark.lsn));
          expect(tracker.durableLsn).toBe(expected);
          expect(tracker.durableLsn).toBeGreaterThanOrEqual(before);
        }
      }),
      { numRuns: 30 },
    );
  });
});
