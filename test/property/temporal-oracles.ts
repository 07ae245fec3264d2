/** Owns oracles for dates, times and intervals. */
import fc from 'fast-check';
import type { ValueModes } from '../../src/values/pg-type.ts';
import { type Oracle, wholes } from './oracle.ts';

/** Microseconds from 2000-01-01 to the ends of PostgreSQL's timestamps, less a day. */
const FIRST_MICROS = -211_813_400_000_000_000n;
const LAST_MICROS = 9_223_371_300_000_000_000n;
/** Up to where 64-bit microseconds since 1970 reach. */
const LAST_INT64_MICROS = 9_222_425_300_000_000_000n;
const MICROS_PER_DAY = 86_400_000_000n;

const recent = wholes(-3_000_000_000_000_000n, 3_000_000_000_000_000n);
const anywhere = fc.oneof(recent, wholes(FIRST_MICROS, LAST_MICROS));
const inInt64 = fc.oneof(recent, wholes(FIRST_MICROS, LAST_INT64_MICROS));
const timesOfDay = wholes(0n, MICROS_PER_DAY - 1n);

const AFTER_2000 = `(timestamp '2000-01-01' + x::bigint / 86400000000 * interval '1 day'
  + x::bigint % 86400000000 * interval '1 microsecond')`;
const AFTER_2000_IN_UTC = `(${AFTER_2000} at time zone 'UTC')`;
const AFTER_MIDNIGHT = "(time '00:00' + x::bigint * interval '1 microsecond')";
const AFTER_MIDNIGHT_OR_24 = `(case when x = '86400000000' then time '24:00' else ${AFTER_MIDNIGHT} end)`;

/** By days and time of day: extract(epoch) of a far timestamp is rounded. */
const EPOCH_MICROS = `((v::date - date '1970-01-01')::numeric * 86400000000
  + trunc(extract(epoch from v::time) * 1000000))::text`;

const ISO_YEAR = '(case when extract(year from v) < 0 then extract(year from v) + 1 else extract(year from v) end)::int';

/** ISO-8601 with Java's signs: years above 9999 get a plus, before 1 BC a minus. */
function isoText(fraction: string): string {
  return `case when ${ISO_YEAR} < 0 then '-' when ${ISO_YEAR} > 9999 then '+' else '' end
    || case when abs(${ISO_YEAR}) > 9999 then abs(${ISO_YEAR})::text else lpad(abs(${ISO_YEAR})::text, 4, '0') end
    || to_char(v, '-MM-DD"T"HH24:MI:SS') || ${fraction} || 'Z'`;
}

function time(title: string, o: { precision?: number; mode?: ValueModes['time'] } & Partial<Oracle>): Oracle {
  const { precision, mode = 'adaptive', ...rest } = o;
  return {
    title,
    sqlType: precision === undefined ? 'time' : `time(${precision})`,
    type: 'time',
    options: { typmod: precision ?? -1, modes: { time: mode } },
    values: timesOfDay,
    input: AFTER_MIDNIGHT,
    expected: 'trunc(extract(epoch from v) * 1000000)::text',
    ...rest,
  };
}

function timestamp(title: string, o: { precision?: number; mode?: ValueModes['time'] } & Partial<Oracle>): Oracle {
  const { precision, mode = 'adaptive', ...rest } = o;
  return {
    title,
    sqlType: precision === undefined ? 'timestamp' : `timestamp(${precision})`,
    type: 'timestamp',
    options: { typmod: precision ?? -1, modes: { time: mode } },
    values: recent,
    input: AFTER_2000,
    expected: 'floor(extract(epoch from v) * 1000)::text',
    ...rest,
  };
}

const intervals = fc
  .tuple(fc.integer({ min: -3000, max: 3000 }), fc.integer({ min: -20_000, max: 20_000 }), fc.double({ min: -1e7, max: 1e7, noNaN: true }))
  .map((parts) => JSON.stringify(parts));
const MAKE_INTERVAL = `make_interval(months => (x::json ->> 0)::int, days => (x::json ->> 1)::int,
  secs => (x::json ->> 2)::float8)`;

