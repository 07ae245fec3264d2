/**
 * Owns timestamptz and timetz, which every time.precision.mode publishes as ISO text in UTC.
 */

import { byteAt } from '../../core/byte-reader.ts';
import { ASCII, type CellWriter, cellText, type TypePlan, textConstant } from '../type-plan.ts';
import type { ValueWriter } from '../value-writer.ts';
import {
  daysInMonth,
  endBeforeEra,
  infinitySign,
  MICROS_PER_DAY,
  moment,
  normalizeMoment,
  PRINTED_BYTES_MAX,
  parseTimestampWithOffset,
  parseTimeWithOffset,
  printMoment,
  printTime,
} from './civil.ts';

const scratch = new Uint8Array(PRINTED_BYTES_MAX);

/** The layout of `yyyy-MM-dd HH:mm:ss`: each zero stands for a digit, every other character for itself. */
const LAYOUT = Buffer.from('0000-00-00 00:00:00');
/** `+00`, as the pinned session prints UTC. */
const OFFSET_BYTES = 3;

/** Copies the fixed part when the text has the common layout and ends in +00; else false. */
function copyCommonLayout(source: Uint8Array, start: number, end: number): boolean {
  if (end - start < LAYOUT.length + OFFSET_BYTES) return false;
  if (byteAt(source, end - 3) !== ASCII.plus || byteAt(source, end - 2) !== ASCII.zero || byteAt(source, end - 1) !== ASCII.zero) {
    return false;
  }
  for (let i = 0; i < LAYOUT.length; i++) {
    const byte = byteAt(source, start + i);
    const expected = byteAt(LAYOUT, i);
    if (expected === ASCII.zero ? (byte - ASCII.zero) >>> 0 > 9 : byte !== expected) return false;
    scratch[i] = byte;
  }
  scratch[10] = ASCII.upperT;
  return isInRange();
}

function scratchNumber(at: number): number {
  return byteAt(scratch, at) * 10 + byteAt(scratch, at + 1) - ASCII.zero * 11;
}

/** Whether the copied digits are a date and a time of day. 24:00 and what is malformed are left to the slow path. */
function isInRange(): boolean {
  const month = scratchNumber(5);
  const day = scratchNumber(8);
  if (month < 1 || month > 12 || day < 1) return false;
  if (day > 28 && day > daysInMonth(scratchNumber(0) * 100 + scratchNumber(2), month)) return false;
  return scratchNumber(11) < 24 && scratchNumber(14) < 60 && scratchNumber(17) < 60;
}

/**
 * `2024-03-01 09:00:00.12+00` → `2024-03-01T09:00:00.120000Z`: `width` fraction digits, 0 for as many as there are.
 */
function timestampWriter(width: number): CellWriter {
  return (out, source, start, end) => {
    const behind = copyCommonLayout(source, start, end) ? copyFraction(source, start + LAYOUT.length, end - 3, width) : 0;
    if (behind === 0) writeTimestampSlowly(out, source, start, end, width);
    else out.plainAscii(scratch, 0, behind);
  };
}

/** Writes the fraction source[from, to) behind the fixed part, padded to `width`. Returns 0 where the slow path must decide. */
function copyFraction(source: Uint8Array, from: number, to: number, width: number): number {
  let at = LAYOUT.length;
  if (from < to && (byteAt(source, from) !== ASCII.dot || to - from < 2 || to - from > 7)) return 0;
  const present = Math.max(to - from - 1, 0);
  const digits = width === 0 ? present : width;
  if (present > digits) return 0;
  // PostgreSQL prints no zero at the end of a fraction; should one come all the same, the slow path drops it.
  if (width === 0 && present > 0 && byteAt(source, to - 1) === ASCII.zero) return 0;
  if (digits > 0) scratch[at++] = ASCII.dot;
  for (let i = 1; i <= digits; i++) {
    const byte = from + i < to ? byteAt(source, from + i) : ASCII.zero;
    if ((byte - ASCII.zero) >>> 0 > 9) return 0;
    scratch[at++] = byte;
  }
  scratch[at++] = ASCII.upperZ;
  return at;
}

