/**
 * Owns the hashes of values by which PartitionRouting chooses: Java's hashCode() of the object that Debezium has of a value, and its Murmur
 * hash. Source: java.lang.Object.hashCode and its kin, io.debezium.util.MurmurHash3.
 */
import { type FieldSchema, scaleOf } from '../../values/schema.ts';
import { DECIMAL_NAME } from '../../values/types/decimal.ts';
import type { CapturedValue } from '../../values/value-capture.ts';
import { TransformError } from '../shaped-record.ts';
import { BITS_NAME } from './java-equals.ts';

type Hash = (value: NonNullable<CapturedValue>) => number;

const MILLIS_PER_DAY = 86_400_000;
const MASK_64 = (1n << 64n) - 1n;
const MASK_32 = (1n << 32n) - 1n;
const float = new DataView(new ArrayBuffer(8));

/** Throws TransformError for a schema whose hashes differ from one process to the next. */
export function javaHashOf(schema: FieldSchema): Hash {
  const { type, name, items } = schema;
  if (type === 'struct' || type === 'map' || name === BITS_NAME)
    throw new TransformError(`a value of type ${name ?? type} has another hash in each process of Java`);
  if (name === DECIMAL_NAME) return (value) => decimalHash(bytesOf(value), scaleOf(schema));
  switch (type) {
    case 'boolean':
      return (value) => (value === true ? 1231 : 1237);
    case 'int8':
    case 'int16':
    case 'int32':
      return dateHash(name) ?? ((value) => Number(value) | 0);
    case 'int64':
      return (value) => longHash(typeof value === 'bigint' ? value : BigInt(Number(value)));
    case 'float32':
      return (value) => floatBits(Number(value));
    case 'float64':
      return (value) => doubleHash(Number(value));
    case 'string':
      return (value) => stringHash(String(value));
    case 'bytes':
      return (value) => bytesHash(bytesOf(value));
    case 'array': {
      const hash = javaHashOf(items ?? { type: 'string', optional: true });
      return (value) => listHash(Array.isArray(value) ? value : [], hash);
    }
  }
}

/** Of text its UTF-8, of anything else the bytes of its Java hash. */
export function murmurHashOf(schema: FieldSchema): Hash {
  const hash = javaHashOf(schema);
  return (value) => {
    if (typeof value === 'string') return murmur(Buffer.from(value.replace(LONE_SURROGATE, '?')));
    const bytes = Buffer.alloc(4);
    bytes.writeInt32LE(hash(value));
    return murmur(bytes);
  };
}

const LONE_SURROGATE = /[\ud800-\udfff]/gu;

function bytesOf(value: CapturedValue): Uint8Array {
  return value instanceof Uint8Array ? value : new Uint8Array(0);
}

/** java.util.Date has the hash of its milliseconds. */
function dateHash(name: string | undefined): Hash | undefined {
  if (name === 'org.apache.kafka.connect.data.Date') return (value) => longHash(BigInt(Number(value) * MILLIS_PER_DAY));
  return name === 'org.apache.kafka.connect.data.Time' ? (value) => longHash(BigInt(Number(value))) : undefined;
}

function longHash(value: bigint): number {
  const bits = BigInt.asUintN(64, value);
  return Number(BigInt.asIntN(32, bits ^ (bits >> 32n)));
}

function floatBits(value: number): number {
  if (Number.isNaN(value)) return 0x7fc00000;
  float.setFloat32(0, value);
  return float.getInt32(0);
}

function doubleHash(value: number): number {
  if (Number.isNaN(value)) return 0x7ff80000;
  float.setFloat64(0, value);
  return float.getInt32(0) ^ float.getInt32(4);
}

function stringHash(text: string): number {
  let hash = 0;
  for (let i = 0; i < text.length; i++) hash = (Math.imul(31, hash) + text.charCodeAt(i)) | 0;
  return hash;
}

/** As of a ByteBuffer: from the last byte to the first. */
function bytesHash(bytes: Uint8Array): number {
  return bytes.reduceRight((hash, byte) => (Math.imul(31, hash) + ((byte << 24) >> 24)) | 0, 1);
}

