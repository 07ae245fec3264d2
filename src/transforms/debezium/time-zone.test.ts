import { describe, expect, it } from 'vitest';
import { timeZone } from './time-zone.ts';
import { sourceTimeChange, zonedChange } from './zoned-values.ts';

const utc = (text: string): number => Date.parse(`${text}Z`) / 1000;
const HOUR = 3600;

describe('the offset of a zone', () => {
  const newYork = timeZone('America/New_York');

  it('changes with summer time, to the second', () => {
    const change = utc('2024-03-10T07:00:00');
    expect(newYork.offsetAt(change - 1)).toBe(-5 * HOUR);
    expect(newYork.offsetAt(change)).toBe(-4 * HOUR);
  });

  it('of a local time in a gap or an overlap is the one before the change', () => {
    expect(newYork.offsetOfLocal(utc('2024-03-10T02:30:00'))).toBe(-5 * HOUR);
    expect(newYork.offsetOfLocal(utc('2024-03-10T03:00:00'))).toBe(-4 * HOUR);
    expect(newYork.offsetOfLocal(utc('2024-11-03T01:30:00'))).toBe(-4 * HOUR);
    expect(newYork.offsetOfLocal(utc('2024-11-03T02:00:00'))).toBe(-5 * HOUR);
    const kiritimati = timeZone('Pacific/Kiritimati');
    expect(kiritimati.offsetOfLocal(utc('1994-12-31T12:00:00'))).toBe(-10 * HOUR);
    expect(kiritimati.offsetOfLocal(utc('1995-01-01T12:00:00'))).toBe(14 * HOUR);
  });

  it('is the local mean time before there were zones, and goes on far from now', () => {
    expect(newYork.offsetAt(utc('1880-01-01T00:00:00'))).toBe(-(4 * HOUR + 56 * 60 + 2));
    expect(newYork.offsetAt(utc('2024-07-01T00:00:00') + 146_097 * 86_400 * 690)).toBe(-4 * HOUR);
    expect(timeZone('Etc/UTC').offsetAt(0)).toBe(0);
  });

  it('may be fixed', () => {
    expect(timeZone('-05:30:15').offsetAt(0)).toBe(-(5 * HOUR + 30 * 60 + 15));
    expect(timeZone('+18:00').offsetOfLocal(0)).toBe(18 * HOUR);
  });

  it.each(['+19:00', '+02', 'UTC+1', 'Nowhere/City', ''])('of %j is not known', (name) => {
    expect(() => timeZone(name)).toThrow('Invalid timezone format');
  });

  it('has no name that Java no longer takes', () => {
    expect(() => timeZone('PST')).toThrow('Unknown time-zone ID: PST');
  });
});

describe('a time in a zone', () => {
  const zone = timeZone('America/New_York');
  const T = 'io.debezium.time.';
  const CASES = [
    [`${T}Timestamp`, utc('2024-01-01T09:00:00') * 1000, utc('2024-01-01T14:00:00') * 1000],
    [`${T}MicroTimestamp`, -1, 18_000_000_000 - 1],
    [`${T}NanoTimestamp`, 9_223_372_036_854_775_807n, 9_223_372_036_854_775_807n + 14_400_000_000_000n - 2n ** 64n],
    [`${T}ZonedTimestamp`, '2024-02-29T12:34:56.500000Z', '2024-02-29T07:34:56.5-05:00'],
    [`${T}ZonedTimestamp`, '2024-02-29T12:00:00Z', '2024-02-29T07:00:00-05:00'],
    [`${T}ZonedTimestamp`, '2024-03-10T03:00:00Z', '2024-03-09T23:00:00-04:00'],
    [`${T}ZonedTimestamp`, '0001-01-01T00:00:00Z', '0000-12-31T19:03:58-04:56:02'],
    [`${T}ZonedTimestamp`, '+10000-01-01T00:00:00Z', '9999-12-31T19:00:00-05:00'],
    [`${T}ZonedTime`, '01:00:00.250Z', '21:00:00.25-04:00'],
    [`${T}ZonedTime`, '23:00:00+02:00', '17:00:00-04:00'],
  ] as const;
  it.each(CASES)('of type %s: %s is %s', (name, value, expected) => {
    expect(zonedChange(name, zone)?.(value, utc('2024-07-01T00:00:00'))).toBe(expected);
  });

  it('without a zone of its own is none, and UTC is printed as Z', () => {
    expect(zonedChange(`${T}Date`, zone)).toBeUndefined();
    expect(zonedChange(`${T}ZonedTime`, timeZone('Etc/UTC'))?.('01:00:00+01:00', 0)).toBe('00:00:00Z');
  });

  it('of the source block gets the offset added', () => {
    expect(sourceTimeChange('ts_ms', zone)?.(utc('2024-01-01T14:00:00') * 1000, 0)).toBe(utc('2024-01-01T09:00:00') * 1000);
    expect(sourceTimeChange('lsn', zone)).toBeUndefined();
  });
});
