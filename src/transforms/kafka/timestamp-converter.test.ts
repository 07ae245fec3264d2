import { describe, expect, it } from 'vitest';
import { ChainRunner, jsonOf, type RunnerOptions, type TestColumn, textOfHalf } from '../../../test/transforms/chain-runner.ts';

const CONVERTER = 'org.apache.kafka.connect.transforms.TimestampConverter$Value';
const UNWRAP = { type: 'io.debezium.transforms.ExtractNewRecordState' };
const ID: TestColumn = { name: 'id', type: 'int4', notNull: true };
const MILLIS = { type: 'timestamp', typmod: 3 } as const;
const CONNECT_TIMES = { time: 'connect' } as const;

type Options = Record<string, string>;
type Column = Omit<TestColumn, 'name'>;

function chain(column: Column, options: Options, more: Partial<RunnerOptions> = {}): ChainRunner {
  return new ChainRunner({
    columns: [ID, { name: 'at', ...column }],
    stages: [UNWRAP, { type: CONVERTER, field: 'at', ...options }],
    ...more,
  });
}

async function converted(column: Column, options: Options, text: string | null, more?: Partial<RunnerOptions>): Promise<unknown> {
  return (jsonOf((await chain(column, options, more).create('1', text))?.value) as { at: unknown }).at;
}

const AT = '2024-02-29 01:02:03.789';
const AT_MILLIS = Date.UTC(2024, 1, 29, 1, 2, 3, 789);
const MICROS = { 'unix.precision': 'microseconds' };

