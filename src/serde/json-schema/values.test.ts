import { expect, it } from 'vitest';
import { codecOf, extension, numericTypmod } from '../../../test/oracles/columns.ts';
import { ByteWriter } from '../../core/byte-writer.ts';
import type { PgType } from '../../values/pg-type.ts';
import { JsonSchemaValueWriter } from './values.ts';

const NUMERIC: PgType = { oid: 1700, name: 'numeric', schema: 'pg_catalog', kind: 'base' };

function written(type: PgType, cell: string, o: { readonly decimals: 'BASE64' | 'NUMERIC'; readonly typmod?: number }): string {
  const out = new ByteWriter();
  const codec = codecOf(type, { typmod: o.typmod ?? -1 });
  const source = Buffer.from(cell);
  codec.write(new JsonSchemaValueWriter(out, o.decimals), source, 0, source.length);
  return out.toOwned().toString('utf8');
}

it.each([
  ['{1:0.5,3:2}/4', '[{"key":1,"value":0.5},{"key":3,"value":2.0}]'],
  ['{2:-1}/3', '[{"key":2,"value":-1.0}]'],
  ['{}/3', '[]'],
])('writes the vector %s as a list of entries', (cell, entries) => {
  expect(written(extension('sparsevec'), cell, { decimals: 'BASE64' })).toContain(`"vector":${entries}}`);
});

it('writes decimals as it is told', () => {
  const typmod = numericTypmod(10, 2);
  expect(written(NUMERIC, '1.50', { decimals: 'BASE64', typmod })).toBe('"AJY="');
  expect(written(NUMERIC, '1.50', { decimals: 'NUMERIC', typmod })).toBe('1.50');
});
