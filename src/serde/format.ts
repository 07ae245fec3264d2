/**
 * Owns what a format must offer: how a value of a schema is framed, and the writing of frames and values. Which values a row has, what a
 * null becomes and what happens to a failed cell is the same for all formats (half-writer.ts).
 */
import type { ByteWriter } from '../core/byte-writer.ts';
import type { FieldSchema } from '../values/schema.ts';
import type { ValueWriter } from '../values/value-writer.ts';

/** Where a value is in its struct; undefined: it is the whole key or value. */
export type Place = { readonly field: string; readonly position: number } | undefined;

/** A `Node` says how one value is framed. It is made once per relation version. */
export interface Format<Node> {
  readonly rules: FormatRules;
  writer(out: ByteWriter): FormatWriter<Node>;
  node(schema: FieldSchema, place: Place): Node;
  /** Appends what opens a text, and this ASCII as it stands inside of one. */
  openText(ascii: ByteWriter, out: ByteWriter): void;
  /** The rest of that text, and what closes it. */
  textBehind(text: string): Uint8Array;
  /** Present if a value has fixed bytes before it, null or not. */
  readonly lead?: LeadRules<Node>;
}

export type FormatRules = {
  /** True: a struct that is never null is only its fields and fixed bytes around them. False: its length stands before it. */
  readonly flattens: boolean;
  /** True: the bytes of a value do not depend on what stands before it, so they can be kept and copied. */
  readonly copies: boolean;
  /** True: a null of a field with a default is written as the default. */
  readonly nullIsDefault: boolean;
  /** True: a null may be written even if the schema is not optional. */
  readonly requiredTakesNull: boolean;
};

export type LeadRules<Node> = {
  /** The same node, with these bytes before its own. */
  readonly prepend: (bytes: Uint8Array, node: Node) => Node;
  readonly bytesOf: (node: Node) => Uint8Array;
  readonly withoutBytes: (node: Node) => Node;
};

export interface FormatWriter<Node> extends ValueWriter {
  /** Called before each value of a shape. */
  begin(node: Node): void;
  /** Called when the begun value has failed and its bytes were removed: another value follows in its place. */
  again(node: Node): void;
  /** Begins the value as a struct. The result goes to close(). `reserved` is what close() returned the last time, 1 at first. */
  open(node: Node, reserved: number): number;
  close(start: number, reserved: number): number;
  text(text: string): void;
  /** Writes microseconds as nanoseconds. */
  nanos(us: number): void;
  /** Writes one text: a number between two parts that openText() and textBehind() made. Less than 64 bytes in all. */
  textAround(before: ByteWriter, value: number, behind: Uint8Array): void;
}
