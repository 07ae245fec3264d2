/**
 * Owns the shape of a record: which fields its key and value have, with which schema, and where each value comes from. A shape is planned once
 * per relation version and kind of record; a transform will make another shape of it. A serde compiles it, and rows are written by the result.
 * Does not know bytes (serde/) or which records a change has (pipeline/loop/change-writer.ts).
 */
import type { ByteWriter } from '../core/byte-writer.ts';
import type { FieldSchema } from '../values/schema.ts';
import type { CapturedValue } from '../values/value-capture.ts';
import type { EventView } from './event-view.ts';
import type { PlannedColumn } from './row-plan.ts';
import type { CollectionCount } from './transaction.ts';

/** An image of the row. `key` means the new one, or the old one if there is no new one. */
export type Image = 'before' | 'after' | 'key';

/** What must be present; otherwise the struct is null. */
export type Presence = 'before' | 'after' | 'transaction';

export function isPresent(event: EventView, when: Presence): boolean {
  if (when === 'before') return event.before !== undefined;
  return when === 'after' ? event.after !== undefined : event.order?.open === true;
}

export type Origin =
  | { readonly from: 'struct'; readonly fields: readonly FieldShape[]; readonly when?: Presence }
  | { readonly from: 'column'; readonly column: PlannedColumn; readonly image: Image }
  | { readonly from: 'fact'; readonly fact: Fact };

export type ValueShape = {
  readonly schema: FieldSchema;
  readonly origin: Origin;
  /** For a whole key or value that has no schema in Connect, as a transform makes it. `schema` says how it is written then. */
  readonly schemaless?: true;
};

export type FieldShape = ValueShape & { readonly field: string };

/**
 * How long a value stays the same: for the connector, the relation, the transaction (until SourceInfo.serial changes), until the clock is read
 * again, or for one event only. What stays the same is written once and then copied.
 */
export type Lifetime = 'connector' | 'relation' | 'transaction' | 'clock' | 'event';

/** A value that is no cell. `name` is unique among facts of the same type and lifetime. */
export type Fact = { readonly name: string; readonly lasts: Lifetime } & (
  | { readonly gives: 'text'; readonly read: (event: EventView) => string | null }
  | { readonly gives: 'long'; readonly read: (event: EventView) => number | null }
  /** Microseconds, written as nanoseconds. The product may exceed 2^53. */
  | { readonly gives: 'nanos'; readonly read: (event: EventView) => number }
  | { readonly gives: 'bytes'; readonly read: (event: EventView) => Uint8Array }
  /** The event's LSN. */
  | { readonly gives: 'lsn' }
  /** Text around the event's LSN, in ASCII. The part before it stays the same for a transaction. */
  | { readonly gives: 'lsnText'; readonly writeBefore: (event: EventView, out: ByteWriter) => void; readonly behind: string }
  | { readonly gives: 'op' }
  | { readonly gives: 'collections'; readonly read: (event: EventView) => readonly CollectionCount[] | null }
  /** A value that a transform computes, of any schema. */
  | { readonly gives: 'value'; readonly read: (event: EventView) => CapturedValue }
);

/** The table that a record is about, to name it when a value does not convert. */
export type RelationName = { readonly schema: string; readonly table: string };

export type RecordShape = {
  readonly relation: RelationName;
  /** Undefined: the key is null. */
  readonly key: ValueShape | undefined;
  /** Undefined: the value is null, for a tombstone. */
  readonly value: ValueShape | undefined;
};

/** The record shapes of one relation version. Two kinds with the same shape share one object, so that it is compiled once. */
export type TableShapes = {
  /** For create, update, delete and read. */
  readonly row: RecordShape;
  readonly truncate: RecordShape;
};
