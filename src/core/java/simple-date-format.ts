/**
 * Owns Java's SimpleDateFormat in UTC. Names are English, as in a JVM whose environment names no locale; they are printed, not read. Weeks are
 * not supported, because a locale decides where they begin. It parses leniently, as Java does by itself.
 * Source: java.text.SimpleDateFormat.compile, format, parse, subParseNumericZone of OpenJDK 17; java.text.CalendarBuilder.
 */
import { type CalendarFields, epochDayOfFields, fieldsOfMillis } from './calendar.ts';

const MILLIS_PER_DAY = 86_400_000;

export type DateFormat = {
  /** Milliseconds since 1970 to text. */
  readonly print: (epochMillis: number) => string;
  /** Undefined: the text does not match. Text behind the match is ignored. */
  readonly parse: (text: string) => number | undefined;
  /** Why it cannot parse, or undefined. */
  readonly parseProblem: string | undefined;
};

/** Returns the reason if the pattern cannot be honoured. */
export function compileDateFormat(pattern: string): DateFormat | string {
  const tokens = tokensOf(pattern);
  if (typeof tokens === 'string') return tokens;
  const problem = tokens.map(tokenProblem).find((reason) => reason !== undefined);
  if (problem !== undefined) return problem;
  return {
    print: (epochMillis) => {
      const fields = fieldsOfMillis(epochMillis);
      return tokens.map((token) => (token.tag === 'text' ? token.text : printed(token, fields))).join('');
    },
    parse: (text) => parsed(tokens, text),
    parseProblem: tokens.map(parseProblemOf).find((reason) => reason !== undefined),
  };
}

type Field = { readonly tag: 'field'; readonly letter: string; readonly count: number };
type Token = Field | { readonly tag: 'text'; readonly text: string };

const LETTER = /[A-Za-z]/;
const NUMERIC = 'yMLdDHkKhmsS';
const NAMES = 'GEaz';
const OF_THE_LOCALE = 'YwW';

function tokensOf(pattern: string): readonly Token[] | string {
  const tokens: Token[] = [];
  for (let at = 0; at < pattern.length; ) {
    const letter = pattern.charAt(at);
    if (letter === "'") {
      const quoted = quotedAt(pattern, at);
      if (quoted === undefined) return 'Unterminated quote';
      tokens.push({ tag: 'text', text: quoted.text });
      at = quoted.end;
    } else if (LETTER.test(letter)) {
      let end = at;
      while (pattern[end] === letter) end++;
      tokens.push({ tag: 'field', letter, count: end - at });
      at = end;
    } else {
      tokens.push({ tag: 'text', text: letter });
      at++;
    }
  }
  return tokens;
}

/** Two quotes are one, inside of quoted text too. */
function quotedAt(pattern: string, start: number): { readonly text: string; readonly end: number } | undefined {
  if (pattern[start + 1] === "'") return { text: "'", end: start + 2 };
  let text = '';
  for (let at = start + 1; at < pattern.length; at++) {
    if (pattern[at] !== "'") text += pattern[at];
    else if (pattern[at + 1] === "'") {
      text += "'";
      at++;
    } else return { text, end: at + 1 };
  }
  return undefined;
}

function tokenProblem(token: Token): string | undefined {
  if (token.tag === 'text') return undefined;
  const { letter, count } = token;
  const run = letter.repeat(count);
  if (OF_THE_LOCALE.includes(letter)) return `${run} depends on the locale`;
  if (letter === 'X' && count > 3) return `invalid ISO 8601 format: length=${count}`;
  if (letter === 'u' || letter === 'F') return `${run} is not supported`;
  return `${NUMERIC}${NAMES}ZX`.includes(letter) ? undefined : `Illegal pattern character '${letter}'`;
}

function parseProblemOf(token: Token): string | undefined {
  if (token.tag === 'text') return undefined;
  const { letter, count } = token;
  if (letter === 'y' && count <= 2) return 'the century of a year with two digits depends on the time of the start';
  return isName(token) ? `${letter.repeat(count)} is a name, and names are not read` : undefined;
}

function isName({ letter, count }: Field): boolean {
  return NAMES.includes(letter) || ((letter === 'M' || letter === 'L') && count > 2);
}

const MONTHS = 'January February March April May June July August September October November December'.split(' ');
const WEEKDAYS = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ');
const NAME_LETTERS = 3;

function printedName({ letter, count }: Field, fields: CalendarFields): string {
  const isShort = count <= NAME_LETTERS;
  switch (letter) {
    case 'a':
      return fields.hour < 12 ? 'AM' : 'PM';
    case 'G':
      return fields.isBeforeChrist ? 'BC' : 'AD';
    case 'z':
      return isShort ? 'UTC' : 'Coordinated Universal Time';
    default: {
      const name = (letter === 'E' ? WEEKDAYS[fields.weekday] : MONTHS[fields.month - 1]) ?? '';
      return isShort ? name.slice(0, NAME_LETTERS) : name;
    }
  }
}

function printed(field: Field, fields: CalendarFields): string {
  const { letter, count } = field;
  if (isName(field)) return printedName(field, fields);
  switch (letter) {
    case 'Z':
      return '+0000';
    case 'X':
      return 'Z';
    case 'y': {
      const year = String(fields.year).padStart(count, '0');
      return count === 2 ? year.slice(-2) : year;
    }
    default:
      return String(numberFor(letter, fields)).padStart(count, '0');
  }
}

