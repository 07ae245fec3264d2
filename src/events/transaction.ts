/**
 * Owns the place of an event in its transaction: how many came before it, in all and of its table, and the totals that an END tells.
 * Does not own ids and positions, which are the source block's, nor any bytes.
 * Source: io.debezium.pipeline.txmetadata.TransactionContext.
 */

import { SlotlineError } from '../core/errors.ts';
import { bucketsWith, inHashMapOrder, stringHash } from '../core/java/hash-map-order.ts';
import type { Lsn } from '../core/lsn.ts';

export type CollectionCount = { readonly name: string; count: number };

const SHAPE = { hashOf: (collection: CollectionCount): number => stringHash(collection.name) };
const BUCKETS_MIN = 16;
/** `{"data_collection":"","event_count":1},` */
const COLLECTION_BYTES_MIN = 39;

export class TransactionOrder {
  /** Between BEGIN and COMMIT; events outside have no block. */
  open = false;
  /** Of the event that was counted last, from 1. */
  totalOrder = 0;
  collectionOrder = 0;
  readonly #collections = new Map<string, CollectionCount>();
  readonly #endBytesMax: number;
  /** At least so many bytes will the END have. */
  #endBytes = 0;
  /** Debezium empties one hash map after each transaction: a large one changes the order of all that follow. */
  #buckets = BUCKETS_MIN;

  /** An END that is larger for certain cannot be published: nothing is kept for it beyond that. */
  constructor(limits: { readonly endBytesMax: number }) {
    this.#endBytesMax = limits.endBytesMax;
  }

  begin(): void {
    this.#collections.clear();
    this.#endBytes = 0;
    this.open = true;
    this.totalOrder = 0;
    this.collectionOrder = 0;
  }

  /**
   * Counts one event; `collection` is `schema.table`. Records without a value of their own (tombstones) are not events.
   * Throws kafka_record_too_large.
   */
  count(collection: string): void {
    const counted = this.#collections.get(collection) ?? this.#add(collection);
    counted.count++;
    this.totalOrder++;
    this.collectionOrder = counted.count;
  }

  #add(name: string): CollectionCount {
    this.#endBytes += name.length + COLLECTION_BYTES_MIN;
    if (this.#endBytes > this.#endBytesMax) {
      const reason = 'the END of a transaction names each table and each logical message of it';
      throw new SlotlineError('kafka_record_too_large', { reason, named: this.#collections.size });
    }
    const counted = { name, count: 0 };
    this.#collections.set(name, counted);
    return counted;
  }

  /** Ends the transaction; what was counted, in the order in which Debezium names it. */
  end(): readonly CollectionCount[] {
    const collections = [...this.#collections.values()];
    const shape = { ...SHAPE, expected: this.#buckets };
    this.#buckets = bucketsWith(collections, shape);
    this.open = false;
    return inHashMapOrder(collections, shape);
  }
}

const MESSAGE_COLLECTION = 'io.debezium.connector.postgresql.LogicalDecodingMessageMonitor$LogicalDecodingMessageId@';
const IDENTITY_MAX = 0x8000_0000;

/**
 * A logical message is a collection of its own, named by the identity of a Java object, which is another in every run. Here it is made
 * from the message's position: within a transaction all differ, and a repeated delivery names the same.
 */
export function messageCollection(lsn: Lsn): string {
  return `${MESSAGE_COLLECTION}${(lsn % IDENTITY_MAX).toString(16)}`;
}
