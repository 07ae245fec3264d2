/** The vectors are of Java: its own hashes, and Debezium's Murmur. */
import { expect, it } from 'vitest';
import { plainTwosComplement } from '../../../test/oracles/columns.ts';
import type { FieldSchema } from '../../values/schema.ts';
import type { CapturedValue } from '../../values/value-capture.ts';
import { javaHashOf, murmurHashOf } from './java-hash.ts';

const of = (type: FieldSchema['type'], more: Partial<FieldSchema> = {}): FieldSchema => ({ type, optional: true, ...more });
const DECIMAL = of('bytes', { name: 'org.apache.kafka.connect.data.Decimal', parameters: [['scale', '2']] });

it.each<readonly [FieldSchema, NonNullable<CapturedValue>, number]>([
  [of('string'), 'abc', 96354],
  [of('string'), 'é😀', 1996812],
  [of('float64'), 0.25, 1070596096],
  [of('float64'), Number.NaN, 2146959360],
  [of('float32'), 0.25, 1048576000],
  [DECIMAL, plainTwosComplement(2250n), 69752],
  [DECIMAL, plainTwosComplement(-2250n), -69748],
  [of('int32'), -7, -7],
  [of('int64'), -1, 0],
  [of('int64'), 4_294_967_297, 0],
  [of('int64'), 9_223_372_036_854_775_807n, -2147483648],
  [of('boolean'), true, 1231],
  [of('bytes'), Uint8Array.of(1, 255), 31 * (31 - 1) + 1],
  [of('array', { items: of('int32') }), [1, null], 31 * (31 + 1)],
])('the Java hash of $0.type $1 is $2', (schema, value, hash) => {
  expect(javaHashOf(schema)(value)).toBe(hash);
});

it.each<readonly [FieldSchema, NonNullable<CapturedValue>, number]>([
  [of('string'), '', 89125410],
  [of('string'), 'abc', 1809745788],
  [of('string'), 'naïve', 132248353],
  [of('string'), 'sixteen-letters!', 1680947800],
  [of('string'), 'sixteen-letters! and more', 434099280],
  [of('int32'), 0, 1805505889],
  [of('int32'), 7, -784540462],
  [of('int32'), -7, -1990014637],
])('the Murmur hash of $0.type $1 is $2', (schema, value, hash) => {
  expect(murmurHashOf(schema)(value)).toBe(hash);
});

it('a struct, a map and a bit string have none', () => {
  for (const schema of [of('struct'), of('map'), of('bytes', { name: 'io.debezium.data.Bits' })])
    expect(() => javaHashOf(schema)).toThrow('another hash in each process');
});