function numberFor(letter: string, fields: CalendarFields): number {
  const { hour } = fields;
  switch (letter) {
    case 'M':
    case 'L':
      return fields.month;
    case 'd':
      return fields.day;
    case 'D':
      return fields.dayOfYear;
    case 'H':
      return hour;
    case 'k':
      return hour === 0 ? 24 : hour;
    case 'K':
      return hour % 12;
    case 'h':
      return hour % 12 === 0 ? 12 : hour % 12;
    case 'm':
      return fields.minute;
    case 's':
      return fields.second;
    default:
      return fields.millis;
  }
}

/** Where two fields say the same, the one that was read last counts; but an hour of the day counts before an hour of half a day. */
type Parts = {
  year: number;
  month: number;
  day: number;
  dayOfYear: number | undefined;
  hour: number;
  hourOfDay: number | undefined;
  minute: number;
  second: number;
  millis: number;
  offsetMinutes: number;
};

function parsed(tokens: readonly Token[], text: string): number | undefined {
  const parts: Parts = {
    year: 1970,
    month: 1,
    day: 1,
    dayOfYear: undefined,
    hour: 0,
    hourOfDay: undefined,
    minute: 0,
    second: 0,
    millis: 0,
    offsetMinutes: 0,
  };
  let at = 0;
  for (const [index, token] of tokens.entries()) {
    if (token.tag === 'text') {
      if (!text.startsWith(token.text, at)) return undefined;
      at += token.text.length;
      continue;
    }
    // Numbers that stand side by side have as many digits as the pattern has letters.
    const next = tokens[index + 1];
    const isBound = next?.tag === 'field' && NUMERIC.includes(next.letter);
    const end = parseField(token, text, { start: at, isBound, parts });
    if (end === undefined) return undefined;
    at = end;
  }
  return millisOf(parts);
}

function millisOf(parts: Parts): number {
  const { year, month, day, dayOfYear, minute, second, millis, offsetMinutes } = parts;
  const hour = parts.hourOfDay ?? parts.hour;
  const epochDay = epochDayOfFields(dayOfYear === undefined ? { year, month, day } : { year, dayOfYear });
  return epochDay * MILLIS_PER_DAY + ((hour * 60 + minute - offsetMinutes) * 60 + second) * 1000 + millis;
}

type Place = { readonly start: number; readonly isBound: boolean; readonly parts: Parts };

/** Returns the place behind the field. */
function parseField({ letter, count }: Field, text: string, { start, isBound, parts }: Place): number | undefined {
  let at = start;
  while (text[at] === ' ' || text[at] === '\t') at++;
  if (letter === 'X' || letter === 'Z') return parseZone({ letter, count }, text, { at, parts });
  if (isBound && start + count > text.length) return undefined;
  const digits = NUMBER.exec(isBound ? text.slice(at, start + count) : text.slice(at))?.[0];
  if (digits === undefined) return undefined;
  store(parts, letter, int32(digits));
  return at + digits.length;
}

const NUMBER = /^-?[0-9]+/;

/** As Java's Number.intValue(). */
function int32(digits: string): number {
  const value = BigInt(digits);
  if (BigInt.asIntN(64, value) === value) return Number(BigInt.asIntN(32, value));
  return value < 0n ? -0x8000_0000 : 0x7fff_ffff;
}

function store(parts: Parts, letter: string, value: number): void {
  switch (letter) {
    case 'y':
      parts.year = value;
      return;
    case 'M':
    case 'L':
      parts.month = value;
      return;
    case 'd':
      parts.day = value;
      parts.dayOfYear = undefined;
      return;
    case 'D':
      parts.dayOfYear = value;
      return;
    case 'K':
      parts.hour = value;
      return;
    case 'H':
      parts.hourOfDay = value;
      return;
    case 'k':
      parts.hourOfDay = value === 24 ? 0 : value;
      return;
    case 'h':
      parts.hour = value === 12 ? 0 : value;
      return;
    case 'm':
      parts.minute = value;
      return;
    case 's':
      parts.second = value;
      return;
    default:
      parts.millis = value;
  }
}

/** `X`: +hh, `XX`: +hhmm, `XXX`: +hh:mm. */
const ISO_ZONES = [/^[+-]\d\d/, /^[+-]\d\d\d\d/, /^[+-]\d\d:\d\d/];
const RFC_ZONE = /^[+-]\d\d\d\d/;
const GMT_ZONE = /^GMT([+-]\d\d?:\d\d)?/i;

function parseZone(
  { letter, count }: Pick<Field, 'letter' | 'count'>,
  text: string,
  { at, parts }: { readonly at: number; readonly parts: Parts },
): number | undefined {
  const rest = text.slice(at);
  if (letter === 'X' && rest.startsWith('Z')) {
    parts.offsetMinutes = 0;
    return at + 1;
  }
  const named = letter === 'Z' ? GMT_ZONE.exec(rest) : null;
  const zone = letter === 'X' ? ISO_ZONES[count - 1]?.exec(rest)?.[0] : (named?.[0] ?? RFC_ZONE.exec(rest)?.[0]);
  if (zone === undefined) return undefined;
  const offset = offsetOf(named === null ? zone : (named[1] ?? '+00:00'));
  if (offset === undefined) return undefined;
  parts.offsetMinutes = offset;
  return at + zone.length;
}

function offsetOf(zone: string): number | undefined {
  const [, sign, hours, minutes] = /^([+-])(\d\d?):?(\d\d)?$/.exec(zone) ?? [];
  const [h, m] = [Number(hours), Number(minutes ?? 0)];
  if (h > 23 || m > 59) return undefined;
  return (h * 60 + m) * (sign === '-' ? -1 : 1);
}
