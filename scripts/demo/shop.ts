/**
 * Owns the demo's little shop: its tables, their first rows, and the customers who never stop buying. Every kind of change comes early
 * and again: inserts, updates, deletes, a changed key, a long text that an update does not touch.
 */
import { randomInt } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type pg from 'pg';

/** The key columns of each table. */
export const SHOP_KEYS: Readonly<Record<string, readonly string[]>> = {
  customers: ['id'],
  products: ['sku'],
  orders: ['id'],
  order_items: ['order_id', 'line'],
};

/** Creates the tables and their first rows, unless they exist. */
export async function createShop(client: pg.Client): Promise<void> {
  const { rows } = await client.query(`select to_regclass('public.customers') is not null as exists`);
  if (rows[0]?.exists === true) return;
  await client.query(await readFile(join(import.meta.dirname, '..', '..', 'config', 'shop.sql'), 'utf8'));
}

type Step = (client: pg.Client) => Promise<void>;

/** One round; `runShop` repeats it. Common steps are in it several times. */
const ROUND: readonly Step[] = [
  placeOrder,
  payOrder,
  placeOrder,
  cancelOrder,
  restock,
  placeOrder,
  joinShop,
  promote,
  payOrder,
  renameSku,
  leaveShop,
];

const PAUSE_MS = 120;

/** Runs one transaction after the other, with a pause between, until `signal` aborts. */
export async function runShop(client: pg.Client, signal: AbortSignal): Promise<void> {
  for (let step = 0; !signal.aborted; step++) {
    await ROUND[step % ROUND.length]?.(client);
    await breathe(PAUSE_MS / 2 + randomInt(PAUSE_MS), signal);
  }
}

async function placeOrder(client: pg.Client): Promise<void> {
  await client.query(`
    with placed as (
      insert into orders (customer_id) select id from customers order by random() limit 1 returning id
    ), chosen as (
      select sku, price, row_number() over () as line from (select sku, price from products order by random() limit ${1 + randomInt(3)}) as p
    ), items as (
      insert into order_items select placed.id, line, sku, 1 + floor(random() * 3)::int from placed, chosen returning sku, quantity
    )
    update products set stock = stock - quantity from items where products.sku = items.sku`);
}

async function payOrder(client: pg.Client): Promise<void> {
  await client.query(`
    update orders set status = 'paid', total = (select sum(quantity * price) from order_items join products using (sku) where order_id = orders.id)
    where id = (select id from orders where status = 'new' order by id limit 1)`);
}

async function cancelOrder(client: pg.Client): Promise<void> {
  await client.query(`delete from orders where id = (select id from orders where status = 'new' order by id limit 1)`);
}

/** Does not touch notes: the event carries the placeholder for an unchanged TOAST value. */
async function restock(client: pg.Client): Promise<void> {
  await client.query('update products set stock = stock + 100 where sku = (select sku from products order by stock limit 1)');
}

async function joinShop(client: pg.Client): Promise<void> {
  const number = randomInt(10_000, 99_999);
  await client.query('insert into customers (name, email) values ($1, $2)', [`Guest ${number}`, `guest${number}@example.org`]);
}

async function promote(client: pg.Client): Promise<void> {
  await client.query(`
    update customers set tier = case tier when 'bronze' then 'silver' when 'silver' then 'gold' else 'bronze' end
    where id = (select id from customers order by random() limit 1)`);
}

/** A new product gets its final number: the key changes, which becomes delete, tombstone, create. */
async function renameSku(client: pg.Client): Promise<void> {
  const number = randomInt(1_000, 9_999);
  await client.query(`insert into products (sku, title, price, stock) values ('DRAFT', 'strainer', 4.5, 10) on conflict do nothing`);
  await client.query(`update products set sku = $1 where sku = 'DRAFT' and not exists (select 1 from products where sku = $1)`, [
    `SKU-${number}`,
  ]);
}

async function leaveShop(client: pg.Client): Promise<void> {
  await client.query(`
    delete from customers where id = (
      select id from customers c where name like 'Guest %' and not exists (select 1 from orders where customer_id = c.id) order by id limit 1)`);
}

async function breathe(ms: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((settle) => {
    const timer = setTimeout(settle, ms);
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        settle();
      },
      { once: true },
    );
  });
}
