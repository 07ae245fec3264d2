/**
 * Owns the facts of a record, its values that are no cells, by their names in Debezium's blocks: where each is read and how long it stays the
 * same. Source: io.debezium.connector.postgresql.PostgresSourceInfoStructMaker, io.debezium.pipeline.txmetadata.TransactionStructMaker.
 */
import type { Fact, Lifetime } from './record-shape.ts';

/** Constants of a connector. `name` is topic.prefix, `version` is Slotline's. */
export type SourceConstants = { readonly version: string; readonly name: string; readonly db: string };

export type BinaryMode = 'bytes' | 'base64' | 'base64-url-safe' | 'hex';

export function constantText(value: string | null, lasts: Lifetime = 'connector'): Fact {
  return { name: `text:${value}`, gives: 'text', lasts, read: () => value };
}

const millis = (us: number): number => Math.floor(us / 1000);

/** Facts of the commit to which the row belongs. */
export const COMMIT_FACTS = {
  ts_ms: { name: 'commit.ts_ms', gives: 'long', lasts: 'transaction', read: ({ info }) => millis(info.commitTimeUs) },
  ts_us: { name: 'commit.ts_us', gives: 'long', lasts: 'transaction', read: ({ info }) => info.commitTimeUs },
  ts_ns: { name: 'commit.ts_ns', gives: 'nanos', lasts: 'transaction', read: ({ info }) => info.commitTimeUs },
} as const satisfies Readonly<Record<string, Fact>>;

/** Facts of the source block. While streaming the snapshot marker is null, and its default says false. */
export const SOURCE_FACTS = {
  snapshot: {
    name: 'snapshot',
    gives: 'text',
    lasts: 'transaction',
    read: ({ info }) => (info.snapshot === 'false' ? null : info.snapshot),
  },
  sequence: {
    name: 'sequence',
    gives: 'lsnText',
    lasts: 'event',
    writeBefore: ({ info: { lastCommitLsn } }, out) => {
      if (lastCommitLsn === null) {
        out.text('[null,"');
        return;
      }
      out.text('["');
      out.decimal(lastCommitLsn);
      out.text('","');
    },
    behind: '"]',
  },
  txId: { name: 'txId', gives: 'long', lasts: 'transaction', read: ({ info }) => info.xid },
  lsn: { name: 'lsn', gives: 'lsn', lasts: 'event' },
  xmin: { name: 'xmin', gives: 'long', lasts: 'transaction', read: ({ info }) => info.xmin },
  origin: { name: 'origin', gives: 'text', lasts: 'transaction', read: ({ info }) => info.origin },
  origin_lsn: { name: 'origin_lsn', gives: 'long', lasts: 'transaction', read: ({ info }) => info.originLsn },
} as const satisfies Readonly<Record<string, Fact>>;

/** Facts of an event's place in its transaction. */
export const ORDER_FACTS = {
  id: {
    name: 'transaction.id',
    gives: 'lsnText',
    lasts: 'event',
    writeBefore: ({ info: { xid } }, out) => {
      if (xid !== null) out.decimal(xid);
      out.text(':');
    },
    behind: '',
  },
  total_order: { name: 'total_order', gives: 'long', lasts: 'event', read: ({ order }) => order?.totalOrder ?? 0 },
  data_collection_order: { name: 'collection_order', gives: 'long', lasts: 'event', read: ({ order }) => order?.collectionOrder ?? 0 },
} as const satisfies Readonly<Record<string, Fact>>;

/** Facts of the connector's clock at the time when the event was read. */
export const CLOCK_FACTS = {
  ts_ms: { name: 'clock.ts_ms', gives: 'long', lasts: 'clock', read: ({ info }) => millis(info.nowUs) },
  ts_us: { name: 'clock.ts_us', gives: 'long', lasts: 'clock', read: ({ info }) => info.nowUs },
  ts_ns: { name: 'clock.ts_ns', gives: 'nanos', lasts: 'clock', read: ({ info }) => info.nowUs },
} as const satisfies Readonly<Record<string, Fact>>;

export const OP_FACT: Fact = { name: 'op', gives: 'op', lasts: 'event' };

/** Facts of BEGIN and END. */
export const BOUNDARY_FACTS = {
  id: { name: 'boundary.id', gives: 'text', lasts: 'event', read: ({ info }) => `${info.xid}:${info.lsn}` },
  event_count: { name: 'boundary.event_count', gives: 'long', lasts: 'event', read: ({ eventCount }) => eventCount },
  data_collections: { name: 'boundary.collections', gives: 'collections', lasts: 'event', read: ({ collections }) => collections },
} as const satisfies Readonly<Record<string, Fact>>;

export const MESSAGE_PREFIX_FACT: Fact = { name: 'message.prefix', gives: 'text', lasts: 'event', read: ({ message }) => message.prefix };

/** The content of a logical message, written as binary.handling.mode says. */
export function contentFact(binary: BinaryMode): Fact {
  const common = { name: `message.content.${binary}`, lasts: 'event' } as const;
  if (binary === 'bytes') return { ...common, gives: 'bytes', read: ({ message }) => message.content };
  return { ...common, gives: 'text', read: ({ message }) => binaryText(Buffer.from(message.content), binary) };
}

function binaryText(bytes: Buffer, binary: Exclude<BinaryMode, 'bytes'>): string {
  if (binary === 'hex') return bytes.toString('hex');
  const text = bytes.toString('base64');
  return binary === 'base64' ? text : text.replaceAll('+', '-').replaceAll('/', '_');
}
