/** Owns oracles for PostGIS and pgvector, which need a server of their own. */
import fc from 'fast-check';
import type { CapturedValue } from '../../src/values/value-capture.ts';
import { arrayType, extension } from '../oracles/columns.ts';
import { doubleHex, floatHex, hexOf, type Oracle } from './oracle.ts';

const coordinates = fc.double({ min: -180, max: 180, noNaN: true }).map((value) => value.toFixed(6));
const positions = fc.tuple(coordinates, coordinates).map(([x, y]) => `${x} ${y}`);
const shapes = fc.oneof(
  positions.map((position) => `POINT(${position})`),
  fc.tuple(positions, coordinates).map(([position, z]) => `POINT Z (${position} ${z})`),
  fc.tuple(positions, coordinates, coordinates).map(([position, z, m]) => `POINT ZM (${position} ${z} ${m})`),
  fc.array(positions, { minLength: 2, maxLength: 6 }).map((list) => `LINESTRING(${list.join(',')})`),
  fc.array(positions, { minLength: 1, maxLength: 4 }).map((list) => `MULTIPOINT(${list.map((one) => `(${one})`).join(',')})`),
  fc.constantFrom('POINT EMPTY', 'GEOMETRYCOLLECTION EMPTY', 'GEOMETRYCOLLECTION(POINT(1 2),LINESTRING(0 0,1 1))'),
);
const located = fc.tuple(fc.constantFrom('', 'SRID=4326;', 'SRID=3857;'), shapes).map((parts) => parts.join(''));

function shapeOf(value: CapturedValue): string {
  const { wkb, srid } = value as { wkb: Uint8Array; srid: number | null };
  return `${hexOf(wkb)} ${srid ?? 0}`;
}

const shapeExpression = (value: string): string => `encode(st_asewkb(${value}::geometry), 'hex') || ' ' || st_srid(${value}::geometry)`;

export const POSTGIS_ORACLES: readonly Oracle[] = [
  {
    title: 'geometry',
    sqlType: 'geometry',
    type: extension('geometry'),
    values: located,
    expected: shapeExpression('v'),
    shown: shapeOf,
  },
  {
    title: 'geography',
    sqlType: 'geography(geometryzm)',
    type: extension('geography'),
    values: fc.tuple(coordinates, fc.integer({ min: -89, max: 89 })).map(([x, y]) => `SRID=4326;POINT ZM (${x} ${y} 1 2)`),
    expected: shapeExpression('v'),
    shown: shapeOf,
  },
  {
    title: 'geometry array',
    sqlType: 'geometry[]',
    type: arrayType(extension('geometry')),
    values: fc.array(located, { minLength: 1, maxLength: 4 }).map((list) => JSON.stringify(list)),
    input: '(select array_agg(e::geometry order by n) from jsonb_array_elements_text(x::jsonb) with ordinality as t(e, n))',
    expected: `(select string_agg(${shapeExpression('e')}, ',' order by n) from unnest(v) with ordinality as t(e, n))`,
    shown: (value) => (value as CapturedValue[]).map(shapeOf).join(','),
  },
];

const numbers = fc.oneof(
  fc.float({ noNaN: true, noDefaultInfinity: true }).filter((value) => value === 0 || Math.abs(value) > 1e-30),
  fc.integer({ min: -1000, max: 1000 }).map((value) => value / 8),
);
const small = fc.integer({ min: -60_000, max: 60_000 }).map((value) => value / 100);
const lists = (values: fc.Arbitrary<number>) => fc.array(values, { minLength: 1, maxLength: 40 }).map((list) => `[${list.join(',')}]`);

function eachNumber(hex: string, values: string): string {
  return `(select string_agg(${hex}, ',' order by n) from unnest(${values}) with ordinality as t(e, n))`;
}

const sparseVectors = fc
  .integer({ min: 20, max: 300 })
  .chain((dimensions) =>
    fc
      .uniqueArray(fc.tuple(fc.integer({ min: 1, max: dimensions }), small), { selector: ([index]) => index, maxLength: 20 })
      .map((entries) => `{${entries.map(([index, value]) => `${index}:${value}`).join(',')}}/${dimensions}`),
  );

/** Entries in any order: the server's is not Java's. Zeros are not kept. */
function sparseOf(value: CapturedValue): string {
  const { dimensions, vector } = value as { dimensions: number; vector: Map<string, number> };
  const entries = [...vector].map(([index, number]) => [Number(index), doubleHex(number)] as const).sort(([a], [b]) => a - b);
  return `${dimensions} ${entries.map(([index, hex]) => `${index}:${hex}`).join(',')}`;
}

export const PGVECTOR_ORACLES: readonly Oracle[] = [
  {
    title: 'vector',
    sqlType: 'vector',
    type: extension('vector'),
    values: lists(numbers),
    expected: eachNumber("encode(float8send(e::text::float8), 'hex')", 'v::real[]'),
    shown: (value) => (value as number[]).map(doubleHex).join(','),
  },
  {
    title: 'halfvec',
    sqlType: 'halfvec',
    type: extension('halfvec'),
    values: lists(small),
    expected: eachNumber("encode(float4send(e), 'hex')", 'v::vector::real[]'),
    shown: (value) => (value as number[]).map(floatHex).join(','),
  },
  {
    title: 'sparsevec',
    sqlType: 'sparsevec',
    type: extension('sparsevec'),
    values: sparseVectors,
    expected: `(select vector_dims(v::vector) || ' ' || coalesce(string_agg(n || ':' || encode(float8send(e::text::float8), 'hex'), ',' order by n)
      filter (where e <> 0), '') from unnest(v::vector::real[]) with ordinality as t(e, n))`,
    shown: sparseOf,
  },
];
