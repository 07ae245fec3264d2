import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LSN_ZERO, type Lsn } from '../../core/lsn.ts';
import { Ledger, type Position } from './ledger.ts';

const lsn = (value: number): Lsn => value as Lsn;
const at = (value: number): Position => ({ tag: 'lsn', lsn: lsn(value) });

describe('the ledger of positions', () => {
  it('D2: releases exactly the marked LSN, never one more', () => {
    const ledger = new Ledger(LSN_ZERO);
    ledger.mark(3, at(1000));
    expect(ledger.release(2)).toBe(false);
    expect(ledger.durableLsn).toBe(0);
    expect(ledger.release(3)).toBe(true);
    expect(ledger.durableLsn).toBe(1000);
  });

  it('releases a position without records before it at once', () => {
    const ledger = new Ledger(LSN_ZERO);
    ledger.mark(0, at(8));
    expect(ledger.release(0)).toBe(true);
    expect(ledger.durableLsn).toBe(8);
  });

  it('D6: a keepalive position waits for the records appended before it', () => {
    const ledger = new Ledger(LSN_ZERO);
    ledger.mark(1, at(100));
    ledger.mark(5, at(900));
    ledger.release(4);
    expect(ledger.durableLsn).toBe(100);
  });

  it('ignores a position below the last one marked', () => {
    const ledger = new Ledger(lsn(500));
    ledger.mark(0, at(400));
    expect(ledger.release(10)).toBe(false);
    expect(ledger.durableLsn).toBe(500);
  });

  it('keeps a copy: the object of a mark is used again for the next one', () => {
    const ledger = new Ledger(LSN_ZERO);
    const position = at(0);
    for (let ordinal = 1; ordinal <= 5; ordinal++) {
      position.lsn = lsn(ordinal * 100);
      ledger.mark(ordinal, position);
    }
    ledger.release(3);
    expect([ledger.durableLsn, ledger.markedLsn]).toEqual([300, 500]);
  });

  it('keeps their order when more wait than it had places for', () => {
    const ledger = new Ledger(LSN_ZERO);
    const settle = (from: number, to: number): void => {
      for (let ordinal = from; ordinal <= to; ordinal++) {
        ledger.release(ordinal);
        expect(ledger.durableLsn).toBe(ordinal);
      }
    };
    for (let ordinal = 1; ordinal <= 700; ordinal++) ledger.mark(ordinal, at(ordinal));
    settle(1, 600);
    for (let ordinal = 701; ordinal <= 3_000; ordinal++) ledger.mark(ordinal, at(ordinal));
    settle(601, 3_000);
  });

  it('D1: agrees with a plain model on any interleaving of marks and settlements', () => {
    const step = fc.record({ records: fc.nat(3), settle: fc.nat(6), advance: fc.nat(4) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 3000 }), (steps) => {
        const ledger = new Ledger(LSN_ZERO);
        const marks: { ordinal: number; lsn: number }[] = [];
        let appended = 0;
        let acknowledged = 0;
        let position = 0;
        for (const { records, settle, advance } of steps) {
          appended += records;
          position += advance;
          ledger.mark(appended, at(position));
          marks.push({ ordinal: appended, lsn: position });
          acknowledged = Math.min(appended, acknowledged + settle);
          const before = ledger.durableLsn;
          ledger.release(acknowledged);
          const expected = Math.max(0, ...marks.filter((mark) => mark.ordinal <= acknowledged).map((mark) => mark.lsn));
          expect(ledger.durableLsn).toBe(expected);
          expect(ledger.durableLsn).toBeGreaterThanOrEqual(before);
        }
      }),
      { numRuns: 30 },
    );
  });
});
