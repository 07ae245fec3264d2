/**
 * Owns bytea in every binary.handling.mode, and bit strings.
 */

import { byteAt } from '../../core/byte-reader.ts';
import type { ValueModes } from '../pg-type.ts';
import type { Placeholder } from '../placeholder.ts';
import { Scratch } from '../scratch.ts';
import {
  ASCII,
  bytesConstant,
  type CellWriter,
  type ConstantWriter,
  malformed,
  type TypePlan,
  textConstant,
  writeEmptyText,
  writeFalse,
} from '../type-plan.ts';
import type { ValueWriter } from '../value-writer.ts';

type BinaryMode = ValueModes['binary'];

const scratch = new Scratch(4096);

const NO_BYTES = new Uint8Array(0);
const NOT_HEX = 0xff;

/** Value of a hex digit by its ASCII code. */
const HEX_VALUES = new Uint8Array(256).fill(NOT_HEX);
for (let value = 0; value < 16; value++) {
  HEX_VALUES[value.toString(16).charCodeAt(0)] = value;
  HEX_VALUES[value.toString(16).toUpperCase().charCodeAt(0)] = value;
}

/** Decodes pairs of hex digits into the target. Returns the count of bytes. */
export function decodeHex(target: Uint8Array, source: Uint8Array, start: number, end: number): number {
  let count = 0;
  for (let at = start; at < end; at += 2) {
    const high = byteAt(HEX_VALUES, byteAt(source, at));
    const low = byteAt(HEX_VALUES, byteAt(source, at + 1));
    if ((high | low) > 15) throw malformed('bytea in hex form');
    target[count++] = (high << 4) | low;
  }
  return count;
}

/** bytea_output is pinned to hex: `\x` and two digits a byte. Returns where the digits start. */
function hexStart(source: Uint8Array, start: number, end: number): number {
  const length = end - start;
  if (length < 2 || length % 2 !== 0) throw malformed('bytea in hex form');
  if (byteAt(source, start) !== ASCII.backslash || byteAt(source, start + 1) !== ASCII.lowerX) {
    throw malformed('bytea in hex form');
  }
  return start + 2;
}

function writeRawBytes(out: ValueWriter, source: Uint8Array, start: number, end: number): void {
  const first = hexStart(source, start, end);
  const target = scratch.take((end - first) / 2);
  out.bytes(target, 0, decodeHex(target, source, first, end));
}

function writeHex(out: ValueWriter, source: Uint8Array, start: number, end: number): void {
  const first = hexStart(source, start, end);
  for (let at = first; at < end; at++) {
    if (byteAt(HEX_VALUES, byteAt(source, at)) > 15) throw malformed('bytea in hex form');
  }
  out.plainAscii(source, first, end);
}

const BASE64 = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/');
const BASE64_URL = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_');

/** With padding in both alphabets, as Java's encoders. */
function base64Writer(alphabet: Uint8Array): CellWriter {
  return (out, source, start, end) => {
    const first = hexStart(source, start, end);
    const count = (end - first) / 2;
    const encodedLength = Math.ceil(count / 3) * 4;
    const target = scratch.take(count + encodedLength);
    decodeHex(target, source, first, end);
    encodeBase64(target, count, alphabet);
    out.plainAscii(target, count, count + encodedLength);
  };
}

/** Encodes target[0, count); the result begins at target[count]. */
function encodeBase64(target: Uint8Array, count: number, alphabet: Uint8Array): void {
  let at = count;
  for (let i = 0; i < count; i += 3) {
    const second = i + 1 < count ? byteAt(target, i + 1) : 0;
    const third = i + 2 < count ? byteAt(target, i + 2) : 0;
    const group = (byteAt(target, i) << 16) | (second << 8) | third;
    target[at] = byteAt(alphabet, group >> 18);
    target[at + 1] = byteAt(alphabet, (group >> 12) & 63);
    target[at + 2] = i + 1 < count ? byteAt(alphabet, (group >> 6) & 63) : ASCII.equals;
    target[at + 3] = i + 2 < count ? byteAt(alphabet, group & 63) : ASCII.equals;
    at += 4;
  }
}

