/**
 * Owns what unavailable.value.placeholder becomes for unchanged TOAST values: as bytes, as text, and inside arrays.
 */

import { createHash } from 'node:crypto';
import { type ConstantWriter, textConstant } from './type-plan.ts';

export type Placeholder = {
  /** A `hex:` prefix has been decoded. */
  readonly bytes: Uint8Array;
  readonly text: string;
};

const HEX_PREFIX = 'hex:';

export function parsePlaceholder(option: string): Placeholder {
  const isHex = option.startsWith(HEX_PREFIX);
  const bytes = isHex ? Buffer.from(option.slice(HEX_PREFIX.length), 'hex') : Buffer.from(option, 'utf8');
  return { bytes, text: bytes.toString('utf8') };
}

/** Java's UUID.nameUUIDFromBytes: version 3 without a namespace. */
export function nameUuid(bytes: Uint8Array): string {
  const digest = createHash('md5').update(bytes).digest();
  digest.writeUInt8((digest.readUInt8(6) & 0x0f) | 0x30, 6);
  digest.writeUInt8((digest.readUInt8(8) & 0x3f) | 0x80, 8);
  return digest.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** An array of one element. */
export function singleElement(write: ConstantWriter): ConstantWriter {
  return (out) => {
    out.beginArray();
    out.element();
    write(out);
    out.endArray();
  };
}

/** int4[], int8[] and date[]: one element for each byte of the placeholder, signed as Java's bytes are. */
export function byteCodes(placeholder: Placeholder, width: 'int32' | 'int64'): ConstantWriter {
  const codes = Int8Array.from(placeholder.bytes, (byte) => (byte << 24) >> 24);
  return (out) => {
    out.beginArray();
    for (const code of codes) {
      out.element();
      if (width === 'int32') out.int32(code);
      else out.int64(code);
    }
    out.endArray();
  };
}

export function uuidElement(placeholder: Placeholder): ConstantWriter {
  return singleElement(textConstant(nameUuid(placeholder.bytes)));
}
