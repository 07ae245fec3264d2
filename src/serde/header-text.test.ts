import { describe, expect, it } from 'vitest';
import { arrayType, builtIn, type ColumnOptions, codecOf, extension, numericTypmod } from '../../test/oracles/columns.ts';
import { ByteWriter } from '../core/byte-writer.ts';
import { CellKind, TupleView } from '../pgoutput/tuple.ts';
import { HeaderTextWriter } from './header-text.ts';

/** The header text of a key with one column. */
function headerOf(type: Parameters<typeof codecOf>[0], cell: string, options: ColumnOptions = {}): string {
  const tuple = new TupleView();
  tuple.source = Buffer.from(cell);
  tuple.count = 1;
  tuple.kinds[0] = CellKind.text;
  tuple.ends[0] = tuple.source.length;
  const out = new ByteWriter();
  new HeaderTextWriter(out).write([{ name: 'k', field: 'k', type: 'text', index: 0, codec: codecOf(type, options) }], tuple);
  return out.toOwned().toString('utf8').slice('{"k":'.length, -1);
}

const CONNECT: ColumnOptions = { modes: { time: 'connect' } };

type Row = readonly [type: Parameters<typeof codecOf>[0], cell: string, expected: string, options: ColumnOptions | undefined];

describe('a key in a header', () => {
  it.each<Row>([
    ['text', 'a "b" \\ \n é', '"a \\"b\\" \\\\ \n é"', undefined],
    ['float8', 'NaN', 'NaN', undefined],
    ['float8', '1e10', '1.0E10', undefined],
    ['bytea', '\\x00ff', '"AP8="', undefined],
    ['numeric', '1.10', '1.10', { typmod: numericTypmod(5, 2) }],
    ['numeric', '-0.0000001', '-1E-7', { typmod: numericTypmod(9, 7) }],
    ['numeric', '0.0000012', '0.0000012', { typmod: numericTypmod(9, 7) }],
    ['money', '-$1,234.50', '-1234.50', undefined],
    [arrayType(builtIn('numeric')), '{1.50,-2.00}', '[1.50,-2.00]', { typmod: numericTypmod(5, 2) }],
    ['date', '2026-01-02', '20455', undefined],
    ['date', '2026-01-02', '2026-01-02', CONNECT],
    ['date', '1969-12-31', '00:00:00.000Z', CONNECT],
    ['time', '01:02:03.5', '01:02:03.500Z', CONNECT],
    ['timestamp', '2026-01-01 01:02:03.123', '2026-01-01T01:02:03.123Z', CONNECT],
    ['timestamp', '2026-01-01 00:00:00', '2026-01-01', CONNECT],
    [extension('sparsevec'), '{2:0.5,7:1e+10}/9', '{"dimensions":9,"vector":{2:0.5,7:1.0E10}}', undefined],
    [extension('sparsevec'), '{}/9', '{"dimensions":9,"vector":{}}', undefined],
    [extension('hstore'), '"q\\"\n"=>NULL, "z"=>"\t"', '{"q\\"\n":null,"z":"\t"}', { modes: { hstore: 'map' } }],
    ['timestamp', '12345-01-01 00:00:01', '12345-01-01T00:00:01.000Z', CONNECT],
  ])('%o %s', (...[type, cell, expected, options]: Row) => {
    expect(headerOf(type, cell, options)).toBe(expected);
  });
});
