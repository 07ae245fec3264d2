import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Lsn, parseLsn } from '../core/lsn.ts';
import { type Continuity, compareContinuity, needsFork, nextClaim, otherOwner, type SlotPlace } from './continuity.ts';
import type { SlotMark, StoredOffset } from './offset.ts';
import type { Remembered } from './store.ts';

const lsn = (value: number): Lsn => value as Lsn;
const MARK: SlotMark = { confirmedLsn: lsn(1_000), slot: 's', systemId: '7', databaseOid: 5, timeline: 1, claim: 1 };
const PLACE: SlotPlace = { slot: 's', confirmedLsn: lsn(1_000), systemId: '7', databaseOid: 5, timeline: 1, walEndLsn: lsn(9_000) };
const RULES = { accept: undefined, trustsSlot: false, debeziumConfirmsStored: true };

function verdict(
  offset: StoredOffset | undefined,
  place: Partial<SlotPlace> = {},
  rules: Partial<Parameters<typeof compareContinuity>[2]> = {},
): Continuity {
  return compareContinuity(offset, { ...PLACE, ...place }, { ...RULES, ...rules });
}

function shown(found: Continuity): string {
  return 'error' in found ? `${found.tag} ${found.error.code}` : found.tag;
}

describe('the remembered position compared with the slot', () => {
  test.each<[string, Partial<SlotPlace>, string]>([
    ['the same', {}, 'unbroken'],
    ['a slot that stands before the position, as after a crash', { confirmedLsn: lsn(900) }, 'unbroken'],
    ['one byte behind it', { confirmedLsn: lsn(1_001) }, 'broken slot_gap'],
    ['a copy of the slot under another name', { slot: 'copy' }, 'unbroken'],
    ['no slot', { confirmedLsn: undefined }, 'unbroken'],
    ['another system identifier', { systemId: '8' }, 'broken server_changed'],
    ['another database', { databaseOid: 6 }, 'broken server_changed'],
    ['WAL that ends before the position', { walEndLsn: lsn(999), confirmedLsn: lsn(500) }, 'broken server_changed'],
    ['a standby that has not read all WAL yet', { walEndLsn: undefined, timeline: undefined }, 'unbroken'],
  ])('%s', (_, place, expected) => {
    expect(shown(verdict({ mark: MARK }, place))).toBe(expected);
  });

  test.each([
    [1_000, 'unbroken'],
    [1_001, 'unbroken'],
    [999, 'broken server_changed'],
    [undefined, 'broken server_changed'],
  ])('a timeline that forks at %s', (forkLsn, expected) => {
    const fork = { timeline: 1, forkLsn: forkLsn === undefined ? undefined : lsn(forkLsn) };
    expect(needsFork(MARK, { ...PLACE, timeline: 2 })).toBe(true);
    expect(shown(verdict({ mark: MARK }, { timeline: 2 }, { fork }))).toBe(expected);
  });

  test('a gap is told in bytes, with both positions', () => {
    const found = verdict(
      { mark: { ...MARK, confirmedLsn: parseLsn('0/15000000') } },
      { confirmedLsn: parseLsn('1/100'), walEndLsn: undefined },
    );
    expect('error' in found && found.error.details).toMatchObject({ bytes: 0xeb000100, deliveredLsn: '0/15000000', slotLsn: '1/100' });
  });

  test('a record without a mark tells no gap, but a record of Debezium tells where its slot may stand', () => {
    expect(shown(verdict(undefined))).toBe('unknown');
    expect(shown(verdict({ lsn: lsn(5), txId: 7 }))).toBe('unknown');
    const debezium = { lsn: lsn(990), lsnProc: lsn(990), lsnCommit: lsn(980) };
    expect(shown(verdict(debezium))).toBe('broken slot_gap');
    expect(shown(verdict(debezium, { confirmedLsn: lsn(980) }))).toBe('unknown');
    expect(shown(verdict(debezium, {}, { debeziumConfirmsStored: false }))).toBe('unknown');
  });

  test('a slot that was about to be made when its maker was killed is no gap', () => {
    expect(shown(verdict({ snapshot: 'INITIAL', mark: { ...MARK, confirmedLsn: lsn(0) } }))).toBe('unbroken');
  });

  test('a difference is accepted at exactly the given place, and a gap by trust in the slot', () => {
    const behind = { confirmedLsn: lsn(0x2000) };
    expect(shown(verdict({ mark: MARK }, behind, { accept: '7:5:s@0/2000' }))).toBe('accepted slot_gap');
    expect(shown(verdict({ mark: MARK }, behind, { accept: '7:5:s@0/2001' }))).toBe('broken slot_gap');
    expect(shown(verdict({ mark: MARK }, behind, { trustsSlot: true }))).toBe('accepted slot_gap');
    expect(shown(verdict({ mark: MARK }, { systemId: '8' }, { trustsSlot: true }))).toBe('broken server_changed');
  });
});

describe('the owner of the slot', () => {
  const other = (claim: number, mark: Partial<SlotMark> = {}): Remembered['others'][number] => ({
    owner: { connector: `c${claim}`, task: '0', server: 'p' },
    offset: { mark: { ...MARK, ...mark, claim } },
  });
  const owner = (own: StoredOffset | undefined, ...others: Remembered['others']): string | undefined =>
    otherOwner({ own, others }, PLACE)?.connector;

  test('is the connector with the later claim; records of other slots, databases and servers do not count', () => {
    expect(owner(undefined)).toBeUndefined();
    expect(owner(undefined, other(1))).toBe('c1');
    expect(owner({ mark: MARK }, other(2))).toBe('c2');
    expect(owner({ mark: { ...MARK, claim: 3 } }, other(2))).toBeUndefined();
    expect(owner(undefined, other(1, { slot: 't' }), other(1, { systemId: '8' }), other(1, { databaseOid: 6 }))).toBeUndefined();
    expect(owner({ mark: { ...MARK, slot: 't', claim: 9 } }, other(1))).toBe('c1');
  });

  test('is whoever has taken it over, from then on', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(5)), fc.option(fc.nat(5)), (claims, own) => {
        const others = claims.map((claim) => other(claim));
        const mine = own === null ? undefined : { mark: { ...MARK, claim: own } };
        const claim = nextClaim({ own: mine, others }, PLACE);
        expect(otherOwner({ own: { mark: { ...MARK, claim } }, others }, PLACE)).toBeUndefined();
        expect(nextClaim({ own: { mark: { ...MARK, claim } }, others }, PLACE)).toBe(claim);
        for (const { offset } of others) expect(offset.mark?.claim).toBeLessThan(claim);
      }),
    );
  });
});
