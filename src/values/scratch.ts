/**
 * Owns byte space that a conversion fills and hands to the writer at once, so that no cell allocates. A Scratch serves one
 * conversion at a time: writers copy before they return, and conversions never wait.
 */

/** A single huge value must not pin its size for the life of the process: above this, space is not kept. */
const KEPT_BYTES_MAX = 1024 * 1024;

export class Scratch {
  #bytes: Buffer;

  constructor(initialBytes = 64) {
    this.#bytes = Buffer.allocUnsafeSlow(initialBytes);
  }

  /** Returns at least `count` bytes; they still hold what the last conversion wrote. */
  take(count: number): Buffer {
    if (count <= this.#bytes.length) return this.#bytes;
    if (count > KEPT_BYTES_MAX) return Buffer.allocUnsafeSlow(count);
    this.#bytes = Buffer.allocUnsafeSlow(Math.min(KEPT_BYTES_MAX, Math.max(count, this.#bytes.length * 2)));
    return this.#bytes;
  }
}
