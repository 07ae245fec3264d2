/**
 * Owns writing one half of a record, key or value, in any format. Only here is decided which form a cell has, what a null becomes, and what
 * happens when a value does not convert. It follows steps (half-compiler.ts); the bytes come from the format.
 */
import { byteAt, itemAt } from '../core/byte-reader.ts';
import { ByteWriter } from '../core/byte-writer.ts';
import type { Op } from '../events/envelope.ts';
import type { EventView } from '../events/event-view.ts';
import { isPresent, type RelationName } from '../events/record-shape.ts';
import type { CollectionCount } from '../events/transaction.ts';
import { CellKind, type TupleView } from '../pgoutput/tuple.ts';
import { writePlain } from '../values/plain-value.ts';
import { ConversionError } from '../values/value-writer.ts';
import type { Format, FormatRules, FormatWriter } from './format.ts';
import {
  AFTER,
  BEFORE,
  BYTES,
  CELLS,
  type Cell,
  type CellsStep,
  CLOCK_RUN,
  FACT,
  type FactStep,
  LSN,
  LSN_TEXT,
  type LsnTextStep,
  OP,
  ROW,
  type RowStep,
  type RunStep,
  STRUCT,
  type Step,
  type StructStep,
  TRANSACTION_RUN,
} from './step.ts';
import { UnrepresentableError } from './unrepresentable.ts';

/** A cell that could not be converted. Never contains the value. */
export type ConversionFailure = RelationName & {
  readonly column: string;
  /** The name of the type in PostgreSQL. */
  readonly type: string;
  readonly reason: string;
  /** True when neither null nor a default may stand for the value. */
  readonly isRequired: boolean;
};

export type OnFailure = (failure: ConversionFailure) => void;

export class HalfWriter<Node> {
  readonly #format: Format<Node>;
  readonly #rules: FormatRules;
  readonly #out: ByteWriter;
  readonly #values: FormatWriter<Node>;
  readonly #onFailure: OnFailure;
  readonly #ascii = new ByteWriter(SHORT_BYTES);

  /** The writer appends to `out`. */
  constructor(format: Format<Node>, out: ByteWriter, onFailure: OnFailure) {
    this.#format = format;
    this.#rules = format.rules;
    this.#out = out;
    this.#values = format.writer(out);
    this.#onFailure = onFailure;
  }

  write(steps: readonly Step<Node>[], event: EventView): void {
    const out = this.#out;
    const { info } = event;
    for (let i = 0; i < steps.length; i++) {
      const step = itemAt(steps, i);
      switch (step.kind) {
        case BYTES:
          out.all(step.bytes);
          break;
        case TRANSACTION_RUN:
          if (step.isKept && step.mark === info.serial && step.info === info) out.all(step.bytes);
          else this.#writeRun(step, event, info.serial);
          break;
        case CLOCK_RUN:
          if (step.isKept && step.mark === info.nowUs && step.info === info) out.all(step.bytes);
          else this.#writeRun(step, event, info.nowUs);
          break;
        case ROW:
          this.#writeRow(step, event);
          break;
        case CELLS:
          this.#writeCells(step, imageOf(event, step.image));
          break;
        case LSN_TEXT:
          this.#writeLsnText(step, event);
          break;
        case LSN:
          this.#values.begin(step.node);
          this.#values.int64(info.lsn);
          break;
        case OP:
          out.all(step.ops[event.op]);
          break;
        case STRUCT:
          this.#writeStruct(step, event);
          break;
        case FACT:
          writeFact(this.#values, step.fact, event, this.#rules);
          break;
      }
    }
  }

  /** Writes the run, value by value. Its bytes are kept by the second record that has them, because many transactions have one record. */
  #writeRun(step: RunStep<Node>, event: EventView, mark: number): void {
    const { facts, between } = step;
    const { info } = event;
    const out = this.#out;
    const start = out.length;
    for (let i = 0; i < facts.length; i++) {
      out.all(itemAt(between, i));
      writeFact(this.#values, itemAt(facts, i), event, this.#rules);
    }
    out.all(itemAt(between, facts.length));
    step.isKept = step.mark === mark && step.info === info;
    if (step.isKept) {
      const length = out.length - start;
      // Copying a whole array is cheaper than copying a part of one.
      if (step.bytes.length !== length) step.bytes = new Uint8Array(length);
      step.bytes.set(out.bytes.subarray(start, out.length));
      return;
    }
    step.info = info;
    step.mark = mark;
  }

  /** As #writeStruct, and apart from it: one function for both took 2 % more CPU for each event of the standard drain. */
  #writeRow(step: RowStep<Node>, event: EventView): void {
    const { node, when } = step;
    const values = this.#values;
    if (when !== undefined && !isPresent(event, when)) {
      values.begin(node);
      values.nullValue();
      return;
    }
    const { reserved } = step;
    const start = values.open(node, reserved);
    this.#writeCells(step, imageOf(event, step.image));
    step.reserved = values.close(start, reserved);
  }

