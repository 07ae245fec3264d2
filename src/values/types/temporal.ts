/**
 * Owns date, time and timestamp without time zone in every time.precision.mode. Times with a zone are in zoned.ts,
 * intervals in interval.ts.
 */

import { byteAt } from '../../core/byte-reader.ts';
import type { Phase, ValueModes } from '../pg-type.ts';
import { ASCII, type CellWriter, type TypePlan, textConstant, writeZeroInt32, writeZeroInt64 } from '../type-plan.ts';
import { ConversionError, type ValueWriter } from '../value-writer.ts';
import {
  endBeforeEra,
  epochDayOf,
  infinitySign,
  MICROS_PER_DAY,
  moment,
  normalizeMoment,
  PRINTED_BYTES_MAX,
  parseDate,
  parseTime,
  parseTimestamp,
  printDate,
  printMoment,
  printTime,
  readAsJavaCalendar,
} from './civil.ts';

type TimeMode = ValueModes['time'];

const scratch = new Uint8Array(PRINTED_BYTES_MAX);

// --- date ---

type DateReader = (source: Uint8Array, start: number, end: number) => number;

function startsWithDigit(source: Uint8Array, start: number, end: number): boolean {
  return start < end && (byteAt(source, start) - ASCII.zero) >>> 0 <= 9;
}

/** Reads a finite date with `read`; ±infinity becomes the far-away day that Debezium publishes for it. */
function dateReader(read: DateReader, infinite: { readonly plus: number; readonly minus: number }): DateReader {
  return (source, start, end) => {
    const sign = startsWithDigit(source, start, end) ? 0 : infinitySign(source, start, end);
    if (sign === 0) return read(source, start, end);
    return sign > 0 ? infinite.plus : infinite.minus;
  };
}

const readStreamedDate = dateReader(parseDate, { plus: epochDayOf(-5877611, 6, 21), minus: epochDayOf(-5877611, 6, 22) });

/** The days that the Gregorian reform left out, which java.util.Calendar reads as ten days later. */
const REFORM = { first: epochDayOf(1582, 10, 5), last: epochDayOf(1582, 10, 14), shift: 10 };

function readCalendarDate(source: Uint8Array, start: number, end: number): number {
  const behind = endBeforeEra(source, start, end);
  const day = parseDate(source, start, behind);
  return behind === end && day >= REFORM.first && day <= REFORM.last ? day + REFORM.shift : day;
}

/** In snapshots and in date[] a date reaches Debezium as java.sql.Date: without its era, and infinity by its milliseconds. */
const readDriverDate = dateReader(readCalendarDate, {
  plus: epochDayOf(292_278_994, 8, 16),
  minus: epochDayOf(292_269_055, 12, 2),
});

type DatePlans = Record<'days' | 'connect' | 'iso', TypePlan>;

function datePlans(read: DateReader): DatePlans {
  // Java casts the day to an int, so that the infinite ones become some day of the past.
  const writeEpochDay: CellWriter = (out, source, start, end) => out.int32(read(source, start, end) | 0);
  const writeIsoDate: CellWriter = (out, source, start, end) => {
    let at = printDate(scratch, 0, read(source, start, end));
    scratch[at++] = ASCII.upperZ;
    out.plainAscii(scratch, 0, at);
  };
  return {
    days: int32Plan('io.debezium.time.Date', writeEpochDay),
    connect: int32Plan('org.apache.kafka.connect.data.Date', writeEpochDay),
    iso: isoPlan('io.debezium.time.IsoDate', writeIsoDate, '1970-01-01Z'),
  };
}

// --- time ---

type TimeReader = (source: Uint8Array, start: number, end: number) => number;

/** Elements of time[] reach Debezium through java.sql.Time: cut to milliseconds, the end of the day as its beginning. */
function readElementTime(source: Uint8Array, start: number, end: number): number {
  const micros = parseTime(source, start, end) % MICROS_PER_DAY;
  return micros - (micros % 1000);
}

function isoTimeWriter(read: TimeReader): CellWriter {
  return (out, source, start, end) => {
    let at = printTime(scratch, 0, read(source, start, end), 0);
    scratch[at++] = ASCII.upperZ;
    out.plainAscii(scratch, 0, at);
  };
}

type TimePlans = Record<'millis' | 'micros' | 'nanos' | 'connect' | 'iso', TypePlan>;

