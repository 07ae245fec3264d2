/** Owns oracles for arrays: each element by the server's own casts, in one JSON array. */
import fc from 'fast-check';
import type { PgType } from '../../src/values/pg-type.ts';
import { arrayType, builtIn, type ColumnOptions, enumType, extension, numericTypmod } from '../oracles/columns.ts';
import { decimals, floatHex, jsonOf, type Oracle, octets, unscaledOf, wholes } from './oracle.ts';
import { ENUM_LABELS, json, texts } from './text-oracles.ts';

function elementsOf(sqlType: string): string {
  return `(select coalesce(array_agg(e::${sqlType} order by n), '{}')
           from jsonb_array_elements_text(x::jsonb) with ordinality as t(e, n))`;
}

type ArrayOracle = {
  readonly element?: PgType;
  readonly values: fc.Arbitrary<string>;
  readonly expected?: string;
  readonly options?: ColumnOptions;
  readonly shown?: Oracle['shown'];
  readonly extension?: string;
};

/** By default the elements' own text. */
function array(sqlType: string, o: ArrayOracle): Oracle {
  const [bare = sqlType] = sqlType.split('(');
  return {
    title: `${sqlType}[]`,
    sqlType: `${sqlType}[]`,
    type: arrayType(o.element ?? builtIn(bare)),
    values: fc.array(fc.option(o.values), { maxLength: 5 }).map((elements) => JSON.stringify(elements)),
    input: elementsOf(sqlType),
    expected: o.expected ?? eachElement("case when e is not null then format('%s', e) end"),
    shown: o.shown ?? jsonOf,
    ...(o.options === undefined ? {} : { options: o.options }),
    ...(o.extension === undefined ? {} : { extension: o.extension }),
  };
}

/** A JSON array of an expression over each element `e`. */
function eachElement(expression: string): string {
  return `(select coalesce(json_agg(${expression} order by n), '[]')::text from unnest(v) with ordinality as t(e, n))`;
}

/** Elements that JSON has no form for are shown by `show`. */
function shownBy(show: (value: never) => string): Oracle['shown'] {
  return (value) => jsonOf((value as never[]).map((element) => (element === null ? null : show(element))));
}

const AS_JSON = 'to_json(v)::text';
const whole32 = fc.integer().map(String);
const byteTexts = fc.constantFrom('a', 'Z', '0', '"', '\\', ',', '{');

export const ARRAY_ORACLES: readonly Oracle[] = [
  array('text', { values: texts, expected: AS_JSON }),
  array('varchar', { values: texts, expected: AS_JSON }),
  array('char(5)', { element: builtIn('bpchar'), values: byteTexts, expected: AS_JSON }),
  array('"char"', { element: builtIn('char'), values: byteTexts }),
  array('int2', { values: fc.integer({ min: -32768, max: 32767 }).map(String), expected: AS_JSON }),
  array('int4', { values: whole32, expected: AS_JSON }),
  array('int8', { values: whole32, expected: AS_JSON }),
  array('oid', { values: fc.nat(0xffff_ffff).map(String), expected: eachElement('e::int8') }),
  array('bool', { values: fc.constantFrom('t', 'f'), expected: AS_JSON }),
  array('float4', {
    values: fc.integer({ min: -1_000_000, max: 1_000_000 }).map((value) => String(value / 1000)),
    expected: eachElement("encode(float4send(e), 'hex')"),
    shown: shownBy(floatHex),
  }),
  array('uuid', { values: fc.uuid(), expected: AS_JSON }),
  array('json', { values: json }),
  array('jsonb', { values: json }),
  array('numeric', { values: decimals(5, 3), expected: eachElement('e::text'), options: { modes: { decimal: 'string' } } }),
  array('numeric(12,3)', {
    values: decimals(8, 4),
    expected: eachElement('trunc(e * 1000)::text'),
    options: { typmod: numericTypmod(12, 3) },
    shown: shownBy(unscaledOf),
  }),
  // Not before 1583: elements pass through a Java calendar, which has a reform.
  array('date', { values: wholes(-150_000n, 2_900_000n).map(daysAfter2000), expected: eachElement("e - date '1970-01-01'") }),
  array('time(3)', {
    element: builtIn('time'),
    values: wholes(0n, 86_399_999n).map(timeOfDay),
    expected: eachElement('trunc(extract(epoch from e) * 1000)::int8'),
    options: { typmod: 3 },
  }),
  array('timestamp', {
    values: wholes(-30_000n, 30_000n).map((days) => `${daysAfter2000(days)} 12:30:00.25`),
    expected: eachElement('trunc(extract(epoch from e) * 1000000)::int8'),
  }),
  array('timestamptz', {
    values: wholes(-30_000n, 30_000n).map((days) => `${daysAfter2000(days)} 10:00:00.5+02`),
    expected: eachElement(`to_char(e, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`),
  }),
  array('timetz', {
    values: wholes(0n, 86_399n).map((seconds) => `${timeOfDay(String(Number(seconds) * 1000)).slice(0, 8)}+05:45`),
    expected: eachElement("(e at time zone interval '0')::time::text || 'Z'"),
  }),
  array('bytea', { values: octets, expected: eachElement("encode(e, 'hex')"), options: { modes: { binary: 'hex' } } }),
  array('inet', { values: fc.oneof(fc.ipV4(), fc.ipV6()) }),
  array('int4range', { values: fc.constantFrom('[1,5)', '(,3]', 'empty') }),
  array('mood', { element: enumType('mood', ENUM_LABELS), values: fc.constantFrom(...ENUM_LABELS), expected: AS_JSON }),
  array('citext', { element: extension('citext'), values: texts, extension: 'citext' }),
].map((oracle) => (oracle.title === 'mood[]' ? withoutNulls(oracle) : oracle));

/** Debezium gives up an enum array with a null in it. */
function withoutNulls(oracle: Oracle): Oracle {
  const values = fc.array(fc.constantFrom(...ENUM_LABELS), { maxLength: 5 }).map((elements) => JSON.stringify(elements));
  return { ...oracle, values };
}

function daysAfter2000(days: string): string {
  return new Date(Date.UTC(2000, 0, 1) + Number(days) * 86_400_000).toISOString().slice(0, 10);
}

function timeOfDay(millis: string): string {
  return new Date(Number(millis)).toISOString().slice(11, 23);
}
