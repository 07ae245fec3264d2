/** Default expressions as PostgreSQL prints them, to the schema's default as Debezium publishes it. */
import { describe, expect, it } from 'vitest';
import { arrayType, builtIn, type ColumnOptions, codecOf, enumType, numericTypmod } from '../../test/oracles/columns.ts';
import type { PgType } from './pg-type.ts';
import type { DefaultValue } from './schema.ts';

function defaultOf(type: PgType | string, defaultExpression: string, options: ColumnOptions = {}): DefaultValue | undefined {
  return codecOf(type, { ...options, defaultExpression }).schema.defaultValue;
}

type Row = readonly [type: string, expression: string, expected: DefaultValue | undefined, options?: ColumnOptions];

const NUMERIC_5_2: ColumnOptions = { typmod: numericTypmod(5, 2) };
const NUMERIC_5_2_TEXT: ColumnOptions = { ...NUMERIC_5_2, modes: { decimal: 'string' } };
const ISO: ColumnOptions = { modes: { time: 'isostring' } };

const LITERALS: readonly Row[] = [
  ['int4', '42', 42],
  ['int4', "'-1'::integer", -1],
  ['int2', "'7'::smallint", 7],
  ['int8', "'9223372036854775807'::bigint", 9_223_372_036_854_775_807n],
  ['int4', '(1 + 2)', undefined],
  ['bool', 'true', true],
  ['bool', 'false', false],
  ['float8', '1.234', 1.234],
  ['float8', "'12345678901234567890'::numeric", Number('12345678901234567890')],
  ['float4', '0.1', Math.fround(0.1)],
  ['float8', "'NaN'::double precision", Number.NaN],
  ['numeric', '12.3', Uint8Array.of(0x04, 0xce), NUMERIC_5_2],
  ['numeric', '12.3', '12.30', NUMERIC_5_2_TEXT],
  ['numeric', '12.345', undefined, NUMERIC_5_2],
  ['numeric', '1.5', undefined],
  ['numeric', "'NaN'::numeric", undefined, { modes: { decimal: 'double' } }],
  ['numeric', "'NaN'::numeric", undefined, NUMERIC_5_2_TEXT],
  ['numeric', '12.345', undefined, { ...NUMERIC_5_2, modes: { decimal: 'double' } }],
  ['numeric', '12.340', 12.34, { ...NUMERIC_5_2, modes: { decimal: 'double' } }],
  ['numeric', '1.5', 1.5, { modes: { decimal: 'double' } }],
  ['text', "'asdf'::text", 'asdf'],
  ['text', "''::text", ''],
  ['text', "'va''l'::text", 'va'],
  ['text', '(5)::text', '(5)::text'],
  ['text', 'CURRENT_USER', 'CURRENT_USER'],
  ['text', "'two\nlines'::text", undefined],
  ['varchar', "'abcde'::character varying", 'abcde'],
  ['bpchar', "'ab'::bpchar", 'ab'],
  ['json', '\'{"a": 1}\'::json', '{"a": 1}'],
  ['xml', "'<a/>'::xml", '<a/>'],
  ['uuid', "'76019D1A-ad2e-4b22-96e9-1a6d6543c818'::uuid", '76019d1a-ad2e-4b22-96e9-1a6d6543c818'],
  ['bit', `B'1'::"bit"`, true, { typmod: 1 }],
  ['bit', `B'11'::"bit"`, Uint8Array.of(3), { typmod: 2 }],
  ['varbit', `B'110'::"bit"`, Uint8Array.of(6)],
  ['date', "'2017-09-15'::date", 17_424],
  ['date', "'2017-09-15'::date", '2017-09-15Z', ISO],
  ['date', "'now'::date", undefined],
  ['date', "('2020-01-01 10:00:00.5'::timestamp without time zone)::date", 18_262],
  ['date', "'0044-03-15 BC'::date", -735_160],
  ['date', "'0044-03-15 BC'::date", -735_160, { modes: { phase: 'snapshot' } }],
  ['date', "'infinity'::date", 169_560_311],
  ['date', "'-infinity'::date", -170_999_002],
  ['date', "'infinity'::date", '+999999999-12-31Z', ISO],
  ['timestamp', "'-infinity'::timestamp without time zone", '-999999999-01-01T00:00:00Z', ISO],
  ['timestamp', "'infinity'::timestamp without time zone", undefined, { modes: { time: 'connect' } }],
  ['timestamp', "'infinity'::timestamp without time zone", undefined, { modes: { time: 'nanoseconds' } }],
  ['timestamp', "'-infinity'::timestamp(3) without time zone", undefined, { typmod: 3 }],
  ['time', "'24:00:00'::time without time zone", '23:59:59.999999999Z', ISO],
  ['time', "'24:00:00'::time without time zone", 86_399_999_999_999, { modes: { time: 'nanoseconds' } }],
  ['time', "'04:05:06.789'::time without time zone", 14_706_789_000],
  ['timestamp', "'2019-07-09 02:28:57'::timestamp without time zone", 1_562_639_337_000_000],
  ['timestamp', "'infinity'::timestamp without time zone", -9_223_372_036_853_775_810n],
  ['timestamptz', "'2019-07-09 02:28:57+00'::timestamp with time zone", '2019-07-09T02:28:57.000000Z'],
  ['timestamptz', "'infinity'::timestamp with time zone", undefined],
  ['interval', "'1 day 02:00:00'::interval", 93_600_000_000],
];

