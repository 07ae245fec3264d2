/**
 * Owns a model of java.util.HashMap that iterates in Java's order: its bins become trees, and lists again. It is slow, so it is only
 * for maps with so many colliding keys that insertion order does not tell the order of a bin (core/java/hash-map-order.ts).
 */

import { itemAt } from '../byte-reader.ts';
import { type BinNode, binNode, type Compare, putTreeNode, treeify } from './hash-map-tree.ts';

const LOAD_FACTOR = 0.75;
const TREE_CHAIN_MIN = 8;
const TREE_BUCKETS_MIN = 64;
/** When a tree is split, a part with at most this many entries becomes a list again. */
const LIST_ENTRIES_MAX = 6;

type Bin<T> = { first: BinNode<T>; isTree: boolean };

export class HashMapBins<T> {
  #bins: (Bin<T> | undefined)[];
  #size = 0;
  readonly #compare: Compare<T>;

  constructor(buckets: number, compare: Compare<T>) {
    this.#bins = Array.from({ length: buckets }, () => undefined);
    this.#compare = compare;
  }

  get buckets(): number {
    return this.#bins.length;
  }

  /** The map must not hold the entry's key yet. */
  put(entry: T, hash: number): void {
    const place = hash & (this.#bins.length - 1);
    const bin = this.#bins[place];
    const node = binNode(entry, hash);
    if (bin === undefined) this.#bins[place] = { first: node, isTree: false };
    else if (bin.isTree) bin.first = putTreeNode(bin.first, node, this.#compare);
    else this.#append(bin, node);
    if (++this.#size > Math.floor(this.#bins.length * LOAD_FACTOR)) this.#resize();
  }

  entries(): T[] {
    return this.#bins.flatMap((bin) => (bin === undefined ? [] : listed(bin.first).map(({ entry }) => entry)));
  }

  #append(bin: Bin<T>, node: BinNode<T>): void {
    const nodes = listed(bin.first);
    const last = itemAt(nodes, nodes.length - 1);
    last.next = node;
    node.prev = last;
    if (nodes.length < TREE_CHAIN_MIN) return;
    if (this.#bins.length < TREE_BUCKETS_MIN) {
      this.#resize();
      return;
    }
    bin.first = treeify(bin.first, this.#compare);
    bin.isTree = true;
  }

  #resize(): void {
    const old = this.#bins;
    this.#bins = Array.from({ length: old.length * 2 }, () => undefined);
    for (const [place, bin] of old.entries()) {
      if (bin === undefined) continue;
      const nodes = listed(bin.first);
      const low = nodes.filter(({ hash }) => (hash & old.length) === 0);
      const high = nodes.filter(({ hash }) => (hash & old.length) !== 0);
      this.#bins[place] = this.#part(low, bin, high.length > 0);
      this.#bins[place + old.length] = this.#part(high, bin, low.length > 0);
    }
  }

  /** One of the two bins that a bin is split into. A tree that nothing was taken from stays as it is. */
  #part(nodes: readonly BinNode<T>[], bin: Bin<T>, isDivided: boolean): Bin<T> | undefined {
    const [first] = nodes;
    if (first === undefined) return undefined;
    const isTree = bin.isTree && nodes.length > LIST_ENTRIES_MAX;
    if (bin.isTree && isTree && !isDivided) return { first, isTree };
    link(nodes);
    return { first: isTree ? treeify(first, this.#compare) : first, isTree };
  }
}

function listed<T>(first: BinNode<T>): BinNode<T>[] {
  const nodes: BinNode<T>[] = [];
  for (let node: BinNode<T> | undefined = first; node !== undefined; node = node.next) nodes.push(node);
  return nodes;
}

function link<T>(nodes: readonly BinNode<T>[]): void {
  for (const [place, node] of nodes.entries()) {
    node.prev = nodes[place - 1];
    node.next = nodes[place + 1];
  }
}
