/** Owns reuse of the buffers that record batches are written into. Does not own how many are out at a time: the publisher's bound does. */

/** A topic that sends one small record now and then must not hold much. */
const SMALLEST_BYTES = 4 * 1024;
/** What lies idle at most: a full set of requests in flight to one broker. Above it a buffer is left to the garbage collector. */
const IDLE_BYTES_MAX = 8 * 1024 * 1024;

export class BufferPool {
  readonly #idle = new Map<number, Buffer[]>();
  #idleBytes = 0;

  /** A buffer of at least `bytes`, a power of two long; its content is arbitrary. */
  take(bytes: number): Buffer {
    const size = sizeClass(bytes);
    const reused = this.#idle.get(size)?.pop();
    if (reused === undefined) return Buffer.allocUnsafeSlow(size);
    this.#idleBytes -= size;
    return reused;
  }

  /** Nothing may read or write the buffer afterwards. */
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
