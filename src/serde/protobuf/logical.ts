/**
 * Owns the bytes of the messages for Connect's dates and times: google.type.Date, google.type.TimeOfDay, google.protobuf.Timestamp. Each
 * function appends the message's fields, without the message's key and length.
 * Source: io.confluent.connect.protobuf.ProtobufData, TO_PROTOBUF_LOGICAL_CONVERTERS.
 */
import type { ByteWriter } from '../../core/byte-writer.ts';
import { UnrepresentableError } from '../unrepresentable.ts';
import { writeInteger } from './wire.ts';

const MS_PER_DAY = 86_400_000;
const MS_PER_HOUR = 3_600_000;
const MS_PER_MINUTE = 60_000;
const NANOS_PER_MS = 1_000_000;
/** The first and the last second that google.protobuf.Timestamp allows: years 1 to 9999. */
const SECONDS_MIN = -62_135_596_800;
const SECONDS_MAX = 253_402_300_799;
/** Java uses the Julian calendar before this day, 1582-10-15. */
const FIRST_GREGORIAN_DAY = -141_427;
/** The day 0001-01-01 of the Julian calendar. For earlier days Confluent's converter loses the era. */
const FIRST_DAY = -719_164;
const JULIAN_DAY_OF_EPOCH = 2_440_588;

const FIELD_1 = 0x08;
const FIELD_2 = 0x10;
const FIELD_3 = 0x18;
const FIELD_4 = 0x20;

/** Writes the date that java.util.Calendar shows, as Confluent's converter does: before 1582-10-15 that is a Julian date. */
export function writeDateFields(out: ByteWriter, epochDay: number): void {
  if (epochDay < FIRST_DAY) throw new UnrepresentableError('a date before our era, which google.type.Date does not have');
  const julianDay = epochDay + JULIAN_DAY_OF_EPOCH;
  let centuries = 0;
  let days = julianDay + 32_082;
  if (epochDay >= FIRST_GREGORIAN_DAY) {
    const shifted = julianDay + 32_044;
    centuries = Math.floor((4 * shifted + 3) / 146_097);
    days = shifted - Math.floor((146_097 * centuries) / 4);
  }
  const years = Math.floor((4 * days + 3) / 1461);
  const dayOfYear = days - Math.floor((1461 * years) / 4);
  const month = Math.floor((5 * dayOfYear + 2) / 153);
  const wrap = Math.floor(month / 10);
  writeField(out, FIELD_1, 100 * centuries + years - 4800 + wrap);
  writeField(out, FIELD_2, month + 3 - 12 * wrap);
  writeField(out, FIELD_3, dayOfYear - Math.floor((153 * month + 2) / 5) + 1);
}

export function writeTimeFields(out: ByteWriter, ms: number): void {
  if (ms < 0 || ms > MS_PER_DAY) throw new UnrepresentableError('a time outside of a day');
  // The end of a day becomes its beginning, as with Confluent's converter.
  const rest = ms % MS_PER_DAY;
  writeField(out, FIELD_1, Math.floor(rest / MS_PER_HOUR));
  writeField(out, FIELD_2, Math.floor((rest % MS_PER_HOUR) / MS_PER_MINUTE));
  writeField(out, FIELD_3, Math.floor((rest % MS_PER_MINUTE) / 1000));
  writeField(out, FIELD_4, (rest % 1000) * NANOS_PER_MS);
}

export function writeTimestampFields(out: ByteWriter, ms: number): void {
  const seconds = Math.floor(ms / 1000);
  if (seconds < SECONDS_MIN || seconds > SECONDS_MAX) throw new UnrepresentableError('a time that google.protobuf.Timestamp does not have');
  writeField(out, FIELD_1, seconds);
  writeField(out, FIELD_2, (ms - seconds * 1000) * NANOS_PER_MS);
}

function writeField(out: ByteWriter, key: number, value: number): void {
  if (value === 0) return;
  out.byte(key);
  writeInteger(out, value);
}
