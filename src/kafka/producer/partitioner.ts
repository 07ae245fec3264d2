/**
 * Owns which partition a key goes to: as by Kafka's default, murmur2 of the key bytes modulo the partition count, so that records land where
 * the Java client would put them. Does not own records without a key (publisher.ts).
 * Source: org.apache.kafka.common.utils.Utils.murmur2, BuiltInPartitioner.partitionForKey.
 */
import { byteAt } from '../../core/byte-reader.ts';

const SEED = 0x9747b28c;
const MULTIPLIER = 0x5bd1e995;

/** The partition for the key in bytes[start, end). */
export function partitionOfKey(bytes: Uint8Array, start: number, end: number, partitionCount: number): number {
  return (murmur2(bytes, start, end) & 0x7fffffff) % partitionCount;
}

/** Java's murmur2 over bytes[start, end), as a signed 32-bit integer. */
export function murmur2(bytes: Uint8Array, start: number, end: number): number {
  let hash = SEED ^ (end - start);
  let at = start;
  for (; at + 4 <= end; at += 4) {
    let word = byteAt(bytes, at) | (byteAt(bytes, at + 1) << 8) | (byteAt(bytes, at + 2) << 16) | (byteAt(bytes, at + 3) << 24);
    word = Math.imul(word, MULTIPLIER);
    word ^= word >>> 24;
    hash = Math.imul(hash, MULTIPLIER) ^ Math.imul(word, MULTIPLIER);
  }
  const rest = end - at;
  if (rest > 0) {
    if (rest === 3) hash ^= byteAt(bytes, at + 2) << 16;
    if (rest >= 2) hash ^= byteAt(bytes, at + 1) << 8;
    hash = Math.imul(hash ^ byteAt(bytes, at), MULTIPLIER);
  }
  hash = Math.imul(hash ^ (hash >>> 13), MULTIPLIER);
  return hash ^ (hash >>> 15);
}
