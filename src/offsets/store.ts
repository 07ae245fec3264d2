/**
 * Owns remembering one connector's offset in a compacted topic, as Kafka Connect does. Does not own the topic's client: it is handed in
 * (kafka/compacted-topic.ts implements it), nor the offset's format (offset.ts).
 */
import { isKeyOf, type OffsetOwner, parseOffset, printOffset, printOffsetKey, type StoredOffset } from './offset.ts';

export type CompactedRecord = {
  readonly key: Uint8Array | undefined;
  /** undefined: a tombstone. */
  readonly value: Uint8Array | undefined;
  readonly timestampMs: number;
};

/** A topic that keeps the last value of each key. */
export interface CompactedTopic {
  /** Visits every record up to the topic's end as of now; creates the topic if it is missing. Waits for Kafka until `signal` aborts. */
  readAll(visit: (record: CompactedRecord) => void, signal: AbortSignal): Promise<void>;
  /** Resolves when every in-sync replica has it. */
  write(key: Uint8Array, value: Uint8Array | undefined, signal: AbortSignal): Promise<void>;
}

export interface OffsetStore {
  /** The remembered offset, or undefined where there is none. Throws offsets_unreadable, or what Kafka refuses. */
  load(signal?: AbortSignal): Promise<StoredOffset | undefined>;
  /** Resolves when it is durable. */
  save(offset: StoredOffset, signal?: AbortSignal): Promise<void>;
  /** Forgets it: the next load() gives undefined. */
  clear(signal?: AbortSignal): Promise<void>;
}

/** For a caller without a bound of its own. */
const CALL_TIMEOUT_MS = 60_000;

export function createOffsetStore(topic: CompactedTopic, owner: OffsetOwner): OffsetStore {
  const key = Buffer.from(printOffsetKey(owner));
  const bound = (signal: AbortSignal | undefined): AbortSignal => signal ?? AbortSignal.timeout(CALL_TIMEOUT_MS);
  return {
    async load(signal) {
      let last: CompactedRecord | undefined;
      // Partitions are read one after another; of two that both hold the key (their number was changed) the younger record counts.
      const visit = (record: CompactedRecord): void => {
        if (record.key === undefined || !isKeyOf(owner, textOf(record.key))) return;
        if (last === undefined || record.timestampMs >= last.timestampMs) last = record;
      };
      await topic.readAll(visit, bound(signal));
      const value = last?.value;
      return value === undefined ? undefined : parseOffset(textOf(value));
    },
    save: (offset, signal) => topic.write(key, Buffer.from(printOffset(offset)), bound(signal)),
    clear: (signal) => topic.write(key, undefined, bound(signal)),
  };
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}
