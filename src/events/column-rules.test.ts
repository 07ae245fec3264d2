import { describe, expect, it } from 'vitest';
import type { ColumnRule } from '../core/options.ts';
import { compileColumnRules } from './column-rules.ts';

const TRUNCATE: ColumnRule = { change: { tag: 'truncate', length: 2 }, patterns: ['public\\.t\\.a', 'public\\.t\\.b'] };
const MASK: ColumnRule = { change: { tag: 'mask', length: 3 }, patterns: ['PUBLIC.T.[bc]'] };
const DATATYPE: ColumnRule = { change: { tag: 'propagateDatatype' }, patterns: ['public\\.t\\.varchar'] };

const column = (name: string, typeName = 'text') => ({ schema: 'public', table: 't', column: name, typeName });

describe('column rules', () => {
  const rules = compileColumnRules([TRUNCATE, MASK, DATATYPE]);

  it('give a column the first rule that matches, and no other', () => {
    expect(rules(column('a'))?.tag).toBe('truncate');
    expect(rules(column('b'))?.tag).toBe('truncate');
    expect(rules(column('c', 'varchar'))?.tag).toBe('mask');
    expect(rules(column('d', 'varchar'))?.tag).toBe('propagateDatatype');
    expect(rules(column('d'))).toBeUndefined();
  });

  it('match whole names in any case, types by name and not columns', () => {
    expect(rules(column('ab'))).toBeUndefined();
    expect(rules({ ...column('A'), schema: 'PUBLIC' })?.tag).toBe('truncate');
    expect(rules(column('varchar'))).toBeUndefined();
    expect(
      compileColumnRules([{ change: { tag: 'mask', length: 1 }, patterns: ['db\\.public\\.t\\.a', 't\\.a'] }])(column('a')),
    ).toBeUndefined();
  });
});
