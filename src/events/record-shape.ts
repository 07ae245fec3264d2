/**
 * Owns the shape of a record: for key and value which fields there are, with which schema, and where each value comes from. Planned once
 * per relation version and kind of record; a transform makes one shape of another, a serde compiles it, rows only follow it.
 * Does not know bytes (serde/) and does not know which records a change has (pipeline/loop/change-writer.ts).
 */
import type { FieldSchema } from '../values/schema.ts';
import type { EventView } from './event-view.ts';
import type { PlannedColumn } from './row-plan.ts';
import type { CollectionCount } from './transaction.ts';

/** Which image of the row: `key` is the new one, or the old one where there is no new one. */
export type Image = 'before' | 'after' | 'key';

/** Without it a struct is null. */
export type Presence = 'before' | 'after' | 'transaction';

export type Origin =
  | { readonly from: 'struct'; readonly fields: readonly FieldShape[]; readonly when?: Presence }
  | { readonly from: 'column'; readonly column: PlannedColumn; readonly image: Image }
  | { readonly from: 'fact'; readonly fact: Fact };

export type ValueShape = { readonly schema: FieldSchema; readonly origin: Origin };

export type FieldShape = ValueShape & { readonly field: string };

/**
 * How long a value stays the same: for the connector, for the relation, for the transaction (as long as SourceInfo.serial does), for the
 * reading of the clock, for the event. What stays is written once and copied from then on.
 */
export type Lifetime = 'connector' | 'relation' | 'transaction' | 'clock' | 'event';

/** A value that is no cell. `name` is unique among the facts of one type and lifetime. */
export type Fact = { readonly name: string; readonly lasts: Lifetime } & (
  | { readonly gives: 'text'; readonly read: (event: EventView) => string | null }
  | { readonly gives: 'long'; readonly read: (event: EventView) => number | null }
  /** Microseconds, written as nanoseconds: the product may pass 2^53. */
  | { readonly gives: 'nanos'; readonly read: (event: EventView) => number }
  | { readonly gives: 'bytes'; readonly read: (event: EventView) => Uint8Array }
  /** The event's own. */
  | { readonly gives: 'lsn' }
  /** ASCII around the LSN of the event: what stands before it lasts as long as a transaction. */
  | { readonly gives: 'lsnText'; readonly before: (event: EventView) => string; readonly behind: string }
  | { readonly gives: 'op' }
  | { readonly gives: 'collections'; readonly read: (event: EventView) => readonly CollectionCount[] | null }
);

/** The table that a record is about, for what is said of a value that does not convert. */
export type RelationName = { readonly schema: string; readonly table: string };

export type RecordShape = {
  readonly relation: RelationName;
  /** Undefined: a null key. */
  readonly key: ValueShape | undefined;
  /** Undefined: a tombstone. */
  readonly value: ValueShape | undefined;
};

/** The records of one relation version. Where two kinds have one shape they have one object: it is compiled once. */
export type TableShapes = {
  /** Create, update, delete, read. */
  readonly row: RecordShape;
  readonly truncate: RecordShape;
};
