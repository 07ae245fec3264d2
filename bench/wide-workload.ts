/**
 * Owns the wide workload: one table of 50 columns of mixed types, and inserts into it that wait in a slot. Here the conversion
 * of cells dominates, while with the standard table the handling of an event does. Does not measure.
 */
import type { PostgresServer } from '../test/harness/postgres.ts';
import { type Backlog, createSlot, DATABASE } from './workload.ts';

export const WIDE = { publication: 'bench_wide_publication', table: 'wide' };
const SLOT = 'bench_source_wide';
const ROWS_PER_TRANSACTION = 100;
const ROWS_PER_CALL = 10_000;

/** Type, the expression for row i, and the number of columns. A twentieth of the values in nullable columns is null. */
const KINDS: readonly (readonly [type: string, expression: string, columns: number])[] = [
  ['int', '(i * 7919 % 100000 + c)::int', 6],
  ['bigint', 'i * 1000003 + c', 3],
  ['smallint', '((i + c) % 1000)::smallint', 2],
  ['boolean', '(i + c) % 3 = 0', 3],
  ['real', '((i * 31 + c) % 10007)::real / 8', 1],
  ['double precision', '(i * 7 + c)::float8 / 3', 3],
  ['numeric(12,2)', '((i * 104729 % 10000000) / 100.0)::numeric(12,2)', 4],
  ['numeric', '(i * 1.50005 + c)::numeric', 1],
  ['text', "'door ' || i % 10000 || ' of ' || c", 6],
  ['varchar(40)', 'md5((i + c)::text)', 3],
  ['char(8)', 'left(md5((i * c)::text), 8)', 1],
  ['uuid', 'md5((i * 3 + c)::text)::uuid', 2],
  ['date', "date '2026-01-01' + (i % 1000)::int", 2],
  ['time', "time '01:02:03.456' + (i % 1000) * interval '1.000007 s'", 1],
  ['timestamp', "timestamp '2026-01-01' + i * interval '1.000011 s'", 2],
  ['timestamptz', "timestamptz '2026-01-01 00:00:00+00' + i * interval '1.000007 s'", 2],
  ['interval', "(i % 1000) * interval '1 day 1.5 s'", 1],
  ['jsonb', "jsonb_build_object('ref', left(md5(i::text), 8), 'n', i)", 2],
  ['bytea', "decode(md5(i::text), 'hex')", 1],
  ['inet', "'10.0.0.0'::inet + (i % 65536)", 1],
  ['int[]', 'array[i % 10, i % 100, c]::int[]', 1],
  ['text[]', "array['a', 'b ' || i % 10]", 1],
];

export const WIDE_COLUMNS = 1 + KINDS.reduce((sum, [, , columns]) => sum + columns, 0);

export async function loadWide(server: PostgresServer, rows: number): Promise<Backlog> {
  const columns = KINDS.flatMap(([type, expression, count], kind) =>
    Array.from({ length: count }, (_, c) => ({ name: `c${kind}_${c}`, type, value: expression.replace(/\bc\b/g, String(c + 1)) })),
  );
  const values = columns.map(({ value }, c) => `case when (i + ${c}) % 20 = 0 then null else ${value} end`);
  const client = await server.connect(DATABASE);
  try {
    await client.query(
      `create table ${WIDE.table} (id bigint primary key, ${columns.map(({ name, type }) => `${name} ${type}`).join(', ')})`,
    );
    await client.query(`create publication ${WIDE.publication} for table ${WIDE.table}`);
    await client.query(`create procedure bench_wide(first bigint, total int, step int) language plpgsql as $$
      begin
        for done in 0 .. total - 1 by step loop
          insert into ${WIDE.table} select i, ${values.join(', ')} from generate_series(first + done, first + least(done + step, total) - 1) as i;
          commit;
        end loop;
      end $$`);
    await createSlot(client, SLOT);
    await client.query('set synchronous_commit = off');
    for (let done = 0; done < rows; done += ROWS_PER_CALL) {
      await client.query(`call bench_wide(${done + 1}, ${Math.min(ROWS_PER_CALL, rows - done)}, ${ROWS_PER_TRANSACTION})`);
    }
    const end = await client.query<{ lsn: string }>('select pg_current_wal_insert_lsn()::text as lsn');
    await client.query('checkpoint');
    return { slot: SLOT, changes: rows, endLsn: end.rows[0]?.lsn ?? '0/0' };
  } finally {
    await client.end();
  }
}