  #writeStruct(step: StructStep<Node>, event: EventView): void {
    const { node, when } = step;
    const values = this.#values;
    if (when !== undefined && !isPresent(event, when)) {
      values.begin(node);
      values.nullValue();
      return;
    }
    const { reserved } = step;
    const start = values.open(node, reserved);
    this.write(step.inner, event);
    step.reserved = values.close(start, reserved);
  }

  #writeLsnText(step: LsnTextStep<Node>, event: EventView): void {
    const { node } = step;
    const { info } = event;
    if (step.mark !== info.serial || step.info !== info) {
      this.#ascii.reset();
      step.writeBefore(event, this.#ascii);
      step.before.reset();
      this.#format.openText(this.#ascii, step.before);
      step.mark = info.serial;
      step.info = info;
    }
    this.#values.begin(node);
    this.#values.textAround(step.before, info.lsn, step.behind);
  }

  #writeCells({ cells, relation }: CellsStep<Node> | RowStep<Node>, tuple: TupleView | undefined): void {
    if (tuple === undefined) {
      this.#writeAbsent(cells);
      return;
    }
    const values = this.#values;
    for (let i = 0; i < cells.length; i++) {
      const cell = itemAt(cells, i);
      const { leads } = cell;
      if (leads === undefined) values.begin(cell.node);
      else this.#out.copy(leads, cell.leadStart, cell.leadEnd);
      const kind = cell.index < tuple.count ? byteAt(tuple.kinds, cell.index) : CellKind.null;
      if (kind === CellKind.text) this.#writeText(cell, tuple, relation);
      else if (kind === CellKind.unchanged) this.#writeUnavailable(cell, relation);
      else if (kind === CellKind.null) this.#writeNull(cell.nullRule, cell, relation);
      else throw new ConversionError('binary cell');
    }
  }

  /** The row has no such image: a transform has taken these fields out of it. */
  #writeAbsent(cells: readonly Cell<Node>[]): void {
    for (const { leads, leadStart, leadEnd, node } of cells) {
      if (leads === undefined) this.#values.begin(node);
      else this.#out.copy(leads, leadStart, leadEnd);
      this.#values.nullValue();
    }
  }

  #writeText(cell: Cell<Node>, tuple: TupleView, relation: RelationName): void {
    const out = this.#out;
    const mark = out.length;
    const { index, codec } = cell;
    try {
      codec.write(this.#values, tuple.source, tuple.starts[index] ?? 0, tuple.ends[index] ?? 0);
    } catch (error) {
      out.length = mark;
      this.#writeFailed(error, cell, relation);
    }
  }

  #writeUnavailable(cell: Cell<Node>, relation: RelationName): void {
    const mark = this.#out.length;
    try {
      cell.codec.writeUnavailable(this.#values);
    } catch (error) {
      this.#out.length = mark;
      this.#writeFailed(error, cell, relation);
    }
  }

  #writeFailed(error: unknown, cell: Cell<Node>, relation: RelationName): void {
    const { optional, defaultValue } = cell.codec.schema;
    this.#report(error, { cell, relation, isRequired: (!optional && defaultValue === undefined) || error instanceof UnrepresentableError });
    this.#values.again(cell.node);
    this.#writeNull(cell.failureRule, cell, relation);
  }

  #writeNull(rule: Cell<Node>['nullRule'], cell: Cell<Node>, relation: RelationName): void {
    if (rule === 'null') {
      this.#values.nullValue();
      return;
    }
    const mark = this.#out.length;
    try {
      cell.codec.writeFallback(this.#values);
    } catch (error) {
      this.#out.length = mark;
      // The format cannot hold the default either: nothing may stand for the value.
      this.#report(error, { cell, relation, isRequired: true });
    }
  }

  #report(error: unknown, o: { readonly cell: Cell<Node>; readonly relation: RelationName; readonly isRequired: boolean }): void {
    if (!(error instanceof ConversionError)) throw error;
    const { name, type } = o.cell;
    this.#onFailure({ ...o.relation, column: name, type, reason: error.message, isRequired: o.isRequired });
  }
}

