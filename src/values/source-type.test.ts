import { describe, expect, it } from 'vitest';
import { arrayType, domainType, enumType, numericTypmod } from '../../test/oracles/columns.ts';
import type { PgType } from './pg-type.ts';
import { sourceTypeOf } from './source-type.ts';

const OIDS: Readonly<Record<string, number>> = {
  bool: 16,
  char: 18,
  name: 19,
  int8: 20,
  int2: 21,
  int4: 23,
  text: 25,
  float4: 700,
  float8: 701,
  bpchar: 1042,
  varchar: 1043,
  date: 1082,
  time: 1083,
  timestamp: 1114,
  timestamptz: 1184,
  interval: 1186,
  timetz: 1266,
  bit: 1560,
  varbit: 1562,
  numeric: 1700,
  uuid: 2950,
};

const typeNamed = (name: string): PgType => ({ oid: OIDS[name] ?? 0, name, schema: 'pg_catalog', kind: 'base' });

/** `name length scale` in a snapshot and while streaming, as Debezium publishes them (propagate-types.json, propagate-domains.json). */
function described(type: PgType, typmod = -1, defaultExpression?: string): readonly string[] {
  return (['snapshot', 'stream'] as const).map((phase) => {
    const { name, length, scale } = sourceTypeOf({ type, typmod, defaultExpression }, phase);
    return `${name} ${length} ${scale ?? 'none'}`;
  });
}

const same = (text: string): readonly string[] => [text, text];

describe('source type', () => {
  it.each<readonly [name: string, typmod: number, expected: string]>([
    ['bool', -1, 'bool 1 0'],
    ['int2', -1, 'int2 5 0'],
    ['int4', -1, 'int4 10 0'],
    ['int8', -1, 'int8 19 0'],
    ['float4', -1, 'float4 8 8'],
    ['float8', -1, 'float8 17 17'],
    ['text', -1, 'text 2147483647 0'],
    ['char', -1, 'char 1 0'],
    ['varchar', -1, 'varchar 2147483647 0'],
    ['varchar', 14, 'varchar 10 0'],
    ['bpchar', 9, 'bpchar 5 0'],
    ['uuid', -1, 'uuid 2147483647 0'],
    ['numeric', numericTypmod(6, 2), 'numeric 6 2'],
    ['numeric', numericTypmod(8, -2), 'numeric 8 2046'],
    ['date', -1, 'date 13 0'],
    ['time', -1, 'time 15 6'],
    ['time', 3, 'time 12 3'],
    ['timestamp', -1, 'timestamp 29 6'],
    ['timestamp', 0, 'timestamp 22 0'],
    ['timestamptz', 2, 'timestamptz 31 2'],
    ['timetz', 1, 'timetz 17 1'],
    ['interval', 0x7fff_0003, 'interval 49 3'],
    ['bit', 5, 'bit 5 0'],
    ['varbit', -1, 'varbit 2147483647 0'],
    ['varbit', 9, 'varbit 9 0'],
  ])('of %s with typmod %i is %s', (name, typmod, expected) => {
    expect(described(typeNamed(name), typmod)).toEqual(same(expected));
  });

  it('of a numeric without limits has no length in a snapshot and 131089 in the stream; of its array always the latter', () => {
    expect(described(typeNamed('numeric'))).toEqual(['numeric 0 none', 'numeric 131089 0']);
    expect(described(arrayType(typeNamed('numeric')))).toEqual(same('_numeric 131089 0'));
  });

  it('of an array is that of its element', () => {
    expect(described(arrayType(typeNamed('varchar')), 8)).toEqual(same('_varchar 4 0'));
    expect(described(arrayType(typeNamed('timestamp')), 3)).toEqual(same('_timestamp 26 3'));
    expect(described(arrayType(domainType('di', typeNamed('int4'))))).toEqual(same('_di 2147483647 0'));
  });

  it('of a domain is that of its base under the modifier of the domain', () => {
    const dn = domainType('dn', typeNamed('numeric'), numericTypmod(8, 2));
    expect(described(dn)).toEqual(same('dn 8 2'));
    expect(described(domainType('dnn', dn))).toEqual(same('dnn 8 2'));
    expect(described(domainType('dnum', typeNamed('numeric')))).toEqual(same('dnum 131089 0'));
    expect(described(domainType('dts', typeNamed('timestamp'), 3))).toEqual(same('dts 26 3'));
    expect(described(domainType('dar', arrayType(typeNamed('int4'))))).toEqual(same('dar 10 0'));
  });

  it('is a serial, or has a schema name off the search path, in a snapshot only', () => {
    expect(described(typeNamed('int4'), -1, "nextval('s'::regclass)")).toEqual(['serial 10 0', 'int4 10 0']);
    expect(described(typeNamed('int8'), -1, "nextval('s'::regclass)")).toEqual(['bigserial 19 0', 'int8 19 0']);
    const mood: PgType = { ...enumType('Mood', ['a']), schema: 's2', offSearchPath: true };
    expect(described(mood)).toEqual(['"s2"."Mood" 2147483647 0', 'Mood 2147483647 0']);
  });

  it('counts as text for the character types of pg_catalog, enums and domains over them', () => {
    const isText = (type: PgType): boolean => sourceTypeOf({ type, typmod: -1 }, 'stream').isText;
    for (const name of ['text', 'varchar', 'bpchar', 'char', 'name']) expect(isText(typeNamed(name)), name).toBe(true);
    expect(isText(enumType('mood', ['a']))).toBe(true);
    expect(isText(domainType('d', domainType('e', typeNamed('text'))))).toBe(true);
    for (const name of ['uuid', 'json', 'xml', 'inet', 'citext', 'bytea', 'int4']) expect(isText(typeNamed(name)), name).toBe(false);
    expect(isText(arrayType(typeNamed('text')))).toBe(false);
  });
});
