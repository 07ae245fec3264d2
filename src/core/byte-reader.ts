/**
 * Owns unchecked reads from byte arrays: the callers have proved the bounds. Does not own any format.
 * All multi-byte integers are big-endian, as on PostgreSQL's and Kafka's wire.
 */

type Bytes = Uint8Array;

export function byteAt(bytes: Bytes, index: number): number {
  // biome-ignore lint/style/noNonNullAssertion: callers prove the bounds; a check per byte costs a third of the decoder
  return bytes[index]!;
}

export function int16At(bytes: Bytes, index: number): number {
  return ((byteAt(bytes, index) << 24) | (byteAt(bytes, index + 1) << 16)) >> 16;
}

export function int32At(bytes: Bytes, index: number): number {
  return (byteAt(bytes, index) << 24) | (byteAt(bytes, index + 1) << 16) | (byteAt(bytes, index + 2) << 8) | byteAt(bytes, index + 3);
}

export function uint32At(bytes: Bytes, index: number): number {
  return int32At(bytes, index) >>> 0;
}

/** An element of a typed array that the caller knows to be inside. */
export function elementAt(array: Int32Array | Uint8Array | Float64Array | Uint32Array, index: number): number {
  // biome-ignore lint/style/noNonNullAssertion: as byteAt
  return array[index]!;
}

/** An element of an array that the caller knows to be inside. */
export function itemAt<T>(array: readonly T[], index: number): T {
  return array[index] as T;
}
