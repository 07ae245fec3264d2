/**
 * Owns the order of a java.util.HashMap: Debezium publishes the members of some values in it, and it is the same for the same
 * keys. Does not know what keys and values are.
 */

import { itemAt } from '../byte-reader.ts';
import { HashMapBins } from './hash-map-bins.ts';

const DEFAULT_BUCKETS = 16;
const LOAD_FACTOR = 0.75;
const TREE_CHAIN_MIN = 8;
const TREE_BUCKETS_MIN = 64;

type HashMapShape<T> = {
  /** Java's hashCode of the entry's key. */
  readonly hashOf: (entry: T) => number;
  /** What Java's HashMap was told to expect; undefined for the map without arguments. */
  readonly expected?: number;
  /** Java's compareTo of the keys; it matters where many keys collide. Without it they keep the order of insertion. */
  readonly compare?: (a: T, b: T) => number;
};

/** String.hashCode. */
export function stringHash(text: string): number {
  let hash = 0;
  for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0;
  return hash;
}

/**
 * Entries with different keys, in the order of their insertion, as iterating the map gives them. Buckets grow as Java grows
 * them: when three quarters as many entries are in, and when a chain gets long in a small table. Splitting keeps the order of
 * a chain, so the order is that of insertion into the final table; but nine colliding keys in a table of 64 and more become a tree.
 */
export function inHashMapOrder<T>(entries: readonly T[], shape: HashMapShape<T>): T[] {
  const hashes = entries.map((entry) => spread(shape.hashOf(entry)));
  if (shape.compare !== undefined && mayHaveTree(hashes)) {
    const bins = new HashMapBins(initialBuckets(shape.expected), shape.compare);
    for (const [index, entry] of entries.entries()) bins.put(entry, itemAt(hashes, index));
    return bins.entries();
  }
  const buckets = grownBuckets(hashes, initialBuckets(shape.expected));
  return entries
    .map((entry, index) => ({ entry, index, bucket: itemAt(hashes, index) & (buckets - 1) }))
    .sort((a, b) => a.bucket - b.bucket || a.index - b.index)
    .map(({ entry }) => entry);
}

/**
 * How many buckets the map has with the entries in it. Clearing a map keeps them: one that is filled again has them as `expected`,
 * and its order depends on what was in it before.
 */
export function bucketsWith<T>(entries: readonly T[], shape: HashMapShape<T>): number {
  const hashes = entries.map((entry) => spread(shape.hashOf(entry)));
  return grownBuckets(hashes, initialBuckets(shape.expected));
}

function grownBuckets(hashes: readonly number[], initial: number): number {
  let buckets = initial;
  for (let count = 0; count < hashes.length; count++) {
    if (buckets < TREE_BUCKETS_MIN && chainLength(hashes.slice(0, count), itemAt(hashes, count), buckets) >= TREE_CHAIN_MIN) buckets *= 2;
    if (count + 1 > Math.floor(buckets * LOAD_FACTOR)) buckets *= 2;
  }
  return buckets;
}

/** Whether a table of the fewest buckets that a tree needs has a chain that is long enough. */
function mayHaveTree(hashes: readonly number[]): boolean {
  if (hashes.length <= TREE_CHAIN_MIN) return false;
  const chains = new Uint32Array(TREE_BUCKETS_MIN);
  for (const hash of hashes) {
    const place = hash & (TREE_BUCKETS_MIN - 1);
    const length = (chains[place] ?? 0) + 1;
    if (length > TREE_CHAIN_MIN) return true;
    chains[place] = length;
  }
  return false;
}

function initialBuckets(expected: number | undefined): number {
  if (expected === undefined) return DEFAULT_BUCKETS;
  let buckets = 1;
  while (buckets < expected) buckets *= 2;
  return buckets;
}

/** HashMap folds the high bits into the low ones, which choose the bucket. */
function spread(hash: number): number {
  return hash ^ (hash >>> 16);
}

/** Looks at every key: it is called only while the table is small. */
function chainLength(hashes: readonly number[], hash: number, buckets: number): number {
  return hashes.reduce((count, other) => (((other ^ hash) & (buckets - 1)) === 0 ? count + 1 : count), 0);
}