function writeTimestampSlowly(out: ValueWriter, source: Uint8Array, start: number, end: number, width: number): void {
  if (infinitySign(source, start, end) !== 0) {
    out.plainAscii(source, start, end);
    return;
  }
  parseTimestampWithOffset(source, start, end);
  normalizeMoment();
  out.plainAscii(scratch, 0, printMoment(scratch, 0, width));
}

/** `precision` is the column's count of fraction digits, 6 where it declares none. */
export function timestamptzPlan(precision: number): TypePlan {
  return {
    schema: { type: 'string', name: 'io.debezium.time.ZonedTimestamp', version: 1 },
    write: timestampWriter(precision),
    writeZero: textConstant('1970-01-01T00:00:00Z'),
  };
}

/** Days that the Gregorian reform left out: java.util.Calendar, through which elements pass, reads them as ten days later. */
const REFORM_DAY = /^1582-10-(0[5-9]|1[0-4]) /;
const REFORM_MONTH = Buffer.from('1582-10-');

/** For elements of timestamptz[], which reach Debezium without their era. */
export function timestamptzElementPlan(precision: number): TypePlan {
  const plan = timestamptzPlan(precision);
  return {
    ...plan,
    write: (out, source, start, end) => {
      const behind = endBeforeEra(source, start, end);
      if (behind === end && REFORM_MONTH.equals(source.subarray(start, start + REFORM_MONTH.length))) {
        const text = cellText(source, start, end).replace(REFORM_DAY, (_, day: string) => `1582-10-${Number(day) + 10} `);
        plan.write(out, Buffer.from(text), 0, text.length);
        return;
      }
      plan.write(out, source, start, behind);
    },
  };
}

/** The time of day in UTC, in microseconds; 24:00:00 counts as midnight, as in Java. */
function parseTimeInUtc(source: Uint8Array, start: number, end: number): number {
  parseTimeWithOffset(source, start, end);
  const micros = moment.microsOfDay - moment.offsetSeconds * 1_000_000;
  return micros - Math.floor(micros / MICROS_PER_DAY) * MICROS_PER_DAY;
}

/** Writes only the digits that the time needs, whatever the column declares. */
function writeTimeOfDay(out: ValueWriter, micros: number): void {
  let at = printTime(scratch, 0, micros, 0);
  scratch[at++] = ASCII.upperZ;
  out.plainAscii(scratch, 0, at);
}

function writeTimetz(out: ValueWriter, source: Uint8Array, start: number, end: number): void {
  writeTimeOfDay(out, parseTimeInUtc(source, start, end));
}

function writeTimetzElement(out: ValueWriter, source: Uint8Array, start: number, end: number): void {
  const micros = parseTimeInUtc(source, start, end);
  writeTimeOfDay(out, micros - (micros % 1_000_000));
}

export const TIMETZ_PLAN: TypePlan = {
  schema: { type: 'string', name: 'io.debezium.time.ZonedTime', version: 1 },
  write: writeTimetz,
  writeZero: textConstant('00:00:00Z'),
};

/** Midnight at the end of a day in UTC is 24:00:00, as PostgreSQL has it. */
export const FULL_DAY_TIMETZ_PLAN: TypePlan = {
  ...TIMETZ_PLAN,
  write: (out, source, start, end) => {
    const micros = parseTimeInUtc(source, start, end);
    writeTimeOfDay(out, moment.microsOfDay === MICROS_PER_DAY && moment.offsetSeconds === 0 ? MICROS_PER_DAY : micros);
  },
};

/** Elements of timetz[] reach Debezium through java.sql.Time's conversion to LocalTime, which drops the fraction. */
export const TIMETZ_ELEMENT_PLAN: TypePlan = { ...TIMETZ_PLAN, write: writeTimetzElement };
