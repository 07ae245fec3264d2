/**
 * Owns the view of one row image: kinds and byte ranges of its cells inside the frame that carries it. One TupleView is
 * reused for every row; it is valid until the next message is decoded.
 */

export const CellKind = { null: 0x6e, unchanged: 0x75, text: 0x74, binary: 0x62 } as const;

/** PostgreSQL allows 1600 columns in a table. */
export const COLUMNS_MAX = 1600;

export class TupleView {
  /** The frame that the ranges point into. */
  source: Uint8Array = new Uint8Array(0);
  count = 0;
  readonly kinds = new Uint8Array(COLUMNS_MAX);
  readonly starts = new Int32Array(COLUMNS_MAX);
  readonly ends = new Int32Array(COLUMNS_MAX);
}
