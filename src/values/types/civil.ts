/**
 * Owns dates and times of day as PostgreSQL prints them under DateStyle ISO, and their ISO-8601 form as Java prints it:
 * parsing, calendar arithmetic, printing. Knows no schema and no mode.
 */

import { byteAt } from '../../core/byte-reader.ts';
import { ASCII, malformed } from '../type-plan.ts';

export const MICROS_PER_DAY = 86_400_000_000;

/** The last parsed moment. Conversions never wait, so one is enough, and a cell allocates none. */
export const moment = {
  /** Days since 1970-01-01, proleptic Gregorian. */
  epochDay: 0,
  /** Within the day; 24:00:00 is a whole day. */
  microsOfDay: 0,
  /** East of UTC; 0 where the text has none. */
  offsetSeconds: 0,
};

const date = { year: 0, month: 0, day: 0 };

const DAYS_BEFORE_MONTH = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];

/** Takes any astronomical year (1 BC is 0). Computes in doubles, because intermediate results of PostgreSQL's dates exceed 2^31 days. */
export function epochDayOf(year: number, month: number, day: number): number {
  const elapsed = year - 1;
  const leapDays = Math.floor(elapsed / 4) - Math.floor(elapsed / 100) + Math.floor(elapsed / 400);
  const leapDay = month > 2 && isLeapYear(year) ? 1 : 0;
  return elapsed * 365 + leapDays + (DAYS_BEFORE_MONTH[month - 1] ?? 0) + leapDay + day - 719163;
}

