/**
 * Owns a table and writers that change it: small transactions with inserts, updates, deletes, key changes, rolled-back transactions and
 * savepoints, two sessions at once on keys of their own. Every change of a row has a version of its own, so that each can be told apart.
 */
import type pg from 'pg';
import type { PostgresHandle } from './postgres.ts';

const SCHEMA_SQL = `
create table load (id int primary key, version bigint not null, note text);
create sequence versions;

create procedure write_change(k int) language plpgsql as $$
declare kind int := floor(random() * 12);
begin
  if kind = 0 then
    delete from load where id = k;
  elsif kind = 1 then
    delete from load where id = k + 100000;
    update load set id = id + 100000, version = nextval('versions') where id = k;
  elsif kind = 2 then
    begin
      insert into load values (-k, nextval('versions'), 'rolled back to a savepoint');
      raise exception 'undo';
    exception when others then null;
    end;
  else
    insert into load values (k, nextval('versions'), repeat('n', (random() * 60)::int))
    on conflict (id) do update set version = excluded.version, note = excluded.note;
  end if;
end $$;

create procedure write_load(writer int, transactions int, keys int) language plpgsql as $$
begin
  for i in 1..transactions loop
    for j in 0..floor(random() * 3)::int loop
      call write_change(writer * 1000000 + 1 + floor(random() * keys)::int);
    end loop;
    if random() < 0.05 then rollback; else commit; end if;
  end loop;
end $$;`;

const WRITERS = 2;
const KEYS_PER_WRITER = 200;
const TRANSACTIONS_PER_CALL = 10;
const PAUSE_MS = 20;
/** Rows of big transactions stand above the writers' keys. */
const BIG_FIRST_ID = 50_000_000;

export async function createLoadTable(client: pg.Client): Promise<void> {
  await client.query(SCHEMA_SQL);
}

/** One round of every writer, and waits for it. */
export async function writeLoad(client: pg.Client, transactions: number): Promise<void> {
  for (let writer = 1; writer <= WRITERS; writer++) await client.query(`call write_load(${writer}, ${transactions}, ${KEYS_PER_WRITER})`);
}

export type Load = {
  /** Ends when each writer has committed what it was at. Fails if a writer failed. */
  stop(): Promise<void>;
};

/** Writes until stopped: each writer ten transactions, then a pause. */
export async function startLoad(server: PostgresHandle, database: string, o: { pauseMs: number } = { pauseMs: PAUSE_MS }): Promise<Load> {
  let stopped = false;
  const write = async (client: pg.Client, writer: number): Promise<void> => {
    try {
      while (!stopped) {
        await client.query(`call write_load(${writer}, ${TRANSACTIONS_PER_CALL}, ${KEYS_PER_WRITER})`);
        await client.query(`select pg_sleep(${o.pauseMs / 1000})`);
      }
    } finally {
      await client.end();
    }
  };
  const clients = await Promise.all(Array.from({ length: WRITERS }, () => server.connect(database)));
  const writers = clients.map((client, index) => write(client, index + 1));
  // stop() reports it; until then a failed writer must not end the test process.
  for (const writer of writers) writer.catch(() => undefined);
  return {
    async stop() {
      stopped = true;
      await Promise.all(writers);
    },
  };
}

let bigTransactions = 0;

/** Inserts `rows` new rows in one transaction; `noteLength` characters each beside id and version. */
export async function writeBigTransaction(client: pg.Client, o: { rows: number; noteLength: number }): Promise<void> {
  const first = BIG_FIRST_ID + bigTransactions++ * 1_000_000;
  await client.query(
    `insert into load select ${first} + i, nextval('versions'), repeat('b', ${o.noteLength}) from generate_series(1, ${o.rows}) as i`,
  );
}
