/**
 * Owns the interface of a serializer: what the pipeline calls per row, whatever the format. Writes append to the serde's
 * output buffer; the caller remembers where they began.
 */
import type { Op } from '../events/envelope.ts';
import type { TupleView } from '../pgoutput/tuple.ts';

export type SerdeSettings = {
  readonly keySchemas: boolean;
  readonly valueSchemas: boolean;
  /** JsonConverter's replace.null.with.default: an explicit null of a column with a default is printed as the default. */
  readonly replaceNullWithDefault: boolean;
  /** The key converter's own. */
  readonly replaceNullWithDefaultInKeys: boolean;
  /** decimal.format of each converter. */
  readonly keyDecimals: 'BASE64' | 'NUMERIC';
  readonly valueDecimals: 'BASE64' | 'NUMERIC';
  /** How bytes outside of columns (a message's content) are shown: binary.handling.mode. */
  readonly binary: 'bytes' | 'base64' | 'base64-url-safe' | 'hex';
  /** Maps whose keys are no text are lists of `{"key":…,"value":…}`, not of pairs. */
  readonly mapsAreEntries?: boolean;
};

/** A cell that could not be converted. Never holds the value. */
export type ConversionFailure = {
  readonly schema: string;
  readonly table: string;
  readonly column: string;
  /** The type's name in PostgreSQL. */
  readonly type: string;
  readonly reason: string;
  /** Nothing can stand for the value: no null, no default. */
  readonly isRequired: boolean;
};

export interface RowSerializer {
  /** Appends the record's key. False: the table has no key and nothing was written. */
  writeKey(tuple: TupleView): boolean;
  /** Appends the key's struct as the headers of a key change show it. */
  writeKeyHeader(tuple: TupleView): void;
  /** Appends the envelope. */
  writeValue(op: Op, before: TupleView | undefined, after: TupleView | undefined): void;
}

/** What the registry calls the schemas of a record's halves. Undefined where a half is not written in that format, or not asked for yet. */
export type SchemaIds = { readonly key: number | undefined; readonly value: number | undefined };

/** Each half of a record begins with the id of its schema. Without ids a row can be tried, not sent. */
export interface IdentifiedSerializer extends RowSerializer {
  setIds(ids: SchemaIds): void;
}
