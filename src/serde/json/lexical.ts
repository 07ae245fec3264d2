/**
 * Owns JSON's lexical rules as Jackson's UTF8JsonGenerator applies them under Connect's JsonConverter: escapes in strings,
 * Java's spelling of floating-point numbers, base64. Does not know events or schemas.
 * Non-ASCII text stays UTF-8, except that characters outside the BMP become two escaped surrogates (Jackson's default).
 */
import { byteAt } from '../../core/byte-reader.ts';
import { ByteWriter } from '../../core/byte-writer.ts';
import { javaFloat32Text, javaFloat64Text } from '../../core/java/floats.ts';

const HEX = Buffer.from('0123456789ABCDEF');
const BASE64 = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/');

const PLAIN = 0;
const FOUR_BYTES = 2;

/** What to do with each byte. 0: copy it; 1: escape it; 2: it begins a four-byte sequence. */
const CLASS = new Uint8Array(256);
/** The letter after the backslash, for bytes with a short escape; else 0. */
const SHORT = new Uint8Array(256);
for (let i = 0; i < 0x20; i++) CLASS[i] = 1;
for (let i = 0xf0; i < 0xf8; i++) CLASS[i] = FOUR_BYTES;
for (const [byte, letter] of [
  [0x22, '"'],
  [0x5c, '\\'],
  [0x08, 'b'],
  [0x09, 't'],
  [0x0a, 'n'],
  [0x0c, 'f'],
  [0x0d, 'r'],
] as const) {
  CLASS[byte] = 1;
  SHORT[byte] = letter.charCodeAt(0);
}

/** In longer texts a run of plain bytes is first searched, then copied by one native call. */
const LOOP_MAX = 64;

/** Writes source[start, end) as a quoted JSON string. The source is valid UTF-8, but may end after three bytes of a four-byte character. */
export function writeJsonString(out: ByteWriter, source: Uint8Array, start: number, end: number): void {
  if (end - start <= LOOP_MAX) writeShort(out, source, start, end);
  else writeLong(out, source, start, end);
}

function writeShort(out: ByteWriter, source: Uint8Array, start: number, end: number): void {
  out.ensure((end - start) * 6 + 2);
  const target = out.bytes;
  let at = out.length;
  target[at++] = 0x22;
  for (let i = start; i < end; i++) {
    const byte = byteAt(source, i);
    const kind = byteAt(CLASS, byte);
    if (kind === PLAIN) {
      target[at++] = byte;
    } else if (kind === FOUR_BYTES) {
      at = writeSurrogates(target, at, source, i, end);
      i += 3;
    } else {
      at = writeEscape(target, at, byte);
    }
  }
  target[at++] = 0x22;
  out.length = at;
}

function writeLong(out: ByteWriter, source: Uint8Array, start: number, end: number): void {
  out.byte(0x22);
  let from = start;
  while (from < end) {
    let to = from;
    while (to < end && byteAt(CLASS, byteAt(source, to)) === PLAIN) to++;
    out.copy(source, from, to);
    if (to >= end) break;
    out.ensure(12);
    if (byteAt(CLASS, byteAt(source, to)) === FOUR_BYTES) {
      out.length = writeSurrogates(out.bytes, out.length, source, to, end);
      from = to + 4;
    } else {
      out.length = writeEscape(out.bytes, out.length, byteAt(source, to));
      from = to + 1;
    }
  }
  out.byte(0x22);
}

function writeEscape(target: Uint8Array, at: number, byte: number): number {
  target[at++] = 0x5c;
  const letter = byteAt(SHORT, byte);
  if (letter !== 0) {
    target[at++] = letter;
    return at;
  }
  return writeHexUnit(target, at, byte);
}

/** Writes `uXXXX` for one UTF-16 unit, without the backslash. */
function writeHexUnit(target: Uint8Array, at: number, unit: number): number {
  target[at++] = 0x75;
  target[at++] = byteAt(HEX, (unit >> 12) & 15);
  target[at++] = byteAt(HEX, (unit >> 8) & 15);
  target[at++] = byteAt(HEX, (unit >> 4) & 15);
  target[at++] = byteAt(HEX, unit & 15);
  return at;
}

