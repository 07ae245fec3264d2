/** Owns oracles for types that are published as text, and for hstore. */
import fc from 'fast-check';
import type { PgType } from '../../src/values/pg-type.ts';
import { enumType, extension } from '../oracles/columns.ts';
import { digits, jsonObjectOf, type Oracle, utf8Hex } from './oracle.ts';

export const ENUM_LABELS = ['sad', 'so so', 'it"s', 'happy, really'];

/** Run once in each database. */
export const ORACLE_TYPES = `
  create type mood as enum ('sad', 'so so', 'it"s', 'happy, really');
  create domain amount as numeric(12,3);
  create domain price as amount check (value is not null)`;

export const texts = fc
  .string({
    unit: fc.oneof(
      fc.constantFrom(...'ab "\\\'{},\u0001\b\t\n\u001f\u007f', 'é', '\u2028', '😀'),
      fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
    ),
    maxLength: 20,
  })
  .map((text) => text.replaceAll('\0', ' ').toWellFormed());
export const json = fc.json({ maxDepth: 2 }).filter((text) => !text.includes('\\u') && text.isWellFormed());
const addresses = fc.oneof(fc.ipV4(), fc.ipV6());
const ordered = (bound: fc.Arbitrary<number>) => fc.tuple(bound, bound).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);

/** Characters that XML has, and none that it escapes. */
function xmlElement(text: string): string {
  return `<a>${text.replace(/[^\t\n\u0020-\ud7ff\ue000-\ufffd]|[<>&]/gu, '')}</a>`;
}

function isbn(number: number): string {
  const digits = `978${String(number).padStart(9, '0')}`;
  const sum = [...digits].reduce((total, digit, place) => total + Number(digit) * (place % 2 === 0 ? 1 : 3), 0);
  return digits + String((10 - (sum % 10)) % 10);
}

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
    'macaddr8',
    fc.uint8Array({ minLength: 8, maxLength: 8 }).map((bytes) => Buffer.from(bytes).toString('hex')),
  ),
  verbatim(
    'int8range',
    ordered(fc.integer()).map(([low, high]) => `(${low},${high}]`),
  ),
  verbatim(
    'daterange',
    ordered(fc.integer({ min: 1000, max: 9998 })).map(([low, high]) => `[${low}-02-03,${high}-12-31)`),
  ),
  verbatim(
    'tstzrange',
    ordered(fc.integer({ min: 1000, max: 9998 })).map(([low, high]) => `[${low}-01-01 10:00+02,${high}-01-02 00:00:00.5+00)`),
  ),
  verbatim('xml', texts.map(xmlElement)),
  {
    ...verbatim(
      'name',
      texts.map((text) => text.slice(0, 10).toWellFormed()),
    ),
    options: { modes: { phase: 'snapshot' } },
  },
  { ...verbatim('isbn', fc.nat(999_999_999).map(isbn), extension('isbn')), extension: 'isn' },
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
