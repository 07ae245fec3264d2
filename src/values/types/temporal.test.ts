/** Dates, times and timestamps, with and without zone, against plain versions. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arrayType, builtIn, codecOf, convert, convertWith, outcome, refuse, withEdits } from '../../../test/oracles/columns.ts';
import type { ValueModes } from '../pg-type.ts';

const RUNS = { numRuns: 1000 };

type Moment = { readonly epochDay: bigint; readonly micros: bigint; readonly offsetSeconds: bigint };

const DATE = '([0-9]{4,9})-([0-9]{2})-([0-9]{2})';
const TIME = '([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\\.([0-9]{1,6}))?';
const OFFSET = '([+-])([0-9]{2})(?::([0-9]{2})(?::([0-9]{2}))?)?';

function isLeap(year: number): boolean {
  return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
}

/** Counted in whole 400-year cycles, then by Date, which knows the years that remain. */
function plainEpochDay(text: string): bigint {
  const [, y = '', m = '', d = '', bc] = new RegExp(`^${DATE}( BC)?$`).exec(text) ?? refuse();
  const year = bc === undefined ? Number(y) : 1 - Number(y);
  const lengths = [31, isLeap(year) ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
  const length = lengths[Number(m) - 1] ?? refuse();
  if (Number(d) < 1 || Number(d) > length) refuse();
  const cycles = Math.floor(year / 400);
  const date = new Date(0);
  date.setUTCFullYear(year - cycles * 400 + 2000, Number(m) - 1, Number(d));
  return BigInt(date.getTime() / 86_400_000) + BigInt(cycles - 5) * 146_097n;
}

function plainMicros(text: string): bigint {
  const [, h = '', m = '', s = '', fraction = ''] = new RegExp(`^${TIME}$`).exec(text) ?? refuse();
  const micros = ((BigInt(h) * 60n + BigInt(m)) * 60n + BigInt(s)) * 1_000_000n + BigInt(fraction.padEnd(6, '0'));
  if (Number(m) > 59 || Number(s) > 59 || micros > 86_400_000_000n) refuse();
  return micros;
}

function plainOffset(text: string): bigint {
  const [, sign = '', h = '', m = '0', s = '0'] = new RegExp(`^${OFFSET}$`).exec(text) ?? refuse();
  const seconds = (BigInt(h) * 60n + BigInt(m)) * 60n + BigInt(s);
  return sign === '-' ? -seconds : seconds;
}

function plainMoment(text: string, zoned: boolean): Moment {
  const offset = zoned ? OFFSET : '()()()()';
  const pattern = new RegExp(`^(${DATE}) (${TIME})(${offset})( BC)?$`);
  const match = pattern.exec(text) ?? refuse();
  const era = match.at(-1) ?? '';
  return {
    epochDay: plainEpochDay(`${match[1]}${era}`),
    micros: plainMicros(match[5] ?? ''),
    offsetSeconds: zoned ? plainOffset(match[10] ?? '') : 0n,
  };
}

function narrow(value: bigint): number | bigint {
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

const INT64_MAX = 2n ** 63n - 1n;

/** Java: seconds to microseconds saturates, adding the fraction wraps. */
function javaMicros({ epochDay, micros }: Moment): bigint {
  const seconds = (epochDay * 86_400n + micros / 1_000_000n) * 1_000_000n;
  const saturated = seconds > INT64_MAX ? INT64_MAX : seconds < -INT64_MAX - 1n ? -INT64_MAX - 1n : seconds;
  return BigInt.asIntN(64, saturated + (micros % 1_000_000n));
}

function plainTimestamp(text: string, unit: 'millis' | 'micros' | 'nanos'): number | bigint {
  const moment = plainMoment(text, false);
  if (unit === 'micros') return narrow(javaMicros(moment));
  if (unit === 'millis') return narrow(moment.epochDay * 86_400_000n + moment.micros / 1000n);
  const dayNanos = moment.epochDay * 86_400_000_000_000n;
  const nanos = dayNanos + moment.micros * 1000n;
  return dayNanos < -(2n ** 63n) || nanos > INT64_MAX ? refuse() : narrow(nanos);
}

/** As Java's ISO_LOCAL_DATE_TIME prints it; the calendar again by Date within one 400-year cycle. */
function plainIso(moment: Moment, fraction: 'needed' | number): string {
  const total = moment.epochDay * 86_400_000_000n + moment.micros - moment.offsetSeconds * 1_000_000n;
  const day = total / 86_400_000_000n - (total % 86_400_000_000n < 0n ? 1n : 0n);
  const micros = total - day * 86_400_000_000n;
  const cycles = day / 146_097n - (day % 146_097n < 0n ? 1n : 0n);
  const date = new Date(Number(day - cycles * 146_097n) * 86_400_000);
  const year = date.getUTCFullYear() + Number(cycles) * 400;
  const sign = year < 0 ? '-' : year > 9999 ? '+' : '';
  const clock = new Date(Number(micros / 1000n)).toISOString().slice(11, 19);
  const digits = (micros % 1_000_000n).toString().padStart(6, '0');
  const kept = fraction === 'needed' ? digits.replace(/0+$/, '') : digits.slice(0, fraction);
  return `${sign}${String(Math.abs(year)).padStart(4, '0')}${date.toISOString().slice(4, 10)}T${clock}${kept === '' ? '' : `.${kept}`}Z`;
}

const YEARS = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 1900, max: 2300 }) },
  fc.integer({ min: 1, max: 9999 }),
  fc.integer({ min: 10_000, max: 294_276 }),
  fc.constantFrom(294_276, 294_275, 294_247, 1970, 1969, 1677, 1678, 2262, 2255, 2256, 287_396, 287_397),
);
const pad = (value: number, width: number) => String(value).padStart(width, '0');
const DATES = fc
  .tuple(YEARS, fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 31 }))
  .map(([year, month, day]) => `${pad(year, 4)}-${pad(month, 2)}-${pad(day, 2)}`);
