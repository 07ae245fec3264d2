/**
 * Owns the body of the Produce request and of its reply, version 9. Does not own the request header, the connection or what the codes mean.
 *
 *   Request => transactional_id COMPACT_NULLABLE_STRING, acks INT16, timeout_ms INT32, [topic], TAGS
 *     topic => name COMPACT_STRING, [index INT32, records COMPACT_RECORDS, TAGS], TAGS
 *   Reply   => [topic], throttle_time_ms INT32, TAGS
 *     topic => name COMPACT_STRING, [partition], TAGS
 *     partition => index INT32, error_code INT16, base_offset INT64, log_append_time_ms INT64, log_start_offset INT64,
 *                  [batch_index INT32, message COMPACT_NULLABLE_STRING, TAGS], error_message COMPACT_NULLABLE_STRING, TAGS
 */
import { byteAt, int16At, int32At, uint32At } from '../../core/byte-reader.ts';
import { ByteWriter } from '../../core/byte-writer.ts';
import { SlotlineError } from '../../core/errors.ts';

type ProducePart = { readonly topic: string; readonly partition: number; readonly bytes: Uint8Array };
export type ProduceOutcome = {
  readonly topic: string;
  readonly partition: number;
  readonly errorCode: number;
  /** -1: the broker does not say. */
  readonly baseOffset: number;
  readonly message: string | undefined;
  /** Index in the batch of the first record that the broker names as refused; undefined: it names none. */
  readonly recordIndex: number | undefined;
};

/** The body in pieces. Record batches are not copied. Parts of one topic may be in any order. */
export function produceBody(parts: readonly ProducePart[], acks: number, timeoutMs: number): Uint8Array[] {
  const byTopic = Map.groupBy(parts, (part) => part.topic);
  const pieces: Uint8Array[] = [];
  const writer = new ByteWriter(256);
  writer.byte(0);
  writer.int16(acks);
  writer.int32(timeoutMs);
  unsignedVarint(writer, byTopic.size + 1);
  for (const [topic, partitions] of byTopic) {
    unsignedVarint(writer, Buffer.byteLength(topic) + 1);
    writer.text(topic);
    unsignedVarint(writer, partitions.length + 1);
    for (const part of partitions) {
      writer.int32(part.partition);
      unsignedVarint(writer, part.bytes.length + 1);
      pieces.push(writer.toOwned(), part.bytes);
      writer.reset();
      writer.byte(0);
    }
    writer.byte(0);
  }
  writer.byte(0);
  pieces.push(writer.toOwned());
  return pieces;
}

function unsignedVarint(writer: ByteWriter, value: number): void {
  let rest = value;
  while (rest >= 0x80) {
    writer.byte((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  writer.byte(rest);
}

/** Throws kafka_reply_incomplete if the bytes end early or a length is impossible. */
export function parseProduceReply(body: Uint8Array): ProduceOutcome[] {
  const reader = new ReplyReader(body);
  const outcomes: ProduceOutcome[] = [];
  const topics = reader.count();
  for (let i = 0; i < topics; i++) {
    const topic = reader.text() ?? '';
    const partitions = reader.count();
    for (let j = 0; j < partitions; j++) outcomes.push(readPartition(reader, topic));
    reader.skipTags();
  }
  return outcomes;
}

function readPartition(reader: ReplyReader, topic: string): ProduceOutcome {
  const partition = reader.int32();
  const errorCode = reader.int16();
  const baseOffset = reader.int64();
  reader.int64();
  reader.int64();
  const recordErrors = reader.count();
  let recordIndex: number | undefined;
  let recordMessage: string | undefined;
  for (let i = 0; i < recordErrors; i++) {
    const index = reader.int32();
    const text = reader.text();
    recordIndex ??= index;
    recordMessage ??= text;
    reader.skipTags();
  }
  const message = recordMessage ?? reader.text();
  if (recordMessage !== undefined) reader.text();
  reader.skipTags();
  return { topic, partition, errorCode, baseOffset, message, recordIndex };
}

class ReplyReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  #take(count: number): number {
    const at = this.#at;
    if (count < 0 || at + count > this.#bytes.length)
      throw new SlotlineError('kafka_reply_incomplete', { bytes: this.#bytes.length, at, wanted: count });
    this.#at = at + count;
    return at;
  }

  int16(): number {
    return int16At(this.#bytes, this.#take(2));
  }

  int32(): number {
    return int32At(this.#bytes, this.#take(4));
  }

  int64(): number {
    const at = this.#take(8);
    return int32At(this.#bytes, at) * 0x1_0000_0000 + uint32At(this.#bytes, at + 4);
  }

  #unsignedVarint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = byteAt(this.#bytes, this.#take(1));
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) break;
    }
    return value;
  }

  /** The length of a compact array; null counts as empty. */
  count(): number {
    return Math.max(0, this.#unsignedVarint() - 1);
  }

  text(): string | undefined {
    const length = this.#unsignedVarint() - 1;
    if (length < 0) return undefined;
    const at = this.#take(length);
    return Buffer.from(this.#bytes.buffer, this.#bytes.byteOffset + at, length).toString('utf8');
  }

  skipTags(): void {
    const tags = this.#unsignedVarint();
    for (let i = 0; i < tags; i++) {
      this.#unsignedVarint();
      this.#take(this.#unsignedVarint());
    }
  }
}
