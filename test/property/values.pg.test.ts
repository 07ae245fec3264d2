/**
 * Random values of every type, rendered by a real PostgreSQL as its walsender renders them, converted by our codecs, compared
 * with the server's own casts and extracts (*-oracles.ts): an oracle that shares no line with our conversions.
 */
import process from 'node:process';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { codecOf, convertWith } from '../../src/values/test-columns.ts';
import { type FreshDatabase, freshDatabase } from '../harness/shared.ts';
import type { Oracle } from './oracle.ts';
import { DECIMAL_ORACLES, SCALAR_ORACLES } from './scalar-oracles.ts';
import { TEMPORAL_ORACLES } from './temporal-oracles.ts';
import { ARRAY_ORACLES, ORACLE_TYPES, TEXT_ORACLES } from './text-oracles.ts';

const ORACLES = [...SCALAR_ORACLES, ...DECIMAL_ORACLES, ...TEMPORAL_ORACLES, ...TEXT_ORACLES, ...ARRAY_ORACLES];

/** A failing run is repeated with SLOTLINE_TEST_SEED. */
const SEED = Number(process.env['SLOTLINE_TEST_SEED'] ?? Date.now() % 0x7fff_ffff);
const VALUES_PER_TYPE = 300;

/** As every connection of Slotline pins them. */
const PINNED_SETTINGS = `
  set datestyle = 'ISO, YMD'; set intervalstyle = postgres; set timezone = 'UTC'; set bytea_output = hex;
  set extra_float_digits = 3; set client_encoding = 'UTF8'; set lc_monetary = 'C'`;

const RAW_TEXT = { getTypeParser: () => (text: string | Buffer) => text };

type Row = { readonly cell: string; readonly expected: string };

function normalized(oracle: Oracle, expected: string): string {
  // The server separates what JSON.stringify does not, and orders the members of an object its own way.
  if (oracle.title === 'hstore') return JSON.stringify(Object.entries(JSON.parse(expected)).sort());
  return oracle.title.endsWith('[]') ? JSON.stringify(JSON.parse(expected)) : expected;
}

console.info(`values: seed ${SEED}`);

describe.each([18, 14] as const)('values as PostgreSQL %i prints them', (major) => {
  let database: FreshDatabase;
  const extensions = new Set<string>();

  beforeAll(async () => {
    database = await freshDatabase(major);
    await database.client.query(PINNED_SETTINGS);
    await database.client.query(ORACLE_TYPES);
    for (const name of ['hstore', 'citext', 'ltree']) {
      const available = await database.client.query('select 1 from pg_available_extensions where name = $1', [name]);
      if (available.rowCount === 0) continue;
      await database.client.query(`create extension ${name}`);
      extensions.add(name);
    }
  });

  afterAll(async () => {
    await database.drop();
  });

  for (const oracle of ORACLES) {
    it(oracle.title, async (context) => {
      if (oracle.extension !== undefined && !extensions.has(oracle.extension)) context.skip('the server has no such extension');
      const values = fc.sample(oracle.values, { numRuns: VALUES_PER_TYPE, seed: SEED });
      const input = oracle.input ?? `x::${oracle.sqlType}`;
      const { rows } = await database.client.query<Row>({
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
        expect(shown, `seed ${SEED}, ${oracle.title}, cell ${JSON.stringify(cell)}`).toBe(normalized(oracle, expected));
      }
    });
  }
});
