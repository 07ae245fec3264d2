-- The demo's little shop. docker-compose.yml mounts this file too: PostgreSQL runs it on its first start.

create table customers (
  id int generated always as identity primary key,
  name text not null,
  email text not null,
  tier text not null default 'bronze',
  since timestamptz not null default now()
);
-- Whole old rows are logged: updates show what was there before.
alter table customers replica identity full;

create table products (
  sku text primary key,
  title text not null,
  price numeric(10,2) not null,
  stock int not null,
  notes text
);
-- Long enough to be stored out of line (TOAST): an update that does not touch it does not send it.
alter table products alter column notes set storage external;

create table orders (
  id bigint generated always as identity primary key,
  customer_id int not null references customers,
  status text not null default 'new',
  total numeric(12,2) not null default 0,
  placed_at timestamptz not null default now()
);

create table order_items (
  order_id bigint not null references orders on delete cascade,
  line int not null,
  sku text not null references products on update cascade,
  quantity int not null,
  primary key (order_id, line)
);

insert into customers (name, email)
  select initcap(name), name || '@example.org' from unnest('{ada,grace,edsger,barbara,donald,leslie}'::text[]) as name;
insert into products (sku, title, price, stock, notes)
  select 'SKU-' || n, title, 3 + n * 1.25, 500, repeat('long notes on ' || title || '; ', 200)
  from unnest('{kettle,teapot,cup,saucer,spoon,tray}'::text[]) with ordinality as t(title, n);

with placed as (
  insert into orders (customer_id) select min(id) from customers returning id
)
insert into order_items select id, 1, 'SKU-1', 2 from placed;
