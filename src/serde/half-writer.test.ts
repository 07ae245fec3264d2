/** Shapes other than Debezium's, as a transform would make them: a row without an envelope, facts beside columns, an absent struct. */

import { describe, expect, it } from 'vitest';
import { avscType } from '../../test/oracles/avsc.ts';
import { codecOf } from '../../test/oracles/columns.ts';
import { tupleOf } from '../../test/oracles/tuples.ts';
import { protobufReader } from '../../test/protobuf/protobuf-decoder.ts';
import { ByteWriter } from '../core/byte-writer.ts';
import type { Lsn } from '../core/lsn.ts';
import { EventView } from '../events/event-view.ts';
import { CLOCK_FACTS, COMMIT_FACTS, constantText, OP_FACT, SOURCE_FACTS } from '../events/facts.ts';
import type { Fact, FieldShape, ValueShape } from '../events/record-shape.ts';
import type { PlannedColumn } from '../events/row-plan.ts';
import { SourceInfo } from '../events/source-info.ts';
import { TransactionOrder } from '../events/transaction.ts';
import type { TupleView } from '../pgoutput/tuple.ts';
import type { FieldSchema } from '../values/schema.ts';
import { AvroFormat } from './avro/format.ts';
import { avroSchema, DEFAULT_AVRO_SETTINGS } from './avro/schema.ts';
import type { Format } from './format.ts';
import { HalfCompiler } from './half-compiler.ts';
import { type ConversionFailure, HalfWriter } from './half-writer.ts';
import { JsonFormat } from './json/format.ts';
import { ProtobufFormat } from './protobuf/format.ts';
import { DEFAULT_PROTOBUF_SETTINGS, protobufSchema } from './protobuf/schema.ts';
import { TextFormat } from './text/format.ts';

const TEXT: FieldSchema = { type: 'string', optional: true };
const LONG: FieldSchema = { type: 'int64', optional: true };
const RELATION = { schema: 'public', table: 't' };

function column(index: number, type: string): FieldShape {
  const codec = codecOf(type);
  const planned: PlannedColumn = { name: `c${index}`, field: `c${index}`, type, index, codec };
  return { field: planned.field, schema: codec.schema, origin: { from: 'column', column: planned, image: 'after' } };
}

const fact = (field: string, schema: FieldSchema, value: Fact): FieldShape => ({ field, schema, origin: { from: 'fact', fact: value } });

const FIELDS: readonly FieldShape[] = [
  column(0, 'int4'),
  fact('__op', TEXT, OP_FACT),
  column(1, 'text'),
  fact('__table', TEXT, constantText('t', 'relation')),
  fact('__lsn', LONG, SOURCE_FACTS.lsn),
  fact('__sequence', TEXT, SOURCE_FACTS.sequence),
  fact('__commit', LONG, COMMIT_FACTS.ts_ms),
  fact('__now', LONG, CLOCK_FACTS.ts_ms),
  fact('__none', TEXT, constantText(null)),
];

function shapeOf(fields: readonly FieldShape[]): ValueShape {
  const inner = { type: 'struct', optional: true, name: 'inner', fields: [{ field: 'c0', schema: codecOf('int4').schema }] } as const;
  const old: FieldShape = { field: 'old', schema: inner, origin: { from: 'struct', when: 'before', fields: [oldColumn()] } };
  const all = [...fields, old];
  const schema: FieldSchema = {
    type: 'struct',
    optional: false,
    name: 'flat',
    fields: all.map(({ field, schema: s }) => ({ field, schema: s })),
  };
  return { schema, origin: { from: 'struct', fields: all } };
}

function oldColumn(): FieldShape {
  const { field, schema, origin } = column(0, 'int4');
  return origin.from === 'column' ? { field, schema, origin: { ...origin, image: 'before' } } : { field, schema, origin };
}

function setUp<Node>(format: Format<Node>) {
  const out = new ByteWriter();
  const failures: ConversionFailure[] = [];
  const writer = new HalfWriter(format, out, (failure) => failures.push(failure));
  const shape = shapeOf(FIELDS);
  const steps = new HalfCompiler(format).compile(shape, RELATION);
  const info = new SourceInfo();
  info.beginTransaction({ commitTimeUs: 5_000_000, xid: 7 });
  info.nowUs = 6_000_000;
  info.lsn = 42 as Lsn;
  const event = new EventView(info, new TransactionOrder({ endBytesMax: 1_000 }));
  const write = (after: TupleView, before?: TupleView): Buffer => {
    Object.assign(event, { op: 'u', before, after });
    out.reset();
    writer.write(steps, event);
    return out.toOwned();
  };
  return { write, failures, info, schema: shape.schema };
}

const FLAT = { c0: 1, __op: 'u', c1: 'a', __table: 't', __lsn: 42, __sequence: '[null,"42"]', __commit: 5000, __now: 6000, __none: null };

