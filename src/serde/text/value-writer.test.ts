import { describe, expect, it, test } from 'vitest';
import { arrayType, builtIn, type ColumnOptions, codecOf, extension, numericTypmod } from '../../../test/oracles/columns.ts';
import { ByteWriter } from '../../core/byte-writer.ts';
import type { TextEncoding } from '../../core/options.ts';
import type { PgType } from '../../values/pg-type.ts';
import { encodeText } from './encoding.ts';
import { javaDateText, StringValueWriter } from './value-writer.ts';

function written(type: PgType | string, cell: string, options: ColumnOptions = {}): string {
  const codec = codecOf(type, options);
  const out = new ByteWriter();
  const values = new StringValueWriter(out);
  values.beginStruct();
  values.begin({ field: 'v', schema: codec.schema.items ?? codec.schema });
  const source = Buffer.from(cell);
  codec.write(values, source, 0, source.length);
  values.endStruct();
  return out.toOwned().toString('utf8');
}

const CONNECT: ColumnOptions = { modes: { time: 'connect' } };

const CELLS: readonly (readonly [type: PgType | string, cell: string, text: string, options?: ColumnOptions])[] = [
  ['bool', 't', 'true'],
  ['int8', '-9223372036854775808', '-9223372036854775808'],
  ['float8', 'NaN', 'NaN'],
  ['float8', '-Infinity', '-Infinity'],
  ['float8', '10000000', '1.0E7'],
  ['float4', '0.1', '0.1'],
  ['text', 'a=b, {c} "d" \\ ü😀', 'a=b, {c} "d" \\ ü😀'],
  ['numeric', '1.50', '1.50', { typmod: numericTypmod(10, 2) }],
  ['bytea', '\\x00ff10', 'java.nio.HeapByteBuffer[pos=0 lim=3 cap=3]'],
  ['date', '2026-01-02', '20455'],
  ['date', '2026-01-02', 'Fri Jan 02 00:00:00 UTC 2026', CONNECT],
  ['time', '01:02:03.004', 'Thu Jan 01 01:02:03 UTC 1970', CONNECT],
  ['timestamp', '2026-01-02 03:04:05.678', 'Fri Jan 02 03:04:05 UTC 2026', CONNECT],
  [arrayType(builtIn('text')), '{a,NULL,"{[",""}', '[a, null, {[, ]'],
  [arrayType(builtIn('date')), '{2026-01-02}', '[Fri Jan 02 00:00:00 UTC 2026]', CONNECT],
  ['point', '(1,2)', 'Struct{x=1.0,y=2.0,wkb=java.nio.HeapByteBuffer[pos=0 lim=21 cap=21]}'],
  [extension('hstore'), '"a"=>"1", "b"=>NULL', '{a=1, b=null}', { modes: { hstore: 'map' } }],
  [extension('sparsevec'), '{1:0.5,3:2}/4', 'Struct{dimensions=4,vector={1=0.5, 3=2.0}}'],
];

describe('a cell as text', () => {
  it.each(CELLS.map(([type, cell, text, options = {}]) => ({ type, cell, text, options })))('of $cell is as Java shows it', (row) => {
    expect(written(row.type, row.cell, row.options)).toBe(`Struct{v=${row.text}}`);
  });

  it('leaves out the members of a struct that are null, also after others', () => {
    const out = new ByteWriter();
    const values = new StringValueWriter(out);
    const text = (value: string): void => values.utf8(Buffer.from(value), 0, value.length);
    values.beginStruct();
    values.field('a');
    values.nullValue();
    values.field('b');
    text('Struct{');
    values.field('c');
    values.nullValue();
    values.field('d');
    values.beginStruct();
    values.field('e');
    values.nullValue();
    values.endStruct();
    values.endStruct();
    expect(out.toOwned().toString()).toBe('Struct{b=Struct{,d=Struct{}}');
  });
});

test.each<readonly [TextEncoding, string]>([
  ['UTF-8', 'c3bcf09f9880'],
  ['UTF-16', 'feff00fcd83dde00'],
  ['UTF-16BE', '00fcd83dde00'],
  ['UTF-16LE', 'fc003dd800de'],
  ['ISO-8859-1', 'fc3f'],
  ['US-ASCII', '3f3f'],
])('%s is encoded as Java does', (encoding, hex) => {
  const out = new ByteWriter();
  out.text('key');
  out.text('ü😀');
  encodeText(out, 3, encoding);
  expect(out.toOwned(3).toString('hex')).toBe(hex);
});

test('a date before 1970 is shown as Java shows it', () => {
  expect(javaDateText(-1)).toBe('Wed Dec 31 23:59:59 UTC 1969');
});
