/**
 * Owns Kafka's record batch, format v2. Records are appended straight from a RecordView into one growing buffer; sealing writes header, sequence
 * and checksum once. Sealed bytes never change, so a retry sends the identical batch. Does not decide when to seal or send.
 *
 *   RecordBatch => baseOffset INT64, batchLength INT32, partitionLeaderEpoch INT32, magic INT8 (2), crc UINT32, attributes INT16,
 *                  lastOffsetDelta INT32, baseTimestamp INT64, maxTimestamp INT64, producerId INT64, producerEpoch INT16,
 *                  baseSequence INT32, count INT32, [Record]
 *   Record      => length VARINT, attributes INT8, timestampDelta VARLONG, offsetDelta VARINT,
 *                  keyLength VARINT (-1 null), key, valueLength VARINT (-1 null), value, headers
 */
import { byteAt } from '../../core/byte-reader.ts';
import type { CompressionType } from '../../core/options.ts';
import type { BatchCodec } from '../client-contract.ts';
import type { BufferPool } from './buffer-pool.ts';
import type { RecordView } from './publisher-contract.ts';

export const BATCH_HEADER_BYTES = 61;
const OFFSET_LENGTH = 8;
const OFFSET_MAGIC = 16;
const OFFSET_CRC = 17;
const OFFSET_ATTRIBUTES = 21;
const OFFSET_LAST_DELTA = 23;
const OFFSET_BASE_TIMESTAMP = 27;
const OFFSET_MAX_TIMESTAMP = 35;
const OFFSET_PRODUCER_ID = 43;
const OFFSET_PRODUCER_EPOCH = 51;
const OFFSET_BASE_SEQUENCE = 53;
const OFFSET_COUNT = 57;
/** batchLength counts the bytes from here on. */
const LENGTH_COUNTS_FROM = 12;
const MAGIC = 2;
/** The longest forms of length, attributes, timestampDelta, offsetDelta, keyLength and valueLength. */
const RECORD_OVERHEAD_MAX = 5 + 1 + 10 + 5 + 5 + 5;
/** For fewer bytes a loop is faster than a native copy. */
const SHORT_COPY_BYTES = 32;

const ATTRIBUTE_OF: Readonly<Record<CompressionType, number>> = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 };

export type Sealing = {
  readonly codec: BatchCodec;
  readonly compression: CompressionType;
  /** -1n, -1 and sequence -1 if the producer is not idempotent. */
  readonly producerId: bigint;
  readonly producerEpoch: number;
  readonly baseSequence: number;
};

const NO_BYTES: Buffer = Buffer.alloc(0);

export class RecordBatch {
  /** The ordinal of the first record. */
  readonly firstOrdinal: number;
  /** When the first record was appended, by the monotonic clock. */
  readonly openedAtMs: number;
  count = 0;
  /** Bytes written so far, with the header's space; once sealed, the bytes to send. */
  length = BATCH_HEADER_BYTES;
  baseSequence = -1;
  /** The offset at which the broker wrote it; -1: not known. */
  baseOffset = -1;
  sealed = false;
  /** Set by the queue that sends it. split: its parts are in the queue instead. */
  state: 'waiting' | 'in-flight' | 'failed' | 'split' | 'done' = 'waiting';
  /** A broker refused it for its size, so it is certainly not written. */
  tooLarge = false;
  /** The last answer to it, unless it was acknowledged. */
  refusal: string | undefined;
  /** For a part: the batch that it was cut from. There, `partsLeft` counts the parts that are not acknowledged. */
  whole: RecordBatch | undefined;
  partsLeft = 0;
  /** The next sealed batch of the same partition. */
  next: RecordBatch | undefined;
  /** Bytes of its records before compression. The publisher counts these as held. */
  recordBytes = 0;
  readonly #pool: BufferPool;
  #buffer: Buffer;
  #baseTimestampMs = 0;
  #maxTimestampMs = 0;
  #compression: CompressionType = 'none';

  constructor(firstOrdinal: number, openedAtMs: number, pool: BufferPool, expectedBytes: number) {
    this.firstOrdinal = firstOrdinal;
    this.openedAtMs = openedAtMs;
    this.#pool = pool;
    this.#buffer = pool.take(expectedBytes);
  }