function imageOf(event: EventView, image: number): TupleView | undefined {
  if (image === AFTER) return event.after;
  return image === BEFORE ? event.before : (event.after ?? event.before);
}

const SHORT_BYTES = 64;

export const OP_TEXT = Object.fromEntries(['c', 'u', 'd', 'r', 't', 'm'].map((op) => [op, Uint8Array.of(op.charCodeAt(0))])) as Record<
  Op,
  Uint8Array
>;

/** Writes a fact for which there is no step of its own. */
export function writeFact<Node>(values: FormatWriter<Node>, step: FactStep<Node>, event: EventView, rules: FormatRules): void {
  if (!step.isBegun) values.begin(step.node);
  switch (step.gives) {
    case 'text': {
      const text = step.readText(event);
      if (text === null) writeNullFact(values, step, rules);
      else values.text(text);
      return;
    }
    case 'long': {
      const value = step.readNumber(event);
      if (value === null) values.nullValue();
      else values.int64(value);
      return;
    }
    case 'nanos':
      values.nanos(step.readNumber(event) ?? 0);
      return;
    case 'bytes':
    case 'collections':
    case 'value':
      writeRare(values, step, event, rules);
      return;
    case 'op':
      values.plainAscii(OP_TEXT[event.op], 0, 1);
      return;
    case 'lsn':
    case 'lsnText':
      throw new Error(`${step.gives} belongs to one event`);
  }
}

/** Of records that are no rows, or that a transform has computed. */
function writeRare<Node>(values: FormatWriter<Node>, step: FactStep<Node>, event: EventView, rules: FormatRules): void {
  const { fact, schema } = step;
  if (fact.gives === 'collections') writeCollections(values, fact.read(event));
  if (fact.gives === 'value') {
    const value = fact.read(event);
    if (value === null) writeNullFact(values, step, rules);
    else writePlain(values, schema, value);
  }
  if (fact.gives !== 'bytes') return;
  const bytes = fact.read(event);
  values.bytes(bytes, 0, bytes.length);
}

function writeNullFact<Node>(values: FormatWriter<Node>, { schema }: FactStep<Node>, { nullIsDefault }: FormatRules): void {
  const { defaultValue, optional } = schema;
  if (nullIsDefault && defaultValue !== undefined) writePlain(values, schema, defaultValue);
  else if (!optional) throw new ConversionError('null value for field that is required and has no default value');
  else values.nullValue();
}

function writeCollections(values: FormatWriter<unknown>, collections: readonly CollectionCount[] | null): void {
  if (collections === null) {
    values.nullValue();
    return;
  }
  values.beginArray();
  for (const { name, count } of collections) {
    values.element();
    values.beginStruct();
    values.field('data_collection');
    values.text(name);
    values.field('event_count');
    values.int64(count);
    values.endStruct();
  }
  values.endArray();
}
