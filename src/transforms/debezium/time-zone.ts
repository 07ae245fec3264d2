/**
 * Owns the offsets of a time zone, as Java's ZoneRules has them: for an instant, and for a local time. The rules are those of Intl (ICU), which
 * has the same database, local mean times among them. Source: java.time.zone.ZoneRules.getOffset.
 */
import { TransformError } from '../shaped-record.ts';

export type TimeZone = {
  /** Seconds east of UTC at an instant, which is given in seconds since 1970. */
  readonly offsetAt: (epochSeconds: number) => number;
  /** The same for a local time, given as if it were UTC. In gaps and overlaps it is the offset before the change. */
  readonly offsetOfLocal: (localSeconds: number) => number;
};

const FIXED = /^([+-])(\d{2}):(\d{2})(?::(\d{2}))?$/;
const FIXED_MAX = 18 * 3600;
const DAY = 86_400;
/** The Gregorian calendar repeats itself, and so do the rules far from now. */
const CYCLE = 146_097 * DAY;
const INTL_MAX = 8_640_000_000_000 - DAY;
/** Days whose offsets are kept. */
const DAYS_MAX = 10_000;
/** Three letters that Java once took for a zone. ICU still does, ZoneId does not. */
const OLD_NAMES = new Set('ACT AET AGT ART AST BET BST CAT CNT CST CTT EAT ECT IET IST JST MIT NET NST PLT PNT PRT PST SST VST'.split(' '));

/** Throws TransformError for a zone that is not known. */
export function timeZone(name: string): TimeZone {
  const fixed = FIXED.exec(name);
  if (fixed === null) return namedZone(name);
  const [, sign, hours, minutes, seconds = '0'] = fixed;
  const size = Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
  if (size > FIXED_MAX || Number(minutes) > 59 || Number(seconds) > 59) throw unknown();
  const offset = sign === '-' ? -size : size;
  return { offsetAt: () => offset, offsetOfLocal: () => offset };
}

function unknown(): TransformError {
  return new TransformError(
    'Invalid timezone format. Please specify either a geographic timezone (e.g. America/Los_Angeles) or a UTC offset in the format of +/-hh:mm, (e.g. +08:00).',
  );
}

function namedZone(name: string): TimeZone {
  // Intl takes offsets in other forms too.
  if (/^[+-]/.test(name)) throw unknown();
  if (OLD_NAMES.has(name)) throw new TransformError(`Unknown time-zone ID: ${name}`);
  const lookUp = intlOffsets(name);
  const days = new Map<number, number>();
  /** Of the first moment of a day. */
  const atMidnight = (day: number): number => {
    const known = days.get(day);
    if (known !== undefined) return known;
    if (days.size >= DAYS_MAX) days.clear();
    const offset = lookUp(day * DAY);
    days.set(day, offset);
    return offset;
  };
  const offsetAt = (epochSeconds: number): number => {
    const day = Math.floor(epochSeconds / DAY);
    const offset = atMidnight(day);
    // No zone changes its offset twice within a day.
    return offset === atMidnight(day + 1) ? offset : lookUp(epochSeconds);
  };
  const offsetOfLocal = (localSeconds: number): number => {
    const before = offsetAt(localSeconds - DAY);
    const after = offsetAt(localSeconds + DAY);
    if (before === after || offsetAt(localSeconds - before) === before) return before;
    return offsetAt(localSeconds - after) === after ? after : before;
  };
  return { offsetAt, offsetOfLocal };
}

/** Exact, and slow: some microseconds for each. */
function intlOffsets(name: string): (epochSeconds: number) => number {
  const format = intlFormat(name);
  return (epochSeconds) => {
    const cycles = Math.abs(epochSeconds) < INTL_MAX ? 0 : Math.trunc(epochSeconds / CYCLE) - Math.sign(epochSeconds);
    const parts = format.formatToParts((epochSeconds - cycles * CYCLE) * 1000);
    const text = parts.find(({ type }) => type === 'timeZoneName')?.value ?? '';
    const [, sign, hours = '0', minutes = '0', seconds = '0'] = /^GMT(?:([+-])(\d+):(\d+)(?::(\d+))?)?$/.exec(text) ?? [];
    const size = Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
    return sign === '-' ? -size : size;
  };
}

function intlFormat(timeZoneName: string): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: timeZoneName, timeZoneName: 'longOffset' });
  } catch (error) {
    throw error instanceof RangeError ? unknown() : error;
  }
}
