/**
 * Owns the way from a shape to steps. What is fixed becomes bytes; neighbours that stay the same equally long become one run; neighbouring
 * cells become one step. Steps without anything of a relation are shared by all relations of a half; both images of a row share cells.
 */
import { ByteWriter } from '../core/byte-writer.ts';
import type { Op } from '../events/envelope.ts';
import { EventView } from '../events/event-view.ts';
import type { FieldShape, Image, Origin, Presence, RelationName, ValueShape } from '../events/record-shape.ts';
import type { PlannedColumn } from '../events/row-plan.ts';
import { SourceInfo } from '../events/source-info.ts';
import type { Format, Place } from './format.ts';
import { OP_TEXT, writeFact } from './half-writer.ts';
import {
  AFTER,
  BEFORE,
  BYTES,
  CELLS,
  Cell,
  CLOCK_RUN,
  FACT,
  FactStep,
  KEY,
  LSN,
  LSN_TEXT,
  OP,
  ROW,
  type Run,
  STRUCT,
  type Step,
  stepOf,
  TRANSACTION_RUN,
} from './step.ts';

const NO_BYTES = new Uint8Array(0);
const RUN_BYTES = 256;
const SHORT_BYTES = 64;
const IMAGES: Readonly<Record<Image, number>> = { before: BEFORE, after: AFTER, key: KEY };
/** For facts of a connector or a relation, which need no event. */
const NO_EVENT = new EventView(new SourceInfo(), undefined);

export class HalfCompiler<Node> {
  readonly #format: Format<Node>;
  /** Steps that contain nothing of a relation, by what they write. */
  readonly #shared: SharedSteps<Node> = new Map();

  #lastRow: { readonly columns: readonly PlannedColumn[]; readonly steps: readonly Step<Node>[] } | undefined;

  constructor(format: Format<Node>) {
    this.#format = format;
  }

  compile({ schema, origin }: ValueShape, relation: RelationName): readonly Step<Node>[] {
    this.#lastRow = undefined;
    const steps = new StepList(this.#format, this.#shared, relation);
    this.#value(steps, { schema, origin }, undefined);
    return steps.end();
  }

  #value(steps: StepList<Node>, { schema, origin }: ValueShape, place: Place): void {
    const node = this.#format.node(schema, place);
    switch (origin.from) {
      case 'column':
        steps.cell(this.#cellOf(origin, node), IMAGES[origin.image]);
        return;
      case 'fact':
        steps.fact(new FactStep(origin.fact, node, schema), `${place?.position}:${place?.field}:${schema.optional}`);
        return;
      case 'struct':
        this.#struct(steps, origin, node);
    }
  }

  #struct(steps: StepList<Node>, origin: Extract<Origin, { from: 'struct' }>, node: Node): void {
    const format = this.#format;
    if (origin.when !== undefined || !format.rules.flattens) {
      steps.struct(node, origin.when, this.#inner(origin.fields, steps.relation));
      return;
    }
    steps.bytes(fixed(format, (values) => void values.open(node, 1)));
    this.#fields(steps, origin.fields);
    steps.bytes(fixed(format, (values) => void values.close(0, 1)));
  }

  /** Compiles the fields of a row once for both of its images. */
  #inner(fields: readonly FieldShape[], relation: RelationName): readonly Step<Node>[] {
    const row = rowOf(fields);
    const last = this.#lastRow;
    if (row !== undefined && last !== undefined && isSameRow(row.columns, last.columns)) {
      return last.steps.map((step) => (step.kind === CELLS ? stepOf({ ...step, image: IMAGES[row.image] }) : step));
    }
    const inner = new StepList(this.#format, this.#shared, relation);
    this.#fields(inner, fields);
    const steps = inner.end();
    this.#lastRow = row === undefined ? undefined : { columns: row.columns, steps };
    return steps;
  }

  #fields(steps: StepList<Node>, fields: readonly FieldShape[]): void {
    for (const [position, field] of fields.entries()) this.#value(steps, field, { field: field.field, position });
  }

  #cellOf({ column }: Extract<Origin, { from: 'column' }>, node: Node): Cell<Node> {
    const { name, type, index, codec } = column;
    const { nullIsDefault, requiredTakesNull } = this.#format.rules;
    const { optional, defaultValue } = codec.schema;
    const useDefault = defaultValue !== undefined && nullIsDefault;
    const takesNull = optional || requiredTakesNull;
    return new Cell({
      name,
      type,
      index,
      codec,
      node,
      nullRule: !codec.nullable || !takesNull || useDefault ? 'fallback' : 'null',
      failureRule: !optional || useDefault ? 'fallback' : 'null',
    });
  }
}