const GENERATED: readonly Row[] = [
  ['int4', "nextval('orders_id_seq'::regclass)", 0],
  ['int8', 'my_schema.next_id()', 0],
  ['numeric', 'random()', Uint8Array.of(0), NUMERIC_5_2],
  ['numeric', 'random()', '0.0', { modes: { decimal: 'string' } }],
  ['float8', 'random()', 0],
  ['bool', 'is_open()', false],
  ['text', "upper('x'::text)", ''],
  ['json', 'json_build_object()', '{}'],
  ['uuid', 'gen_random_uuid()', '00000000-0000-0000-0000-000000000000'],
  ['date', 'CURRENT_DATE', 0],
  ['date', "(now() + '1 day'::interval)", 0],
  ['time', 'LOCALTIME', 0],
  ['timestamp', 'now()', 0],
  ['timestamptz', 'CURRENT_TIMESTAMP', '1970-01-01T00:00:00.000000Z'],
  ['timestamptz', 'now()', '1970-01-01T00:00:00.000Z', { typmod: 3 }],
  ['interval', "age('2020-01-01'::timestamp)", 0],
  ['bit', 'make_bit()', Uint8Array.of(), { typmod: 4 }],
  ['bit', 'make_bit()', false, { typmod: 1 }],
  ['varbit', 'make_bit()', Uint8Array.of()],
];

const NONE: readonly Row[] = [
  ['int4', 'NULL::integer', undefined],
  ['text', 'NULL::text', undefined],
  ['timestamp', 'NULL::timestamp without time zone', undefined],
  ['interval', 'NULL::interval', 0],
  ['timetz', "'10:00:00+00'::time with time zone", undefined],
  ['bytea', "'\\x00'::bytea", undefined],
  ['money', "'$1.00'::money", undefined],
  ['inet', "'::1'::inet", undefined],
  ['int4range', "'[1,2)'::int4range", undefined],
];

describe('column defaults', () => {
  for (const [type, expression, expected, options] of [...LITERALS, ...GENERATED, ...NONE]) {
    it(`${type} ${expression} ${JSON.stringify(options ?? {})}`, () => {
      expect(defaultOf(type, expression, options)).toStrictEqual(expected);
    });
  }

  it('of an enum is the label before a cast to the same type', () => {
    const mood = enumType('mood', ['sad', 'ok']);
    expect(defaultOf(mood, "'ok'::mood")).toBe('ok');
    expect(defaultOf(mood, "'ok'::public.mood")).toBe('ok');
    expect(defaultOf(mood, `'ok'::"mood"`)).toBe('ok');
    expect(defaultOf(mood, "'ok'::other.mood")).toBeUndefined();
    expect(defaultOf(mood, "'ok'::feeling")).toBeUndefined();
    expect(defaultOf(mood, 'pick_mood()')).toBeUndefined();
    expect(defaultOf(enumType('bug.status', ['new']), `'new'::"bug.status"`)).toBe('new');
  });

  it.each([
    ['20 commas on one line of several', `f('${'a, '.repeat(20)}\n'::text)`, undefined],
    ['a megabyte of commas', `f('${', '.repeat(500_000)}\n'::text)`, undefined],
    ['a megabyte of brackets', `f${'('.repeat(1_000_000)}`, `f${'('.repeat(1_000_000)}`],
    ['a megabyte of quotes', `'${"''".repeat(500_000)}'::text`, ''],
    ['a megabyte of letters', 'a'.repeat(1_000_000), 'a'.repeat(1_000_000)],
    ['a call that a line break of Unicode interrupts', "f('a\u0085'::text)", undefined],
    ['a call that is closed before the line ends', "f('a', 'b')\n", ''],
  ])('with %s is read at once', (_, expression, expected) => {
    const startedMs = performance.now();
    expect(defaultOf('text', expression)).toBe(expected);
    expect(performance.now() - startedMs).toBeLessThan(1_000);
  });

  it('of an enum is found in any text at once', () => {
    const startedMs = performance.now();
    for (const text of [`'${'""'.repeat(300_000)}`, `x::"${'""'.repeat(300_000)}`, `x::${'"a".'.repeat(200_000)}`])
      defaultOf(enumType('m', ['ok']), text);
    expect(performance.now() - startedMs).toBeLessThan(1_000);
  });

  it('of an array is not published', () => {
    expect(defaultOf(arrayType(builtIn('int4')), "'{1}'::integer[]")).toBeUndefined();
  });
});
