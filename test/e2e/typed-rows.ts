/** Owns a table of many types and random rows for it, made by the server: a column of each type, about one value in eight null. */
import type pg from 'pg';

const RANDOM_TEXT =
  "repeat(chr(32 + floor(random() * 90)::int), floor(random() * 9)::int) || case when random() < 0.2 then E'\\n\\t\"\\\\é😀' else '' end";

/** Type, and SQL for a random value of it. */
const COLUMNS: readonly (readonly [type: string, random: string])[] = [
  ['bool', 'random() < 0.5'],
  ['int2', '(random() * 65535 - 32768)::int2'],
  ['int4', '(random() * 4294967295 - 2147483648)::int4'],
  ['int8', '((random() - 0.5) * 9.2e18)::int8'],
  [
    'float4',
    "(array['NaN', 'Infinity', '-Infinity', '-0', '1e-45', '3.4028235e38', (random() * 1e6)::float4::text])[1 + floor(random() * 7)::int]::float4",
  ],
  ['float8', '((random() - 0.5) * power(10, random() * 600 - 300))::float8'],
  ['numeric', '((random() - 0.5) * power(10::numeric, floor(random() * 60)::int - 20))::numeric'],
  ['numeric(20,6)', '((random() - 0.5) * 1e13)::numeric(20,6)'],
  ['money', '((random() - 0.5) * 1e10)::numeric::money'],
  ['text', RANDOM_TEXT],
  ['varchar(40)', `(${RANDOM_TEXT})::varchar(40)`],
  ['char(12)', `(${RANDOM_TEXT})::char(12)`],
  ['bytea', "decode(md5(random()::text), 'hex')"],
  ['date', "date '0001-01-01' + floor(random() * 3000000)::int"],
  ['time', "time '00:00' + random() * interval '86399 s'"],
  ['time(0)', "(time '00:00' + random() * interval '86000 s')::time(0)"],
  ['timetz', "(time '00:00' + random() * interval '86399 s')::timetz"],
  ['timestamp', "timestamp '1000-01-01' + random() * interval '2000 years'"],
  ['timestamp(3)', "(timestamp '1900-01-01' + random() * interval '200 years')::timestamp(3)"],
  ['timestamptz', "timestamptz '1000-01-01 00:00+00' + random() * interval '2000 years'"],
  ['interval', "random() * interval '30 years' - random() * interval '40 months' + random() * interval '99 hours'"],
  ['uuid', 'md5(random()::text)::uuid'],
  ['json', "json_build_object('n', random(), 't', md5(random()::text))"],
  ['jsonb', "jsonb_build_object('n', floor(random() * 1e9), 'a', jsonb_build_array(null, true, 'é'))"],
  ['xml', "('<a>' || md5(random()::text) || '</a>')::xml"],
  ['inet', "'10.0.0.0'::inet + floor(random() * 1e6)::int"],
  ['cidr', "'10.1.0.0/16'::cidr"],
  ['macaddr', 'substr(md5(random()::text), 1, 12)::macaddr'],
  ['bit(9)', 'floor(random() * 512)::int::bit(9)'],
  ['varbit', 'floor(random() * 65536)::int::bit(16)::varbit'],
  ['point', 'point(random() * 100, random() * 100)'],
  ['int4range', 'int4range(floor(random() * 100)::int, 100 + floor(random() * 100)::int)'],
  ['tstzrange', "tstzrange(timestamptz '2000-01-01 00:00+00', timestamptz '2001-01-01 00:00+00' + random() * interval '1 year')"],
  ['mood', "(array['glad', 'so so', 'it''s'])[1 + floor(random() * 3)::int]::mood"],
  ['positive', '(1 + floor(random() * 1000))::int::positive'],
  ['int4[]', 'array[floor(random() * 100)::int, null, -1]'],
  ['text[]', `array[${RANDOM_TEXT}, null, 'NULL', 'a,b']`],
  ['timestamptz[]', "array[timestamptz '2000-01-01 00:00+00' + random() * interval '9 years']"],
];

export const TYPED_TABLE_SQL = `
create type mood as enum ('glad', 'so so', 'it''s');
create domain positive as int check (value > 0);
create table typed (id int primary key, ${COLUMNS.map(([type], index) => `c${index} ${type}`).join(', ')});`;

export async function fillTypedRows(client: pg.Client, o: { readonly rows: number; readonly seed: number }): Promise<void> {
  const values = COLUMNS.map(([, random]) => `case when random() < 0.12 then null else ${random} end`).join(',\n');
  await client.query(`select setseed(${(o.seed % 1000) / 1000})`);
  await client.query(`insert into typed select i, ${values} from generate_series(1, ${o.rows}) i`);
}
