/**
 * Owns remembering one connector's offset in a compacted topic, as Kafka Connect does. Does not own the topic's client: it is handed in
 * (kafka/compacted-topic.ts implements it), nor the offset's format (offset.ts).
 */
import { isSameOwner, type OffsetOwner, parseOffset, parseOffsetKey, printOffset, printOffsetKey, type StoredOffset } from './offset.ts';

type CompactedRecord = {
  readonly key: Uint8Array | undefined;
  /** Undefined for a tombstone. */
  readonly value: Uint8Array | undefined;
  readonly timestampMs: number;
};

/** A topic that keeps the last value of each key. */
export interface CompactedTopic {
  /** Visits every record up to the topic's end as of now; creates the topic if it is missing. Waits for Kafka until `signal` aborts. */
  readAll(visit: (record: CompactedRecord) => void, signal: AbortSignal): Promise<void>;
  /** Resolves when every in-sync replica has it. */
  write(key: Uint8Array, value: Uint8Array | undefined, signal: AbortSignal): Promise<void>;
  /** Closes what writing holds open. */
  close(): Promise<void>;
}

/** What all connectors that share the topic remember. */
export type Remembered = {
  readonly own: StoredOffset | undefined;
  /** The offsets of other connectors, where Slotline wrote them. */
  readonly others: readonly { readonly owner: OffsetOwner; readonly offset: StoredOffset }[];
};

export interface OffsetStore {
  /** The remembered offset, or undefined where there is none. Throws offsets_unreadable, or what Kafka refuses. */
  load(signal?: AbortSignal): Promise<StoredOffset | undefined>;
  /** The same, and the offsets of other connectors. */
  loadAll(signal?: AbortSignal): Promise<Remembered>;
  /** Resolves when every in-sync replica has it. */
  save(offset: StoredOffset, signal?: AbortSignal): Promise<void>;
  /** Forgets it: the next load() gives undefined. */
  clear(signal?: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** The bound for a caller that gives no signal. */
const CALL_TIMEOUT_MS = 60_000;

export function createOffsetStore(topic: CompactedTopic, owner: OffsetOwner): OffsetStore {
  const key = Buffer.from(printOffsetKey(owner));
  const bound = (signal: AbortSignal | undefined): AbortSignal => signal ?? AbortSignal.timeout(CALL_TIMEOUT_MS);
  const loadAll = async (signal: AbortSignal | undefined): Promise<Remembered> => {
    const last = new Map<string, { owner: OffsetOwner; record: CompactedRecord }>();
    // Partitions are read one after another. If their number was changed, two may hold the same key; then the younger record counts.
    const visit = (record: CompactedRecord): void => {
      const of = record.key === undefined ? undefined : parseOffsetKey(textOf(record.key));
      if (of === undefined) return;
      const name = printOffsetKey(of);
      const known = last.get(name);
      if (known === undefined || record.timestampMs >= known.record.timestampMs) last.set(name, { owner: of, record });
    };
    await topic.readAll(visit, bound(signal));
    const value = last.get(printOffsetKey(owner))?.record.value;
    const others: Remembered['others'][number][] = [];
    for (const { owner: other, record } of last.values()) {
      const offset = isSameOwner(owner, other) ? undefined : parseForeign(record.value);
      if (offset?.mark !== undefined) others.push({ owner: other, offset });
    }
    return { own: value === undefined ? undefined : parseOffset(textOf(value)), others };
  };
  return {
    load: async (signal) => (await loadAll(signal)).own,
    loadAll,
    save: (offset, signal) => topic.write(key, Buffer.from(printOffset(offset)), bound(signal)),
    clear: (signal) => topic.write(key, undefined, bound(signal)),
    close: () => topic.close(),
  };
}

/** Undefined where another connector's record cannot be read: only its owner must be able to read it. */
function parseForeign(value: Uint8Array | undefined): StoredOffset | undefined {
  try {
    return value === undefined ? undefined : parseOffset(textOf(value));
  } catch {
    return undefined;
  }
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}
