/**
 * Owns what a transform takes and gives: the shape of one kind of record, with everything that Kafka Connect's transforms may change, and the
 * outcome of a stage. Everything is decided once per relation version; a fork decides what depends on the values of a record.
 * Source: org.apache.kafka.connect.source.SourceRecord, org.apache.kafka.connect.transforms.Transformation.
 */
import type { EventView } from '../events/event-view.ts';
import { constantText } from '../events/facts.ts';
import type { RelationName, ValueShape } from '../events/record-shape.ts';

/** Which record it is. It says which of `before` and `after` are there. */
export type RecordKind = 'create' | 'update' | 'read' | 'delete' | 'tombstone' | 'truncate' | 'message' | 'boundary' | 'heartbeat';

export type HeaderShape = {
  readonly name: string;
  /** `other key`: the text of the key that the row had before, or has now. It is made by whoever writes the record. */
  readonly value: ValueShape | 'other key';
};

/** A list that two records may hold together, as in Connect: what is appended in place shows in both. */
export class HeaderList {
  readonly entries: HeaderShape[];

  constructor(entries: readonly HeaderShape[]) {
    this.entries = [...entries];
  }

  copy(): HeaderList {
    return new HeaderList(this.entries);
  }
}

export type NumberReader = (event: EventView) => number | null;

export type ShapedRecord = {
  readonly kind: RecordKind;
  readonly relation: RelationName;
  readonly topic: string;
  /** Undefined: the partitioner chooses. Null for one record: so too. */
  readonly partition: NumberReader | undefined;
  /** Milliseconds; undefined: the record has none, and gets the time when it is sent. */
  readonly timestamp: NumberReader | undefined;
  /** Undefined: null without a schema. */
  readonly key: ValueShape | undefined;
  readonly value: ValueShape | undefined;
  readonly headers: HeaderList;
};

export type Outcome =
  | { readonly tag: 'record'; readonly record: ShapedRecord }
  /** No record: its position counts as done. */
  | { readonly tag: 'dropped' }
  /** `read` gives what the outcome depends on; `branch` makes the outcome for that, and is asked once for each answer that is remembered. */
  | { readonly tag: 'fork'; readonly read: (event: EventView) => string | null; readonly branch: (answer: string | null) => Outcome };

export const DROPPED: Outcome = { tag: 'dropped' };

export function recordOutcome(record: ShapedRecord): Outcome {
  return { tag: 'record', record };
}

/** One class of transforms with its options. Throws TransformError for a record that it cannot take. */
export type Transform = (record: ShapedRecord) => Outcome;

/** The reason never holds a value of a row. */
export class TransformError extends Error {
  override readonly name = 'TransformError';
}

const NULL_FACT = constantText(null);

/** A null that has a schema. */
export function nullOf(schema: ValueShape['schema']): ValueShape {
  return { schema, origin: { from: 'fact', fact: NULL_FACT } };
}

export function isAlwaysNull(shape: ValueShape | undefined): boolean {
  return shape === undefined || (shape.origin.from === 'fact' && shape.origin.fact === NULL_FACT);
}

/** A value whose schema has such a name is an envelope to Debezium's transforms. Nothing else is looked at. */
export function isEnvelope({ value }: ShapedRecord): boolean {
  return value?.schema.name?.endsWith('.Envelope') === true;
}