/** Writes both surrogates; only the first, if the text was cut after the sequence's third byte (values/column-change.ts). */
function writeSurrogates(target: Uint8Array, at: number, source: Uint8Array, i: number, end: number): number {
  const isCut = i + 3 >= end;
  const point =
    ((byteAt(source, i) & 0x07) << 18) |
    ((byteAt(source, i + 1) & 0x3f) << 12) |
    ((byteAt(source, i + 2) & 0x3f) << 6) |
    (isCut ? 0 : byteAt(source, i + 3) & 0x3f);
  const offset = point - 0x1_0000;
  target[at++] = 0x5c;
  at = writeHexUnit(target, at, 0xd800 + (offset >> 10));
  if (isCut) return at;
  target[at++] = 0x5c;
  return writeHexUnit(target, at, 0xdc00 + (offset & 0x3ff));
}

/** Writes source[start, end) in base64 with padding, quoted. */
export function writeBase64(out: ByteWriter, source: Uint8Array, start: number, end: number): void {
  out.ensure(Math.ceil((end - start) / 3) * 4 + 2);
  const target = out.bytes;
  let at = out.length;
  target[at++] = 0x22;
  let i = start;
  for (; i + 2 < end; i += 3) {
    const group = (byteAt(source, i) << 16) | (byteAt(source, i + 1) << 8) | byteAt(source, i + 2);
    target[at++] = byteAt(BASE64, group >> 18);
    target[at++] = byteAt(BASE64, (group >> 12) & 63);
    target[at++] = byteAt(BASE64, (group >> 6) & 63);
    target[at++] = byteAt(BASE64, group & 63);
  }
  if (i < end) {
    const two = i + 1 < end;
    const group = (byteAt(source, i) << 16) | (two ? byteAt(source, i + 1) << 8 : 0);
    target[at++] = byteAt(BASE64, group >> 18);
    target[at++] = byteAt(BASE64, (group >> 12) & 63);
    target[at++] = two ? byteAt(BASE64, (group >> 6) & 63) : 0x3d;
    target[at++] = 0x3d;
  }
  target[at++] = 0x22;
  out.length = at;
}

/** A double as Java's Double.toString prints it; NaN and infinities are quoted. */
export function formatFloat64(value: number): string {
  return Number.isFinite(value) ? javaFloat64Text(value) : nonFinite(value);
}

/** A float32 as Java's Float.toString prints it. */
export function formatFloat32(value: number): string {
  return Number.isFinite(value) ? javaFloat32Text(value) : nonFinite(value);
}

function nonFinite(value: number): string {
  if (Number.isNaN(value)) return '"NaN"';
  return value > 0 ? '"Infinity"' : '"-Infinity"';
}

/**
 * A Connect Decimal, given by its unscaled value in big-endian two's complement, as Java's BigDecimal.toString prints it: with an exponent
 * when the first digit is more than six places behind the point.
 */
export function formatDecimal(source: Uint8Array, start: number, end: number, scale: number): string {
  const hex = Buffer.from(source.buffer, source.byteOffset + start, end - start).toString('hex');
  const unscaled = BigInt.asIntN((end - start) * 8, BigInt(`0x${hex}`));
  const sign = unscaled < 0n ? '-' : '';
  const digits = String(unscaled < 0n ? -unscaled : unscaled);
  const exponent = digits.length - 1 - scale;
  if (exponent < -6) {
    const fraction = digits.slice(1);
    return `${sign}${digits.charAt(0)}${fraction === '' ? '' : `.${fraction}`}E${exponent}`;
  }
  if (scale === 0) return sign + digits;
  const padded = digits.padStart(scale + 1, '0');
  return `${sign}${padded.slice(0, -scale)}.${padded.slice(-scale)}`;
}

const UTF8 = new TextEncoder();
/** Texts that are written once per transaction are short: no buffer is made for them. */
const SCRATCH = new Uint8Array(1024);
const BYTES_PER_UNIT_MAX = 3;

/** Writes a JavaScript string as a JSON string with Jackson's escapes. */
export function writeJsonText(out: ByteWriter, text: string): void {
  if (text.length * BYTES_PER_UNIT_MAX <= SCRATCH.length) {
    writeJsonString(out, SCRATCH, 0, UTF8.encodeInto(text, SCRATCH).written);
    return;
  }
  const bytes = Buffer.from(text);
  writeJsonString(out, bytes, 0, bytes.length);
}

/** A JavaScript string as a JSON string with Jackson's escapes. */
export function quote(text: string): string {
  const out = new ByteWriter(64);
  writeJsonText(out, text);
  return out.toOwned().toString('utf8');
}
