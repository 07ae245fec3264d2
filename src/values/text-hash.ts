/**
 * Owns the hash of a text cell as column.mask.hash.* asks for it: over the salt and the text, either as Java serialises a
 * String (v1) or as plain UTF-8 (v2), in lower-case hex. Cells are hashed one by one where a rule says so, never otherwise.
 * Source: io.debezium.relational.mapping.MaskStrings; java.io.ObjectOutputStream.
 */
import { hash } from 'node:crypto';
import { assert } from '../core/assert.ts';
import { byteAt } from '../core/byte-reader.ts';
import { nodeDigestName } from '../core/java/message-digest.ts';
import { md2 } from './md2.ts';
import { Scratch } from './scratch.ts';

/** Hex digits of source[start, end), which is valid UTF-8. */
type TextHash = (source: Uint8Array, start: number, end: number) => string;

export type TextHashRule = { readonly version: 'v1' | 'v2'; readonly algorithm: string; readonly salt: string };

const scratch = new Scratch(4096);

/** `algorithm` as Java names it; config/ refuses others. */
export function compileTextHash({ version, algorithm, salt }: TextHashRule): TextHash {
  const digest = nodeDigestName(algorithm);
  assert(digest !== undefined, `no message digest ${algorithm}`);
  const prefix = Buffer.from(salt, 'utf8');
  const digestOf = digest === 'md2' ? md2 : (bytes: Uint8Array): string => hash(digest, bytes, 'hex');
  const append = version === 'v1' ? appendSerialized : appendPlain;
  return (source, start, end) => {
    const space = scratch.take(prefix.length + HEADER_BYTES_MAX + (end - start) * 2);
    space.set(prefix, 0);
    const length = append(space, prefix.length, { source, start, end });
    return digestOf(space.subarray(0, length));
  };
}

type Text = { readonly source: Uint8Array; readonly start: number; readonly end: number };

function appendPlain(target: Buffer, at: number, { source, start, end }: Text): number {
  target.set(source.subarray(start, end), at);
  return at + end - start;
}

/** Magic number, version, tag and the longer of the lengths. */
const HEADER_BYTES_MAX = 2 + 2 + 1 + 8;

const TC_STRING = 0x74;
const TC_LONGSTRING = 0x7c;
const SHORT_BYTES_MAX = 0xffff;

/**
 * Grammar (Java Object Serialization Specification, chapter 6): 0xaced magic, 0x0005 version, then a string as
 * TC_STRING(0x74) with its length in 2 bytes or TC_LONGSTRING(0x7c) in 8, in modified UTF-8: characters outside the BMP are
 * two surrogates of three bytes each. (NUL, the other difference, cannot occur in PostgreSQL's text.)
 */
function appendSerialized(target: Buffer, at: number, text: Text): number {
  const count = modifiedLength(text);
  let next = target.writeUInt32BE(0xaced_0005, at);
  if (count <= SHORT_BYTES_MAX) {
    next = target.writeUInt8(TC_STRING, next);
    next = target.writeUInt16BE(count, next);
  } else {
    next = target.writeUInt8(TC_LONGSTRING, next);
    next = target.writeBigUInt64BE(BigInt(count), next);
  }
  return appendModified(target, next, text);
}

const FOUR_BYTES_MIN = 0xf0;

function modifiedLength({ source, start, end }: Text): number {
  let count = end - start;
  for (let i = start; i < end; i++) {
    if (byteAt(source, i) >= FOUR_BYTES_MIN) count += 2;
  }
  return count;
}

function appendModified(target: Buffer, at: number, { source, start, end }: Text): number {
  let next = at;
  for (let i = start; i < end; i++) {
    const byte = byteAt(source, i);
    if (byte < FOUR_BYTES_MIN) {
      target[next++] = byte;
      continue;
    }
    next = appendSurrogates(target, next, source, i);
    i += 3;
  }
  return next;
}

function appendSurrogates(target: Buffer, at: number, source: Uint8Array, start: number): number {
  const point =
    ((byteAt(source, start) & 0x07) << 18) |
    ((byteAt(source, start + 1) & 0x3f) << 12) |
    ((byteAt(source, start + 2) & 0x3f) << 6) |
    (byteAt(source, start + 3) & 0x3f);
  const offset = point - 0x1_0000;
  const middle = appendUnit(target, at, 0xd800 + (offset >> 10));
  return appendUnit(target, middle, 0xdc00 + (offset & 0x3ff));
}

function appendUnit(target: Buffer, at: number, unit: number): number {
  target[at] = 0xe0 | (unit >> 12);
  target[at + 1] = 0x80 | ((unit >> 6) & 0x3f);
  target[at + 2] = 0x80 | (unit & 0x3f);
  return at + 3;
}
