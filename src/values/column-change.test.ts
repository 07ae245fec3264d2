import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ColumnOptions, captured, codecOf, convertWith } from '../../test/oracles/columns.ts';
import type { ColumnRule } from '../core/options.ts';
import { changeColumn, cutText } from './column-change.ts';
import type { PgType } from './pg-type.ts';
import { sourceTypeOf } from './source-type.ts';
import type { ValueCodec } from './value-writer.ts';

const TEXT: PgType = { oid: 25, name: 'text', schema: 'pg_catalog', kind: 'base' };
const VARCHAR: PgType = { ...TEXT, oid: 1043, name: 'varchar' };
const BYTEA: PgType = { ...TEXT, oid: 17, name: 'bytea' };
const INT4: PgType = { ...TEXT, oid: 23, name: 'int4' };
const UUID: PgType = { ...TEXT, oid: 2950, name: 'uuid' };
const TIMESTAMPTZ: PgType = { ...TEXT, oid: 1184, name: 'timestamptz' };

const MASK: ColumnRule['change'] = { tag: 'mask', length: 3 };
const HASH: ColumnRule['change'] = { tag: 'hash', version: 'v2', algorithm: 'SHA-256', salt: 'salty' };
const truncate = (length: number): ColumnRule['change'] => ({ tag: 'truncate', length });

function changed(change: ColumnRule['change'], type: PgType, options: ColumnOptions = {}): ValueCodec {
  const source = sourceTypeOf({ type, typmod: options.typmod ?? -1, defaultExpression: options.defaultExpression }, 'stream');
  return changeColumn(codecOf(type, options), { name: 'c', source }, change);
}

const PLACEHOLDER = '__debezium_unavailable_value';
const HASHED = '567ede8329ff1d22844f7dfbe960e100698ec173270e2ce708923e9df1f83041';

describe('a masked column', () => {
  it('shows the mask for values, nulls and placeholders', () => {
    const codec = changed(MASK, TEXT);
    expect(codec.schema).toMatchObject({ optional: true, parameters: [['masked', 'true']] });
    expect(codec.nullable).toBe(false);
    expect(convertWith(codec, 'secret')).toBe('***');
    expect(captured(codec.writeFallback)).toBe('***');
    expect(captured(codec.writeUnavailable)).toBe('***');
    expect(convertWith(changed({ tag: 'mask', length: 0 }, TEXT), 'secret')).toBe('');
  });

  it('that is not text keeps its values and says that it is masked', () => {
    const codec = changed(MASK, UUID);
    expect(codec.schema.parameters).toEqual([['masked', 'true']]);
    expect(codec.nullable).toBe(true);
    expect(convertWith(codec, '0b3c5a86-1111-2222-3333-444455556666')).toBe('0b3c5a86-1111-2222-3333-444455556666');
  });
});

describe('a hashed column', () => {
  it('shows the hash, cut to the length of the column', () => {
    expect(convertWith(changed(HASH, TEXT), 'text value')).toBe(HASHED);
    expect(convertWith(changed(HASH, VARCHAR, { typmod: 14 }), 'text value')).toBe(HASHED.slice(0, 10));
    expect(convertWith(changed(HASH, VARCHAR, { typmod: 104 }), 'text value')).toBe(HASHED);
  });

  it('hashes what stands for a missing value, but not the default that stands for a null', () => {
    const hashOf = (text: string): unknown => convertWith(changed(HASH, TEXT), text);
    expect(captured(changed(HASH, TEXT).writeUnavailable)).toBe(hashOf(PLACEHOLDER));
    const required = { optional: false, defaultExpression: "'d'::text" };
    expect(captured(changed(HASH, TEXT, required).writeFallback)).toBe(hashOf('d'));
    expect(captured(changed(HASH, TEXT, { optional: false }).writeFallback)).toBe(hashOf(''));
    expect(captured(changed(HASH, TEXT, { ...required, optional: true }).writeFallback)).toBe('d');
  });

  it('stays null where the type has no value to stream', () => {
    const name: PgType = { ...TEXT, oid: 19, name: 'name' };
    expect(convertWith(changed(HASH, name), 'n')).toBeNull();
  });
});

describe('a truncated column', () => {
  it('cuts text, and what is published as text', () => {
    expect(convertWith(changed(truncate(3), TEXT), 'longer')).toBe('lon');
    expect(convertWith(changed(truncate(0), TEXT), 'longer')).toBe('');
    expect(convertWith(changed(truncate(4), TIMESTAMPTZ), '2026-01-02 03:04:05+00')).toBe('2026');
    expect(captured(changed(truncate(4), TEXT).writeUnavailable)).toBe('__de');
  });

  it('cuts bytes, but not their placeholder', () => {
    const codec = changed(truncate(2), BYTEA);
    expect(convertWith(codec, '\\x010203')).toEqual(Uint8Array.of(1, 2));
    expect(captured(codec.writeUnavailable)).toEqual(Uint8Array.from(Buffer.from(PLACEHOLDER)));
    expect(convertWith(changed(truncate(3), BYTEA, { modes: { binary: 'hex' } }), '\\x010203')).toBe('010');
  });

  it('leaves other types whole, and adds no parameter where a value cannot be longer', () => {
    expect(convertWith(changed(truncate(1), INT4), '12345')).toBe(12_345);
    expect(changed(truncate(1), INT4).schema.parameters).toEqual([['truncateLength', '1']]);
    expect(changed(truncate(10), VARCHAR, { typmod: 14 }).schema.parameters).toBeUndefined();
    expect(changed(truncate(9), VARCHAR, { typmod: 14 }).schema.parameters).toEqual([['truncateLength', '9']]);
  });

  it('counts UTF-16 units, whatever the text; a cut between surrogates keeps three of four bytes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 12 }), fc.nat(14), (text, units) => {
        const source = Buffer.from(`\u{1f600}${text}\u{1f600}`);
        const cut = source.subarray(4, cutText(source, 4, source.length - 4, units));
        const expected = text.slice(0, units);
        const isSplit = /[\ud800-\udbff]$/.test(expected);
        const whole = Buffer.from(isSplit ? text.slice(0, units + 1) : expected);
        expect(cut).toEqual(isSplit ? whole.subarray(0, -1) : whole);
      }),
    );
  });
});

describe('a propagated column', () => {
  it('has its source type after its own parameters', () => {
    const numeric: PgType = { ...TEXT, oid: 1700, name: 'numeric' };
    const codec = changed({ tag: 'propagateColumn' }, numeric, { typmod: ((5 << 16) | 2) + 4 });
    expect(codec.schema.parameters).toEqual([
      ['scale', '2'],
      ['connect.decimal.precision', '5'],
      ['__debezium.source.column.type', 'NUMERIC'],
      ['__debezium.source.column.length', '5'],
      ['__debezium.source.column.scale', '2'],
      ['__debezium.source.column.name', 'c'],
    ]);
  });
});
