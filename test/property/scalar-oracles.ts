/** Owns oracles for booleans, numbers, decimals, bytes, bits and points. */
import fc from 'fast-check';
import { builtIn, type ColumnOptions, domainType, numericTypmod } from '../oracles/columns.ts';
import {
  bitsOf,
  DOUBLE_HEX,
  decimals,
  digits,
  doubleHex,
  floatHex,
  hexOf,
  type Oracle,
  octets,
  pointOf,
  unscaledOf,
  variableScaleOf,
  wholes,
} from './oracle.ts';

const bits = fc.string({ unit: fc.constantFrom('0', '0', '1'), maxLength: 80 });

const doubles = fc.oneof(
  fc.double().map(String),
  fc.float().map(String),
  fc.integer().map((value) => String(value / 100)),
  fc.constantFrom('NaN', 'Infinity', '-Infinity', '-0', '0'),
);

const floats = fc.oneof(
  fc
    .float({ noNaN: true, noDefaultInfinity: true })
    .filter((value) => value === 0 || Math.abs(value) > 1e-37)
    .map(String),
  fc.integer({ min: -1_000_000, max: 1_000_000 }).map((value) => String(value / 1000)),
  fc.constantFrom('NaN', 'Infinity', '-Infinity', '-0', '1.17549e-38', '1e-45', '3.4028235e38'),
);

function bytea(title: string, binary: 'bytes' | 'base64' | 'base64-url-safe' | 'hex', expected: string): Oracle {
  return { title, sqlType: 'bytea', type: 'bytea', options: { modes: { binary } }, values: octets, expected };
}

const BITS_FROM_THE_RIGHT = "rtrim(reverse(v::text), '0')";

const X_HEX = "encode(float8send(v[0]), 'hex')";
const Y_HEX = "encode(float8send(v[1]), 'hex')";
/** Little-endian: the bytes of each coordinate from the last to the first. */
const POINT_HEX = `${X_HEX} || ' ' || ${Y_HEX} || ' 0101000000' ||
  (select string_agg(substr(hex, 17 - 2 * i, 2), '' order by part, i)
   from generate_series(1, 8) as i, (values (0, ${X_HEX}), (1, ${Y_HEX})) as p(part, hex))`;

export const SCALAR_ORACLES: readonly Oracle[] = [
  {
    title: 'bool',
    sqlType: 'bool',
    type: 'bool',
    values: fc.constantFrom('t', 'f'),
    expected: "case when v then 'true' else 'false' end",
  },
  {
    title: 'int2',
    sqlType: 'int2',
    type: 'int2',
    values: fc.integer({ min: -32768, max: 32767 }).map(String),
    expected: 'v::text',
  },
  { title: 'int4', sqlType: 'int4', type: 'int4', values: fc.integer().map(String), expected: 'v::text' },
  { title: 'int8', sqlType: 'int8', type: 'int8', values: wholes(-(2n ** 63n), 2n ** 63n - 1n), expected: 'v::text' },
  { title: 'oid', sqlType: 'oid', type: 'oid', values: fc.nat(0xffff_ffff).map(String), expected: 'v::text' },
  { title: 'float8', sqlType: 'float8', type: 'float8', values: doubles, expected: DOUBLE_HEX, shown: doubleHex },
  {
    title: 'float4',
    sqlType: 'float4',
    type: 'float4',
    values: floats,
    expected: "encode(float4send(v), 'hex')",
    shown: floatHex,
  },
  { ...bytea('bytea', 'bytes', "encode(v, 'hex')"), shown: hexOf },
  bytea('bytea as base64', 'base64', "replace(encode(v, 'base64'), E'\\n', '')"),
  bytea('bytea as URL-safe base64', 'base64-url-safe', "translate(encode(v, 'base64'), E'+/\\n', '-_')"),
  bytea('bytea as hex', 'hex', "encode(v, 'hex')"),
  {
    title: 'varbit',
    sqlType: 'varbit',
    type: 'varbit',
    values: bits,
    expected: BITS_FROM_THE_RIGHT,
    shown: bitsOf,
  },
  {
    title: 'bit(21)',
    sqlType: 'bit(21)',
    type: 'bit',
    options: { typmod: 21 },
    values: bits,
    expected: BITS_FROM_THE_RIGHT,
    shown: bitsOf,
  },
  {
    title: 'bit',
    sqlType: 'bit(1)',
    type: 'bit',
    options: { typmod: 1 },
    values: fc.constantFrom('0', '1'),
    expected: '(get_bit(v, 0) = 1)::text',
  },
  {
    title: 'point',
    sqlType: 'point',
    type: 'point',
    values: fc.tuple(doubles, doubles).map(([x, y]) => `(${x},${y})`),
    expected: POINT_HEX,
    shown: pointOf,
  },
];

function numeric(precision: number, scale: number, values: fc.Arbitrary<string>): Oracle {
  const sqlType = `numeric(${precision},${scale})`;
  return {
    title: sqlType,
    sqlType,
    type: 'numeric',
    options: { typmod: numericTypmod(precision, scale) },
    values,
    expected: `trunc(v * 10::numeric ^ ${scale})::text`,
    shown: unscaledOf,
  };
}

const AS_DOUBLE: ColumnOptions = { modes: { decimal: 'double' } };

export const DECIMAL_ORACLES: readonly Oracle[] = [
  numeric(18, 4, decimals(14, 6)),
  numeric(40, 10, decimals(30, 10)),
  numeric(9, 0, digits(8)),
  {
    title: 'numeric',
    sqlType: 'numeric',
    type: 'numeric',
    values: decimals(25, 25),
    expected: "scale(trim_scale(v)) || ':' || trunc(v * 10::numeric ^ scale(trim_scale(v)))",
    shown: variableScaleOf,
  },
  {
    title: 'numeric as text',
    sqlType: 'numeric(12,3)',
    type: 'numeric',
    options: { typmod: numericTypmod(12, 3), modes: { decimal: 'string' } },
    values: decimals(9, 3),
    expected: 'v::text',
  },
  {
    title: 'numeric as double',
    sqlType: 'numeric',
    type: 'numeric',
    options: AS_DOUBLE,
    values: fc.oneof(decimals(20, 20), fc.constant('NaN')),
    expected: DOUBLE_HEX,
    shown: doubleHex,
  },
  {
    title: 'money',
    sqlType: 'money',
    type: 'money',
    values: decimals(16, 2),
    expected: '(v::numeric * 100)::bigint::text',
    shown: unscaledOf,
  },
  {
    title: 'money as double',
    sqlType: 'money',
    type: 'money',
    options: AS_DOUBLE,
    values: decimals(16, 2),
    expected: "encode(float8send(v::numeric::float8), 'hex')",
    shown: doubleHex,
  },
  {
    title: 'domain over a domain',
    sqlType: 'price',
    type: domainType('price', domainType('amount', builtIn('numeric'), numericTypmod(12, 3))),
    values: decimals(9, 3),
    expected: 'trunc(v * 1000)::text',
    shown: unscaledOf,
  },
];
