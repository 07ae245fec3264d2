/**
 * Random values of every type, rendered by a real PostgreSQL as its walsender renders them, converted by our codecs, compared
 * with the server's own casts and extracts (*-oracles.ts): an oracle that shares no line with our conversions.
 */
import process from 'node:process';
import fc from 'fast-check';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PgType } from '../../src/values/pg-type.ts';
import type { CapturedValue } from '../../src/values/value-capture.ts';
import { type FreshDatabase, freshDatabase, missingPostgres } from '../harness/shared.ts';
import { arrayType, builtIn, type ColumnOptions, codecOf, convertWith } from '../oracles/columns.ts';
import { ARRAY_ORACLES } from './array-oracles.ts';
import { PGVECTOR_ORACLES, POSTGIS_ORACLES } from './extension-oracles.ts';
import { type Oracle, sortedEntries } from './oracle.ts';
import { DECIMAL_ORACLES, SCALAR_ORACLES } from './scalar-oracles.ts';
import { TEMPORAL_ORACLES } from './temporal-oracles.ts';
import { ORACLE_TYPES, TEXT_ORACLES } from './text-oracles.ts';

const ORACLES = [...SCALAR_ORACLES, ...DECIMAL_ORACLES, ...TEMPORAL_ORACLES, ...TEXT_ORACLES, ...ARRAY_ORACLES];

/** A failing run is repeated with SLOTLINE_TEST_SEED. */
const SEED = Number(process.env['SLOTLINE_TEST_SEED'] ?? Date.now() % 0x7fff_ffff);
const VALUES_PER_TYPE = 1000;

/** As every connection of Slotline pins them. */
const PINNED_SETTINGS = `
  set datestyle = 'ISO, YMD'; set intervalstyle = postgres; set timezone = 'UTC'; set bytea_output = hex;
  set extra_float_digits = 3; set client_encoding = 'UTF8'; set lc_monetary = 'C'`;

const RAW_TEXT = { getTypeParser: () => (text: string | Buffer) => text };

type Row = { readonly cell: string; readonly expected: string };

function normalized(oracle: Oracle, expected: string): string {
  // The server separates what JSON.stringify does not, and orders the members of an object its own way.
  if (oracle.title === 'hstore') return sortedEntries(expected);
  return oracle.title.endsWith('[]') ? JSON.stringify(JSON.parse(expected)) : expected;
}

type Extreme = readonly [type: PgType | string, sql: string, expected: CapturedValue, options?: ColumnOptions];

/** What the server prints at the edges, and what Debezium makes of it. */
const EXTREMES: readonly Extreme[] = [
  ['timestamp', "'infinity'::timestamp", 9_223_372_036_825_200_000n],
  ['timestamp', "'-infinity'::timestamp", -9_223_372_036_832_400_000n],
  ['timestamp', "'4713-12-31 23:59:59.999999 BC'::timestamp", -210_831_897_600_000_001n],
  ['timestamp', "'294276-12-31 23:59:59.999999'::timestamp", -9_223_372_036_853_775_810n],
  ['timestamptz', "'infinity'::timestamptz", 'infinity'],
  ['timestamptz', "'4714-12-31 23:59:59.999999+00 BC'::timestamptz", '-4713-12-31T23:59:59.999999Z'],
  ['timestamptz', "'294276-12-31 23:59:59.999999+00'::timestamptz", '+294276-12-31T23:59:59.999999Z'],
  ['date', "'infinity'::date", -2_147_472_692],
  ['date', "'-infinity'::date", -2_147_472_691],
  ['date', "'4714-11-24 BC'::date", -2_440_588],
  ['date', "'5874897-12-31'::date", 2_145_042_905],
  ['time', "'24:00:00'::time", 86_400_000_000],
  ['timetz', "'24:00:00+00'::timetz", '00:00:00Z'],
  ['timetz', "'13:51:30.123789+02'::timetz", '11:51:30.123789Z'],
  ['interval', "'1 year 2 months 3 days 04:05:06.78'::interval", 37_091_106_780_000],
  ['interval', "'-00:00:00.000001'::interval", -1],
  ['interval', "'0'::interval", 0],
  ['numeric', "'NaN'::numeric", 'NAN', { modes: { decimal: 'string' } }],
  ['numeric', "'-Infinity'::numeric", 'NEGATIVE_INFINITY', { modes: { decimal: 'string' } }],
  ['float4', "'-Infinity'::float4", Number.NEGATIVE_INFINITY],
  ['float8', "'NaN'::float8", Number.NaN],
  ['float8', "'-0'::float8", -0],
  [arrayType(builtIn('int4')), "'[-1:0]={1,2}'::int4[]", [1, 2]],
  [arrayType(builtIn('int4')), "'{{1,2},{3,4}}'::int4[]", [null, null]],
  [arrayType(builtIn('text')), "array['NULL', null, '', 'a,b', 'c\"d', 'e\\f']", ['NULL', null, '', 'a,b', 'c"d', 'e\\f']],
  [builtIn('oidvector'), "'1 2 3'::oidvector", []],
];

