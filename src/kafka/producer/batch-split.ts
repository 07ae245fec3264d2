/**
 * Owns cutting a refused batch into smaller ones: its records are read back from the sealed bytes and appended to new batches, in order. Does
 * not decide when to cut (partition-queue.ts), and does not own the writing of batches (record-batch.ts, which describes the format).
 */
import { byteAt } from '../../core/byte-reader.ts';
import type { BatchCodec } from '../client-contract.ts';
import type { RecordView } from './publisher-contract.ts';
import type { RecordBatch } from './record-batch.ts';

/**
 * Batches of at most `bytesMax` uncompressed bytes, at most half of this batch, or one record. So a batch of two records or more is always
 * cut, even if the broker refused it for another limit than `bytesMax`.
 */
export function splitBatch(batch: RecordBatch, bytesMax: number, codec: BatchCodec): RecordBatch[] {
  const limit = Math.min(bytesMax, Math.floor(batch.uncompressedBytes / 2));
  const parts: RecordBatch[] = [];
  let part: RecordBatch | undefined;
  forEachRecord(batch, codec, (record) => {
    if (part === undefined || !part.hasRoom(record, limit)) {
      part = batch.emptyPart(limit);
      parts.push(part);
    }
    part.append(record);
  });
  return parts;
}

/** Whether a record of the batch has a key; undefined: there is no such record. */
export function hasKey(batch: RecordBatch, recordIndex: number, codec: BatchCodec): boolean | undefined {
  let index = 0;
  let found: boolean | undefined;
  forEachRecord(batch, codec, ({ keyEnd }) => {
    if (index++ === recordIndex) found = keyEnd >= 0;
  });
  return found;
}

/** The view is reused for the next record. */
function forEachRecord(batch: RecordBatch, codec: BatchCodec, visit: (record: RecordView) => void): void {
  const bytes = batch.records(codec);
  const reader = new VarintReader(bytes);
  const view = { bytes, keyStart: 0, keyEnd: -1, valueStart: 0, valueEnd: -1, headers: bytes, timestampMs: 0, partition: -1 };
  for (let i = 0; i < batch.count; i++) {
    const length = reader.next();
    const end = reader.at + length;
    reader.at++;
    view.timestampMs = batch.baseTimestampMs + reader.next();
    reader.next();
    const keyLength = reader.next();
    view.keyStart = reader.at;
    view.keyEnd = keyLength < 0 ? -1 : reader.at + keyLength;
    reader.at += Math.max(keyLength, 0);
    const valueLength = reader.next();
    view.valueStart = reader.at;
    view.valueEnd = valueLength < 0 ? -1 : reader.at + valueLength;
    reader.at += Math.max(valueLength, 0);
    view.headers = bytes.subarray(reader.at, end);
    reader.at = end;
    visit(view);
  }
}

/** Reads zigzag varints of up to 53 bits. */
class VarintReader {
  readonly #bytes: Uint8Array;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  next(): number {
    let zigzag = 0;
    for (let scale = 1; ; scale *= 0x80) {
      const byte = byteAt(this.#bytes, this.at++);
      zigzag += (byte & 0x7f) * scale;
      if (byte < 0x80) break;
    }
    return zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2;
  }
}
