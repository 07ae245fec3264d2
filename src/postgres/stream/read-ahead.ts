/**
 * Owns bytes that were read from a socket before their reader has time for them. So the server can finish sending one result and begin to
 * work on the next while the reader is still busy. Its size is bounded, and it consists of fixed blocks. Does not know what the bytes mean.
 */
import { itemAt } from '../../core/byte-reader.ts';
import type { SocketOwner } from '../session/open-session.ts';
import type { WireReader } from './wire-reader.ts';

const BLOCK_BYTES = 256 * 1024;
/** A block with less room than this counts as full, because small reads cost as much as large ones. */
const ROOM_MIN_BYTES = 32 * 1024;
/** One turn of the event loop hands over this much at most; between turns the socket is read. */
const TURN_BYTES = 1024 * 1024;

type Block = { readonly bytes: Uint8Array; at: number; filled: number };

export class ReadAhead implements SocketOwner {
  readonly #bytesMax: number;
  readonly #reader: WireReader;
  readonly #resumeSocket: () => void;
  readonly onClosed: (error: Error | undefined) => void;
  /** In the order in which they were read; the last one is being filled. */
  readonly #blocks: Block[] = [];
  readonly #free: Block[] = [];
  #waiting = 0;
  #received = 0;
  #scheduled = false;
  #socketPaused = false;

  constructor(o: {
    readonly bytesMax: number;
    readonly reader: WireReader;
    readonly resumeSocket: () => void;
    readonly onClosed: (error: Error | undefined) => void;
  }) {
    this.#bytesMax = o.bytesMax;
    this.#reader = o.reader;
    this.#resumeSocket = o.resumeSocket;
    this.onClosed = o.onClosed;
  }

  get receivedBytes(): number {
    return this.#received;
  }

  get waitingBytes(): number {
    return this.#waiting;
  }

  room(): Uint8Array {
    const last = this.#blocks.at(-1);
    if (last !== undefined && BLOCK_BYTES - last.filled >= ROOM_MIN_BYTES) return last.bytes.subarray(last.filled);
    const block = this.#free.pop() ?? { bytes: new Uint8Array(BLOCK_BYTES), at: 0, filled: 0 };
    block.at = 0;
    block.filled = 0;
    this.#blocks.push(block);
    return block.bytes;
  }

  received(count: number): boolean {
    itemAt(this.#blocks, this.#blocks.length - 1).filled += count;
    this.#waiting += count;
    this.#received += count;
    this.#schedule();
    if (this.#waiting < this.#bytesMax) return true;
    this.#socketPaused = true;
    return false;
  }

  /** Called when the reader has time again. */
  resume(): void {
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled || this.#reader.paused) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#handOver();
    });
  }

  #handOver(): void {
    let handed = 0;
    let goesOn = !this.#reader.paused;
    while (goesOn && this.#waiting > 0 && handed < TURN_BYTES) {
      const count = this.#copyOne();
      handed += count;
      goesOn = this.#reader.received(count);
    }
    if (this.#socketPaused && this.#waiting < this.#bytesMax / 2) {
      this.#socketPaused = false;
      this.#resumeSocket();
    }
    if (goesOn && this.#waiting > 0) this.#schedule();
  }

  #copyOne(): number {
    const block = itemAt(this.#blocks, 0);
    const space = this.#reader.room();
    const count = Math.min(space.length, block.filled - block.at);
    space.set(block.bytes.subarray(block.at, block.at + count));
    block.at += count;
    this.#waiting -= count;
    // The last block stays even when it is empty, because the next read goes into it.
    if (block.at === block.filled && this.#blocks.length > 1) {
      this.#blocks.shift();
      this.#free.push(block);
    }
    return count;
  }
}
