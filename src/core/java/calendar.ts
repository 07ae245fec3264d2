/**
 * Owns dates as Java's GregorianCalendar counts them in UTC: the Julian calendar before 15 October 1582, the Gregorian one from then on; and
 * fields out of range are carried over. Source: java.util.GregorianCalendar.computeTime, computeFields.
 */

const MILLIS_PER_DAY = 86_400_000;
/** 1582-10-15, counted from 1970-01-01. */
const CUTOVER_DAY = -141_427;
const CUTOVER_YEAR = 1582;

export type CalendarFields = {
  /** Of its era: 1 BC is 1. */
  readonly year: number;
  readonly isBeforeChrist: boolean;
  /** 0 is Sunday. */
  readonly weekday: number;
  /** 1 to 12. */
  readonly month: number;
  readonly day: number;
  readonly dayOfYear: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly millis: number;
};

export function fieldsOfMillis(epochMillis: number): CalendarFields {
  const epochDay = Math.floor(epochMillis / MILLIS_PER_DAY);
  const rest = epochMillis - epochDay * MILLIS_PER_DAY;
  const { year, month, day } = epochDay < CUTOVER_DAY ? julianDate(epochDay) : gregorianDate(epochDay);
  const isJulianYear = year <= CUTOVER_YEAR;
  const firstDay = isJulianYear ? julianDay(year, 1) : gregorianDay(year, 1);
  return {
    year: year <= 0 ? 1 - year : year,
    isBeforeChrist: year <= 0,
    // 1 January 1970 was a Thursday.
    weekday: (((epochDay + 4) % 7) + 7) % 7,
    month,
    day,
    dayOfYear: epochDay - firstDay + 1,
    hour: Math.floor(rest / 3_600_000),
    minute: Math.floor(rest / 60_000) % 60,
    second: Math.floor(rest / 1000) % 60,
    millis: rest % 1000,
  };
}

/** Any number may be given for each: months and days beyond their range are carried over. Years before 1 are 0, -1 … */
type LenientDate =
  | { readonly year: number; readonly month: number; readonly day: number }
  | { readonly year: number; readonly dayOfYear: number };

export function epochDayOfFields(date: LenientDate): number {
  const byYear = 'dayOfYear' in date;
  const months = byYear ? 0 : date.month - 1;
  const year = date.year + Math.floor(months / 12);
  const month = months - Math.floor(months / 12) * 12 + 1;
  const offset = (byYear ? date.dayOfYear : date.day) - 1;
  const julian = julianDay(year, month) + offset;
  if (year < CUTOVER_YEAR || (year === CUTOVER_YEAR && byYear)) return julian;
  const gregorian = gregorianDay(year, month) + offset;
  return gregorian >= CUTOVER_DAY ? gregorian : julian;
}

/** The first day of a month. Both calendars count years from March, so that the leap day is the last one. */
function gregorianDay(year: number, month: number): number {
  const { shifted, days } = sinceMarch(year, month);
  return shifted * 365 + Math.floor(shifted / 4) - Math.floor(shifted / 100) + Math.floor(shifted / 400) + days - 719_468;
}

function julianDay(year: number, month: number): number {
  const { shifted, days } = sinceMarch(year, month);
  return shifted * 365 + Math.floor(shifted / 4) + days - 719_470;
}

function sinceMarch(year: number, month: number): { readonly shifted: number; readonly days: number } {
  const months = (month + 9) % 12;
  return { shifted: month <= 2 ? year - 1 : year, days: Math.floor((months * 153 + 2) / 5) };
}

type CalendarDate = { readonly year: number; readonly month: number; readonly day: number };

function gregorianDate(epochDay: number): CalendarDate {
  const days = epochDay + 719_468;
  const era = Math.floor(days / 146_097);
  const inEra = days - era * 146_097;
  const yearOfEra = Math.floor((inEra - Math.floor(inEra / 1460) + Math.floor(inEra / 36_524) - Math.floor(inEra / 146_096)) / 365);
  const dayOfYear = inEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  return dateOf(yearOfEra + era * 400, dayOfYear);
}

function julianDate(epochDay: number): CalendarDate {
  const days = epochDay + 719_470;
  const cycle = Math.floor(days / 1461);
  const inCycle = days - cycle * 1461;
  const yearOfCycle = Math.min(3, Math.floor(inCycle / 365));
  return dateOf(cycle * 4 + yearOfCycle, inCycle - yearOfCycle * 365);
}

/** `dayOfYear` is counted from 1 March. */
function dateOf(shifted: number, dayOfYear: number): CalendarDate {
  const months = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * months + 2) / 5) + 1;
  const month = months < 10 ? months + 3 : months - 9;
  return { year: month <= 2 ? shifted + 1 : shifted, month, day };
}