type SharedSteps<Node> = Map<string, Step<Node>>;

/** The row, if all fields are columns of one image; else undefined. */
function rowOf(fields: readonly FieldShape[]): { readonly columns: readonly PlannedColumn[]; readonly image: Image } | undefined {
  const origins = fields.map(({ origin }) => origin).filter((origin) => origin.from === 'column');
  const image = origins[0]?.image;
  if (image === undefined || origins.length < fields.length || origins.some((origin) => origin.image !== image)) return undefined;
  return { columns: origins.map(({ column }) => column), image };
}

function isSameRow(one: readonly PlannedColumn[], other: readonly PlannedColumn[]): boolean {
  return one.length === other.length && one.every((column, index) => column === other[index]);
}

/** Neighbouring parts that stay the same equally long, to be joined to one step. */
type Pending<Node> = { lasts: 'connector' | 'transaction' | 'clock'; parts: (Uint8Array | FactStep<Node>)[]; key: string };

class StepList<Node> {
  readonly relation: RelationName;
  readonly #format: Format<Node>;
  readonly #shared: SharedSteps<Node>;
  readonly #steps: Step<Node>[] = [];
  #cells: { image: number; cells: Cell<Node>[] } | undefined;
  #pending: Pending<Node> = { lasts: 'connector', parts: [], key: '' };

  constructor(format: Format<Node>, shared: SharedSteps<Node>, relation: RelationName) {
    this.#format = format;
    this.#shared = shared;
    this.relation = relation;
  }

  bytes(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#endCells();
    this.#pending.parts.push(bytes);
    this.#pending.key += `${Buffer.from(bytes).toString('latin1')}\n`;
  }

  fact(step: FactStep<Node>, place: string): void {
    const { lasts } = step.fact;
    this.#endCells();
    // The names of tables that come and go have no end: what a relation has of its own is not shared.
    if (!this.#format.rules.copies && lasts === 'relation') this.#push(this.#factStep(step));
    else if (!this.#format.rules.copies) this.#pushFact(step, place);
    else if (lasts === 'connector') this.bytes(this.#rendered(step));
    else if (lasts === 'relation') this.#relationBytes(step);
    else if (lasts === 'event') this.#eventFact(step, place);
    else this.#join(lasts, step, place);
  }

  cell(cell: Cell<Node>, image: number): void {
    const open = this.#cells;
    if (open?.image === image) {
      open.cells.push(cell);
      return;
    }
    this.#endCells();
    this.#cells = { image, cells: [new Cell({ ...cell, node: this.#withLead(cell.node) })] };
  }

  struct(node: Node, when: Presence | undefined, inner: readonly Step<Node>[]): void {
    this.#endCells();
    const [row] = inner;
    const framed = { node: this.#withLead(node), when, reserved: 1 };
    if (inner.length === 1 && row?.kind === CELLS) this.#push({ ...row, ...framed, kind: ROW });
    else this.#push({ kind: STRUCT, ...framed, inner });
  }

  end(): readonly Step<Node>[] {
    this.#endCells();
    this.#flush();
    return this.#steps;
  }

  #rendered(step: FactStep<Node>): Uint8Array {
    return fixed(this.#format, (values) => writeFact(values, step, NO_EVENT, this.#format.rules));
  }

  /** The bytes before the value are not the relation's, so they are joined with what precedes them. */
  #relationBytes(step: FactStep<Node>): void {
    const detached = this.#detach(step);
    this.#flush();
    this.#push({ kind: BYTES, bytes: this.#rendered(detached) });
  }

  #eventFact(step: FactStep<Node>, place: string): void {
    const detached = this.#detach(step);
    this.#flush();
    this.#pushFact(detached, place);
  }

  #pushFact(step: FactStep<Node>, place: string): void {
    // What a transform computes is a relation's own.
    if (step.fact.gives === 'value') this.#push(this.#factStep(step));
    else this.#pushShared(`fact\n${step.fact.name}@${place}`, () => this.#factStep(step));
  }

  #factStep(step: FactStep<Node>): Step<Node> {
    const { fact, node } = step;
    switch (fact.gives) {
      case 'lsn':
        return { kind: LSN, node };
      case 'op':
        return this.#format.rules.copies ? { kind: OP, ops: this.#opsOf(node) } : { kind: FACT, fact: step };
      case 'lsnText': {
        const behind = this.#format.textBehind(fact.behind);
        return {
          kind: LSN_TEXT,
          node,
          writeBefore: fact.writeBefore,
          before: new ByteWriter(SHORT_BYTES),
          behind,
          info: undefined,
          mark: -1,
        };
      }
      default:
        return { kind: FACT, fact: step };
    }
  }

