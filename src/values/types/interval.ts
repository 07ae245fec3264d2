/**
 * Owns interval in every interval.handling.mode: text under IntervalStyle postgres to microseconds or to an ISO-8601 period.
 */

import { byteAt } from '../../core/byte-reader.ts';
import type { ValueModes } from '../pg-type.ts';
import { ASCII, malformed, type TypePlan, textConstant, writeZeroInt64 } from '../type-plan.ts';
import { ConversionError, type ValueWriter } from '../value-writer.ts';
import { infinitySign } from './civil.ts';

type IntervalMode = ValueModes['interval'];

/** The last parsed interval; each part carries its own sign, seconds are in microseconds. */
const parts = { years: 0, months: 0, days: 0, hours: 0, minutes: 0, secondMicros: 0 };

const INT32_MAX = 0x7fff_ffff;

function clearParts(): void {
  parts.years = 0;
  parts.months = 0;
  parts.days = 0;
  parts.hours = 0;
  parts.minutes = 0;
  parts.secondMicros = 0;
}

let parsedNumber = 0;

/** Returns the place behind the digits that begin at `start`; the number is left in `parsedNumber`. */
function parseNumber(source: Uint8Array, start: number, end: number): number {
  let at = start;
  let value = 0;
  for (; at < end; at++) {
    const digit = byteAt(source, at) - ASCII.zero;
    if (digit >>> 0 > 9) break;
    value = value * 10 + digit;
  }
  if (at === start) throw malformed('interval');
  if (value > INT32_MAX) throw new ConversionError('interval has a part beyond 32 bits');
  parsedNumber = value;
  return at;
}

/** `[-]1 years 2 mons 3 days 04:05:06.789`, each part optional and with its own sign. */
function parseInterval(source: Uint8Array, start: number, end: number): void {
  clearParts();
  if (start === end) throw malformed('interval');
  // PostgreSQL 17 and later; Debezium's driver finds no number in it and leaves every part zero.
  if (infinitySign(source, start, end) !== 0) return;
  let at = start;
  while (at < end) {
    const first = byteAt(source, at);
    const negative = first === ASCII.minus;
    if (negative || first === ASCII.plus) at++;
    const behind = parseNumber(source, at, end);
    const sign = negative ? -1 : 1;
    if (behind < end && byteAt(source, behind) === ASCII.colon) {
      parts.hours = sign * parsedNumber;
      at = parseClock(source, behind + 1, end, sign);
    } else {
      at = parseUnit(source, behind, end, sign * parsedNumber);
    }
    if (at < end && byteAt(source, at++) !== ASCII.space) throw malformed('interval');
  }
}

/** `mm:ss[.ffffff]`. Returns the place behind it. */
function parseClock(source: Uint8Array, start: number, end: number, sign: number): number {
  let at = parseNumber(source, start, end);
  parts.minutes = sign * parsedNumber;
  if (at === end || byteAt(source, at) !== ASCII.colon) throw malformed('interval');
  at = parseNumber(source, at + 1, end);
  let micros = parsedNumber * 1_000_000;
  if (at < end && byteAt(source, at) === ASCII.dot) {
    let unit = 100_000;
    for (at++; at < end && unit > 0; at++) {
      const digit = byteAt(source, at) - ASCII.zero;
      if (digit >>> 0 > 9) break;
      micros += digit * unit;
      unit = (unit / 10) | 0;
    }
  }
  parts.secondMicros = sign * micros;
  return at;
}

const LOWER_Y = 0x79;
const LOWER_M = 0x6d;
const LOWER_D = 0x64;

/** ` year[s]`, ` mon[s]` or ` day[s]`. Returns the place behind it. */
function parseUnit(source: Uint8Array, start: number, end: number, value: number): number {
  if (end - start < 4 || byteAt(source, start) !== ASCII.space) throw malformed('interval');
  const letter = byteAt(source, start + 1);
  if (letter === LOWER_Y) parts.years = value;
  else if (letter === LOWER_M) parts.months = value;
  else if (letter === LOWER_D) parts.days = value;
  else throw malformed('interval');
  let at = start + 1;
  while (at < end && byteAt(source, at) !== ASCII.space) at++;
  return at;
}

/** A month is 365.25 / 12 days. */
const DAYS_PER_MONTH = 365.25 / 12;

/** Seconds as Debezium's driver gives them: a double made of whole seconds and microseconds. */
function seconds(): number {
  const whole = Math.trunc(parts.secondMicros / 1_000_000);
  return whole + (parts.secondMicros - whole * 1_000_000) / 1_000_000;
}

/** In doubles and in Java's order of operations, then cut to a long: equal to the last bit, errors included. */
function writeMicroDuration(out: ValueWriter, source: Uint8Array, start: number, end: number): void {
  parseInterval(source, start, end);
  const days = ((Math.imul(parts.years, 12) + parts.months) | 0) * DAYS_PER_MONTH + parts.days;
  const total = ((days * 24 + parts.hours) * 60 + parts.minutes) * 60 + seconds();
  const micros = Math.trunc(total * 1e6) + 0;
  if (Number.isSafeInteger(micros)) out.int64(micros);
  else out.int64Big(saturate(BigInt(micros)));
}

function saturate(value: bigint): bigint {
  const max = 0x7fff_ffff_ffff_ffffn;
  return value > max ? max : value < -max - 1n ? -max - 1n : value;
}

const PRINTED_DECIMALS = 9;

/** The digits of that double, errors included (1.235 is 1.234999999), cut behind nine decimals, without trailing zeros. */
function secondText(): string {
  const [whole = '', decimals = ''] = String(seconds()).split('.');
  const kept = decimals.slice(0, PRINTED_DECIMALS).replace(/(?<!0)0+$/, '');
  return kept === '' ? whole : `${whole}.${kept}`;
}

/** `P1Y2M3DT4H5M6.78S`: every part is printed. */
function writePeriod(out: ValueWriter, source: Uint8Array, start: number, end: number): void {
  parseInterval(source, start, end);
  const { years, months, days, hours, minutes } = parts;
  const text = Buffer.from(`P${years + 0}Y${months + 0}M${days + 0}DT${hours + 0}H${minutes + 0}M${secondText()}S`);
  out.plainAscii(text, 0, text.length);
}

export const INTERVAL_PLANS: Record<IntervalMode, TypePlan> = {
  numeric: {
    schema: { type: 'int64', name: 'io.debezium.time.MicroDuration', version: 1 },
    write: writeMicroDuration,
    writeZero: writeZeroInt64,
  },
  string: {
    schema: { type: 'string', name: 'io.debezium.time.Interval', version: 1 },
    write: writePeriod,
    writeZero: textConstant('P0Y0M0DT0H0M0S'),
  },
};
