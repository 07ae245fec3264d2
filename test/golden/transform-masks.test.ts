/** What is masked in records behind transforms, and what is not: a mask that is too wide would hide a difference. */
import { describe, expect, test } from 'vitest';
import { differences } from './compare.ts';
import type { GoldenRecord } from './replay-cases.ts';

type Parts = { value?: string | null; headers?: GoldenRecord['headers']; timestamp?: number };

function record({ value = '{"id":1}', headers = [], timestamp }: Parts): GoldenRecord {
  return { topic: 'tr.t', partition: 0, key: '{"id":1}', value, headers, ...(timestamp !== undefined && { timestamp }) };
}

function compare(expected: readonly Parts[], actual: readonly Parts[]): number {
  const side = (name: string, parts: readonly Parts[]): { name: string; records: GoldenRecord[] } => ({ name, records: parts.map(record) });
  return differences({ group: 'transform-x', expected: side('a', expected), actual: side('b', actual) }).length;
}

const row = (o: { lsn: number; xid: number; us: number; ns?: string; clock?: number; commit?: number }): Parts => ({
  value:
    `{"id":1,"__lsn":${o.lsn},"__source_txId":${o.xid},"__source_ts_us":${o.us},"__source_ts_ns":${o.ns ?? `${o.us}000`},"__ts_ms":${o.clock ?? 1_700_000_000_000},` +
    `"__transaction_id":"${o.xid}:${o.lsn}","__sequence":"[${o.commit === undefined ? 'null' : `\\"${o.commit}\\"`},\\"${o.lsn}\\"]"}`,
});
const US = 1_700_000_000_000_000;

describe('facts in rows', () => {
  const rows = [row({ lsn: 100, xid: 7, us: US }), row({ lsn: 200, xid: 8, us: US + 5, commit: 150 })];

  test('are equal in another place and at another time', () => {
    expect(compare(rows, [row({ lsn: 1100, xid: 70, us: US + 9 }), row({ lsn: 1900, xid: 99, us: US + 10, commit: 1700 })])).toBe(0);
  });

  test.each<readonly [string, Parts]>([
    ['in another order', row({ lsn: 90, xid: 8, us: US + 5, commit: 80 })],
    ['of one transaction', row({ lsn: 200, xid: 7, us: US, commit: 150 })],
    ['without the last commit', row({ lsn: 200, xid: 8, us: US + 5 })],
    ['with nanoseconds that are no microseconds', row({ lsn: 200, xid: 8, us: US + 5, ns: `${US + 5}123`, commit: 150 })],
    ['with a clock in another unit', row({ lsn: 200, xid: 8, us: US + 5, clock: 1_700_000_000, commit: 150 })],
  ])('are not equal %s', (_, other) => {
    expect(compare(rows, [row({ lsn: 100, xid: 7, us: US }), other])).toBeGreaterThan(0);
  });
});

describe('headers', () => {
  const withHeader = (name: string, value: string | null): Parts[] => [{ headers: [[name, value]] }];

  test.each([
    ['__lsn', '100', '999', 0],
    ['__source_ts_ms', '1700000000000', '1700000000999', 0],
    ['__source_ts_ms', '1700000000000', '1700000000', 1],
    ['__transaction_id', '7:100', '8:200', 0],
    ['__transaction_id', '7:100', '8', 1],
    ['__n', '100', '999', 1],
  ])('%s of %s and of %s', (name, first, second, found) => {
    expect(compare(withHeader(name, first), withHeader(name, second))).toBe(found);
  });

  test('with null and with an empty text differ', () => {
    expect(compare(withHeader('h', null), withHeader('h', ''))).toBe(1);
    expect(compare(withHeader('h', null), withHeader('h', null))).toBe(0);
  });
});

describe('timestamps', () => {
  const at = (timestamp?: number): Parts[] => [{ ...(timestamp !== undefined && { timestamp }) }];

  test('of the clock are equal, those of a column are compared', () => {
    expect(compare(at(Date.UTC(2026, 1)), at(Date.UTC(2026, 2)))).toBe(0);
    expect(compare(at(Date.UTC(2020, 1)), at(Date.UTC(2020, 2)))).toBe(1);
    expect(compare(at(Date.UTC(2020, 1)), at(Date.UTC(2026, 2)))).toBe(1);
  });

  test('count only where they are recorded', () => {
    expect(compare(at(), at(Date.UTC(2020, 2)))).toBe(0);
  });
});