  /** The sealed bytes. They stay valid until release(). */
  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.length);
  }

  /** True if the record certainly fits within `limit` bytes uncompressed. */
  hasRoom(record: RecordView, limit: number): boolean {
    return this.length + recordBytesMax(record) <= limit;
  }

  /** Copies the record to the end of the batch. */
  append(record: RecordView): void {
    const { timestampMs, headers } = record;
    if (this.count === 0) this.#baseTimestampMs = this.#maxTimestampMs = timestampMs;
    else if (timestampMs > this.#maxTimestampMs) this.#maxTimestampMs = timestampMs;
    const timeDelta = timestampMs - this.#baseTimestampMs;
    const keyLength = record.keyEnd < 0 ? -1 : record.keyEnd - record.keyStart;
    const valueLength = record.valueEnd < 0 ? -1 : record.valueEnd - record.valueStart;
    const keyBytes = Math.max(keyLength, 0);
    const valueBytes = Math.max(valueLength, 0);
    const bodyBytes =
      1 +
      wideVarintSize(timeDelta) +
      varintSize(this.count) +
      varintSize(keyLength) +
      keyBytes +
      varintSize(valueLength) +
      valueBytes +
      headers.length;
    const start = this.length;
    this.#ensure(bodyBytes + 5);
    const target = this.#buffer;
    let at = writeVarint(target, start, bodyBytes);
    target[at++] = 0;
    at = writeWideVarint(target, at, timeDelta);
    at = writeVarint(target, at, this.count);
    at = writeVarint(target, at, keyLength);
    at = copyRange(target, at, record.bytes, record.keyStart, keyBytes);
    at = writeVarint(target, at, valueLength);
    at = copyRange(target, at, record.bytes, record.valueStart, valueBytes);
    this.length = copyRange(target, at, headers, 0, headers.length);
    this.recordBytes += this.length - start;
    this.count++;
  }

  #ensure(more: number): void {
    const needed = this.length + more;
    if (needed <= this.#buffer.length) return;
    const grown = this.#pool.take(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(grown, 0, 0, this.length);
    this.#pool.give(this.#buffer);
    this.#buffer = grown;
  }

  /** Writes header, sequence and checksum. Compresses unless that makes it longer. */
  seal(sealing: Sealing): void {
    const compressed = sealing.compression === 'none' ? undefined : this.#compress(sealing.compression, sealing.codec);
    this.#compression = compressed === true ? sealing.compression : 'none';
    const target = this.#buffer;
    target.fill(0, 0, OFFSET_LENGTH);
    target.writeInt32BE(this.length - LENGTH_COUNTS_FROM, OFFSET_LENGTH);
    target.writeInt32BE(-1, OFFSET_LENGTH + 4);
    target[OFFSET_MAGIC] = MAGIC;
    target.writeInt16BE(ATTRIBUTE_OF[this.#compression], OFFSET_ATTRIBUTES);
    target.writeInt32BE(this.count - 1, OFFSET_LAST_DELTA);
    target.writeBigInt64BE(BigInt(this.#baseTimestampMs), OFFSET_BASE_TIMESTAMP);
    target.writeBigInt64BE(BigInt(this.#maxTimestampMs), OFFSET_MAX_TIMESTAMP);
    target.writeBigInt64BE(sealing.producerId, OFFSET_PRODUCER_ID);
    target.writeInt16BE(sealing.producerEpoch, OFFSET_PRODUCER_EPOCH);
    target.writeInt32BE(sealing.baseSequence, OFFSET_BASE_SEQUENCE);
    target.writeInt32BE(this.count, OFFSET_COUNT);
    target.writeUInt32BE(sealing.codec.crc32c(target.subarray(OFFSET_ATTRIBUTES, this.length)), OFFSET_CRC);
    this.baseSequence = sealing.baseSequence;
    this.sealed = true;
  }

  /** Compresses the records in place; returns false if that does not save space. A buffer that is now too large goes back to the pool. */
  #compress(type: Exclude<CompressionType, 'none'>, codec: BatchCodec): boolean {
    const packed = codec.compress(type, this.#buffer.subarray(BATCH_HEADER_BYTES, this.length));
    if (packed.length >= this.length - BATCH_HEADER_BYTES) return false;
    const total = BATCH_HEADER_BYTES + packed.length;
    const wide = this.#buffer;
    this.#buffer = total * 2 <= wide.length ? this.#pool.take(total) : wide;
    this.#buffer.set(packed, BATCH_HEADER_BYTES);
    if (this.#buffer !== wide) this.#pool.give(wide);
    this.length = total;
    return true;
  }

  get uncompressedBytes(): number {
    return BATCH_HEADER_BYTES + this.recordBytes;
  }

  get baseTimestampMs(): number {
    return this.#baseTimestampMs;
  }

  /** The records after the header, uncompressed. */
  records(codec: BatchCodec): Uint8Array {
    const packed = this.#buffer.subarray(BATCH_HEADER_BYTES, this.length);
    return this.#compression === 'none' ? packed : codec.decompress(this.#compression, packed);
  }

  /** Makes an empty batch for some of the records of this one. */
  emptyPart(expectedBytes: number): RecordBatch {
    const part = new RecordBatch(this.firstOrdinal, this.openedAtMs, this.#pool, expectedBytes);
    part.whole = this.whole ?? this;
    return part;
  }

  /** Called when the batch is acknowledged. Returns the original batch if all of it is acknowledged now: itself, unless it is a part. */
  settle(): RecordBatch | undefined {
    const { whole } = this;
    this.release();
    if (whole === undefined) return this;
    if (--whole.partsLeft > 0) return undefined;
    whole.state = 'done';
    return whole;
  }

  /** Called when the bytes are no longer needed: acknowledged, or given up. */
  release(): void {
    if (this.#buffer === NO_BYTES) return;
    this.#pool.give(this.#buffer);
    this.#buffer = NO_BYTES;
  }
}

/** An upper bound of the bytes that the record takes in a batch. */
export function recordBytesMax(record: RecordView): number {
  const keyBytes = record.keyEnd < 0 ? 0 : record.keyEnd - record.keyStart;
  const valueBytes = record.valueEnd < 0 ? 0 : record.valueEnd - record.valueStart;
  return RECORD_OVERHEAD_MAX + keyBytes + valueBytes + record.headers.length;
}

/** Called on any byte array. Unlike set(subarray()) it makes no view object per record. */
const copyBytes = Buffer.prototype.copy;

function copyRange(target: Buffer, at: number, source: Uint8Array, start: number, count: number): number {
  if (count <= SHORT_COPY_BYTES) {
    for (let i = 0; i < count; i++) target[at + i] = byteAt(source, start + i);
  } else {
    copyBytes.call(source, target, at, start, start + count);
  }
  return at + count;
}

/** The number of bytes of a zigzag varint with a 32-bit value. */
function varintSize(value: number): number {
  const zigzag = ((value << 1) ^ (value >> 31)) >>> 0;
  if (zigzag < 0x80) return 1;
  if (zigzag < 0x4000) return 2;
  if (zigzag < 0x20_0000) return 3;
  return zigzag < 0x1000_0000 ? 4 : 5;
}

function writeVarint(target: Buffer, at: number, value: number): number {
  let zigzag = ((value << 1) ^ (value >> 31)) >>> 0;
  while (zigzag >= 0x80) {
    target[at++] = (zigzag & 0x7f) | 0x80;
    zigzag >>>= 7;
  }
  target[at++] = zigzag;
  return at;
}

/** A smaller timestamp delta takes the 32-bit path. It is 12 days. */
const NARROW = 0x3fff_ffff;

function wideVarintSize(value: number): number {
  if (value >= -NARROW && value <= NARROW) return varintSize(value);
  let zigzag = zigzagWide(value);
  let bytes = 1;
  for (; zigzag >= 0x80; bytes++) zigzag = Math.floor(zigzag / 0x80);
  return bytes;
}

function writeWideVarint(target: Buffer, at: number, value: number): number {
  if (value >= -NARROW && value <= NARROW) return writeVarint(target, at, value);
  let zigzag = zigzagWide(value);
  while (zigzag >= 0x80) {
    target[at++] = (zigzag % 0x80) | 0x80;
    zigzag = Math.floor(zigzag / 0x80);
  }
  target[at++] = zigzag;
  return at;
}

/** Exact for deltas within ±2^52 ms. */
function zigzagWide(value: number): number {
  return value >= 0 ? value * 2 : -value * 2 - 1;
}
