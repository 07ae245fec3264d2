/** What the masks let through and what not: a mask that is too wide would hide a difference. */
import { describe, expect, test } from 'vitest';
import { differences } from './compare.ts';
import { type GoldenRecord, withoutEnd } from './replay-cases.ts';

type Event = {
  lsn: number;
  xid: number;
  commit?: number;
  us?: number;
  transaction?: string;
  clock?: number;
  id?: number;
  ns?: string;
  snapshot?: string;
};

function event({
  lsn,
  xid,
  commit,
  us = 5_000_000,
  transaction,
  clock = 7_000,
  id = 1,
  ns = `${us}000`,
  snapshot = 'false',
}: Event): GoldenRecord {
  const sequence = `[${commit === undefined ? 'null' : `\\"${commit}\\"`},\\"${lsn}\\"]`;
  const source =
    `"source":{"version":"1","connector":"postgresql","name":"p","ts_ms":${Math.floor(us / 1000)},"snapshot":"${snapshot}","db":"d","sequence":"${sequence}",` +
    `"ts_us":${us},"ts_ns":${ns},"schema":"public","table":"t","txId":${xid},"lsn":${lsn},"xmin":null,"origin":null,"origin_lsn":null}`;
  const block = transaction === undefined ? 'null' : `{"id":"${transaction}","total_order":1,"data_collection_order":1}`;
  const value = `{"before":null,"after":{"id":${id}},${source},"transaction":${block},"op":"c","ts_ms":${clock},"ts_us":${clock}123,"ts_ns":${clock}123456}`;
  return { topic: 'p.public.t', partition: 0, key: `{"id":${id}}`, value, headers: [] };
}

function status(o: { status: 'BEGIN' | 'END'; id: string; key?: string; ms: number; collections?: string }): GoldenRecord {
  const value = `{"status":"${o.status}","id":"${o.id}","event_count":${o.status === 'END' ? 1 : 'null'},"data_collections":${o.collections ?? 'null'},"ts_ms":${o.ms}}`;
  return { topic: 'p.transaction', partition: 0, key: `{"id":"${o.key ?? o.id}"}`, value, headers: [] };
}

function heartbeat(ms: number): GoldenRecord {
  return { topic: '__debezium-heartbeat.p', partition: 0, key: '{"serverName":"p"}', value: `{"ts_ms":${ms}}`, headers: [] };
}

function compare(expected: readonly GoldenRecord[], actual: readonly GoldenRecord[]): number {
  return differences({ group: 'one', expected: { name: 'a', records: expected }, actual: { name: 'b', records: actual } }).length;
}

describe('events', () => {
  test('are equal in another place and at another time', () => {
    const first = [event({ lsn: 100, xid: 7 }), event({ lsn: 200, xid: 8, commit: 150, us: 6_000_000 })];
    const second = [event({ lsn: 1100, xid: 70, clock: 9_999 }), event({ lsn: 1300, xid: 81, commit: 1250, us: 6_500_000 })];
    expect(compare(first, second)).toBe(0);
  });

  test('are equal where the first row begins at the very byte of the snapshot, and not where it lies before', () => {
    const snapshot = event({ lsn: 100, xid: 7, snapshot: 'last' });
    const apart = [snapshot, event({ lsn: 200, xid: 8 })];
    expect(compare(apart, [snapshot, event({ lsn: 100, xid: 8 })])).toBe(0);
    expect(compare(apart, [snapshot, event({ lsn: 99, xid: 8 })])).toBeGreaterThan(0);
  });

  test.each([
    ['two transactions are one', [event({ lsn: 100, xid: 7 }), event({ lsn: 200, xid: 7 })]],
    ['the order of positions is another', [event({ lsn: 300, xid: 7 }), event({ lsn: 200, xid: 8 })]],
    ['the last commit is told', [event({ lsn: 100, xid: 7, commit: 90 }), event({ lsn: 200, xid: 8 })]],
    ['a value is another', [event({ lsn: 100, xid: 7 }), event({ lsn: 200, xid: 8, id: 2 })]],
    ['the times of the source disagree', [event({ lsn: 100, xid: 7, ns: '5000001000' }), event({ lsn: 200, xid: 8 })]],
    ['one is missing', [event({ lsn: 100, xid: 7 })]],
  ])('differ where %s', (_, actual) => {
    expect(compare([event({ lsn: 100, xid: 7 }), event({ lsn: 200, xid: 8 })], actual)).toBeGreaterThan(0);
  });

  test('differ where the position in the transaction block is not their own', () => {
    const right = [event({ lsn: 100, xid: 7, transaction: '7:100' })];
    expect(compare(right, [event({ lsn: 900, xid: 9, transaction: '9:900' })])).toBe(0);
    expect(compare(right, [event({ lsn: 900, xid: 9, transaction: '9:901' })])).toBe(1);
    expect(
      compare([...right, event({ lsn: 200, xid: 8, transaction: '8:200' })], [...right, event({ lsn: 200, xid: 8, transaction: '7:200' })]),
    ).toBe(1);
  });
});

