/** Owns the steps that a shape is compiled to. half-compiler.ts makes them; half-writer.ts follows them for each row. */
import type { ByteWriter } from '../core/byte-writer.ts';
import type { Op } from '../events/envelope.ts';
import type { EventView } from '../events/event-view.ts';
import type { Fact, Presence, RelationName } from '../events/record-shape.ts';
import type { SourceInfo } from '../events/source-info.ts';
import type { FieldSchema } from '../values/schema.ts';
import type { ValueCodec } from '../values/value-writer.ts';

/** Fixed bytes. */
export const BYTES = 0;
/** Values that stay the same for a transaction. */
export const TRANSACTION_RUN = 1;
/** Values that stay the same until the clock is read again. */
export const CLOCK_RUN = 2;
/** Neighbouring cells of one image. */
export const CELLS = 3;
/** A struct of cells of one image that may be null, or has its length before it. A row is that in most formats. */
export const ROW = 4;
/** Any other struct that may be null, or has its length before it. */
export const STRUCT = 5;
/** Text around the LSN. */
export const LSN_TEXT = 6;
/** The letter of the operation. */
export const OP = 7;
/** The LSN as a number. */
export const LSN = 8;
/** Any other fact. */
export const FACT = 9;

export const BEFORE = 0;
export const AFTER = 1;
export const KEY = 2;

/** What is written for a null cell; decided per column. */
type NullRule = 'null' | 'fallback';

type CellParts<Node> = {
  readonly name: string;
  readonly type: string;
  readonly index: number;
  readonly codec: ValueCodec;
  readonly node: Node;
  readonly leads?: Uint8Array | undefined;
  readonly leadStart?: number;
  readonly leadEnd?: number;
  readonly nullRule: NullRule;
  /** What is written for a cell that could not be converted. */
  readonly failureRule: NullRule;
};

/** A class, so that all cells have the same hidden class in V8: the loop over them is hot. */
export class Cell<Node> {
  readonly codec: ValueCodec;
  readonly node: Node;
  /**
   * Where the fixed bytes before the value are, in a format that has them: they are written here, and the value is not begun. Neighbouring
   * cells share one array, because an array takes more memory than the bytes.
   */
  readonly leads: Uint8Array | undefined;
  readonly leadStart: number;
  readonly leadEnd: number;
  readonly index: number;
  readonly nullRule: NullRule;
  readonly failureRule: NullRule;
  readonly name: string;
  readonly type: string;

  constructor(parts: CellParts<Node>) {
    this.codec = parts.codec;
    this.node = parts.node;
    this.leads = parts.leads;
    this.leadStart = parts.leadStart ?? 0;
    this.leadEnd = parts.leadEnd ?? 0;
    this.index = parts.index;
    this.nullRule = parts.nullRule;
    this.failureRule = parts.failureRule;
    this.name = parts.name;
    this.type = parts.type;
  }
}

/** A class, so that all facts have the same hidden class, whatever they give: nine of them are read for each transaction. */
export class FactStep<Node> {
  readonly fact: Fact;
  readonly node: Node;
  readonly schema: FieldSchema;
  /** True: nothing is left to write before the value. */
  readonly isBegun: boolean;
  readonly gives: Fact['gives'];
  readonly readText: (event: EventView) => string | null;
  readonly readNumber: (event: EventView) => number | null;

  constructor(fact: Fact, node: Node, schema: FieldSchema, isBegun = false) {
    this.fact = fact;
    this.node = node;
    this.schema = schema;
    this.isBegun = isBegun;
    this.gives = fact.gives;
    this.readText = fact.gives === 'text' ? fact.read : nothing;
    this.readNumber = fact.gives === 'long' || fact.gives === 'nanos' ? fact.read : nothing;
  }

  /** The same fact where its node's fixed bytes are written before it. */
  withoutLead(node: Node): FactStep<Node> {
    return new FactStep(this.fact, node, this.schema, true);
  }
}

function nothing(): null {
  return null;
}

/** Bytes and facts that stay the same equally long. */
export type Run<Node> = {
  readonly facts: readonly FactStep<Node>[];
  /** Fixed bytes before each fact and behind the last one: one more than there are facts. */
  readonly between: readonly Uint8Array[];
};

type Kept = {
  /** What `bytes` or `before` was written for: these source facts, and this serial or reading of the clock. */
  info: SourceInfo | undefined;
  mark: number;
};

type Cells<Node> = {
  readonly cells: readonly Cell<Node>[];
  /** BEFORE, AFTER or KEY. */
  readonly image: number;
  readonly relation: RelationName;
};

/** `reserved`: how many bytes the struct's length needed the last time. */
type Framed<Node> = { readonly node: Node; readonly when: Presence | undefined; reserved: number };

type BytesStep = { readonly kind: typeof BYTES; readonly bytes: Uint8Array };
/** `bytes`: what the run wrote last, in an array of exactly its size, if `isKept`. */
export type RunStep<Node> = Kept &
  Run<Node> & { readonly kind: typeof TRANSACTION_RUN | typeof CLOCK_RUN; bytes: Uint8Array; isKept: boolean };
export type CellsStep<Node> = Cells<Node> & { readonly kind: typeof CELLS };
export type RowStep<Node> = Cells<Node> & Framed<Node> & { readonly kind: typeof ROW };
export type StructStep<Node> = Framed<Node> & { readonly kind: typeof STRUCT; readonly inner: readonly Step<Node>[] };
/** `before`: the part before the LSN, as it was written last. */
export type LsnTextStep<Node> = Kept & {
  readonly kind: typeof LSN_TEXT;
  readonly node: Node;
  readonly writeBefore: (event: EventView, out: ByteWriter) => void;
  readonly before: ByteWriter;
  readonly behind: Uint8Array;
};
type LsnStep<Node> = { readonly kind: typeof LSN; readonly node: Node };
/** `ops`: the whole value for each operation. */
type OpStep = { readonly kind: typeof OP; readonly ops: Readonly<Record<Op, Uint8Array>> };
type ValueStep<Node> = { readonly kind: typeof FACT; readonly fact: FactStep<Node> };

export type Step<Node> =
  | BytesStep
  | RunStep<Node>
  | CellsStep<Node>
  | RowStep<Node>
  | StructStep<Node>
  | LsnTextStep<Node>
  | LsnStep<Node>
  | OpStep
  | ValueStep<Node>;

/** Gives every step all properties, so that all have the same hidden class in V8: the loop over them is hot. */
export function stepOf<Node>(parts: Step<Node>): Step<Node> {
  const form = {
    kind: 0,
    bytes: NONE,
    facts: NONE,
    between: NONE,
    cells: NONE,
    image: 0,
    relation: NONE,
    node: NONE,
    when: NONE,
    reserved: 1,
    inner: NONE,
  };
  return Object.assign(
    { ...form, writeBefore: NONE, before: NONE, behind: NONE, fact: NONE, ops: NONE, isKept: false, info: undefined, mark: -1 },
    parts,
  );
}

const NONE = undefined;
