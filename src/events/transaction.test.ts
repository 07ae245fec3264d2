/** The place of events in their transaction, and the order of data collections in its END. */
import { describe, expect, it } from 'vitest';
import type { Lsn } from '../core/lsn.ts';
import { messageCollection, TransactionOrder } from './transaction.ts';

const LIMITS = { endBytesMax: 1_000_000 };

const names = (order: TransactionOrder): string[] => order.end().map(({ name }) => name);

function transaction(order: TransactionOrder, collections: readonly string[]): string[] {
  order.begin();
  for (const collection of collections) order.count(collection);
  return names(order);
}

const tables = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => `public.t_${['orders', 'items', 'users', 'audit', 'stock'][i % 5]}_${i}`);

/** Full names: `orders_0` is public.t_orders_0. */
const named = (list: string): string[] => list.split(' ').map((name) => `public.t_${name}`);

/** What a running Debezium published for five transactions, one after the other. */
const TWELVE = 'audit_3 stock_9 items_11 orders_0 users_7 items_1 stock_4 orders_5 audit_8 items_6 orders_10 users_2';
const THIRTEEN = 'stock_9 users_12 users_7 audit_8 orders_10 audit_3 items_11 orders_0 orders_5 stock_4 items_1 items_6 users_2';
const THIRTY =
  'users_27 stock_9 stock_19 orders_25 users_22 orders_20 items_26 audit_3 stock_24 items_21 audit_28 audit_23 items_1 items_6 users_17 ' +
  'users_7 users_12 items_16 stock_29 audit_8 orders_15 orders_10 items_11 orders_0 stock_14 audit_18 stock_4 orders_5 audit_13 users_2';
const FIVE_AFTERWARDS = 'audit_3 items_1 orders_0 stock_4 users_2';
const THIRTEEN_AFTERWARDS = 'stock_9 audit_3 items_1 items_6 users_7 users_12 audit_8 orders_10 items_11 orders_0 stock_4 orders_5 users_2';

describe('TransactionOrder', () => {
  it('counts events in all and of each collection, from 1', () => {
    const order = new TransactionOrder(LIMITS);
    const places: (readonly [number, number])[] = [];
    order.begin();
    for (const collection of ['a', 'b', 'a', 'a']) {
      order.count(collection);
      places.push([order.totalOrder, order.collectionOrder]);
    }
    expect(places).toEqual([
      [1, 1],
      [2, 1],
      [3, 2],
      [4, 3],
    ]);
    expect(order.end()).toEqual([
      { name: 'a', count: 3 },
      { name: 'b', count: 1 },
    ]);
    expect(order.totalOrder).toBe(4);
  });

  it('begins anew with each transaction', () => {
    const order = new TransactionOrder(LIMITS);
    transaction(order, ['a', 'a', 'b']);
    expect(order.open).toBe(false);
    order.begin();
    expect(order.open).toBe(true);
    expect(order.totalOrder).toBe(0);
    expect(order.end()).toEqual([]);
  });

  it('names collections in the order of a Java HashMap, which a large transaction enlarges for all later ones', () => {
    const order = new TransactionOrder(LIMITS);
    expect(transaction(order, tables(12))).toEqual(named(TWELVE));
    expect(transaction(order, tables(13).reverse())).toEqual(named(THIRTEEN));
    expect(transaction(order, tables(30))).toEqual(named(THIRTY));
    expect(transaction(order, tables(5))).toEqual(named(FIVE_AFTERWARDS));
    expect(transaction(order, tables(13))).toEqual(named(THIRTEEN_AFTERWARDS));
    expect(transaction(new TransactionOrder(LIMITS), tables(5))).not.toEqual(named(FIVE_AFTERWARDS));
  });
});

describe('a logical message', () => {
  it('keeps nothing more once the END would be too large to be published', () => {
    const order = new TransactionOrder({ endBytesMax: 10_000 });
    order.begin();
    let counted = 0;
    const countMessages = (): void => {
      for (; counted < 1_000; counted++) order.count(messageCollection((0x2000 + 0x40 * counted) as Lsn));
    };
    expect(countMessages).toThrow(expect.objectContaining({ code: 'kafka_record_too_large' }));
    expect(counted).toBeGreaterThan(50);
    expect(counted).toBeLessThan(100);
    order.begin();
    order.count('public.t');
    expect(order.end()).toEqual([{ name: 'public.t', count: 1 }]);
  });

  it('is a collection of its own, named by its position', () => {
    const first = messageCollection(0x1_0000_1000 as Lsn);
    expect(first).toMatch(/^io\.debezium\.connector\.postgresql\.LogicalDecodingMessageMonitor\$LogicalDecodingMessageId@[0-9a-f]{1,8}$/);
    expect(messageCollection(0x1_0000_1038 as Lsn)).not.toBe(first);
  });
});