describe('TimestampConverter', () => {
  it.each<[Options, string, unknown]>([
    [{ 'target.type': 'string', format: 'yyyy-MM-dd HH:mm:ss.SSSSSS' }, AT, '2024-02-29 01:02:03.000789'],
    [{ 'target.type': 'unix' }, AT, AT_MILLIS],
    [{ 'target.type': 'Timestamp' }, AT, AT_MILLIS],
    [{ 'target.type': 'Date' }, AT, 19_782],
    [{ 'target.type': 'Time' }, AT, 3_723_789],
    [{ 'target.type': 'Time' }, '1969-12-31 23:59:59.999', 86_399_999],
    [{ 'target.type': 'Date' }, '1969-12-31 23:59:59.999', -1],
    [{ 'target.type': 'string', format: 'yyyy-MM-dd' }, '1582-10-14 00:00:00', '1582-10-04'],
  ])('makes of milliseconds by %o from %s', async (options, text, expected) => {
    expect(await converted(MILLIS, options, text)).toBe(expected);
    expect(await converted(MILLIS, options, null)).toBeNull();
  });

  it.each<[Options, string, unknown]>([
    [{ 'target.type': 'unix' }, '2024-02-29 01:02:03.789999', 1_709_168_523_789_000],
    [{ 'target.type': 'Timestamp' }, '1969-12-31 23:59:59.999999', 0],
    [{ 'target.type': 'Timestamp' }, '1969-12-31 23:59:59.998999', -1],
  ])('goes through milliseconds and cuts off what is smaller: %o from %s', async (options, text, expected) => {
    expect(await converted({ type: 'timestamp' }, { ...MICROS, ...options }, text)).toBe(expected);
  });

  it('reads seconds, and writes nanoseconds up to the end of 64 bits', async () => {
    const seconds = { 'unix.precision': 'seconds' };
    expect(await converted({ type: 'int8' }, { 'target.type': 'Timestamp', ...seconds }, '5')).toBe(5000);
    expect(await converted(MILLIS, { 'target.type': 'unix', ...seconds }, '1969-12-31 23:59:58.500')).toBe(-1500);
    const nanos = { 'target.type': 'unix', 'unix.precision': 'nanoseconds' };
    const text = { type: 'text' };
    const sent = await chain(text, { ...nanos, format: 'yyyy' }).create('1', '2999');
    expect(textOfHalf(sent?.value)).toBe('{"id":1,"at":9223372036854775807}');
  });

  it('reads texts by the format, leniently', async () => {
    const options = { 'target.type': 'Timestamp', format: "yyyy-MM-dd'T'HH:mm:ssX" };
    expect(await converted({ type: 'text' }, options, '2024-02-30T00:75:00+01 and more')).toBe(Date.UTC(2024, 2, 1, 0, 15));
    await expect(converted({ type: 'text' }, options, '2024')).rejects.toThrow(
      "Could not parse timestamp: value does not match pattern (yyyy-MM-dd'T'HH:mm:ssX)",
    );
  });

  it("reads Connect's own types by their names", async () => {
    const options = { 'target.type': 'string', format: 'yyyy-MM-dd HH:mm' };
    const more = { modes: CONNECT_TIMES };
    expect(await converted({ type: 'date' }, options, '2024-02-29', more)).toBe('2024-02-29 00:00');
    expect(await converted({ type: 'time' }, options, '10:11:12', more)).toBe('1970-01-01 10:11');
    expect(await converted({ type: 'timestamp' }, options, AT, more)).toBe('2024-02-29 01:02');
  });

  it('gives the field the schema of the target, and loses its default', async () => {
    const column = { ...MILLIS, defaultExpression: "'2024-02-29 00:00:00'::timestamp" };
    const runner = chain(column, { 'target.type': 'Date' }, { converters: { key: 'json', value: 'json with schemas' } });
    const sent = jsonOf((await runner.create('1', null))?.value) as { schema: { fields: unknown[] }; payload: unknown };
    expect(sent.schema.fields[1]).toEqual({
      field: 'at',
      type: 'int32',
      optional: true,
      name: 'org.apache.kafka.connect.data.Date',
      version: 1,
    });
  });

  it('converts a whole, and gives a null the new schema', async () => {
    const whole = [
      UNWRAP,
      { type: 'org.apache.kafka.connect.transforms.ExtractField$Value', field: 'at' },
      { type: CONVERTER, 'target.type': 'string', format: 'yyyy' },
    ];
    const converters = { key: 'json', value: 'json with schemas' };
    const runner = new ChainRunner({ columns: [ID, { name: 'at', ...MILLIS }], stages: whole, converters });
    expect(textOfHalf((await runner.create('1', AT))?.value)).toBe('{"schema":{"type":"string","optional":true},"payload":"2024"}');
    const [deleted] = await chain(MILLIS, { 'target.type': 'Date' }, { converters }).send({ kind: 'delete', before: ['1', null] });
    expect(jsonOf(deleted?.value)).toMatchObject({
      schema: { optional: true, fields: [{}, { field: 'at', type: 'int32' }] },
      payload: null,
    });
  });

  it('leaves a field that is not there', async () => {
    const sent = await chain(MILLIS, { field: 'nowhere', 'target.type': 'Date' }).create('1', AT);
    expect(jsonOf(sent?.value)).toEqual({ id: 1, at: AT_MILLIS });
  });

  it('refuses a type that is no time, also where all are null', async () => {
    await expect(converted({ type: 'date' }, { 'target.type': 'unix' }, null)).rejects.toThrow(
      'Schema Schema{io.debezium.time.Date:INT32} does not correspond to a known timestamp type format',
    );
  });

  it.each<[Options, string]>([
    [{ 'target.type': 'string' }, 'requires format option'],
    [{ 'target.type': 'date' }, 'Unknown timestamp type in TimestampConverter: date'],
    [{ 'target.type': 'string', format: 'yyyy-ww' }, 'format: ww depends on the locale'],
    [{ 'target.type': 'unix', 'unix.precision': 'days' }, 'unix.precision must be one of'],
  ])('refuses %o at the start', (options, reason) => {
    expect(() => chain(MILLIS, options)).toThrow(reason);
  });

  it('refuses to read years of two digits', async () => {
    await expect(converted({ type: 'text' }, { 'target.type': 'unix', format: 'yy' }, '24')).rejects.toThrow('century');
    expect(await converted(MILLIS, { 'target.type': 'string', format: 'yy' }, AT)).toBe('24');
  });
});