function isLeapYear(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

export function daysInMonth(year: number, month: number): number {
  if (month === 2) return isLeapYear(year) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** Two digits at a place that the caller knows to be inside the cell. */
function twoDigits(source: Uint8Array, at: number): number {
  const tens = byteAt(source, at) - ASCII.zero;
  const ones = byteAt(source, at + 1) - ASCII.zero;
  if (tens >>> 0 > 9 || ones >>> 0 > 9) throw malformed('date or time');
  return tens * 10 + ones;
}

/** `y…y-MM-dd`, year of era. Returns the place behind it. */
function parseDatePart(source: Uint8Array, start: number, end: number): number {
  let at = start;
  let year = 0;
  while (at < end) {
    const digit = byteAt(source, at) - ASCII.zero;
    if (digit >>> 0 > 9) break;
    year = year * 10 + digit;
    at++;
  }
  const digits = at - start;
  if (digits < 4 || digits > 9 || end - at < 6) throw malformed('date');
  if (byteAt(source, at) !== ASCII.minus || byteAt(source, at + 3) !== ASCII.minus) throw malformed('date');
  date.year = year;
  date.month = twoDigits(source, at + 1);
  date.day = twoDigits(source, at + 4);
  return at + 6;
}

/** Turns the parsed parts into `moment.epochDay`; `rest` is what follows: nothing or ` BC`. */
function finishDate(source: Uint8Array, rest: number, end: number): void {
  if (rest !== end) {
    const isBc =
      end - rest === 3 &&
      byteAt(source, rest) === ASCII.space &&
      byteAt(source, rest + 1) === ASCII.upperB &&
      byteAt(source, rest + 2) === ASCII.upperC;
    if (!isBc) throw malformed('date or time');
    date.year = 1 - date.year;
  }
  const { year, month, day } = date;
  if (month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) throw malformed('date');
  moment.epochDay = epochDayOf(year, month, day);
}

export function parseDate(source: Uint8Array, start: number, end: number): number {
  finishDate(source, parseDatePart(source, start, end), end);
  return moment.epochDay;
}

const ERA_BYTES = 3;

/** The end of the text, not counting a final ` BC`. */
export function endBeforeEra(source: Uint8Array, start: number, end: number): number {
  const isBc = end - start > ERA_BYTES && byteAt(source, end - 1) === ASCII.upperC && byteAt(source, end - ERA_BYTES) === ASCII.space;
  return isBc ? end - ERA_BYTES : end;
}

/** 1582-10-15, where Java's calendar changes. */
const GREGORIAN_START = -141_427;

/** Takes the last parsed date for one of Java's calendar, which is Julian before 1582, and moves `moment` accordingly. */
export function readAsJavaCalendar(): void {
  if (moment.epochDay >= GREGORIAN_START) return;
  const { year, month, day } = date;
  const elapsed = year - 1;
  const leapDay = month > 2 && year % 4 === 0 ? 1 : 0;
  moment.epochDay = elapsed * 365 + Math.floor(elapsed / 4) + (DAYS_BEFORE_MONTH[month - 1] ?? 0) + leapDay + day - 719165;
}

/** `HH:mm:ss[.ffffff]` into `moment.microsOfDay`. Returns the place behind it. */
function parseTimePart(source: Uint8Array, start: number, end: number): number {
  if (end - start < 8) throw malformed('time');
  if (byteAt(source, start + 2) !== ASCII.colon || byteAt(source, start + 5) !== ASCII.colon) throw malformed('time');
  const hour = twoDigits(source, start);
  const minute = twoDigits(source, start + 3);
  const second = twoDigits(source, start + 6);
  let at = start + 8;
  let micros = 0;
  if (at < end && byteAt(source, at) === ASCII.dot) {
    let unit = 100_000;
    for (at++; at < end && unit > 0; at++) {
      const digit = byteAt(source, at) - ASCII.zero;
      if (digit >>> 0 > 9) break;
      micros += digit * unit;
      unit = (unit / 10) | 0;
    }
    if (unit === 100_000) throw malformed('time');
  }
  moment.microsOfDay = ((hour * 60 + minute) * 60 + second) * 1_000_000 + micros;
  if (minute > 59 || second > 59 || moment.microsOfDay > MICROS_PER_DAY) throw malformed('time');
  return at;
}

/** `[+-]HH[:mm[:ss]]` into `moment.offsetSeconds`. Returns the place behind it. */
function parseOffsetPart(source: Uint8Array, start: number, end: number): number {
  const sign = start < end ? byteAt(source, start) : 0;
  if ((sign !== ASCII.plus && sign !== ASCII.minus) || end - start < 3) throw malformed('time zone offset');
  let seconds = twoDigits(source, start + 1) * 3600;
  let at = start + 3;
  for (let unit = 60; unit >= 1 && at < end && byteAt(source, at) === ASCII.colon; unit /= 60) {
    if (end - at < 3) throw malformed('time zone offset');
    seconds += twoDigits(source, at + 1) * unit;
    at += 3;
  }
  moment.offsetSeconds = sign === ASCII.minus ? -seconds : seconds;
  return at;
}

/** `HH:mm:ss[.ffffff]`; 24:00:00 is a whole day. */
export function parseTime(source: Uint8Array, start: number, end: number): number {
  if (parseTimePart(source, start, end) !== end) throw malformed('time');
  return moment.microsOfDay;
}

/** As parseTime, with an offset behind it. */
export function parseTimeWithOffset(source: Uint8Array, start: number, end: number): void {
  if (parseOffsetPart(source, parseTimePart(source, start, end), end) !== end) throw malformed('time with offset');
}

function parseDateAndTime(source: Uint8Array, start: number, end: number): number {
  const behindDate = parseDatePart(source, start, end);
  if (behindDate === end || byteAt(source, behindDate) !== ASCII.space) throw malformed('timestamp');
  return parseTimePart(source, behindDate + 1, end);
}

/** `y…y-MM-dd HH:mm:ss[.ffffff][ BC]` into `moment`. */
export function parseTimestamp(source: Uint8Array, start: number, end: number): void {
  finishDate(source, parseDateAndTime(source, start, end), end);
}

/** As parseTimestamp, with an offset before the era. */
export function parseTimestampWithOffset(source: Uint8Array, start: number, end: number): void {
  finishDate(source, parseOffsetPart(source, parseDateAndTime(source, start, end), end), end);
}

/** Moves `moment` to UTC and within its day. */
export function normalizeMoment(): void {
  const micros = moment.microsOfDay - moment.offsetSeconds * 1_000_000;
  const days = Math.floor(micros / MICROS_PER_DAY);
  moment.epochDay += days;
  moment.microsOfDay = micros - days * MICROS_PER_DAY;
  moment.offsetSeconds = 0;
}

/** Room for the longest printed moment. */
export const PRINTED_BYTES_MAX = 48;

function printDigits(target: Uint8Array, at: number, value: number, width: number): number {
  let rest = value;
  for (let i = at + width - 1; i >= at; i--) {
    const quotient = Math.floor(rest / 10);
    target[i] = ASCII.zero + rest - quotient * 10;
    rest = quotient;
  }
  return at + width;
}

/** `yyyy-MM-dd`; years above 9999 with a plus sign, before 1 BC with a minus sign (Java's EXCEEDS_PAD). */
export function printDate(target: Uint8Array, start: number, epochDay: number): number {
  // Civil from days, counted from 0000-03-01 in eras of 400 years.
  const shifted = epochDay + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1;
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  let at = start;
  if (year < 0) target[at++] = ASCII.minus;
  else if (year > 9999) target[at++] = ASCII.plus;
  const magnitude = Math.abs(year);
  at = printDigits(target, at, magnitude, magnitude > 9999 ? String(magnitude).length : 4);
  target[at++] = ASCII.minus;
  at = printDigits(target, at, month, 2);
  target[at++] = ASCII.minus;
  return printDigits(target, at, day, 2);
}

/** `HH:mm:ss` and `fractionDigits` digits behind a point; 0 prints as many as the time needs. */
export function printTime(target: Uint8Array, start: number, microsOfDay: number, fractionDigits: number): number {
  const seconds = Math.floor(microsOfDay / 1_000_000);
  const minutes = Math.floor(seconds / 60);
  let at = printDigits(target, start, Math.floor(minutes / 60), 2);
  target[at++] = ASCII.colon;
  at = printDigits(target, at, minutes % 60, 2);
  target[at++] = ASCII.colon;
  at = printDigits(target, at, seconds % 60, 2);
  const micros = microsOfDay - seconds * 1_000_000;
  if (fractionDigits === 0 && micros === 0) return at;
  target[at++] = ASCII.dot;
  const fraction = at;
  at = printDigits(target, at, micros, 6);
  if (fractionDigits > 0) return fraction + fractionDigits;
  while (byteAt(target, at - 1) === ASCII.zero) at--;
  return at;
}

/** `yyyy-MM-ddTHH:mm:ss[.f…f]Z` of `moment`, which is in UTC. Returns the place behind it. */
export function printMoment(target: Uint8Array, start: number, fractionDigits: number): number {
  let at = printDate(target, start, moment.epochDay);
  target[at++] = ASCII.upperT;
  at = printTime(target, at, moment.microsOfDay, fractionDigits);
  target[at++] = ASCII.upperZ;
  return at;
}

const INFINITY_TEXT = Buffer.from('infinity');

/** 1 for `infinity`, -1 for `-infinity`, else 0. */
export function infinitySign(source: Uint8Array, start: number, end: number): number {
  const negative = start < end && byteAt(source, start) === ASCII.minus;
  const first = negative ? start + 1 : start;
  if (end - first !== INFINITY_TEXT.length || byteAt(source, first) !== ASCII.lowerI) return 0;
  for (let i = 1; i < INFINITY_TEXT.length; i++) {
    if (byteAt(source, first + i) !== byteAt(INFINITY_TEXT, i)) return 0;
  }
  return negative ? -1 : 1;
}
