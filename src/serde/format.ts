/**
 * Owns what a format has to offer so that records can be written in it: how a value of a schema is framed, and the writes of frames and
 * values. Which values there are, what a null becomes and what a failed cell does is row by row the same for all (half-writer.ts).
 */
import type { ByteWriter } from '../core/byte-writer.ts';
import type { FieldSchema } from '../values/schema.ts';
import type { ValueWriter } from '../values/value-writer.ts';

/** Where a value stands in its struct; undefined: it is the whole key or value. */
export type Place = { readonly field: string; readonly position: number } | undefined;

/** `Node` is how one value is framed, worked out once per relation version. */
export interface Format<Node> {
  readonly rules: FormatRules;
  writer(out: ByteWriter): FormatWriter<Node>;
  node(schema: FieldSchema, place: Place): Node;
  /** The text around a number as textAround() takes it. */
  textBefore(text: string): Uint8Array;
  textBehind(text: string): Uint8Array;
  /** Only where a value has a fixed text before it, null or not. */
  readonly lead?: LeadRules<Node>;
}

export type FormatRules = {
  /** A struct that is always there is its fields and fixed bytes around them; else its length stands before it. */
  readonly flattens: boolean;
  /** The bytes of a value do not depend on what stands before it, so they can be kept and copied. */
  readonly copies: boolean;
  /** A null of a field with a default is written as the default. */
  readonly nullIsDefault: boolean;
  /** A null may stand where the schema is not optional. */
  readonly requiredTakesNull: boolean;
};

export type LeadRules<Node> = {
  /** The node with these bytes before its own. */
  readonly prepend: (bytes: Uint8Array, node: Node) => Node;
  readonly bytesOf: (node: Node) => Uint8Array;
  readonly withoutBytes: (node: Node) => Node;
};

export interface FormatWriter<Node> extends ValueWriter {
  /** Before each value of a shape. */
  begin(node: Node): void;
  /** The value that was begun has failed and what it wrote is taken back: another one follows in its place. */
  again(node: Node): void;
  /** Begins the value and opens it as a struct; the result is for close. `reserved` is what close returned the last time, at first 1. */
  open(node: Node, reserved: number): number;
  close(start: number, reserved: number): number;
  text(text: string): void;
  /** Microseconds as nanoseconds. */
  nanos(us: number): void;
  /** One text: a number between two parts that the format has made (textBefore, textBehind). Below 64 bytes in all. */
  textAround(before: Uint8Array, value: number, behind: Uint8Array): void;
}
