/**
 * Owns the facts of an event's `source` block that change from event to event, and the block's schema. serde/ writes the bytes, and may keep
 * what stays the same until `serial` changes.
 * Source: io.debezium.connector.postgresql.PostgresSourceInfoStructMaker.
 */
import type { Lsn } from '../core/lsn.ts';
import type { FieldSchema } from '../values/schema.ts';

/** The place of a row in a snapshot. */
export type SnapshotMarker = 'first' | 'first_in_data_collection' | 'true' | 'last_in_data_collection' | 'last';

/** Of one producer of rows, the stream or a snapshot. */
export class SourceInfo {
  /** Changes when anything but `lsn` and `nowUs` changes. */
  serial = 0;
  /** LSN of the row message that is being written. */
  lsn = 0 as Lsn;
  /** The connector's clock, in microseconds since the epoch: the envelope's ts_*. */
  nowUs = 0;

  commitTimeUs = 0;
  /** null: not in a transaction. */
  xid: number | null = null;
  /** LSN of the last commit in this stream; at its start the position where it begins; null: nothing was streamed yet. */
  lastCommitLsn: Lsn | null = null;
  origin: string | null = null;
  originLsn: Lsn | null = null;
  /** The slot's catalog_xmin, if xmin.fetch.interval.ms asks for it. */
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

  /** For a non-transactional logical message: there is no xid, and as with Debezium the time of the last transaction stays. */
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
