/**
 * Owns the place of an event in its transaction: how many events came before it, in all and of its table; and the totals in END. Does not
 * own ids and positions, which belong to the source block, or any bytes.
 * Source: io.debezium.pipeline.txmetadata.TransactionContext.
 */

import { SlotlineError } from '../core/errors.ts';
import { bucketsWith, inHashMapOrder, stringHash } from '../core/java/hash-map-order.ts';
import type { Lsn } from '../core/lsn.ts';

export type CollectionCount = { readonly name: string; count: number };

const SHAPE = { hashOf: (collection: CollectionCount): number => stringHash(collection.name) };
const BUCKETS_MIN = 16;
/** The bytes of `{"data_collection":"","event_count":1},` */
const COLLECTION_BYTES_MIN = 39;

export class TransactionOrder {
  /** True between BEGIN and COMMIT. Events outside have no transaction block. */
  open = false;
  /** The number of the last counted event in its transaction, from 1. */
  totalOrder = 0;
  collectionOrder = 0;
  readonly #collections = new Map<string, CollectionCount>();
  readonly #endBytesMax: number;
  /** The END will have at least so many bytes. */
  #endBytes = 0;
  /** Debezium reuses one hash map for all transactions. After a large one it stays large, which changes the order of later ones. */
  #buckets = BUCKETS_MIN;

  /** `endBytesMax`: a larger END cannot be published, so beyond that nothing is kept for it. */
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
   * Counts one event. `collection` is `schema.table`. Tombstones are not events.
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

  /** Ends the transaction. Returns its counts in the order in which Debezium lists them. */
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
 * A logical message is a collection of its own. Debezium names it by the identity of a Java object, which differs in every run. Here the name
 * comes from the message's position: it is unique within a transaction, and the same when the message is delivered again.
 */
export function messageCollection(lsn: Lsn): string {
  return `${MESSAGE_COLLECTION}${(lsn % IDENTITY_MAX).toString(16)}`;
}
