/**
 * Owns what TimezoneConverter makes of a time, by its schema: numbers are read as local times of the zone, texts get the zone's offset.
 * Source: io.debezium.transforms.TimezoneConverter.getTimestampWithTimezone.
 */
import { epochDayOf, printDate } from '../../values/types/civil.ts';
import type { CapturedValue } from '../../values/value-capture.ts';
import { TransformError } from '../shaped-record.ts';
import type { TimeZone } from './time-zone.ts';

/** `nowSeconds`: when the event is processed. */
export type ZonedChange = (value: NonNullable<CapturedValue>, nowSeconds: number) => CapturedValue;

const DAY = 86_400;
const TIME = 'io.debezium.time.';
const DATE_BYTES_MAX = 32;

/** How many of a schema's units are a second. */
const UNITS: Readonly<Record<string, bigint>> = {
  [`${TIME}Timestamp`]: 1_000n,
  'org.apache.kafka.connect.data.Timestamp': 1_000n,
  [`${TIME}MicroTimestamp`]: 1_000_000n,
  [`${TIME}NanoTimestamp`]: 1_000_000_000n,
};

/** Undefined: values of a schema of this name are not converted. */
export function zonedChange(name: string | undefined, zone: TimeZone): ZonedChange | undefined {
  if (name === `${TIME}ZonedTimestamp`) return (value) => zonedTimestamp(String(value), zone);
  if (name === `${TIME}ZonedTime`) return (value, nowSeconds) => zonedTime(String(value), zone.offsetAt(nowSeconds));
  const units = UNITS[name ?? ''];
  if (units === undefined) return undefined;
  return (value) => {
    const local = bigOf(value);
    return numberOf(local - BigInt(zone.offsetOfLocal(secondsOf(local, units))) * units);
  };
}

const SOURCE_TIMES: Readonly<Record<string, bigint>> = { ts_ms: 1_000n, ts_us: 1_000_000n, ts_ns: 1_000_000_000n };

/** A time of the source block is an instant; the offset is added to it. */
export function sourceTimeChange(field: string, zone: TimeZone): ZonedChange | undefined {
  const units = SOURCE_TIMES[field];
  if (units === undefined) return undefined;
  return (value) => {
    const instant = bigOf(value);
    return numberOf(instant + BigInt(zone.offsetAt(secondsOf(instant, units))) * units);
  };
}

function bigOf(value: CapturedValue): bigint {
  return typeof value === 'bigint' ? value : BigInt(Number(value));
}

function numberOf(value: bigint): number | bigint {
  const long = BigInt.asIntN(64, value);
  const narrow = Number(long);
  return Number.isSafeInteger(narrow) ? narrow : long;
}

/** Rounded down. */
function secondsOf(value: bigint, units: bigint): number {
  const seconds = value / units;
  return Number(seconds * units > value ? seconds - 1n : seconds);
}

const TIMESTAMP = /^([+-]?\d+)-(\d{2})-(\d{2})T(.*)$/;
const CLOCK = /^(\d{2}):(\d{2}):(\d{2})(?:\.(\d+))?(Z|[+-].*)$/;
const OFFSET = /^([+-])(\d{2}):(\d{2})(?::(\d{2}))?$/;

/** Java looks the offset up by the local time that the text shows, whatever the text's own offset is. */
function zonedTimestamp(text: string, zone: TimeZone): string {
  const match = TIMESTAMP.exec(text);
  if (match === null) throw malformed();
  const clock = clockOf(match[4] ?? '');
  const shown = epochDayOf(Number(match[1]), Number(match[2]), Number(match[3])) * DAY + clock.seconds;
  const offset = zone.offsetOfLocal(shown);
  const local = shown - clock.offset + offset;
  const day = Math.floor(local / DAY);
  return `${dateText(day)}T${clockText(local - day * DAY, clock.fraction)}${offsetText(offset)}`;
}

function zonedTime(text: string, offset: number): string {
  const clock = clockOf(text);
  const local = clock.seconds - clock.offset + offset;
  return `${clockText(((local % DAY) + DAY) % DAY, clock.fraction)}${offsetText(offset)}`;
}

type Clock = { readonly seconds: number; readonly fraction: string; readonly offset: number };

function clockOf(text: string): Clock {
  const match = CLOCK.exec(text);
  if (match === null) throw malformed();
  const [, hours, minutes, seconds, fraction = '', offset = 'Z'] = match;
  return { seconds: Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds), fraction, offset: offsetOf(offset) };
}

function offsetOf(text: string): number {
  if (text === 'Z') return 0;
  const match = OFFSET.exec(text);
  if (match === null) throw malformed();
  const [, sign, hours, minutes, seconds = '0'] = match;
  const size = Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
  return sign === '-' ? -size : size;
}

function dateText(epochDay: number): string {
  const bytes = new Uint8Array(DATE_BYTES_MAX);
  return Buffer.from(bytes.subarray(0, printDate(bytes, 0, epochDay))).toString('latin1');
}

/** Zeros at the end of the fraction are left out. */
function clockText(seconds: number, fraction: string): string {
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60].map(twoDigits);
  let length = fraction.length;
  while (fraction[length - 1] === '0') length--;
  const digits = fraction.slice(0, length);
  return digits === '' ? parts.join(':') : `${parts.join(':')}.${digits}`;
}

function offsetText(offset: number): string {
  if (offset === 0) return 'Z';
  const size = Math.abs(offset);
  const seconds = size % 60 === 0 ? '' : `:${twoDigits(size % 60)}`;
  return `${offset < 0 ? '-' : '+'}${twoDigits(Math.floor(size / 3600))}:${twoDigits(Math.floor(size / 60) % 60)}${seconds}`;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}

function malformed(): TransformError {
  return new TransformError('a time with zone is not in the form of ISO 8601');
}
