/**
 * Owns reading a value of a shape as a plain JavaScript value, for what depends on the values of a record: routes, conditions, converted
 * fields. Slower than the steps that write a record; only what needs the value pays for it.
 */
import { byteAt } from '../core/byte-reader.ts';
import { ByteWriter } from '../core/byte-writer.ts';
import type { EventView } from '../events/event-view.ts';
import { type Fact, type FieldShape, type Image, isPresent, type Origin, type Presence, type ValueShape } from '../events/record-shape.ts';
import type { PlannedColumn } from '../events/row-plan.ts';
import { CellKind, type TupleView } from '../pgoutput/tuple.ts';
import { type CapturedValue, ValueCapture } from '../values/value-capture.ts';

export type ValueReader = (event: EventView) => CapturedValue;

/** `substituted`: a null is read as the schema's default, as org.apache.kafka.connect.data.Struct.get does. */
export function readerOf(shape: ValueShape, { substituted }: { readonly substituted: boolean }): ValueReader {
  const raw = rawReader(shape.origin);
  const { defaultValue } = shape.schema;
  return substituted && defaultValue !== undefined ? (event) => raw(event) ?? defaultValue : raw;
}

function rawReader(origin: Origin): ValueReader {
  switch (origin.from) {
    case 'column':
      return columnReader(origin.column, origin.image);
    case 'fact':
      return factReader(origin.fact);
    case 'struct':
      return structReader(origin.fields, origin.when);
  }
}

function imageOf(event: EventView, image: Image): TupleView | undefined {
  if (image === 'after') return event.after;
  return image === 'before' ? event.before : (event.after ?? event.before);
}

function columnReader({ codec, index }: PlannedColumn, image: Image): ValueReader {
  const capture = new ValueCapture();
  return (event) => {
    const tuple = imageOf(event, image);
    if (tuple === undefined) return null;
    const kind = index < tuple.count ? byteAt(tuple.kinds, index) : CellKind.null;
    capture.value = null;
    if (kind === CellKind.text) codec.write(capture, tuple.source, tuple.starts[index] ?? 0, tuple.ends[index] ?? 0);
    else if (kind === CellKind.unchanged) codec.writeUnavailable(capture);
    else if (!codec.nullable) codec.writeFallback(capture);
    return capture.value;
  };
}

function structReader(fields: readonly FieldShape[], when: Presence | undefined): ValueReader {
  const readers = fields.map(({ field, origin }) => [field, rawReader(origin)] as const);
  return (event) => {
    if (when !== undefined && !isPresent(event, when)) return null;
    return Object.fromEntries(readers.map(([field, read]) => [field, read(event)]));
  };
}

/** Whether readerOf() would give null. A cell is not read for it, unless its codec may make null of a text. */
export function nullTesterOf({ schema, origin }: ValueShape): (event: EventView) => boolean {
  if (origin.from === 'struct') {
    const { when } = origin;
    return when === undefined ? () => false : (event) => !isPresent(event, when);
  }
  const read = rawReader(origin);
  if (origin.from === 'fact' || schema.type === 'array' || schema.type === 'struct') return (event) => read(event) === null;
  const { index } = origin.column;
  return (event) => {
    const tuple = imageOf(event, origin.image);
    const isText = tuple !== undefined && index < tuple.count && byteAt(tuple.kinds, index) === CellKind.text;
    return !isText && read(event) === null;
  };
}

const ascii = new ByteWriter(64);

function factReader(fact: Fact): ValueReader {
  switch (fact.gives) {
    case 'text':
    case 'long':
    case 'value':
    case 'bytes':
      return fact.read;
    case 'nanos':
      return (event) => nanosOf(fact.read(event));
    case 'lsn':
      return ({ info }) => info.lsn;
    case 'lsnText':
      return (event) => {
        ascii.reset();
        fact.writeBefore(event, ascii);
        return `${Buffer.from(ascii.bytes.subarray(0, ascii.length)).toString('latin1')}${event.info.lsn}${fact.behind}`;
      };
    case 'op':
      return ({ op }) => op;
    case 'collections':
      return (event) => fact.read(event)?.map(({ name, count }) => ({ data_collection: name, event_count: count })) ?? null;
  }
}

function nanosOf(us: number): number | bigint {
  const nanos = BigInt(us) * 1000n;
  const narrow = Number(nanos);
  return Number.isSafeInteger(narrow) ? narrow : nanos;
}