function listHash(items: readonly CapturedValue[], hash: Hash): number {
  return items.reduce<number>((sum, item) => (Math.imul(31, sum) + (item === null ? 0 : hash(item))) | 0, 1);
}

/** As of a BigDecimal, whose unscaled number is a long where it fits into one. */
function decimalHash(bytes: Uint8Array, scale: number): number {
  const unscaled = BigInt.asIntN(bytes.length * 8, BigInt(`0x${Buffer.from(bytes).toString('hex') || '0'}`));
  const size = unscaled < 0n ? -unscaled : unscaled;
  let hash = 0;
  const isLong = size >> 63n === 0n;
  const limbs = isLong ? [size >> 32n, size & MASK_32] : limbsOf(size);
  for (const limb of limbs) hash = (Math.imul(31, hash) + Number(BigInt.asIntN(32, limb))) | 0;
  return (Math.imul(31, unscaled < 0n ? -hash : hash) + scale) | 0;
}

/** 32 bits each, the highest first. */
function limbsOf(size: bigint): readonly bigint[] {
  const limbs: bigint[] = [];
  for (let rest = size; rest > 0n; rest >>= 32n) limbs.unshift(rest & MASK_32);
  return limbs;
}

/** State and constants of MurmurHash3's 128 bits; the result is the upper half of the first 64. */
type Murmur = { h1: bigint; h2: bigint; c1: bigint; c2: bigint };

const SEED = 9001n;
const BLOCK = 16;

function murmur(bytes: Buffer): number {
  const state: Murmur = {
    h1: 0x9368e53c2f6af274n ^ SEED,
    h2: 0x586dcd208f7cd3fdn ^ SEED,
    c1: 0x87c37b91114253d5n,
    c2: 0x4cf5ad432745937fn,
  };
  const end = bytes.length - (bytes.length % BLOCK);
  for (let at = 0; at < end; at += BLOCK) mix(state, bytes.readBigUInt64LE(at), bytes.readBigUInt64LE(at + 8));
  if (end < bytes.length) mix(state, tailOf(bytes, end), tailOf(bytes, end + 8));
  let { h1, h2 } = state;
  h2 ^= BigInt(bytes.length);
  h1 = (h1 + h2) & MASK_64;
  h2 = (h2 + h1) & MASK_64;
  return Number(BigInt.asIntN(32, (finish(h1) + finish(h2)) >> 32n));
}

function mix(state: Murmur, first: bigint, second: bigint): void {
  const { c1, c2 } = state;
  state.h1 ^= (rotated((first * c1) & MASK_64, 23n) * c2) & MASK_64;
  state.h1 = (state.h1 + state.h2) & MASK_64;
  state.h2 = rotated(state.h2, 41n);
  state.h2 ^= (rotated((second * c2) & MASK_64, 23n) * c1) & MASK_64;
  state.h2 = (state.h2 + state.h1) & MASK_64;
  state.h1 = (3n * state.h1 + 0x52dce729n) & MASK_64;
  state.h2 = (3n * state.h2 + 0x38495ab5n) & MASK_64;
  state.c1 = (5n * c1 + 0x7b7d159cn) & MASK_64;
  state.c2 = (5n * c2 + 0x6bce6396n) & MASK_64;
}

/** Up to eight bytes, each sign-extended before it is shifted. */
function tailOf(bytes: Buffer, start: number): bigint {
  let word = 0n;
  for (let i = 0; i < 8 && start + i < bytes.length; i++) word ^= BigInt(bytes.readInt8(start + i)) << BigInt(8 * i);
  return word & MASK_64;
}

function rotated(value: bigint, by: bigint): bigint {
  return ((value << by) | (value >> (64n - by))) & MASK_64;
}

function finish(value: bigint): bigint {
  let mixed = value ^ (value >> 33n);
  mixed = (mixed * 0xff51afd7ed558ccdn) & MASK_64;
  mixed ^= mixed >> 33n;
  mixed = (mixed * 0xc4ceb9fe1a85ec53n) & MASK_64;
  return mixed ^ (mixed >> 33n);
}
