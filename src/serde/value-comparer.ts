/**
 * Owns the question whether two tuples of one row give a consumer the same key or value block. Cells are not compared alone: masks, precision
 * and spelling may make different cells alike. Used for key changes and skip.messages.without.change; compiled per relation version.
 * Source: io.debezium.relational.RelationalChangeRecordEmitter.emitUpdateRecord, Struct.equals.
 */
import { byteAt, elementAt } from '../core/byte-reader.ts';
import { ByteWriter } from '../core/byte-writer.ts';
import type { PlannedColumn, RowPlan } from '../events/row-plan.ts';
import { CellKind, type TupleView } from '../pgoutput/tuple.ts';
import { ConversionError } from '../values/value-writer.ts';
import { JsonValueWriter } from './json/value-writer.ts';

const NULL = Buffer.from('null');
const SCRATCH_BYTES = 16 * 1024;
/** Above this size the space is not kept, so that one huge value does not hold memory for ever. */
const SCRATCH_KEPT_BYTES_MAX = 1024 * 1024;

/** The space in which two values are written to compare them. One serves all tables of a task, because one comparison runs at a time. */
export class ComparerScratch {
  readonly out = new ByteWriter(SCRATCH_BYTES);
  readonly values = new JsonValueWriter(this.out);

  begin(): void {
    const { out } = this;
    if (out.bytes.length > SCRATCH_KEPT_BYTES_MAX) out.bytes = new Uint8Array(SCRATCH_BYTES);
    out.reset();
  }
}

export class ValueComparer {
  readonly #columns: readonly PlannedColumn[];
  readonly #scratch: ComparerScratch;
  readonly #out: ByteWriter;
  readonly #values: JsonValueWriter;

  constructor(plan: Pick<RowPlan, 'columns'>, scratch: ComparerScratch) {
    this.#columns = plan.columns;
    this.#scratch = scratch;
    this.#out = scratch.out;
    this.#values = scratch.values;
  }

  /** Without columns the result is always true. A cell that does not convert counts as null; the failure is reported when the row is written. */
  same(before: TupleView, after: TupleView): boolean {
    for (const column of this.#columns) {
      if (!isSameCell(before, after, column.index) && !this.#isSameValue(column, before, after)) return false;
    }
    return true;
  }

  /** A null and a default differ, even if a converter prints them alike. */
  #isSameValue(column: PlannedColumn, before: TupleView, after: TupleView): boolean {
    const out = this.#out;
    this.#scratch.begin();
    const wasNull = this.#write(column, before);
    const middle = out.length;
    const isNull = this.#write(column, after);
    if (wasNull !== isNull && column.codec.nullable) return false;
    if (out.length - middle !== middle) return false;
    return Buffer.compare(out.bytes.subarray(0, middle), out.bytes.subarray(middle, out.length)) === 0;
  }

  /** Writes the value. Returns true if it is a null. */
  #write(column: PlannedColumn, tuple: TupleView): boolean {
    const { index, codec } = column;
    const kind = kindAt(tuple, index);
    if (kind === CellKind.null) {
      this.#writeNull(column);
      return true;
    }
    const out = this.#out;
    const mark = out.length;
    try {
      if (kind === CellKind.unchanged) codec.writeUnavailable(this.#values);
      else codec.write(this.#values, tuple.source, elementAt(tuple.starts, index), elementAt(tuple.ends, index));
      return out.length - mark === NULL.length && out.bytes[mark] === NULL[0];
    } catch (error) {
      if (!(error instanceof ConversionError)) throw error;
      out.length = mark;
      out.all(NULL);
      return true;
    }
  }

  #writeNull({ codec }: PlannedColumn): void {
    if (codec.nullable) this.#out.all(NULL);
    else codec.writeFallback(this.#values);
  }
}

function kindAt(tuple: TupleView, index: number): number {
  return index < tuple.count ? byteAt(tuple.kinds, index) : CellKind.null;
}

function isSameCell(before: TupleView, after: TupleView, index: number): boolean {
  const kind = kindAt(after, index);
  if (kind !== kindAt(before, index)) return false;
  if (kind !== CellKind.text) return true;
  const start = elementAt(after.starts, index);
  const end = elementAt(after.ends, index);
  const oldStart = elementAt(before.starts, index);
  const oldEnd = elementAt(before.ends, index);
  return (
    end - start === oldEnd - oldStart && Buffer.compare(after.source.subarray(start, end), before.source.subarray(oldStart, oldEnd)) === 0
  );
}