describe('a shape that is not the envelope', () => {
  it('is written in JSON, field by field, and a struct without its image is null', () => {
    const { write } = setUp(new JsonFormat({ decimals: 'BASE64', nullIsDefault: true }));
    expect(write(tupleOf('1', 'a')).toString()).toBe(JSON.stringify({ ...FLAT, old: null }));
    expect(JSON.parse(write(tupleOf('1', 'a'), tupleOf('2', null)).toString())).toEqual({ ...FLAT, old: { c0: 2 } });
  });

  it('is read in Avro by another library', () => {
    const { write, schema } = setUp(new AvroFormat({ ...DEFAULT_AVRO_SETTINGS, ignoreDefaults: false }));
    const type = avscType(avroSchema(schema).text);
    const read = (bytes: Buffer): unknown =>
      JSON.parse(JSON.stringify(type.fromBuffer(bytes), (_, value) => (typeof value === 'bigint' ? Number(value) : value)));
    expect(read(write(tupleOf('1', 'a')))).toEqual({ ...FLAT, old: null });
    expect(read(write(tupleOf('1', 'a'), tupleOf('2', null)))).toEqual({ ...FLAT, old: { c0: 2 } });
  });

  it('is read in Protobuf by another decoder', () => {
    const { write, schema } = setUp(
      new ProtobufFormat({ ...DEFAULT_PROTOBUF_SETTINGS, optionalForNullables: true, ignoreDefaults: false }),
    );
    const reader = protobufReader(protobufSchema(schema, { ...DEFAULT_PROTOBUF_SETTINGS, optionalForNullables: true }).text);
    const flat = { ...FLAT, __lsn: 42n, __commit: 5000n, __now: 6000n };
    expect(reader.read(write(tupleOf('1', 'a')))).toEqual({ ...flat, old: null });
    expect(reader.read(write(tupleOf('1', 'a'), tupleOf('2', null)))).toEqual({ ...flat, old: { c0: 2 } });
  });

  it('leaves out what is null in text', () => {
    const { write } = setUp(new TextFormat());
    const text = 'Struct{c0=1,__op=u,c1=a,__table=t,__lsn=42,__sequence=[null,"42"],__commit=5000,__now=6000}';
    expect(write(tupleOf('1', 'a')).toString()).toBe(text);
    expect(write(tupleOf(null, null), tupleOf('2', null)).toString()).toBe(
      'Struct{__op=u,__table=t,__lsn=42,__sequence=[null,"42"],__commit=5000,__now=6000,old=Struct{c0=2}}',
    );
  });
});

describe('what lasts longer than an event', () => {
  it('is written again when the transaction or the clock changes', () => {
    const { write, info } = setUp(new JsonFormat({ decimals: 'BASE64', nullIsDefault: true }));
    const read = (): unknown => JSON.parse(write(tupleOf('1', 'a')).toString());
    expect(read()).toMatchObject({ __commit: 5000, __now: 6000, __sequence: '[null,"42"]' });
    info.nowUs = 7_000_000;
    expect(read()).toMatchObject({ __commit: 5000, __now: 7000 });
    info.endTransaction(40 as Lsn);
    info.beginTransaction({ commitTimeUs: 8_000_000, xid: 8 });
    expect(read()).toMatchObject({ __commit: 8000, __now: 7000, __sequence: '["40","42"]' });
  });

  it('belongs to its source: two producers of rows with one serial do not mix', () => {
    const format = new JsonFormat({ decimals: 'BASE64', nullIsDefault: true });
    const out = new ByteWriter();
    const writer = new HalfWriter(format, out, () => {});
    const steps = new HalfCompiler(format).compile(shapeOf(FIELDS), RELATION);
    const read = (commitTimeUs: number): unknown => {
      const info = new SourceInfo();
      info.beginTransaction({ commitTimeUs, xid: 1 });
      const event = new EventView(info, undefined);
      event.after = tupleOf('1', 'a');
      out.reset();
      writer.write(steps, event);
      return JSON.parse(out.toOwned().toString());
    };
    expect(read(1_000_000)).toMatchObject({ __commit: 1000 });
    expect(read(2_000_000)).toMatchObject({ __commit: 2000 });
  });
});

describe('a cell that does not convert', () => {
  it('is reported with its table and leaves nothing behind', () => {
    const { write, failures } = setUp(new JsonFormat({ decimals: 'BASE64', nullIsDefault: true }));
    expect(JSON.parse(write(tupleOf('x', 'a')).toString())).toEqual({ ...FLAT, c0: null, old: null });
    expect(failures).toMatchObject([{ schema: 'public', table: 't', column: 'c0', type: 'int4', isRequired: false }]);
  });
});
