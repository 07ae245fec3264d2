/**
 * Owns the receive buffer of a connection whose socket was taken over, and the split of its bytes into backend messages.
 * Reads as much as the kernel has into one buffer and hands out views of it: no frame is copied. Does not know what the
 * messages mean. Source: PostgreSQL manual, "Message Formats": Byte1 tag, Int32 length (itself included), body.
 */
import { byteAt, int32At } from '../../core/byte-reader.ts';
import { SlotlineError } from '../../core/errors.ts';

/** One read takes up to this much; a socket that is drained in large reads costs fewer system calls than frames. */
const BUFFER_BYTES = 256 * 1024;
/** Below this much room the unread rest is moved to the front before the next read. */
const ROOM_MIN_BYTES = 64 * 1024;
const HEADER_BYTES = 5;

type WireHandler = {
  /** Called with the body of one message, bytes[start, end), valid until the call returns or its promise resolves. A promise pauses reading. */
  onMessage(tag: number, bytes: Uint8Array, start: number, end: number): undefined | Promise<void>;
  /** Called when all whole messages received so far were handled. A promise pauses reading: here back-pressure reaches the socket. */
  onDrained(): undefined | Promise<void>;
  /** Called when onMessage or onDrained failed; nothing more is handled. */
  onError(error: unknown): void;
};

export class WireReader {
  readonly #handler: WireHandler;
  readonly #resume: () => void;
  #bytes = new Uint8Array(BUFFER_BYTES);
  /** Unhandled bytes are [#at, #filled). */
  #at = 0;
  #filled = 0;
  #busy = false;
  #stopped = false;
  #receivedBytes = 0;

  /** `resume` makes the socket deliver again after `received` returned false. */
  constructor(handler: WireHandler, resume: () => void) {
    this.#handler = handler;
    this.#resume = resume;
  }

  get paused(): boolean {
    return this.#busy;
  }

  /** Bytes received since the connection was taken over. */
  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  /** The memory for the next read. */
  room(): Uint8Array {
    if (!this.#busy) this.#compact();
    if (this.#bytes.length - this.#filled < ROOM_MIN_BYTES) this.#reallocate();
    return this.#bytes.subarray(this.#filled);
  }

  /** `count` bytes were read into room(). False: the socket must pause until resume is called. */
  received(count: number): boolean {
    this.#filled += count;
    this.#receivedBytes += count;
    if (this.#stopped) return false;
    if (this.#busy) return false;
    return this.#run();
  }

  stop(): void {
    this.#stopped = true;
  }

  #run(): boolean {
    let pending: Promise<void> | undefined;
    try {
      pending = this.#handleAll();
    } catch (error) {
      this.#fail(error);
      return false;
    }
    if (pending === undefined) return true;
    this.#busy = true;
    pending.then(
      () => {
        this.#busy = false;
        if (!this.#stopped && this.#run()) this.#resume();
      },
      (error) => this.#fail(error),
    );
    return false;
  }

  /** Handles whole messages until one asks to wait. */
  #handleAll(): Promise<void> | undefined {
    const handler = this.#handler;
    while (!this.#stopped) {
      const available = this.#filled - this.#at;
      if (available < HEADER_BYTES) break;
      const bytes = this.#bytes;
      const at = this.#at;
      const length = int32At(bytes, at + 1);
      if (length < 4) throw new SlotlineError('stream_frame_unknown', { reason: 'impossible length', length });
      if (available < length + 1) break;
      this.#at = at + 1 + length;
      const pending = handler.onMessage(byteAt(bytes, at), bytes, at + HEADER_BYTES, this.#at);
      if (pending !== undefined) return pending;
    }
    return this.#stopped ? undefined : this.#handler.onDrained();
  }

  #fail(error: unknown): void {
    this.#stopped = true;
    this.#handler.onError(error);
  }

  #compact(): void {
    const rest = this.#filled - this.#at;
    if (rest === 0) {
      this.#at = 0;
      this.#filled = 0;
      if (this.#bytes.length > BUFFER_BYTES) this.#bytes = new Uint8Array(BUFFER_BYTES);
      return;
    }
    if (this.#bytes.length - this.#filled >= ROOM_MIN_BYTES) return;
    this.#bytes.copyWithin(0, this.#at, this.#filled);
    this.#at = 0;
    this.#filled = rest;
  }

  /** A new buffer with room for the message that does not fit; the old one stays intact for whoever still looks at it. */
  #reallocate(): void {
    const rest = this.#filled - this.#at;
    const wanted = rest >= HEADER_BYTES ? int32At(this.#bytes, this.#at + 1) + 1 : 0;
    const size = Math.max(BUFFER_BYTES, Math.min(rest * 2, wanted) + 2 * ROOM_MIN_BYTES);
    const grown = new Uint8Array(size);
    grown.set(this.#bytes.subarray(this.#at, this.#filled));
    this.#bytes = grown;
    this.#at = 0;
    this.#filled = rest;
  }
}

/** Simple query: 'Q' Int32 length, String. */
export function queryMessage(sql: string): Buffer {
  const text = Buffer.from(sql);
  const message = Buffer.alloc(text.length + 6);
  message[0] = 0x51;
  message.writeInt32BE(text.length + 5, 1);
  text.copy(message, 5);
  return message;
}
