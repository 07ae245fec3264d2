import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Lsn } from '../core/lsn.ts';
import { TASK_ID } from '../core/options.ts';
import {
  isSameOwner,
  isSnapshotUnfinished,
  parseOffset,
  parseOffsetKey,
  printOffset,
  printOffsetKey,
  type StoredOffset,
} from './offset.ts';

const OWNER = { connector: 'shop-connector', task: TASK_ID, server: 'shop' };

describe('the key', () => {
  test("is Connect's: connector name and partition", () => {
    expect(printOffsetKey(OWNER)).toBe('["shop-connector",{"server":"shop"}]');
  });

  test('is recognised with any white space, and no other key is', () => {
    expect(parseOffsetKey(' [ "shop-connector", { "server" : "shop" } ]')).toEqual(OWNER);
    expect(parseOffsetKey('["other",{"server":"shop"}]')).toEqual({ connector: 'other', task: TASK_ID, server: 'shop' });
    const others = ['["shop-connector",{"server":"shop","task":"1"}]', '["shop-connector"]', '{}', '', 'null', '"shop-connector"'];
    for (const key of others) expect(parseOffsetKey(key)).toBeUndefined();
  });

  test('tells another task of the connector apart', () => {
    const second = { ...OWNER, task: '1' };
    expect(printOffsetKey(second)).toBe('["shop-connector",{"server":"shop","slotline_task":"1"}]');
    expect(parseOffsetKey(printOffsetKey(second))).toEqual(second);
    expect(isSameOwner(second, OWNER)).toBe(false);
  });
});

describe('the value', () => {
  test("is read as Debezium's connector writes it while streaming", () => {
    const text = '{"lsn_proc":39918624,"messageType":"UPDATE","lsn_commit":39918568,"lsn":39918624,"txId":785,"ts_usec":1700000000000000}';
    const offset = parseOffset(text);
    expect(offset).toEqual({
      lsnProc: 39918624,
      messageType: 'UPDATE',
      lsnCommit: 39918568,
      lsn: 39918624,
      txId: 785,
      tsUs: 1700000000000000,
    });
    expect(printOffset(offset)).toBe(text);
    expect(isSnapshotUnfinished(offset)).toBe(false);
  });

  test('tells an unfinished snapshot from a finished one', () => {
    expect(isSnapshotUnfinished(parseOffset('{"snapshot":"INITIAL","snapshot_completed":false,"last_snapshot_record":false}'))).toBe(true);
    expect(isSnapshotUnfinished(parseOffset('{"snapshot":true}'))).toBe(true);
    expect(isSnapshotUnfinished(parseOffset('{"snapshot":"INITIAL","snapshot_completed":true,"last_snapshot_record":true}'))).toBe(false);
    expect(isSnapshotUnfinished(parseOffset('{"snapshot":false}'))).toBe(false);
  });

  test('keeps fields that it does not know', () => {
    const text = '{"transaction_id":null,"incremental_snapshot_collections":"[]","lsn":5}';
    expect(JSON.parse(printOffset(parseOffset(text)))).toEqual(JSON.parse(text));
  });

  test.each([
    '',
    'null',
    '[]',
    '7',
    '{"lsn":"5"}',
    '{"lsn":1.5}',
    '{"lsn":9007199254740993}',
    '{"snapshot_completed":1}',
    '{"messageType":3}',
  ])('that is malformed is refused: %s', (text) => {
    expect(() => parseOffset(text)).toThrowError(expect.objectContaining({ code: 'offsets_unreadable' }));
  });

  test('survives printing and parsing', () => {
    const number = fc.maxSafeNat();
    const offsets = fc.record(
      {
        lsn: number.map((lsn) => lsn as Lsn),
        lsnProc: number.map((lsn) => lsn as Lsn),
        lsnCommit: number.map((lsn) => lsn as Lsn),
        txId: number,
        tsUs: number,
        messageType: fc.string(),
        snapshot: fc.string(),
        lastSnapshotRecord: fc.boolean(),
        snapshotCompleted: fc.boolean(),
        mark: fc.record(
          {
            confirmedLsn: number.map((lsn) => lsn as Lsn),
            slot: fc.string(),
            systemId: fc.string(),
            databaseOid: number,
            timeline: number,
            claim: number,
          },
          { requiredKeys: ['confirmedLsn', 'slot', 'systemId', 'databaseOid', 'claim'] },
        ),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(offsets, (offset: StoredOffset) => {
        expect(parseOffset(printOffset(offset))).toEqual(offset);
      }),
    );
  });
});