const BYTEA_WRITERS: Record<BinaryMode, CellWriter> = {
  bytes: writeRawBytes,
  base64: base64Writer(BASE64),
  'base64-url-safe': base64Writer(BASE64_URL),
  hex: writeHex,
};

function byteaPlaceholder(mode: BinaryMode, placeholder: Placeholder): ConstantWriter | undefined {
  if (mode === 'bytes') return bytesConstant(placeholder.bytes);
  // Debezium knows no placeholder where bytes become base64.
  return mode === 'hex' ? textConstant(placeholder.text) : undefined;
}

export function byteaPlan(mode: BinaryMode, placeholder: Placeholder): TypePlan {
  return {
    schema: { type: mode === 'bytes' ? 'bytes' : 'string' },
    write: BYTEA_WRITERS[mode],
    writeZero: mode === 'bytes' ? bytesConstant(NO_BYTES) : writeEmptyText,
    writePlaceholder: byteaPlaceholder(mode, placeholder),
  };
}

/** Types that Debezium knows nothing of, under include.unknown.datatypes: their text, encoded as bytea would be. */
export function unknownPlan(mode: BinaryMode, placeholder: Placeholder): TypePlan {
  return { ...byteaPlan(mode, placeholder), write: TEXT_AS_BINARY_WRITERS[mode] };
}

const TEXT_AS_BINARY_WRITERS: Record<BinaryMode, CellWriter> = {
  bytes: (out, source, start, end) => out.bytes(source, start, end),
  base64: encodedTextWriter('base64'),
  'base64-url-safe': encodedTextWriter('base64-url-safe'),
  hex: encodedTextWriter('hex'),
};

/** Goes through the codec of bytea itself, which is slow; only rare types need it. */
function encodedTextWriter(mode: BinaryMode): CellWriter {
  return (out, source, start, end) => {
    const hex = Buffer.from(`\\x${Buffer.from(source.subarray(start, end)).toString('hex')}`);
    BYTEA_WRITERS[mode](out, hex, 0, hex.length);
  };
}

/**
 * Little-endian, the rightmost bit the lowest of the first byte, cut behind the highest set bit: all zeros are no bytes
 * (what Debezium's java.util.BitSet leaves).
 */
function writeBits(out: ValueWriter, source: Uint8Array, start: number, end: number): void {
  const target = scratch.take((end - start + 7) >> 3);
  let count = 0;
  let byte = 0;
  let bit = 0;
  let used = 0;
  for (let at = end - 1; at >= start; at--) {
    const digit = byteAt(source, at) - ASCII.zero;
    if (digit >>> 0 > 1) throw malformed('bit string');
    byte |= digit << bit;
    if (++bit < 8 && at > start) continue;
    target[count++] = byte;
    if (byte !== 0) used = count;
    byte = 0;
    bit = 0;
  }
  out.bytes(target, 0, used);
}

function writeSingleBit(out: ValueWriter, source: Uint8Array, start: number, end: number): void {
  if (start === end) throw malformed('bit');
  let set = false;
  for (let at = start; at < end; at++) {
    const digit = byteAt(source, at) - ASCII.zero;
    if (digit >>> 0 > 1) throw malformed('bit');
    set ||= digit === 1;
  }
  out.boolean(set);
}

const SINGLE_BIT_PLAN: TypePlan = { schema: { type: 'boolean' }, write: writeSingleBit, writeZero: writeFalse };

/** `length` in bits; a single bit is a boolean. */
export function bitsPlan(length: number): TypePlan {
  if (length <= 1) return SINGLE_BIT_PLAN;
  return {
    schema: { type: 'bytes', name: 'io.debezium.data.Bits', version: 1, parameters: [['length', String(length)]] },
    write: writeBits,
    writeZero: bytesConstant(NO_BYTES),
  };
}
