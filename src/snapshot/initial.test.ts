import { describe, expect, it } from 'vitest';
import { SYSTEM_CLOCK } from '../core/time.ts';
import { CellKind, TupleView } from '../pgoutput/tuple.ts';
import type { RowConsumer, RowStream } from '../postgres/stream/row-stream.ts';
import { InitialSnapshot, orderTables, type SnapshotTable } from './initial.ts';

const table = (name: string): SnapshotTable => ({ oid: 1, schema: 'public', table: name, estimatedRows: 0, columns: [] });

/** Presents rows as the receive buffer does: the same view object, its bytes overwritten at every drain. */
function rowsOf(counts: Record<string, number>, drainEvery: number): Pick<RowStream, 'read'> {
  const view = new TupleView();
  const buffer = Buffer.alloc(8);
  return {
    async read(sql: string, consumer: RowConsumer): Promise<void> {
      const [, name = ''] = /"([a-z]+)"$/.exec(sql) ?? [];
      for (let i = 0; i < (counts[name] ?? 0); i++) {
        buffer.write(`${name}${i}`.padEnd(8));
        view.source = Buffer.from(buffer);
        view.count = 1;
        view.kinds[0] = CellKind.text;
        view.starts[0] = 0;
        view.ends[0] = name.length + String(i).length;
        await consumer.onRow(view);
        if (i % drainEvery === 0) {
          await consumer.onDrained();
          view.source.fill(0);
        }
      }
      await consumer.onDrained();
    },
  };
}

async function markers(counts: Record<string, number>, drainEvery = 2, opened: string[] = [], selected = ''): Promise<string[]> {
  const seen: string[] = [];
  const snapshot = new InitialSnapshot({
    sink: {
      openTable: async ({ table }) => {
        opened.push(table);
        return (row, marker) => {
          const text = Buffer.from(row.source.subarray(row.starts[0] ?? 0, row.ends[0] ?? 0)).toString();
          seen.push(`${text} ${marker}`);
        };
      },
      onDrained: () => undefined,
    },
    clock: SYSTEM_CLOCK,
    onProgress: () => {},
  });
  const tables = Object.keys(counts).map((name) =>
    name === selected ? { ...table(name), select: `select 1 from "${name}"` } : table(name),
  );
  await snapshot.run(tables, rowsOf(counts, drainEvery) as RowStream);
  return seen;
}

describe('snapshot markers', () => {
  it('marks first and last of all and of each table', async () => {
    expect(await markers({ a: 3, b: 3 })).toEqual([
      'a0 first',
      'a1 true',
      'a2 last_in_data_collection',
      'b0 first_in_data_collection',
      'b1 true',
      'b2 last',
    ]);
  });

  it('marks the held row last when the tables after it are empty', async () => {
    expect(await markers({ a: 2, b: 0, c: 0 })).toEqual(['a0 first', 'a1 last']);
  });

  it('prefers last over first, and last of the table over first of the table', async () => {
    expect(await markers({ a: 1 })).toEqual(['a0 last']);
    expect(await markers({ a: 1, b: 1, c: 1 })).toEqual(['a0 first', 'b0 last_in_data_collection', 'c0 last']);
  });

  it('marks no row as the first of all when the first table is empty', async () => {
    expect(await markers({ a: 0, b: 1, c: 2 })).toEqual(['b0 last_in_data_collection', 'c0 first_in_data_collection', 'c1 last']);
  });

  it('opens no topic for a table without rows', async () => {
    const opened: string[] = [];
    await markers({ a: 1, b: 0, c: 2 }, 2, opened);
    expect(opened).toEqual(['a', 'c']);
  });

  it('opens no topic for a select that gives no row', async () => {
    const opened: string[] = [];
    await markers({ a: 1, b: 0 }, 2, opened, 'b');
    expect(opened).toEqual(['a']);
  });

  it('keeps the held row whole when the buffer moves on', async () => {
    expect(await markers({ a: 5 }, 1)).toEqual(['a0 first', 'a1 true', 'a2 true', 'a3 true', 'a4 last']);
  });
});

describe('snapshot order', () => {
  it('follows the include list, and the names within one pattern', () => {
    const tables = ['b', 'a', 'c'].map(table);
    expect(orderTables(tables, ['public.c', 'public.*']).map((one) => one.table)).toEqual(['c', 'a', 'b']);
    expect(orderTables(tables, []).map((one) => one.table)).toEqual(['a', 'b', 'c']);
  });
});