  #opsOf(node: Node): Readonly<Record<Op, Uint8Array>> {
    const bytesOf = (op: Op): Uint8Array =>
      fixed(this.#format, (values) => {
        values.begin(node);
        values.plainAscii(OP_TEXT[op], 0, 1);
      });
    return { c: bytesOf('c'), u: bytesOf('u'), d: bytesOf('d'), r: bytesOf('r'), t: bytesOf('t'), m: bytesOf('m') };
  }

  /** Puts the fixed bytes before a fact where they are not written with it. */
  #detach(step: FactStep<Node>): FactStep<Node> {
    const { lead } = this.#format;
    if (lead === undefined) return step;
    this.bytes(lead.bytesOf(step.node));
    return step.withoutLead(lead.withoutBytes(step.node));
  }

  /** If fixed bytes precede the value, and its node has a lead, they become part of the lead. */
  #withLead(node: Node): Node {
    const { lead } = this.#format;
    const { lasts, parts } = this.#pending;
    if (lead === undefined || lasts !== 'connector' || parts.length === 0) {
      this.#flush();
      return node;
    }
    const bytes = joined(parts.filter((part) => part instanceof Uint8Array));
    this.#pending = { lasts: 'connector', parts: [], key: '' };
    return lead.prepend(bytes, node);
  }

  #join(lasts: 'transaction' | 'clock', step: FactStep<Node>, place: string): void {
    if (this.#pending.lasts !== 'connector' && this.#pending.lasts !== lasts) this.#flush();
    const detached = this.#detach(step);
    const pending = this.#pending;
    pending.lasts = lasts;
    pending.parts.push(detached);
    pending.key += `${step.fact.name}@${place}\n`;
  }

  #endCells(): void {
    if (this.#cells === undefined) return;
    const { image, cells } = this.#cells;
    this.#cells = undefined;
    this.#push({ kind: CELLS, image, cells: this.#packed(cells), relation: this.relation });
  }

  /** Moves the bytes before the values into one array. */
  #packed(cells: readonly Cell<Node>[]): readonly Cell<Node>[] {
    const { lead } = this.#format;
    if (lead === undefined) return cells;
    const leads = joined(cells.map(({ node }) => lead.bytesOf(node)));
    let leadEnd = 0;
    return cells.map((cell) => {
      const leadStart = leadEnd;
      leadEnd += lead.bytesOf(cell.node).length;
      return new Cell({ ...cell, node: lead.withoutBytes(cell.node), leads, leadStart, leadEnd });
    });
  }

  #flush(): void {
    const { lasts, parts, key } = this.#pending;
    if (parts.length === 0) return;
    this.#pending = { lasts: 'connector', parts: [], key: '' };
    if (lasts === 'connector') this.#push({ kind: BYTES, bytes: joined(parts.filter((part) => part instanceof Uint8Array)) });
    else this.#pushShared(`${lasts}\n${key}`, () => this.#runOf(lasts, parts));
  }

  #runOf(lasts: 'transaction' | 'clock', parts: Pending<Node>['parts']): Step<Node> {
    const kind = lasts === 'transaction' ? TRANSACTION_RUN : CLOCK_RUN;
    return { kind, ...runOf(parts), bytes: NO_BYTES, isKept: false, info: undefined, mark: -1 };
  }

  #pushShared(key: string, make: () => Step<Node>): void {
    const step = this.#shared.get(key) ?? stepOf(make());
    this.#shared.set(key, step);
    this.#steps.push(step);
  }

  #push(step: Step<Node>): void {
    this.#steps.push(stepOf(step));
  }
}

function fixed<Node>(format: Format<Node>, write: (values: ReturnType<Format<Node>['writer']>) => void): Uint8Array {
  const out = new ByteWriter(RUN_BYTES);
  write(format.writer(out));
  return Uint8Array.from(out.bytes.subarray(0, out.length));
}

function runOf<Node>(parts: readonly (Uint8Array | FactStep<Node>)[]): Run<Node> {
  const facts: FactStep<Node>[] = [];
  const between: Uint8Array[][] = [[]];
  for (const part of parts) {
    if (part instanceof Uint8Array) between.at(-1)?.push(part);
    else {
      facts.push(part);
      between.push([]);
    }
  }
  return { facts, between: between.map(joined) };
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  // An array of its own, not a slice of Buffer's pool, because hot loops copy from it.
  return Uint8Array.from(Buffer.concat(parts));
}
