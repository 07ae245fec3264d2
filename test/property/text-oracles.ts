/** Owns oracles for types that are published as text, for hstore and for arrays. */
import fc from 'fast-check';
import type { PgType } from '../../src/values/pg-type.ts';
import { arrayType, builtIn, type ColumnOptions, enumType, extension } from '../../src/values/test-columns.ts';
import { decimals, digits, jsonObjectOf, jsonOf, type Oracle, octets, utf8Hex } from './oracle.ts';

const ENUM_LABELS = ['sad', 'so so', 'it"s', 'happy, really'];

/** Run once in each database. */
export const ORACLE_TYPES = `
  create type mood as enum ('sad', 'so so', 'it"s', 'happy, really');
  create domain amount as numeric(12,3);
  create domain price as amount check (value is not null)`;

const texts = fc
  .string({
    unit: fc.oneof(
      fc.constantFrom(...'ab "\\\'{},\u0001\b\t\n\u001f\u007f', 'é', '\u2028', '😀'),
      fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
    ),
    maxLength: 20,
  })
  .map((text) => text.replaceAll('\0', ' ').toWellFormed());
const json = fc.json({ maxDepth: 2 }).filter((text) => !text.includes('\\u') && text.isWellFormed());
const addresses = fc.oneof(fc.ipV4(), fc.ipV6());
const ordered = (bound: fc.Arbitrary<number>) => fc.tuple(bound, bound).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);

/** What the type's output function prints, byte for byte. */
function verbatim(sqlType: string, values: fc.Arbitrary<string>, type: PgType | string = sqlType): Oracle {
  return {
    title: sqlType,
    sqlType,
    type,
    values,
    expected: "encode(convert_to(format('%s', v), 'UTF8'), 'hex')",
    shown: utf8Hex,
  };
}

export const TEXT_ORACLES: readonly Oracle[] = [
  verbatim('text', texts),
  verbatim('varchar(30)', texts, 'varchar'),
  verbatim(
    'char(12)',
    texts.map((text) => text.slice(0, 5).toWellFormed()),
    'bpchar',
  ),
  verbatim('"char"', fc.constantFrom('a', 'Z', '0', '"'), 'char'),
  verbatim('uuid', fc.uuid()),
  verbatim('json', json),
  verbatim('jsonb', json),
  verbatim('inet', addresses),
  verbatim('cidr', addresses),
  verbatim(
    'macaddr',
    fc.uint8Array({ minLength: 6, maxLength: 6 }).map((bytes) => Buffer.from(bytes).toString('hex')),
  ),
  verbatim(
    'int4range',
    ordered(fc.integer({ min: -1000, max: 1000 })).map(([low, high]) => `[${low},${high}]`),
  ),
  verbatim(
    'numrange',
    ordered(fc.integer({ min: -1000, max: 1000 })).map(([low, high]) => `(${low / 10},${high / 10}]`),
  ),
  verbatim(
    'tsrange',
    ordered(fc.integer({ min: 2000, max: 2030 })).map(([low, high]) => `[${low}-01-01 10:00,${high}-01-02)`),
  ),
  verbatim(
    'tsvector',
    texts.map((text) => text.replace(/[^a-z ]/g, '')),
  ),
  verbatim('mood', fc.constantFrom(...ENUM_LABELS), enumType('mood', ENUM_LABELS)),
  { ...verbatim('citext', texts, extension('citext')), extension: 'citext' },
  {
    ...verbatim(
      'ltree',
      fc.array(digits(4), { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.')),
      extension('ltree'),
    ),
    extension: 'ltree',
  },
  {
    title: 'hstore',
    sqlType: 'hstore',
    type: extension('hstore'),
    extension: 'hstore',
    values: fc
      .uniqueArray(fc.tuple(texts, fc.option(texts)), { selector: ([key]) => key, maxLength: 12 })
      .map((entries) => JSON.stringify(entries)),
    input: "(select coalesce(hstore(array_agg(e ->> 0), array_agg(e ->> 1)), '') from json_array_elements(x::json) as t(e))",
    expected: 'hstore_to_json(v)::text',
    shown: jsonObjectOf,
  },
];

function elementsOf(sqlType: string): string {
  return `(select coalesce(array_agg(e::${sqlType} order by n), '{}')
           from jsonb_array_elements_text(x::jsonb) with ordinality as t(e, n))`;
}

function array(sqlType: string, values: fc.Arbitrary<string>, expected: string, options: ColumnOptions = {}): Oracle {
  return {
    title: `${sqlType}[]`,
    sqlType: `${sqlType}[]`,
    type: arrayType(builtIn(sqlType)),
    options,
    values: fc.array(fc.option(values), { maxLength: 5 }).map((elements) => JSON.stringify(elements)),
    input: elementsOf(sqlType),
    expected,
    shown: jsonOf,
  };
}

/** A JSON array of an expression over each element `e`. */
function eachElement(expression: string): string {
  return `(select coalesce(json_agg(${expression} order by n), '[]')::text from unnest(v) with ordinality as t(e, n))`;
}

const AS_JSON = 'to_json(v)::text';

export const ARRAY_ORACLES: readonly Oracle[] = [
  array('text', texts, AS_JSON),
  array('int4', fc.integer().map(String), AS_JSON),
  array('int8', fc.integer().map(String), AS_JSON),
  array('bool', fc.constantFrom('t', 'f'), AS_JSON),
  array('uuid', fc.uuid(), AS_JSON),
  array('jsonb', json, 'to_json(v::text[])::text'),
  array('numeric', decimals(5, 3), eachElement('e::text'), { modes: { decimal: 'string' } }),
  array('date', fc.constantFrom('1970-01-01', '2024-02-29', '1999-12-31'), eachElement("e - date '1970-01-01'")),
  array('bytea', octets, eachElement("encode(e, 'hex')"), { modes: { binary: 'hex' } }),
  array('int4range', fc.constantFrom('[1,5)', '(,3]', 'empty'), 'to_json(v::text[])::text'),
  array(
    'timestamptz',
    fc.constantFrom('2024-01-01 10:00:00.5+02', '1999-12-31 23:59:59.999999+00'),
    eachElement(`to_char(e, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`),
  ),
];