const TIMES = fc
  .tuple(fc.nat(23), fc.nat(59), fc.nat(59), fc.oneof(fc.constant(0), fc.nat(999_999)))
  .map(([hour, minute, second, micros]) => {
    const fraction = micros === 0 ? '' : `.${pad(micros, 6).replace(/0+$/, '')}`;
    return `${pad(hour, 2)}:${pad(minute, 2)}:${pad(second, 2)}${fraction}`;
  });
const OFFSETS = fc.oneof(
  { weight: 3, arbitrary: fc.constant('+00') },
  fc.constantFrom('+02', '-11', '+05:30', '-03:30', '+01:23:45', '-00:01:15', '+14'),
);
const ERAS = fc.constantFrom('', '', '', '', ' BC');
const TIMESTAMPS = fc.tuple(DATES, TIMES, ERAS).map(([date, time, era]) => `${date} ${time}${era}`);
const ZONED = fc.tuple(DATES, TIMES, OFFSETS, ERAS).map(([date, time, offset, era]) => `${date} ${time}${offset}${era}`);

type Plain = (text: string) => number | bigint | string;

function check(type: string, options: { typmod?: number; modes?: Partial<ValueModes> }, texts: fc.Arbitrary<string>, plain: Plain): void {
  const codec = codecOf(type, options);
  fc.assert(
    fc.property(withEdits(texts), (text) => {
      expect(outcome(() => convertWith(codec, text))).toStrictEqual(outcome(() => plain(text)));
    }),
    RUNS,
  );
}

describe('date', () => {
  it('is written as epoch days', () => {
    const texts = fc.tuple(DATES, ERAS).map(([date, era]) => date + era);
    // Java casts the day to an int; only years that PostgreSQL does not have are far enough for that to show.
    const plainDay = (text: string): number => Number(BigInt.asIntN(32, plainEpochDay(text)));
    check('date', {}, texts, plainDay);
    check('date', { modes: { time: 'connect' } }, texts, plainDay);
  });

  it('as ISO text', () => {
    const texts = fc.tuple(DATES, ERAS).map(([date, era]) => date + era);
    check('date', { modes: { time: 'isostring' } }, texts, (text) => {
      const moment = { epochDay: plainEpochDay(text), micros: 0n, offsetSeconds: 0n };
      return `${plainIso(moment, 'needed').slice(0, -10)}Z`;
    });
  });

  it('may be the last day that PostgreSQL has', () => {
    expect(convert('date', '5874897-12-31')).toBe(2_145_042_905);
    expect(convert('date', '4714-11-24 BC')).toBe(-2_440_588);
    expect(convert('date', '5874897-12-31', { modes: { time: 'isostring' } })).toBe('+5874897-12-31Z');
    expect(convert('date', '0001-01-01 BC', { modes: { time: 'isostring' } })).toBe('0000-01-01Z');
    expect(convert('date', 'infinity', { modes: { time: 'isostring' } })).toBe('-5877611-06-21Z');
    expect(convert('date', 'infinity', { modes: { time: 'isostring', phase: 'snapshot' } })).toBe('+292278994-08-16Z');
  });
});