describe('the transaction topic', () => {
  const collections = '[{"data_collection":"public.t","event_count":1}]';
  const transaction = (o: {
    xid: number;
    lsn: number;
    begin?: string;
    end?: string;
    key?: string;
    ms?: number;
    list?: string;
  }): GoldenRecord[] => [
    status({ status: 'BEGIN', id: o.begin ?? `${o.xid}:${o.lsn}`, ms: o.ms ?? 5_000, ...(o.key === undefined ? {} : { key: o.key }) }),
    event({ lsn: o.lsn, xid: o.xid, us: 5_000_000 }),
    status({ status: 'END', id: o.end ?? `${o.xid}:${o.lsn + 50}`, ms: o.ms ?? 5_000, collections: o.list ?? collections }),
    event({ lsn: o.lsn + 100, xid: o.xid + 1, commit: o.lsn + 50 }),
  ];
  const recorded = transaction({ xid: 7, lsn: 100 });

  test('is equal in another place', () => {
    expect(compare(recorded, transaction({ xid: 70, lsn: 1100 }))).toBe(0);
  });

  test.each([
    ['the id of BEGIN is not that of the first event', { begin: '70:1099' }],
    ['the id of END is not the end of the commit', { end: '70:1149' }],
    ['the key is not the id', { key: '70:1101' }],
    ['the transaction is another', { begin: '71:1100' }],
    ['the time is not the commit time', { ms: 5_001 }],
    ['the counts are others', { list: '[{"data_collection":"public.t","event_count":2}]' }],
  ])('differs where %s', (_, change) => {
    expect(compare(recorded, transaction({ xid: 70, lsn: 1100, ...change }))).toBeGreaterThan(0);
  });

  test('sorts collections only where the identity of a Java object is among them', () => {
    const message = (identity: string): string => `{"data_collection":"io.x.LogicalDecodingMessageId@${identity}","event_count":1}`;
    const table = '{"data_collection":"public.t","event_count":1}';
    const other = '{"data_collection":"public.o","event_count":1}';
    const list = (...items: string[]): GoldenRecord[] => transaction({ xid: 7, lsn: 100, list: `[${items.join(',')}]` });
    expect(compare(list(message('1a'), table), list(table, message('2b')))).toBe(0);
    expect(compare(list(other, table), list(table, other))).toBe(1);
  });
});

test('heartbeats are one, however many there were, and differ where there are none', () => {
  expect(compare([heartbeat(1), heartbeat(2), heartbeat(3)], [heartbeat(9)])).toBe(0);
  expect(compare([heartbeat(1)], [])).toBeGreaterThan(0);
});

test('a run id is masked, and must stay the same', () => {
  const run = (id: string): GoldenRecord => ({ ...event({ lsn: 100, xid: 7 }), headers: [['__debezium.context.runId', id]] });
  const [one, two] = ['01a1fe87-eacf-7088-9363-bd1cf9fdaf51', '01a1fe8f-c1ef-7982-a4da-7df8a7045131'];
  expect(compare([run(one), run(one)], [run(two), run(two)])).toBe(0);
  expect(compare([run(one), run(one)], [run(one), run(two)])).toBe(1);
});

test('the closing message and the records of its transaction are left out', () => {
  const end: GoldenRecord = { ...event({ lsn: 300, xid: 9 }), topic: 'p.message', key: '{"prefix":"golden_end"}' };
  const records = [
    event({ lsn: 100, xid: 7 }),
    status({ status: 'BEGIN', id: '9:300', ms: 1 }),
    end,
    status({ status: 'END', id: '9:350', ms: 1 }),
  ];
  expect(withoutEnd(records)).toEqual(records.slice(0, 1));
});
