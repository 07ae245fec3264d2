import { describe, expect, it } from 'vitest';
import { CellKind, TupleView } from '../pgoutput/tuple.ts';
import { ColumnMapping, findOverride, parseTableName } from './select-override.ts';

const table = { schema: 'public', table: 't', columns: ['id', 'a', 'b'].map((name) => ({ name })) };

function rowOf(...cells: (string | null)[]): TupleView {
  const row = new TupleView();
  row.source = Buffer.from(cells.join(''));
  row.count = cells.length;
  let at = 0;
  for (const [i, cell] of cells.entries()) {
    row.kinds[i] = cell === null ? CellKind.null : CellKind.text;
    row.starts[i] = at;
    at += cell?.length ?? 0;
    row.ends[i] = at;
  }
  return row;
}

function cellsOf(row: TupleView): (string | null)[] {
  return Array.from({ length: row.count }, (_, i) => {
    if (row.kinds[i] !== CellKind.text) return null;
    return Buffer.from(row.source.subarray(row.starts[i], row.ends[i])).toString();
  });
}

describe('an override', () => {
  it.each([
    ['public.t', 'public.t'],
    ['"public"."t"', 'public.t'],
    [' public . t ', 'public.t'],
    ['"My Schema"."a ""quoted"" t"', 'My Schema.a "quoted" t'],
    ['public."dotted.t"', 'public.dotted.t'],
    ['public.dotted.t', 'public.dotted.t'],
    ["'public'.`t`", 'public.t'],
  ])('%s names %s', (written, name) => {
    expect(parseTableName(written)).toBe(name);
  });

  it('is found by the name as it is: no pattern, and in its case', () => {
    const overrides = [
      { table: 'public.(t|u)', select: 'pattern' },
      { table: 'PUBLIC.T', select: 'upper' },
      { table: 'public."T"', select: 'quoted' },
    ];
    expect(findOverride(overrides, { schema: 'public', table: 't' })).toBeUndefined();
    expect(findOverride(overrides, { schema: 'public', table: 'T' })).toBe('quoted');
  });
});

describe('the columns of an override', () => {
  it('are taken by name, and missing ones are null', () => {
    expect(cellsOf(new ColumnMapping(table, ['b', 'id']).map(rowOf('two', '1')))).toEqual(['1', null, 'two']);
    expect(cellsOf(new ColumnMapping(table, ['a']).map(rowOf(null)))).toEqual([null, null, null]);
  });

  it('that appear twice are read from the last one', () => {
    expect(cellsOf(new ColumnMapping(table, ['id', 'a', 'a']).map(rowOf('1', 'x', 'y')))).toEqual(['1', 'y', null]);
  });

  it('that the table does not have stop the snapshot, with the table and the column', () => {
    expect(() => new ColumnMapping(table, ['id', 'extra'])).toThrow(/public\.t.*extra/);
  });
});
