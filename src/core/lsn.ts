/**
 * Owns the LSN type: parsing, printing, comparing. Does not know where a position came from or what it means.
 *
 * An LSN is a byte position in PostgreSQL's write-ahead log, 64 bits wide on the wire. It is held as a JavaScript number,
 * which is exact up to 2^53 (LSN 200000/0, that is 9 PB of WAL); larger positions are refused when read, never rounded.
 * A number costs no allocation per row; a bigint would (docs/adr/0006-lsn-as-number.md).
 */
import { SlotlineError } from './errors.ts';

declare const lsnBrand: unique symbol;
export type Lsn = number & { readonly [lsnBrand]: true };

export const LSN_ZERO = 0 as Lsn;

const HIGH_WORD_MAX = 0x1f_ffff;

/** Joins the two 32-bit words of a wire LSN. Throws `lsn_out_of_range` above 2^53 - 1. */
export function lsnFromWords(high: number, low: number): Lsn {
  if (high > HIGH_WORD_MAX) {
    throw new SlotlineError('lsn_out_of_range', { lsn: `${high.toString(16)}/${low.toString(16)}` });
  }
  return (high * 0x1_0000_0000 + low) as Lsn;
}

/** Parses `16/B374D848`. Throws `lsn_malformed`. Source: PostgreSQL manual, "pg_lsn Type". */
export function parseLsn(text: string): Lsn {
  const match = /^([0-9A-Fa-f]{1,8})\/([0-9A-Fa-f]{1,8})$/.exec(text);
  const high = match?.[1];
  const low = match?.[2];
  if (high === undefined || low === undefined) throw new SlotlineError('lsn_malformed', { text });
  return lsnFromWords(Number.parseInt(high, 16), Number.parseInt(low, 16));
}

/** Prints as PostgreSQL does: `16/B374D848`. */
export function formatLsn(lsn: Lsn): string {
  const high = Math.floor(lsn / 0x1_0000_0000);
  const low = lsn - high * 0x1_0000_0000;
  return `${high.toString(16).toUpperCase()}/${low.toString(16).toUpperCase()}`;
}
