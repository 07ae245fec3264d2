/**
 * Owns a random workload that is decoded in many ways: sessions side by side, rolled-back transactions and savepoints, keys and rows of all
 * sizes up to TOAST, truncates, messages in and out of transactions, changes of tables, records that fill pages of WAL to their last bytes.
 */
import type pg from 'pg';
import type { PostgresHandle } from '../harness/postgres.ts';

const SESSIONS = 3;

/** Numbers in [0, 1), the same for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export async function createWorkloadTables(client: pg.Client): Promise<void> {
  await client.query(`
    create table plain (id int primary key, note text, extra int default 7);
    create table wide (a int, b text, c bytea, d timestamptz default now(), e jsonb, primary key (a, b));
    alter table wide replica identity full;
    create table keyless (v text);
    alter table keyless replica identity full;
    create table unpublished_kind (id int primary key, v numeric);
  `);
}

/** Runs `transactions` in each of some sessions at once. */
export async function runWorkload(
  server: PostgresHandle,
  o: { readonly database: string; readonly seed: number; readonly transactions: number },
): Promise<void> {
  const clients = await Promise.all(Array.from({ length: SESSIONS }, () => server.connect(o.database)));
  try {
    await Promise.all(clients.map((client, session) => runSession(client, { ...o, session })));
  } finally {
    await Promise.all(clients.map((client) => client.end()));
  }
}

type SessionRun = { readonly seed: number; readonly session: number; readonly transactions: number };

async function runSession(client: pg.Client, { seed, session, transactions }: SessionRun): Promise<void> {
  const random = seededRandom(seed * 31 + session);
  const int = (below: number): number => Math.floor(random() * below);
  await client.query('set lock_timeout = 0; set synchronous_commit = off');
  for (let i = 0; i < transactions; i++) {
    const kind = int(20);
    if (kind === 0) await client.query(`select pg_logical_emit_message(false, 'alone', repeat('m', ${int(9_000)}))`);
    else if (kind === 1 && session === 0) await client.query(`alter table plain add column if not exists n${int(4)} int`);
    // Small records one after the other put commits on the first bytes of pages.
    else if (kind === 2) for (let j = 0; j < 40; j++) await client.query(`insert into keyless values ('${'k'.repeat(int(12))}')`);
    else await runTransaction(client, { int, session });
  }
}

type Dice = { readonly int: (below: number) => number; readonly session: number };

async function runTransaction(client: pg.Client, { int, session }: Dice): Promise<void> {
  await client.query('begin');
  const statements = 1 + int(int(10) === 0 ? 60 : 6);
  for (let i = 0; i < statements; i++) {
    const isSaved = int(6) === 0;
    if (isSaved) await client.query('savepoint s');
    await client.query(statement({ int, session }));
    if (isSaved) await client.query(int(2) === 0 ? 'rollback to s' : 'release s');
  }
  await client.query(int(8) === 0 ? 'rollback' : 'commit');
}

function statement({ int, session }: Dice): string {
  const key = session * 1_000 + int(300);
  const big =
    int(12) === 0 ? `(select string_agg(md5(g::text || ${key}), '') from generate_series(1, ${int(400)}) g)` : `repeat('x', ${int(200)})`;
  switch (int(9)) {
    case 0:
      return `delete from plain where id = ${key}`;
    case 1:
      return `update plain set extra = extra + 1 where id = ${key}`;
    case 2:
      return `insert into wide (a, b, c, e) values (${key}, md5(random()::text), decode(md5(random()::text), 'hex'), '{"k": ${key}}')`;
    case 3:
      return `update wide set b = md5(random()::text) where a = ${key}`;
    case 4:
      return `insert into keyless select 'row ' || g from generate_series(1, ${int(30)}) g`;
    case 5:
      return `select pg_logical_emit_message(true, 'within', repeat('w', ${int(300)}))`;
    case 6:
      return `insert into unpublished_kind values (${key}, random()) on conflict (id) do update set v = excluded.v`;
    default:
      return `insert into plain (id, note) values (${key}, ${big}) on conflict (id) do update set note = excluded.note`;
  }
}
