/** Owns the reuse of the buffers into which record batches are written. Does not limit how many are in use: the publisher does. */

/** The smallest buffer. A topic that sends a small record now and then should not hold much memory. */
const SMALLEST_BYTES = 4 * 1024;
/** How many bytes lie idle at most: enough for a full set of requests in flight to one broker. More is left to the garbage collector. */
const IDLE_BYTES_MAX = 8 * 1024 * 1024;

export class BufferPool {
  readonly #idle = new Map<number, Buffer[]>();
  #idleBytes = 0;

  /** Returns a buffer of at least `bytes`. Its length is a power of two; its content is arbitrary. */
  take(bytes: number): Buffer {
    const size = sizeClass(bytes);
    const reused = this.#idle.get(size)?.pop();
    if (reused === undefined) return Buffer.allocUnsafeSlow(size);
    this.#idleBytes -= size;
    return reused;
  }

  /** Takes a buffer back. Nothing may read or write it afterwards. */
  give(buffer: Buffer): void {
    if (this.#idleBytes + buffer.length > IDLE_BYTES_MAX) return;
    const size = buffer.length;
    const list = this.#idle.get(size);
    if (list === undefined) this.#idle.set(size, [buffer]);
    else list.push(buffer);
    this.#idleBytes += size;
  }
}

function sizeClass(bytes: number): number {
  let size = SMALLEST_BYTES;
  while (size < bytes) size *= 2;
  return size;
}