function timePlans(read: TimeReader): TimePlans {
  const writeMillis: CellWriter = (out, source, start, end) => out.int32(Math.floor(read(source, start, end) / 1000));
  const writeMicros: CellWriter = (out, source, start, end) => out.int64(read(source, start, end));
  const writeNanos: CellWriter = (out, source, start, end) => out.int64(read(source, start, end) * 1000);
  return {
    millis: int32Plan('io.debezium.time.Time', writeMillis),
    micros: int64Plan('io.debezium.time.MicroTime', writeMicros),
    nanos: int64Plan('io.debezium.time.NanoTime', writeNanos),
    connect: int32Plan('org.apache.kafka.connect.data.Time', writeMillis),
    // 24:00:00 is printed as midnight: Java's LocalTime has no end of day.
    iso: isoPlan(
      'io.debezium.time.IsoTime',
      isoTimeWriter((source, start, end) => read(source, start, end) % MICROS_PER_DAY),
      '00:00:00Z',
    ),
  };
}

// --- timestamp ---

/** Debezium's instants for ±infinity, in microseconds. */
const INFINITE_MICROS = 9_223_372_036_825_200_000n;
const MINUS_INFINITE_MICROS = -9_223_372_036_832_400_000n;

const INT64_MAX = 0x7fff_ffff_ffff_ffffn;
const INT64_MIN = -0x8000_0000_0000_0000n;

/** Days whose microseconds stay within 2^53. */
const SAFE_MICRO_DAYS = 104_248;
/** Days whose milliseconds stay within 2^53. */
const SAFE_MILLI_DAYS = 104_248_990;

/** Leaves a finite timestamp in `moment` and gives 0, else the sign of an infinite one. */
type TimestampReader = (source: Uint8Array, start: number, end: number) => number;

function readTimestamp(source: Uint8Array, start: number, end: number): number {
  if (!startsWithDigit(source, start, end)) {
    const sign = infinitySign(source, start, end);
    if (sign !== 0) return sign;
  }
  parseTimestamp(source, start, end);
  return 0;
}

/** Elements of timestamp[] pass through java.util.Calendar. */
function readElementTimestamp(source: Uint8Array, start: number, end: number): number {
  const sign = readTimestamp(source, start, end);
  if (sign === 0) readAsJavaCalendar();
  return sign;
}

function clampToInt64(value: bigint): bigint {
  return value > INT64_MAX ? INT64_MAX : value < INT64_MIN ? INT64_MIN : value;
}

/**
 * Far dates as Java computes them: seconds to microseconds saturates, adding the fraction wraps, so the last moments of
 * the year 294276 turn negative.
 */
function bigMicros(epochDay: number, microsOfDay: number): bigint {
  const seconds = BigInt(epochDay) * 86_400n + BigInt(Math.floor(microsOfDay / 1_000_000));
  return BigInt.asIntN(64, clampToInt64(seconds * 1_000_000n) + BigInt(microsOfDay % 1_000_000));
}

function writeTimestampMicros(out: ValueWriter, sign: number): void {
  if (sign !== 0) {
    out.int64Big(sign > 0 ? INFINITE_MICROS : MINUS_INFINITE_MICROS);
    return;
  }
  const { epochDay, microsOfDay } = moment;
  if (epochDay > -SAFE_MICRO_DAYS && epochDay < SAFE_MICRO_DAYS) out.int64(epochDay * MICROS_PER_DAY + microsOfDay);
  else out.int64Big(bigMicros(epochDay, microsOfDay));
}

function writeTimestampMillis(out: ValueWriter, sign: number): void {
  if (sign !== 0) {
    out.int64Big(sign > 0 ? INFINITE_MICROS / 1000n : MINUS_INFINITE_MICROS / 1000n);
    return;
  }
  const { epochDay } = moment;
  const millisOfDay = Math.floor(moment.microsOfDay / 1000);
  if (epochDay > -SAFE_MILLI_DAYS && epochDay < SAFE_MILLI_DAYS) out.int64(epochDay * 86_400_000 + millisOfDay);
  else out.int64Big(BigInt(epochDay) * 86_400_000n + BigInt(millisOfDay));
}

const NANOS_PER_DAY = 86_400_000_000_000n;

/** Always beyond 2^53 in practice. Java multiplies the day first, so a part of the first representable day is refused. */
function writeTimestampNanos(out: ValueWriter, sign: number): void {
  if (sign !== 0) {
    out.int64Big(sign > 0 ? INT64_MAX : INT64_MIN);
    return;
  }
  const dayNanos = BigInt(moment.epochDay) * NANOS_PER_DAY;
  const nanos = dayNanos + BigInt(moment.microsOfDay) * 1000n;
  if (dayNanos < INT64_MIN || nanos > INT64_MAX) {
    throw new ConversionError('timestamp is outside the years 1677 to 2262 that 64-bit nanoseconds can hold');
  }
  out.int64Big(nanos);
}

function writeIsoTimestamp(out: ValueWriter, sign: number): void {
  if (sign !== 0) {
    const micros = sign > 0 ? INFINITE_MICROS : MINUS_INFINITE_MICROS;
    const days = micros / BigInt(MICROS_PER_DAY);
    moment.epochDay = Number(days);
    moment.microsOfDay = Number(micros - days * BigInt(MICROS_PER_DAY));
  }
  moment.offsetSeconds = 0;
  normalizeMoment();
  out.plainAscii(scratch, 0, printMoment(scratch, 0, 0));
}

