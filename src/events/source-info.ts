/**
 * Owns the facts of an event's `source` block that change from event to event, and that block's schema. The bytes of the
 * block are the serializers' business: they may cache what is fixed within a transaction by `serial`.
 * Source: io.debezium.connector.postgresql.PostgresSourceInfoStructMaker.
 */
import type { Lsn } from '../core/lsn.ts';
import type { FieldSchema } from '../values/schema.ts';

/** Where a row stands in a snapshot. */
export type SnapshotMarker = 'first' | 'first_in_data_collection' | 'true' | 'last_in_data_collection' | 'last';

/** Of one producer of rows, the stream or a snapshot. */
export class SourceInfo {
  /** Changes whenever anything but `lsn` and `nowUs` does. */
  serial = 0;
  /** Of the row message being emitted. */
  lsn = 0 as Lsn;
  /** Connector's clock, microseconds since the epoch: the envelope's ts_*. */
  nowUs = 0;

  commitTimeUs = 0;
  /** null: not part of a transaction. */
  xid: number | null = null;
  /** Of the last commit seen on this stream, at its start the position where it goes on; null where nothing was streamed yet. */
  lastCommitLsn: Lsn | null = null;
  origin: string | null = null;
  originLsn: Lsn | null = null;
  /** Of the slot, where xmin.fetch.interval.ms asks for it. */
  xmin: number | null = null;
  /** 'false' while streaming. */
  snapshot: SnapshotMarker | 'false' = 'false';

  beginTransaction(facts: { commitTimeUs: number; xid: number }): void {
    this.commitTimeUs = facts.commitTimeUs;
    this.xid = facts.xid;
    this.origin = null;
    this.originLsn = null;
    this.serial++;
  }

  setOrigin(facts: { name: string; lsn: Lsn }): void {
    this.origin = facts.name;
    this.originLsn = facts.lsn;
    this.serial++;
  }

  endTransaction(commitLsn: Lsn): void {
    this.lastCommitLsn = commitLsn;
    this.serial++;
  }

  /** Streaming begins behind a snapshot: the snapshot's transaction was the last one, and no commit of the stream was seen. */
  beginBehind(snapshot: { commitTimeUs: number; xid: number }): void {
    this.beginTransaction(snapshot);
    this.lastCommitLsn = null;
  }

  /** A non-transactional logical message: no xid; the time of the last transaction stays, as Debezium leaves it. */
  leaveTransaction(): void {
    this.xid = null;
    this.serial++;
  }

  setXmin(xmin: number | null): void {
    if (this.xmin === xmin) return;
    this.xmin = xmin;
    this.serial++;
  }

  markSnapshot(marker: SnapshotMarker): void {
    if (this.snapshot === marker) return;
    this.snapshot = marker;
    this.serial++;
  }
}

const required = (type: FieldSchema['type']): FieldSchema => ({ type, optional: false });
const optional = (type: FieldSchema['type']): FieldSchema => ({ type, optional: true });

const SNAPSHOT_SCHEMA: FieldSchema = {
  type: 'string',
  optional: true,
  name: 'io.debezium.data.Enum',
  version: 1,
  parameters: [['allowed', 'true,first,first_in_data_collection,last_in_data_collection,last,false,incremental']],
  defaultValue: 'false',
};

export const SOURCE_SCHEMA: FieldSchema = {
  type: 'struct',
  optional: false,
  name: 'io.debezium.connector.postgresql.Source',
  version: 1,
  fields: [
    { field: 'version', schema: required('string') },
    { field: 'connector', schema: required('string') },
    { field: 'name', schema: required('string') },
    { field: 'ts_ms', schema: required('int64') },
    { field: 'snapshot', schema: SNAPSHOT_SCHEMA },
    { field: 'db', schema: required('string') },
    { field: 'sequence', schema: optional('string') },
    { field: 'ts_us', schema: optional('int64') },
    { field: 'ts_ns', schema: optional('int64') },
    { field: 'schema', schema: required('string') },
    { field: 'table', schema: required('string') },
    { field: 'txId', schema: optional('int64') },
    { field: 'lsn', schema: optional('int64') },
    { field: 'xmin', schema: optional('int64') },
    { field: 'origin', schema: optional('string') },
    { field: 'origin_lsn', schema: optional('int64') },
  ],
};

export const TRANSACTION_BLOCK_SCHEMA: FieldSchema = {
  type: 'struct',
  optional: true,
  name: 'event.block',
  version: 1,
  fields: [
    { field: 'id', schema: required('string') },
    { field: 'total_order', schema: required('int64') },
    { field: 'data_collection_order', schema: required('int64') },
  ],
};
