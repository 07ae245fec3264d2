/**
 * Owns a growing output buffer and the primitive writes of the hot path. Does not own any format.
 * `bytes` and `length` are read directly by hot loops; `ensure` must be called before unchecked writes.
 */

const INITIAL_BYTES = 64 * 1024;
const UTF8 = new TextEncoder();

export class ByteWriter {
  /** A plain Uint8Array: its subarray() costs a third of a Buffer's, and hot copies need one each. */
  bytes: Uint8Array;
  length = 0;

  constructor(initialBytes: number = INITIAL_BYTES) {
    this.bytes = new Uint8Array(initialBytes);
  }

  reset(): void {
    this.length = 0;
  }

  /** Makes room for `count` more bytes; earlier views of `bytes` are stale afterwards. */
  ensure(count: number): void {
    if (this.length + count <= this.bytes.length) return;
    let size = this.bytes.length * 2;
    while (size < this.length + count) size *= 2;
    const grown = new Uint8Array(size);
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }

  byte(value: number): void {
    this.ensure(1);
    this.bytes[this.length++] = value;
  }

  /** Copies source[start, end). Short runs are copied by hand: a native call costs more than 32 bytes of loop. */
  copy(source: Uint8Array, start: number, end: number): void {
    const count = end - start;
    this.ensure(count);
    const target = this.bytes;
    let at = this.length;
    if (count <= 48) {
      // biome-ignore lint/style/noNonNullAssertion: bounds are the caller's
      for (let i = start; i < end; i++) target[at++] = source[i]!;
    } else {
      target.set(start === 0 && end === source.length ? source : source.subarray(start, end), at);
      at += count;
    }
    this.length = at;
  }

  all(source: Uint8Array): void {
    this.copy(source, 0, source.length);
  }

  int16(value: number): void {
    this.ensure(2);
    this.bytes[this.length++] = value >>> 8;
    this.bytes[this.length++] = value;
  }

  int32(value: number): void {
    this.ensure(4);
    const target = this.bytes;
    const at = this.length;
    target[at] = value >>> 24;
    target[at + 1] = value >>> 16;
    target[at + 2] = value >>> 8;
    target[at + 3] = value;
    this.length = at + 4;
  }

  /** A safe integer as 64 bits, two's complement. */
  int64(value: number): void {
    const high = Math.floor(value / 0x1_0000_0000);
    this.int32(high | 0);
    this.int32((value - high * 0x1_0000_0000) | 0);
  }

  /** A safe integer in decimal digits. */
  decimal(value: number): void {
    this.ensure(20);
    if (value < 0) {
      this.bytes[this.length++] = 0x2d;
      value = -value;
    }
    if (value >= 0x8000_0000) {
      this.length = writeWideDigits(this.bytes, this.length, value);
      return;
    }
    this.length = writeDigits(this.bytes, this.length, value);
  }

  /** UTF-8 of a JavaScript string; for set-up and once per transaction, not for cells. */
  text(value: string): void {
    this.ensure(value.length * 3);
    const target = this.bytes;
    let at = this.length;
    for (let i = 0; i < value.length; i++) {
      const unit = value.charCodeAt(i);
      if (unit >= 0x80) {
        at += UTF8.encodeInto(value.slice(i), target.subarray(at)).written;
        break;
      }
      target[at++] = unit;
    }
    this.length = at;
  }

  /** A copy that stays valid after the next write. */
  toOwned(start = 0): Buffer {
    return Buffer.from(this.bytes.subarray(start, this.length));
  }
}

/** Digits of a value below 2^31. Returns the position behind them. */
function writeDigits(target: Uint8Array, at: number, value: number): number {
  const end = at + digitCount(value);
  let rest = value | 0;
  let i = end;
  do {
    const quotient = (rest / 10) | 0;
    target[--i] = 0x30 + rest - quotient * 10;
    rest = quotient;
  } while (i > at);
  return end;
}

function writeWideDigits(target: Uint8Array, at: number, value: number): number {
  const high = Math.floor(value / 1e9);
  let low = (value - high * 1e9) | 0;
  const start = high >= 0x8000_0000 ? writeWideDigits(target, at, high) : writeDigits(target, at, high);
  for (let i = start + 8; i >= start; i--) {
    const quotient = (low / 10) | 0;
    target[i] = 0x30 + low - quotient * 10;
    low = quotient;
  }
  return start + 9;
}

function digitCount(value: number): number {
  if (value < 1e5) {
    if (value < 1e2) return value < 10 ? 1 : 2;
    if (value < 1e4) return value < 1e3 ? 3 : 4;
    return 5;
  }
  if (value < 1e7) return value < 1e6 ? 6 : 7;
  if (value < 1e9) return value < 1e8 ? 8 : 9;
  return 10;
}
