/**
 * Owns date, time and timestamp without time zone in every time.precision.mode. Times with a zone are in zoned.ts,
 * intervals in interval.ts.
 */

import { byteAt } from '../core/byte-reader.ts';
import {
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
} from './civil.ts';
import type { ValueModes } from './pg-type.ts';
import { ASCII, type CellWriter, type TypePlan, textConstant, writeZeroInt32, writeZeroInt64 } from './type-plan.ts';
import { ConversionError, type ValueWriter } from './value-writer.ts';

export type TimeMode = ValueModes['time'];

const scratch = new Uint8Array(PRINTED_BYTES_MAX);

// --- date ---

/** What Debezium's driver makes of ±infinity: both far in the past. */
const INFINITE_EPOCH_DAY = epochDayOf(-5877611, 6, 21);
const MINUS_INFINITE_EPOCH_DAY = epochDayOf(-5877611, 6, 22);

function epochDayOfCell(source: Uint8Array, start: number, end: number): number {
  const sign = startsWithDigit(source, start, end) ? 0 : infinitySign(source, start, end);
  if (sign === 0) return parseDate(source, start, end);
  return sign > 0 ? INFINITE_EPOCH_DAY : MINUS_INFINITE_EPOCH_DAY;
}

function startsWithDigit(source: Uint8Array, start: number, end: number): boolean {
  return start < end && (byteAt(source, start) - ASCII.zero) >>> 0 <= 9;
}

function writeEpochDay(out: ValueWriter, source: Uint8Array, start: number, end: number): void {
  out.int32(epochDayOfCell(source, start, end));
}

function writeIsoDate(out: ValueWriter, source: Uint8Array, start: number, end: number): void {
  let at = printDate(scratch, 0, epochDayOfCell(source, start, end));
  scratch[at++] = ASCII.upperZ;
  out.plainAscii(scratch, 0, at);
}

const DATE_PLAN: TypePlan = int32Plan('io.debezium.time.Date', writeEpochDay);
const CONNECT_DATE_PLAN: TypePlan = int32Plan('org.apache.kafka.connect.data.Date', writeEpochDay);
const ISO_DATE_PLAN: TypePlan = isoPlan('io.debezium.time.IsoDate', writeIsoDate, '1970-01-01Z');

// --- time ---

type TimeReader = (source: Uint8Array, start: number, end: number) => number;

/** Elements of time[] reach Debezium through java.sql.Time: cut to milliseconds, the end of the day as its beginning. */
function readElementTime(source: Uint8Array, start: number, end: number): number {
  const micros = parseTime(source, start, end) % MICROS_PER_DAY;
  return micros - (micros % 1000);
}

/** 24:00:00 is printed as midnight: Java's LocalTime has no end of day. */
function isoTimeWriter(read: TimeReader): CellWriter {
  return (out, source, start, end) => {
    let at = printTime(scratch, 0, read(source, start, end) % MICROS_PER_DAY, 0);
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
    iso: isoPlan('io.debezium.time.IsoTime', isoTimeWriter(read), '00:00:00Z'),
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

/** Sign of an infinite timestamp; 0 when `moment` holds a finite one. */
function parseTimestampCell(source: Uint8Array, start: number, end: number): number {
  if (!startsWithDigit(source, start, end)) {
    const sign = infinitySign(source, start, end);
    if (sign !== 0) return sign;
  }
  parseTimestamp(source, start, end);
  return 0;
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

function writeTimestampMicros(out: ValueWriter, source: Uint8Array, start: number, end: number): void {
  const sign = parseTimestampCell(source, start, end);
  if (sign !== 0) {
    out.int64Big(sign > 0 ? INFINITE_MICROS : MINUS_INFINITE_MICROS);
    return;
  }
  const { epochDay, microsOfDay } = moment;
  if (epochDay > -SAFE_MICRO_DAYS && epochDay < SAFE_MICRO_DAYS) out.int64(epochDay * MICROS_PER_DAY + microsOfDay);
  else out.int64Big(bigMicros(epochDay, microsOfDay));
}

function writeTimestampMillis(out: ValueWriter, source: Uint8Array, start: number, end: number): void {
  const sign = parseTimestampCell(source, start, end);
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
function writeTimestampNanos(out: ValueWriter, source: Uint8Array, start: number, end: number): void {
  const sign = parseTimestampCell(source, start, end);
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

function writeIsoTimestamp(out: ValueWriter, source: Uint8Array, start: number, end: number): void {
  const sign = parseTimestampCell(source, start, end);
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

const TIMESTAMP_PLAN: TypePlan = int64Plan('io.debezium.time.Timestamp', writeTimestampMillis);
const MICRO_TIMESTAMP_PLAN: TypePlan = int64Plan('io.debezium.time.MicroTimestamp', writeTimestampMicros);
const NANO_TIMESTAMP_PLAN: TypePlan = int64Plan('io.debezium.time.NanoTimestamp', writeTimestampNanos);
const CONNECT_TIMESTAMP_PLAN: TypePlan = int64Plan('org.apache.kafka.connect.data.Timestamp', writeTimestampMillis);
const ISO_TIMESTAMP_PLAN: TypePlan = isoPlan('io.debezium.time.IsoTimestamp', writeIsoTimestamp, '1970-01-01T00:00:00Z');

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

const CELL_TIMES = timePlans(parseTime);
const ELEMENT_TIMES = timePlans(readElementTime);

type TemporalPlans = {
  readonly date: TypePlan;
  /** By fraction digits of the column; 6 where it declares none. */
  readonly time: (precision: number, times: TimePlans) => TypePlan;
  readonly timestamp: (precision: number) => TypePlan;
};

function adaptiveTimestamp(precision: number): TypePlan {
  return precision <= 3 ? TIMESTAMP_PLAN : MICRO_TIMESTAMP_PLAN;
}

const TEMPORAL_PLANS: Record<TimeMode, TemporalPlans> = {
  adaptive: {
    date: DATE_PLAN,
    time: (precision, times) => (precision <= 3 ? times.millis : times.micros),
    timestamp: adaptiveTimestamp,
  },
  adaptive_time_microseconds: { date: DATE_PLAN, time: (_, times) => times.micros, timestamp: adaptiveTimestamp },
  connect: { date: CONNECT_DATE_PLAN, time: (_, times) => times.connect, timestamp: () => CONNECT_TIMESTAMP_PLAN },
  isostring: { date: ISO_DATE_PLAN, time: (_, times) => times.iso, timestamp: () => ISO_TIMESTAMP_PLAN },
  microseconds: { date: DATE_PLAN, time: (_, times) => times.micros, timestamp: () => MICRO_TIMESTAMP_PLAN },
  nanoseconds: { date: DATE_PLAN, time: (_, times) => times.nanos, timestamp: () => NANO_TIMESTAMP_PLAN },
};

export function datePlan(mode: TimeMode): TypePlan {
  return TEMPORAL_PLANS[mode].date;
}

/** `precision` is the column's count of fraction digits, 6 where it declares none. */
export function timePlan(mode: TimeMode, precision: number): TypePlan {
  return TEMPORAL_PLANS[mode].time(precision, CELL_TIMES);
}

/** For elements of time[]. */
export function timeElementPlan(mode: TimeMode, precision: number): TypePlan {
  return TEMPORAL_PLANS[mode].time(precision, ELEMENT_TIMES);
}

export function timestampPlan(mode: TimeMode, precision: number): TypePlan {
  return TEMPORAL_PLANS[mode].timestamp(precision);
}