/** In doubles and in the order of Debezium's driver, with the parts that the server extracts. */
const MICRO_DURATION = `trunc((((((extract(year from v) * 12 + extract(month from v))::float8 * 30.4375::float8
  + extract(day from v)::float8) * 24 + extract(hour from v)::float8) * 60 + extract(minute from v)::float8) * 60
  + (trunc(extract(second from v))::float8
    + ((extract(second from v) - trunc(extract(second from v))) * 1000000)::float8 / 1e6)
  ) * 1e6)::bigint::text`;

/** The driver's seconds: the whole ones and a fraction, added as doubles, whose shortest text is cut to nine digits. */
const DRIVER_SECONDS = `trim_scale(trunc((trunc(extract(second from v))::float8
  + ((extract(second from v) - trunc(extract(second from v))) * 1000000)::float8 / 1e6)::text::numeric, 9))`;

const PERIOD = `'P' || extract(year from v) || 'Y' || extract(month from v) || 'M' || extract(day from v) || 'DT'
  || extract(hour from v) || 'H' || extract(minute from v) || 'M' || ${DRIVER_SECONDS} || 'S'`;

export const TEMPORAL_ORACLES: readonly Oracle[] = [
  {
    title: 'date',
    sqlType: 'date',
    type: 'date',
    values: fc.integer({ min: -2_451_500, max: 2_145_030_000 }).map(String),
    input: "(date '2000-01-01' + x::int)",
    expected: "(v - date '1970-01-01')::text",
  },
  time('time', { values: fc.oneof(timesOfDay, fc.constant('86400000000')), input: AFTER_MIDNIGHT_OR_24 }),
  time('time(3)', { precision: 3, expected: 'trunc(extract(epoch from v) * 1000)::text' }),
  time('time(3) in microseconds', { precision: 3, mode: 'adaptive_time_microseconds' }),
  time('time by Connect', { mode: 'connect', expected: 'trunc(extract(epoch from v) * 1000)::text' }),
  time('time in nanoseconds', { mode: 'nanoseconds', expected: 'trunc(extract(epoch from v) * 1000000000)::text' }),
  time('time as ISO text', { mode: 'isostring', expected: "v::text || 'Z'" }),
  timestamp('timestamp', { values: inInt64, expected: EPOCH_MICROS }),
  timestamp('timestamp(3)', { precision: 3, values: inInt64 }),
  timestamp('timestamp by Connect', { mode: 'connect' }),
  timestamp('timestamp(3) in microseconds', { precision: 3, mode: 'microseconds', expected: EPOCH_MICROS }),
  timestamp('timestamp in nanoseconds', {
    mode: 'nanoseconds',
    expected: 'trunc(extract(epoch from v) * 1000000000)::text',
  }),
  timestamp('timestamp as ISO text', {
    mode: 'isostring',
    values: anywhere,
    expected: isoText("rtrim(rtrim(to_char(v, '.US'), '0'), '.')"),
  }),
  {
    title: 'timestamptz',
    sqlType: 'timestamptz',
    type: 'timestamptz',
    values: anywhere,
    input: AFTER_2000_IN_UTC,
    expected: isoText("to_char(v, '.US')"),
  },
  {
    title: 'timestamptz(3)',
    sqlType: 'timestamptz(3)',
    type: 'timestamptz',
    options: { typmod: 3 },
    values: recent,
    input: AFTER_2000_IN_UTC,
    expected: isoText("to_char(v, '.MS')"),
  },
  {
    title: 'timetz',
    sqlType: 'timetz',
    type: 'timetz',
    values: fc.tuple(timesOfDay, fc.constantFrom('+00', '+02', '-11:30', '+05:45')).map((parts) => JSON.stringify(parts)),
    input: "((time '00:00' + (x::json ->> 0)::bigint * interval '1 microsecond')::text || (x::json ->> 1))::timetz",
    expected: "(v at time zone interval '0')::time::text || 'Z'",
  },
  {
    title: 'interval',
    sqlType: 'interval',
    type: 'interval',
    values: intervals,
    input: MAKE_INTERVAL,
    expected: MICRO_DURATION,
  },
  {
    title: 'interval as a period',
    sqlType: 'interval',
    type: 'interval',
    options: { modes: { interval: 'string' } },
    values: intervals,
    input: MAKE_INTERVAL,
    expected: PERIOD,
  },
];
