/**
 * Owns the tables and changes that the cases of transforms share: between them every kind of record. Does not know transforms.
 *
 * Each begins with an empty transaction, so that the first row does not lie at the very position of the snapshot: an unwrapped row does not
 * tell one from the other.
 */

export type Statements = { readonly setup: readonly string[]; readonly steps: readonly (readonly string[])[] };

const APART: readonly string[] = ['select txid_current()'];
const MESSAGE: readonly string[] = ["select pg_logical_emit_message(true, 'app', 'hello')"];

/**
 * `fill` makes a row so large that `big` is stored apart. It is left out of the events (`ROWS_SETTINGS`), so that they stay small.
 */
const ROWS_SETUP: readonly string[] = [
  "create table orders (id int primary key, ref text, qty int default 7, price numeric(10,2), placed timestamptz, at timestamp(3) default '2024-01-02 03:04:05.678', token uuid, doc jsonb, body bytea, note text not null default 'none', big text, fill text)",
  'alter table orders alter column big set storage external, alter column fill set storage plain, set (toast_tuple_target = 128)',
  'create table items (order_id int, line int, sku text not null, n int not null default 3, primary key (order_id, line))',
  'alter table items replica identity full',
  "create table keyless (a int, t text default 'dt')",
  'alter table keyless replica identity full',
  "insert into orders (id, ref, price, token) values (1, 'one', 1.25, '00000000-0000-0000-0000-000000000001')",
  "insert into items values (1, 1, 's1', 1)",
  "insert into keyless values (1, 'x')",
];

/** Creates, updates with and without a whole old row, deletes, changes of a key, unchanged TOAST, nulls where there is a default, a truncate. */
export const ROWS: Statements = {
  setup: ROWS_SETUP,
  steps: [
    APART,
    [
      `insert into orders (id, ref, price, placed, token, doc, body, big, fill) values (2, 'two', 2.50, '2024-05-06 07:08:09.123456+00', '00000000-0000-0000-0000-000000000002', '{"a": [1, null]}', '\\x00ff', repeat('b', 200), repeat('f', 2000))`,
    ],
    ['insert into orders (id) values (3)', 'insert into orders (id, qty, at) values (4, null, null)'],
    ["update orders set ref = 'TWO' where id = 2", "update items set sku = 's1b', n = 2 where order_id = 1"],
    ['update orders set id = 20, qty = null where id = 3'],
    ['delete from orders where id = 2'],
    ['update items set line = 2 where order_id = 1'],
    ['delete from items'],
    ['insert into keyless values (2, null)'],
    ["update keyless set t = 'z' where a = 2"],
    ['delete from keyless where a = 2'],
    ['truncate items'],
    MESSAGE,
  ],
};

export const ROWS_SETTINGS: Readonly<Record<string, string>> = {
  'skipped.operations': 'none',
  'column.exclude.list': 'public.orders.fill',
};

/** The same kinds of records with few columns, for what does not depend on types. */
export const FEW: Statements = {
  setup: [
    'create table orders (id int primary key, ref text, qty int default 7, price numeric(10,2))',
    'create table items (order_id int, line int, sku text not null, n int not null default 3, primary key (order_id, line))',
    'alter table items replica identity full',
    "insert into orders values (1, 'one', 1, 1.25)",
    "insert into items values (1, 1, 's1', 1)",
  ],
  steps: [
    APART,
    ["insert into orders values (2, 'two', null, 2.50)", "update orders set ref = 'TWO' where id = 2"],
    ['update orders set id = 3 where id = 2'],
    ['delete from orders where id = 3'],
    ["update items set sku = 's2' where order_id = 1"],
    ['delete from items'],
  ],
};

/** And a message. Time passes at the beginning, for heartbeats. */
export const FEW_WITH_SPECIALS: Statements = { setup: FEW.setup, steps: [['select pg_sleep(1.2)'], ...FEW.steps, MESSAGE] };
export const HEARTBEAT: Readonly<Record<string, string>> = { 'heartbeat.interval.ms': '300' };

/** The same with a truncate and a table without a key. */
export const FEW_WITH_TRUNCATE: Statements = {
  setup: [...FEW.setup, 'create table keyless (a int, t text)', 'alter table keyless replica identity full'],
  steps: [...FEW.steps, ["insert into keyless values (1, 'x')"], ['delete from keyless'], ['truncate orders'], MESSAGE],
};

/** Tables of one form, as parts of one logical table. */
export const SHARDS: Statements = {
  setup: [
    ...['orders_1', 'orders_2'].flatMap((table) => [
      `create table ${table} (id int primary key, ref text, qty int not null default 7)`,
      `insert into ${table} values (1, '${table}', 1)`,
    ]),
    'alter table orders_2 replica identity full',
    'create table loose (a int, t text)',
    'alter table loose replica identity full',
  ],
  steps: [
    APART,
    ["insert into orders_1 values (2, 'a', 2)", "insert into orders_2 values (2, 'b', 3)"],
    ["update orders_2 set ref = 'c' where id = 2"],
    ['update orders_1 set id = 3 where id = 2'],
    ['delete from orders_1 where id = 3'],
    ['delete from orders_2 where id = 2'],
    ["insert into loose values (1, 'x')"],
    ['delete from loose'],
    ['truncate orders_1'],
    MESSAGE,
  ],
};

/** A column whose text is a topic: one for each of the events, none, blank, and the default. */
export function routedRows(topic: string): Statements {
  return {
    setup: [
      `create table routed (id int primary key, dest text default '${topic}.default', v int)`,
      'create table whole (id int primary key, dest text, v int)',
      'alter table whole replica identity full',
      `insert into routed values (1, '${topic}.a', 1)`,
    ],
    steps: [
      APART,
      [`insert into routed values (2, '${topic}.b', 2)`, 'insert into routed values (3, null, 3)', "insert into routed values (4, ' ', 4)"],
      ['update routed set v = 20 where id = 2'],
      ['update routed set id = 5 where id = 2'],
      ['delete from routed where id = 5'],
      [`insert into whole values (1, '${topic}.a', 1)`],
      [`update whole set dest = '${topic}.b'`],
      ['delete from whole'],
    ],
  };
}
