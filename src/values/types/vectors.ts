/**
 * Owns pgvector's vector, halfvec and sparsevec.
 */

import { byteAt } from '../../core/byte-reader.ts';
import { inHashMapOrder } from '../../core/java/hash-map-order.ts';
import { ASCII, type CellWriter, cellText, malformed, type TypePlan, writeEmptyArray } from '../type-plan.ts';
import { ConversionError, type ValueWriter } from '../value-writer.ts';
import { parseFloat32, parseFloat64 } from './numbers.ts';

type NumberWriter = (out: ValueWriter, source: Uint8Array, start: number, end: number) => void;

/** `[1,2.5,-3]`; pgvector prints no space, and has no vector of no dimension. */
function vectorWriter(writeNumber: NumberWriter): CellWriter {
  return (out, source, start, end) => {
    const last = end - 1;
    if (end - start < 3 || byteAt(source, start) !== ASCII.leftBracket || byteAt(source, last) !== ASCII.rightBracket) {
      throw malformed('vector');
    }
    out.beginArray();
    let from = start + 1;
    for (let at = from; at <= last; at++) {
      if (at < last && byteAt(source, at) !== ASCII.comma) continue;
      out.element();
      writeNumber(out, source, from, at);
      from = at + 1;
    }
    out.endArray();
  };
}

export const VECTOR_PLAN: TypePlan = {
  schema: { type: 'array', items: { type: 'float64', optional: false }, name: 'io.debezium.data.DoubleVector', version: 1 },
  write: vectorWriter((out, source, start, end) => out.float64(parseFloat64(source, start, end))),
  writeZero: writeEmptyArray,
};

export const HALFVEC_PLAN: TypePlan = {
  schema: { type: 'array', items: { type: 'float32', optional: false }, name: 'io.debezium.data.FloatVector', version: 1 },
  write: vectorWriter((out, source, start, end) => out.float32(parseFloat32(source, start, end))),
  writeZero: writeEmptyArray,
};

const SPARSE_TEXT = /^\{([^{}]*)\}\/([0-9]+)$/;
const SPARSE_ENTRY = /^([0-9]+):(.+)$/;
/** Debezium holds dimensions and indexes as 16-bit integers; pgvector has up to a billion. */
const DIMENSIONS_MAX = 0x7fff;

/** `{1:1.5,3:2}/5`, members in the order of the java.util.HashMap that Debezium makes of them. */
function writeSparse(out: ValueWriter, source: Uint8Array, start: number, end: number): void {
  const [, list, dimensions] = SPARSE_TEXT.exec(cellText(source, start, end)) ?? [];
  if (list === undefined || dimensions === undefined) throw malformed('sparse vector');
  if (Number(dimensions) > DIMENSIONS_MAX) throw new ConversionError(`sparse vector has more than ${DIMENSIONS_MAX} dimensions`);
  const entries = list === '' ? [] : list.split(',').map(sparseEntry);
  writeSparseOf(
    out,
    Number(dimensions),
    inHashMapOrder(entries, { hashOf: ([index]) => index, compare: ([a], [b]) => a - b, expected: entries.length }),
  );
}

function sparseEntry(text: string): readonly [index: number, value: number] {
  const [, index, value] = SPARSE_ENTRY.exec(text) ?? [];
  if (index === undefined || value === undefined || Number(index) > DIMENSIONS_MAX) throw malformed('sparse vector');
  const bytes = Buffer.from(value);
  return [Number(index), parseFloat64(bytes, 0, bytes.length)];
}

function writeSparseOf(out: ValueWriter, dimensions: number, entries: readonly (readonly [number, number])[]): void {
  out.beginStruct();
  out.field('dimensions');
  out.int32(dimensions);
  out.field('vector');
  out.beginIntMap();
  for (const [index, value] of entries) {
    out.intMapKey(index);
    out.float64(value);
  }
  out.endIntMap();
  out.endStruct();
}

export const SPARSEVEC_PLAN: TypePlan = {
  schema: {
    type: 'struct',
    name: 'io.debezium.data.SparseDoubleVector',
    version: 1,
    doc: 'Sparse double vector',
    fields: [
      { field: 'dimensions', schema: { type: 'int16', optional: false } },
      {
        field: 'vector',
        schema: {
          type: 'map',
          keys: { type: 'int16', optional: false },
          values: { type: 'float64', optional: false },
          optional: false,
        },
      },
    ],
  },
  write: writeSparse,
  writeZero: (out) => writeSparseOf(out, 0, []),
};

/** Debezium builds the elements of sparsevec[] for another schema: an array that holds any becomes null. */
export const SPARSEVEC_ELEMENT_PLAN: TypePlan = {
  ...SPARSEVEC_PLAN,
  write: () => {
    throw new ConversionError('sparsevec[] has no form in Debezium events');
  },
};
