/**
 * Owns the message digest MD2 (RFC 1319), which Java offers by default and Node's OpenSSL does not: a Debezium
 * config that asks for it must get the same hash. It protects nothing; do not use it for anything else.
 */
import { byteAt } from '../core/byte-reader.ts';

const BLOCK_BYTES = 16;
const ROUNDS = 18;

/** A permutation of all bytes, made from the digits of pi. */
const SUBSTITUTION = Buffer.from(
  [
    '292e43c9a2d87c013d3654a1ecf0061362a705f3c0c7738c98932bd9bc4c82ca',
    '1e9b573cfdd4e01667426f188a17e512be4ec4d6da9ede49a0fbf58ebb2fee7a',
    'a968799115b2073f94c210890b225f21807f5d9a5a903227353ecce7bff79703',
    'ff1930b348a5b5d1d75e922aac56aac64fb838d296a47db676fc6be29c7404f1',
    '459d705964718720865bcf65e62da8021b6025adaeb0b9f61c46616934407e0f',
    '5547a323dd51af3ac35cf9cebac5ea262c530d6e85288409d3dfcdf441814d52',
    '6adc37c86cc1abfa24e17b080cbdb14a7888958be363e86de9cbd5fe3b001d39',
    'f2efb70e6658d0e4a67772f8eb754b0a314450b48fed1f1adb998d339f118314',
  ].join(''),
  'hex',
);

/** Hex digits of the digest. */
export function md2(message: Uint8Array): string {
  const padding = BLOCK_BYTES - (message.length % BLOCK_BYTES);
  const padded = Buffer.concat([message, Buffer.alloc(padding, padding)]);
  const blocks = Buffer.concat([padded, checksum(padded)]);
  const state = Buffer.alloc(3 * BLOCK_BYTES);
  for (let start = 0; start < blocks.length; start += BLOCK_BYTES) mixBlock(state, blocks, start);
  return state.toString('hex', 0, BLOCK_BYTES);
}

function checksum(padded: Uint8Array): Uint8Array {
  const sum = new Uint8Array(BLOCK_BYTES);
  let last = 0;
  for (let at = 0; at < padded.length; at++) {
    const place = at % BLOCK_BYTES;
    last = byteAt(sum, place) ^ byteAt(SUBSTITUTION, byteAt(padded, at) ^ last);
    sum[place] = last;
  }
  return sum;
}

function mixBlock(state: Uint8Array, blocks: Uint8Array, start: number): void {
  for (let place = 0; place < BLOCK_BYTES; place++) {
    const byte = byteAt(blocks, start + place);
    state[BLOCK_BYTES + place] = byte;
    state[2 * BLOCK_BYTES + place] = byte ^ byteAt(state, place);
  }
  let last = 0;
  for (let round = 0; round < ROUNDS; round++) {
    for (let place = 0; place < state.length; place++) {
      last = byteAt(state, place) ^ byteAt(SUBSTITUTION, last);
      state[place] = last;
    }
    last = (last + round) & 0xff;
  }
}
