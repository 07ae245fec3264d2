/** Owns what the oracles of the value tests share: their form, how our values show as text, random values. */
import fc from 'fast-check';
import type { PgType } from '../../src/values/pg-type.ts';
import type { CapturedValue } from '../../src/values/value-capture.ts';
import type { ColumnOptions } from '../oracles/columns.ts';

export type Oracle = {
  readonly title: string;
  /** As SQL writes it, with its typmod. */
  readonly sqlType: string;
  readonly type: PgType | string;
  readonly options?: ColumnOptions;
  /** Texts that `input` turns into values of the type. */
  readonly values: fc.Arbitrary<string>;
  /** SQL over `x`, a text; by default a cast to the type. */
  readonly input?: string;
  /** SQL over `v`, the value: what our conversion must show. */
  readonly expected: string;
  /** Our value as the text that `expected` gives. */
  readonly shown?: (value: CapturedValue) => string;
  /** An extension that must be there. */
  readonly extension?: string;
};

// --- how our values show ---

function asBytes(value: CapturedValue): Uint8Array {
  if (!(value instanceof Uint8Array)) throw new Error('not bytes');
  return value;
}

export function hexOf(value: CapturedValue): string {
  return Buffer.from(asBytes(value)).toString('hex');
}

export function utf8Hex(value: CapturedValue): string {
  return Buffer.from(String(value)).toString('hex');
}

export function unscaledOf(value: CapturedValue): string {
  return String(BigInt.asIntN(asBytes(value).length * 8, BigInt(`0x${hexOf(value)}`)));
}

export function variableScaleOf(value: CapturedValue): string {
  const { scale, value: unscaled } = value as { scale: number; value: Uint8Array };
  return `${scale}:${unscaledOf(unscaled)}`;
}

export function doubleHex(value: CapturedValue): string {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(Number(value));
  return bytes.toString('hex');
}

export function floatHex(value: CapturedValue): string {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatBE(Number(value));
  return bytes.toString('hex');
}

const BIT_PLACES = [0, 1, 2, 3, 4, 5, 6, 7];

/** Lowest bit first; the zeros at the end are not shown. */
export function bitsOf(value: CapturedValue): string {
  const bits = [...asBytes(value)].flatMap((byte) => BIT_PLACES.map((place) => (byte >> place) & 1));
  return bits.join('').replace(/0+$/, '');
}

export function pointOf(value: CapturedValue): string {
  const { x, y, wkb } = value as { x: number; y: number; wkb: Uint8Array };
  return `${doubleHex(x)} ${doubleHex(y)} ${hexOf(wkb)}`;
}

export function jsonOf(value: CapturedValue): string {
  return JSON.stringify(value, (_, member) => (typeof member === 'bigint' ? String(member) : member));
}

/** Members in any order: the server's differs from Java's. */
export function jsonObjectOf(value: CapturedValue): string {
  return sortedEntries(String(value));
}

/**
 * Members of a flat JSON object of strings and nulls, sorted. Not by JSON.parse of the object: V8 in Node 24 takes the key "\\b" for
 * "\\\\" once it has parsed an object with the keys "" and "\\\\" (its cache of shapes compares one-character escapes wrongly).
 */
export function sortedEntries(text: string): string {
  const tokens = text.match(/"(?:[^"\\]|\\.)*"|null/g) ?? [];
  const entries: [unknown, unknown][] = [];
  for (let i = 0; i + 1 < tokens.length; i += 2) entries.push([JSON.parse(tokens[i] ?? ''), JSON.parse(tokens[i + 1] ?? '')]);
  return JSON.stringify(entries.sort());
}

// --- random values ---

export const digits = (maxLength: number) => fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: 1, maxLength });

export const decimals = (whole: number, fraction: number) =>
  fc.tuple(fc.constantFrom('', '-'), digits(whole), digits(fraction)).map(([sign, w, f]) => `${sign}${w}.${f}`);

export const wholes = (min: bigint, max: bigint) => fc.bigInt({ min, max }).map(String);

export const octets = fc.uint8Array({ maxLength: 200 }).map((bytes) => `\\x${Buffer.from(bytes).toString('hex')}`);

export const DOUBLE_HEX = "encode(float8send(v::float8), 'hex')";
