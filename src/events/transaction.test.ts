/** The place of events in their transaction, and the order of data collections in its END. */
import { describe, expect, it } from 'vitest';
import type { Lsn } from '../core/lsn.ts';
import { messageCollection, TransactionOrder } from './transaction.ts';

const names = (order: TransactionOrder): string[] => order.end().map(({ name }) => name);

function transaction(order: TransactionOrder, collections: readonly string[]): string[] {
  order.begin();
  for (const collection of collections) order.count(collection);
  return names(order);
}

const tables = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => `public.t_${['orders', 'items', 'users', 'audit', 'stock'][i % 5]}_${i}`);

/** As Debezium published them for one row in each of the twelve tables. */
const TWELVE = 'audit_3 stock_9 items_11 orders_0 users_7 items_1 stock_4 orders_5 audit_8 items_6 orders_10 users_2';
/** And for thirteen, whose hash map has grown to 32 buckets. */
const THIRTEEN = 'stock_9 users_12 users_7 audit_8 orders_10 audit_3 items_11 orders_0 orders_5 stock_4 items_1 items_6 users_2';
const named = (list: string): string[] => list.split(' ').map((name) => `public.t_${name}`);

describe('TransactionOrder', () => {
  it('counts events in all and of each collection, from 1', () => {
    const order = new TransactionOrder();
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
    const order = new TransactionOrder();
    transaction(order, ['a', 'a', 'b']);
    expect(order.open).toBe(false);
    order.begin();
    expect(order.open).toBe(true);
    expect(order.totalOrder).toBe(0);
    expect(order.end()).toEqual([]);
  });

  it('names collections in the order of a Java HashMap', () => {
    expect(transaction(new TransactionOrder(), tables(12))).toEqual(named(TWELVE));
    expect(transaction(new TransactionOrder(), tables(13).reverse())).toEqual(named(THIRTEEN));
  });

  it('keeps the size that the map has got: what a large transaction grew orders the small ones after it', () => {
    const order = new TransactionOrder();
    expect(transaction(order, tables(5))).toEqual(named('audit_3 orders_0 items_1 stock_4 users_2'));
    transaction(order, tables(30));
    expect(transaction(order, tables(5))).toEqual(named('audit_3 items_1 orders_0 stock_4 users_2'));
  });
});

describe('a logical message', () => {
  it('is a collection of its own, named by its position', () => {
    const first = messageCollection(0x1_0000_1000 as Lsn);
    expect(first).toMatch(/^io\.debezium\.connector\.postgresql\.LogicalDecodingMessageMonitor\$LogicalDecodingMessageId@[0-9a-f]{1,8}$/);
    expect(messageCollection(0x1_0000_1038 as Lsn)).not.toBe(first);
  });
});