console.info(`values: seed ${SEED}`);

describe.each([18, 14] as const)('values as PostgreSQL %i prints them', (major) => {
  let database: FreshDatabase;
  const extensions = new Set<string>();

  beforeAll(async () => {
    database = await freshDatabase(major);
    await database.client.query(PINNED_SETTINGS);
    await database.client.query(ORACLE_TYPES);
    for (const name of ['hstore', 'citext', 'ltree', 'isn']) {
      const available = await database.client.query('select 1 from pg_available_extensions where name = $1', [name]);
      if (available.rowCount === 0) continue;
      await database.client.query(`create extension ${name}`);
      extensions.add(name);
    }
  });

  afterAll(async () => {
    await database.drop();
  });

  for (const [type, sql, expected, options] of EXTREMES) {
    it(sql, async () => {
      const { rows } = await database.client.query<Row>({ text: `select ${sql} as cell`, types: RAW_TEXT });
      expect(rows.map(({ cell }) => convertWith(codecOf(type, options), cell))).toStrictEqual([expected]);
    });
  }

  for (const oracle of ORACLES) {
    it(oracle.title, async (context) => {
      if (oracle.extension !== undefined && !extensions.has(oracle.extension)) context.skip('the server has no such extension');
      await compare(database.client, oracle);
    });
  }
});

const EXTENSION_SERVERS = [
  { server: 'postgis', extension: 'postgis', oracles: POSTGIS_ORACLES },
  { server: 'pgvector', extension: 'vector', oracles: PGVECTOR_ORACLES },
] as const;

for (const { server, extension, oracles } of EXTENSION_SERVERS) {
  const missing = missingPostgres(server);
  describe.skipIf(missing !== undefined)(`values of ${server}${missing === undefined ? '' : `: ${missing}`}`, () => {
    let database: FreshDatabase;

    beforeAll(async () => {
      database = await freshDatabase(server);
      await database.client.query(PINNED_SETTINGS);
      await database.client.query(`create extension ${extension}`);
    });

    afterAll(() => database.drop());

    it.each(oracles.map((oracle) => [oracle.title, oracle] as const))('%s', (_, oracle) => compare(database.client, oracle));
  });
}

/** All values in one query: the server's casts are the cheap part. */
async function compare(client: pg.Client, oracle: Oracle): Promise<void> {
  const values = fc.sample(oracle.values, { numRuns: VALUES_PER_TYPE, seed: SEED });
  const input = oracle.input ?? `x::${oracle.sqlType}`;
  const { rows } = await client.query<Row>({
    text: `select v as cell, ${oracle.expected} as expected
           from (select (${input})::${oracle.sqlType} as v from unnest($1::text[]) with ordinality as u(x, n) order by n) as s`,
    values: [values],
    types: RAW_TEXT,
  });
  expect(rows.length).toBe(VALUES_PER_TYPE);
  const codec = codecOf(oracle.type, oracle.options);
  for (const { cell, expected } of rows) {
    const value = convertWith(codec, cell) ?? null;
    const shown = oracle.shown === undefined ? String(value) : oracle.shown(value);
    const wanted = normalized(oracle, expected);
    // An assertion on each of so many values would cost more than the conversions.
    if (shown !== wanted) expect(shown, `seed ${SEED}, ${oracle.title}, cell ${JSON.stringify(cell)}`).toBe(wanted);
  }
}