type TimestampPlans = Record<'millis' | 'micros' | 'nanos' | 'connect' | 'iso', TypePlan>;

function timestampPlans(read: TimestampReader): TimestampPlans {
  const writeMillis: CellWriter = (out, source, start, end) => writeTimestampMillis(out, read(source, start, end));
  const writeMicros: CellWriter = (out, source, start, end) => writeTimestampMicros(out, read(source, start, end));
  const writeNanos: CellWriter = (out, source, start, end) => writeTimestampNanos(out, read(source, start, end));
  const writeIso: CellWriter = (out, source, start, end) => writeIsoTimestamp(out, read(source, start, end));
  return {
    millis: int64Plan('io.debezium.time.Timestamp', writeMillis),
    micros: int64Plan('io.debezium.time.MicroTimestamp', writeMicros),
    nanos: int64Plan('io.debezium.time.NanoTimestamp', writeNanos),
    connect: int64Plan('org.apache.kafka.connect.data.Timestamp', writeMillis),
    iso: isoPlan('io.debezium.time.IsoTimestamp', writeIso, '1970-01-01T00:00:00Z'),
  };
}

// --- modes ---

function int32Plan(name: string, write: CellWriter): TypePlan {
  return { schema: { type: 'int32', name, version: 1 }, write, writeZero: writeZeroInt32 };
}

function int64Plan(name: string, write: CellWriter): TypePlan {
  return { schema: { type: 'int64', name, version: 1 }, write, writeZero: writeZeroInt64 };
}

function isoPlan(name: string, write: CellWriter, zero: string): TypePlan {
  return { schema: { type: 'string', name, version: 1 }, write, writeZero: textConstant(zero) };
}

const STREAMED_DATES = datePlans(readStreamedDate);
const DRIVER_DATES = datePlans(readDriverDate);
const FULL_DAY_ISO_TIME = isoPlan('io.debezium.time.IsoTime', isoTimeWriter(parseTime), '00:00:00Z');
const CELL_TIMES = timePlans(parseTime);
const ELEMENT_TIMES = timePlans(readElementTime);
const CELL_TIMESTAMPS = timestampPlans(readTimestamp);
const ELEMENT_TIMESTAMPS = timestampPlans(readElementTimestamp);

/** `precision` is the column's count of fraction digits, 6 where it declares none. */
type TemporalChoice = {
  readonly date: keyof DatePlans;
  readonly time: (precision: number) => keyof TimePlans;
  readonly timestamp: (precision: number) => keyof TimestampPlans;
};

const byPrecision = (precision: number): 'millis' | 'micros' => (precision <= 3 ? 'millis' : 'micros');

const CHOICES: Record<TimeMode, TemporalChoice> = {
  adaptive: { date: 'days', time: byPrecision, timestamp: byPrecision },
  adaptive_time_microseconds: { date: 'days', time: () => 'micros', timestamp: byPrecision },
  connect: { date: 'connect', time: () => 'connect', timestamp: () => 'connect' },
  isostring: { date: 'iso', time: () => 'iso', timestamp: () => 'iso' },
  microseconds: { date: 'days', time: () => 'micros', timestamp: () => 'micros' },
  nanoseconds: { date: 'days', time: () => 'nanos', timestamp: () => 'nanos' },
};

/** `phase` snapshot also stands for elements of date[]. */
export function datePlan(mode: TimeMode, phase: Phase): TypePlan {
  const form = CHOICES[mode].date;
  return phase === 'snapshot' ? { ...DRIVER_DATES[form], writeDefault: STREAMED_DATES[form].write } : STREAMED_DATES[form];
}

export function timePlan(mode: TimeMode, precision: number): TypePlan {
  return CELL_TIMES[CHOICES[mode].time(precision)];
}

/** As timePlan, but ISO text shows the end of the day as 24:00:00; numbers do so in both. */
export function fullDayTimePlan(mode: TimeMode, precision: number): TypePlan {
  return mode === 'isostring' ? FULL_DAY_ISO_TIME : timePlan(mode, precision);
}

/** For elements of time[]. */
export function timeElementPlan(mode: TimeMode, precision: number): TypePlan {
  return ELEMENT_TIMES[CHOICES[mode].time(precision)];
}

export function timestampPlan(mode: TimeMode, precision: number): TypePlan {
  return CELL_TIMESTAMPS[CHOICES[mode].timestamp(precision)];
}

/** For elements of timestamp[]. */
export function timestampElementPlan(mode: TimeMode, precision: number): TypePlan {
  return ELEMENT_TIMESTAMPS[CHOICES[mode].timestamp(precision)];
}