describe('time', () => {
  it.each([
    ['adaptive', -1, 1n],
    ['adaptive', 3, 1000n],
    ['adaptive_time_microseconds', 3, 1n],
    ['connect', -1, 1000n],
    ['microseconds', 0, 1n],
  ] as const)('%s with typmod %i', (time, typmod, unit) => {
    check('time', { typmod, modes: { time } }, TIMES, (text) => Number(plainMicros(text) / unit));
  });

  it('is written in nanoseconds', () => {
    check('time', { modes: { time: 'nanoseconds' } }, TIMES, (text) => Number(plainMicros(text) * 1000n));
  });

  it('is written as ISO text, the end of the day as its beginning', () => {
    const modes = { time: 'isostring' } as const;
    check('time', { modes }, TIMES, (text) =>
      plainMicros(text) === 86_400_000_000n
        ? '00:00:00Z'
        : plainIso({ epochDay: 0n, micros: plainMicros(text), offsetSeconds: 0n }, 'needed').slice(11),
    );
    expect(convert('time', '24:00:00', { modes })).toBe('00:00:00Z');
  });

  it('in arrays is cut to milliseconds in every mode', () => {
    const times = arrayType(builtIn('time'));
    const of = (time: ValueModes['time'], typmod = -1) => convert(times, '{04:05:06.789123}', { typmod, modes: { time } });
    expect(of('adaptive')).toStrictEqual([14_706_789_000]);
    expect(of('adaptive', 3)).toStrictEqual([14_706_789]);
    expect(of('connect')).toStrictEqual([14_706_789]);
    expect(of('nanoseconds')).toStrictEqual([14_706_789_000_000]);
    expect(of('isostring')).toStrictEqual(['04:05:06.789Z']);
  });
});

describe('timestamp', () => {
  it.each([
    ['adaptive', -1, 'micros'],
    ['adaptive', 6, 'micros'],
    ['adaptive', 3, 'millis'],
    ['connect', -1, 'millis'],
    ['microseconds', 0, 'micros'],
    ['nanoseconds', -1, 'nanos'],
  ] as const)('%s with typmod %i is in %s', (time, typmod, unit) => {
    check('timestamp', { typmod, modes: { time } }, TIMESTAMPS, (text) => plainTimestamp(text, unit));
  });

  it('as ISO text', () => {
    check('timestamp', { modes: { time: 'isostring' } }, TIMESTAMPS, (text) => plainIso(plainMoment(text, false), 'needed'));
  });

  it('has a value for infinity in each mode', () => {
    const of = (time: ValueModes['time'], text: string) => convert('timestamp', text, { modes: { time } });
    expect(of('nanoseconds', 'infinity')).toBe(2n ** 63n - 1n);
    expect(of('nanoseconds', '-infinity')).toBe(-(2n ** 63n));
    expect(of('connect', 'infinity')).toBe(9_223_372_036_825_200n);
    expect(of('isostring', 'infinity')).toBe('+294247-01-10T04:00:25.2Z');
    expect(of('isostring', '-infinity')).toBe('-290308-12-21T19:59:27.6Z');
  });

  it('overflows at the end of 294276 as Java does', () => {
    expect(convert('timestamp', '294276-12-31 23:59:59.999999')).toBe(-9_223_372_036_853_775_810n);
  });
});

describe('timestamptz', () => {
  it.each([1, 2, 3, 4, 5, 6])('is written with %i fraction digits', (digits) => {
    check('timestamptz', { typmod: digits }, ZONED, (text) => plainIso(plainMoment(text, true), digits));
  });

  it('without a precision is written with the digits that it has', () => {
    check('timestamptz', { typmod: 0 }, ZONED, (text) => plainIso(plainMoment(text, true), 'needed'));
  });
});

describe('timetz', () => {
  it('is in UTC, with the digits it needs', () => {
    const texts = fc.tuple(TIMES, OFFSETS).map(([time, offset]) => time + offset);
    check('timetz', {}, texts, (text) => {
      const place = text.search(/[+-]/);
      if (place < 0) refuse();
      const micros = plainMicros(text.slice(0, place));
      return plainIso({ epochDay: 0n, micros, offsetSeconds: plainOffset(text.slice(place)) }, 'needed').slice(11);
    });
  });
});
