/**
 * Owns the workload: the table, the changes that wait in a slot, and the slots. The mix is fixed and scales with the size:
 * half of the changes are inserts in transactions of 100 rows, a fifth are updates each in its own transaction, and three
 * tenths are inserts in one transaction. A tenth of the size is in the table before. Does not measure.
 */
import type pg from 'pg';
import type { PostgresServer } from '../test/harness/postgres.ts';

export const DATABASE = 'bench';
export const PUBLICATION = 'bench_publication';
export const TABLE = 'orders';
const LIVE_PUBLICATION = 'bench_live_publication';
const LIVE_TABLE = 'orders_live';
export const LIVE = { publication: LIVE_PUBLICATION, table: LIVE_TABLE };

const ROWS_PER_TRANSACTION = 100;
const ALL_SLOT = 'bench_source';
const HUGE_SLOT = 'bench_source_huge';

/** A range of WAL that a slot holds back. Each run reads from a copy of the slot. */
export type Backlog = { readonly slot: string; readonly changes: number; readonly endLsn: string };
export type Workload = { readonly all: Backlog; readonly huge: Backlog; readonly rows: number; readonly loadMs: number };

const COLUMNS = `
  id bigint primary key, customer_id int, status text, amount numeric(12,2), note text,
  created_at timestamptz, updated_at timestamp, meta jsonb`;

/** The rows are deterministic, and about as compressible as real orders: words, numbers and one hash. An event has about 640 bytes. */
const FUNCTIONS = `
create function bench_rows(first bigint, count int) returns setof ${TABLE} language sql stable as $$
  select i, (i * 7919 % 100000)::int, (array['new', 'paid', 'packed', 'shipped', 'returned'])[1 + i % 5],
         ((i * 104729 % 10000000) / 100.0)::numeric(12,2),
         'door ' || i % 10000,
         timestamptz '2026-01-01 00:00:00+00' + i * interval '1.000007 s',
         timestamp '2026-01-01 00:00:00' + i * interval '1.000011 s',
         jsonb_build_object('ref', left(md5(i::text), 8))
  from generate_series(first, first + count - 1) as i
$$;
create procedure bench_insert(first bigint, total int, step int) language plpgsql as $$
declare done int := 0;
begin
  while done < total loop
    insert into ${TABLE} select * from bench_rows(first + done, least(step, total - done));
    commit;
    done := done + step;
  end loop;
end $$;
create procedure bench_update(rows bigint, total int) language plpgsql as $$
begin
  for i in 1 .. total loop
    update ${TABLE} set status = 'changed', amount = amount + 1, updated_at = updated_at + interval '1 s'
      where id = 1 + i::bigint * 7919 % rows;
    commit;
  end loop;
end $$;
create procedure bench_live(first bigint, per_second float8, seconds float8) language plpgsql as $$
declare
  begun timestamptz := clock_timestamp();
  total bigint := (per_second * seconds)::bigint;
  behind float8;
  sample ${TABLE};
begin
  -- Made once: with a row computed for each transaction the generator alone took more of a core than Slotline.
  select * into sample from bench_rows(1, 1);
  for i in 0 .. total - 1 loop
    behind := i / per_second - extract(epoch from clock_timestamp() - begun);
    if behind > 0 then perform pg_sleep(behind); end if;
    insert into ${LIVE_TABLE} values
      (first + i, sample.customer_id, sample.status, sample.amount, sample.note, sample.created_at,
       clock_timestamp() at time zone 'UTC', sample.meta);
    commit;
  end loop;
end $$;`;

/** The empty database: tables, publications, the procedures that load. */
export async function createSchema(server: PostgresServer): Promise<void> {
  await server.createDatabase(DATABASE);
  const client = await server.connect(DATABASE);
  try {
    await client.query(`create table ${TABLE} (${COLUMNS}); create table ${LIVE_TABLE} (${COLUMNS});`);
    await client.query(FUNCTIONS);
    await client.query(`create publication ${PUBLICATION} for table ${TABLE}`);
    await client.query(`create publication ${LIVE_PUBLICATION} for table ${LIVE_TABLE}`);
  } finally {
    await client.end();
  }
}

/** Loads on the server itself, without waiting for the disk. Afterwards the slots hold the changes back and the server is at rest. */
export async function loadWorkload(server: PostgresServer, size: number, print: (line: string) => void): Promise<Workload> {
  const part = (share: number): number => Math.round(size * share);
  const [before, inserts, updates, huge] = [part(0.1), part(0.5), part(0.2), part(0.3)];
  const startedMs = performance.now();
  const client = await server.connect(DATABASE);
  try {
    await client.query('set synchronous_commit = off');
    print(`loading ${size.toLocaleString('en-US')} changes`);
    await client.query(`call bench_insert(1, ${before}, 10000)`);
    await createSlot(client, ALL_SLOT);
    await client.query(`call bench_insert(${before + 1}, ${inserts}, ${ROWS_PER_TRANSACTION})`);
    await client.query(`call bench_update(${before + inserts}, ${updates})`);
    await createSlot(client, HUGE_SLOT);
    await client.query(`call bench_insert(${before + inserts + 1}, ${huge}, ${huge})`);
    const endLsn = await currentLsn(client);
    // Done now, so that autovacuum does not do it in the middle of a run.
    await client.query(`vacuum (freeze, analyze) ${TABLE}`);
    await client.query('checkpoint');
    return {
      all: { slot: ALL_SLOT, changes: inserts + updates + huge, endLsn },
      huge: { slot: HUGE_SLOT, changes: huge, endLsn },
      rows: before + inserts + huge,
      loadMs: performance.now() - startedMs,
    };
  } finally {
    await client.end();
  }
}

export async function createSlot(client: pg.Client, slot: string): Promise<void> {
  await client.query(`select pg_create_logical_replication_slot($1, 'pgoutput')`, [slot]);
}

/** A contender drains the copy, and the source slot still holds the WAL. */
export async function copySlot(client: pg.Client, o: { source: string; copy: string }): Promise<void> {
  await client.query('select pg_copy_logical_replication_slot($1, $2)', [o.source, o.copy]);
}

/** Drops the slot after waiting until the walsender of an ended reader has noticed. */
export async function dropSlot(client: pg.Client, slot: string): Promise<void> {
  await client.query(
    `select pg_terminate_backend(active_pid, 5000) from pg_replication_slots where slot_name = $1 and active_pid is not null`,
    [slot],
  );
  await client.query('select pg_drop_replication_slot($1)', [slot]);
}

export async function isConfirmed(client: pg.Client, slot: string, endLsn: string): Promise<boolean> {
  const result = await client.query<{ done: boolean }>(
    'select confirmed_flush_lsn >= $2::pg_lsn as done from pg_replication_slots where slot_name = $1',
    [slot, endLsn],
  );
  return result.rows[0]?.done === true;
}

/** The server's process that decodes for a slot. */
export async function walsenderPid(client: pg.Client, slot: string): Promise<number | undefined> {
  const result = await client.query<{ pid: number | null }>('select active_pid as pid from pg_replication_slots where slot_name = $1', [
    slot,
  ]);
  return result.rows[0]?.pid ?? undefined;
}

async function currentLsn(client: pg.Client): Promise<string> {
  const result = await client.query<{ lsn: string }>('select pg_current_wal_insert_lsn()::text as lsn');
  return result.rows[0]?.lsn ?? '0/0';
}
