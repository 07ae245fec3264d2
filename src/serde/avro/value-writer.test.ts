/** Tests every byte of the Avro writer against avsc: any schema that a column may have, any value that fits it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { avscType } from '../../../test/oracles/avsc.ts';
import { ByteWriter } from '../../core/byte-writer.ts';
import type { FieldSchema, StructField } from '../../values/schema.ts';
import type { ValueWriter } from '../../values/value-writer.ts';
import { avroSchema } from './schema.ts';
import { AvroValueWriter, writeLong, writeNanos, writeWideLong } from './value-writer.ts';

/** A value in the form that avsc takes. */
type Plain = null | boolean | number | bigint | string | Buffer | readonly Plain[] | { readonly [member: string]: Plain };
/** A value, and the calls by which a codec writes it. */
type Sample = { readonly plain: Plain; readonly write: (out: ValueWriter) => void };
type Shape = { readonly schema: FieldSchema; readonly samples: fc.Arbitrary<Sample> };

function sample(plain: Plain, write: (out: ValueWriter) => void): Sample {
  return { plain, write };
}

/** Puts the bytes in the middle of a frame, among bytes that look like more of them. */
function framed(bytes: Buffer, write: (source: Uint8Array, start: number, end: number) => void): void {
  write(Buffer.concat([Buffer.from('99'), bytes, Buffer.from('99')]), 2, 2 + bytes.length);
}

const LONG = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const NEAR_LIMBS = fc
  .tuple(fc.constantFrom(31n, 32n, 52n, 53n, 62n, 63n), fc.bigInt({ min: -3n, max: 3n }), fc.boolean())
  .map(([power, near, negative]) => BigInt.asIntN(64, (negative ? -1n : 1n) * 2n ** power + near));

const PRIMITIVES: readonly Shape[] = [
  { schema: { type: 'boolean', optional: false }, samples: fc.boolean().map((value) => sample(value, (out) => out.boolean(value))) },
  {
    schema: { type: 'int16', optional: false },
    samples: fc.integer({ min: -32768, max: 32767 }).map((value) => sample(value, (out) => out.int32(value))),
  },
  { schema: { type: 'int32', optional: false }, samples: fc.integer().map((value) => sample(value, (out) => out.int32(value))) },
  {
    schema: { type: 'int64', optional: false },
    samples: fc.maxSafeInteger().map((value) => sample(BigInt(value), (out) => out.int64(value))),
  },
  {
    schema: { type: 'int64', optional: false },
    samples: fc.oneof(LONG, NEAR_LIMBS).map((value) => sample(value, (out) => out.int64Big(value))),
  },
  {
    schema: { type: 'int64', optional: false, name: 'io.debezium.time.MicroTimestamp', version: 1 },
    samples: fc
      .oneof(LONG, NEAR_LIMBS, fc.bigInt({ min: -1000n, max: 1000n }))
      .map((value) =>
        sample(value, (out) => framed(Buffer.from(String(value)), (source, start, end) => out.int64Digits(source, start, end))),
      ),
  },
  { schema: { type: 'float32', optional: false }, samples: fc.float().map((value) => sample(value, (out) => out.float32(value))) },
  { schema: { type: 'float64', optional: false }, samples: fc.double().map((value) => sample(value, (out) => out.float64(value))) },
  {
    schema: { type: 'string', optional: false },
    samples: fc
      .string({ unit: 'grapheme', maxLength: 200 })
      .map((value) => sample(value, (out) => framed(Buffer.from(value), (source, start, end) => out.utf8(source, start, end)))),
  },
  {
    schema: { type: 'bytes', optional: false },
    samples: fc
      .uint8Array({ maxLength: 200 })
      .map((value) =>
        sample(Buffer.from(value), (out) => framed(Buffer.from(value), (source, start, end) => out.bytes(source, start, end))),
      ),
  },
  {
    schema: { type: 'bytes', optional: false, name: 'org.apache.kafka.connect.data.Decimal', version: 1, parameters: [['scale', '2']] },
    samples: fc
      .uint8Array({ minLength: 1, maxLength: 20 })
      .map((value) =>
        sample(Buffer.from(value), (out) => framed(Buffer.from(value), (source, start, end) => out.decimal(source, start, end, 2))),
      ),
  },
];

function optional(shape: Shape): Shape {
  const nulls = fc.constant(sample(null, (out) => out.nullValue()));
  return {
    schema: { ...shape.schema, optional: true },
    samples: fc.oneof({ weight: 1, arbitrary: nulls }, { weight: 3, arbitrary: shape.samples }),
  };
}

function arrayOf(items: Shape): Shape {
  const samples = fc.array(items.samples, { maxLength: 200, size: 'max' }).map((list) =>
    sample(
      list.map(({ plain }) => plain),
      (out) => {
        out.beginArray();
        for (const { write } of list) {
          out.element();
          write(out);
        }
        out.endArray();
      },
    ),
  );
  return { schema: { type: 'array', optional: false, items: items.schema }, samples };
}

function mapOf(values: Shape): Shape {
  const keys = fc.string({ maxLength: 5 }).map((key) => `k${key}`);
  const samples = fc.uniqueArray(fc.tuple(keys, values.samples), { maxLength: 70, selector: ([key]) => key }).map((entries) =>
    sample(Object.fromEntries(entries.map(([key, { plain }]) => [key, plain])), (out) => {
      out.beginMap();
      for (const [key, { write }] of entries) {
        framed(Buffer.from(key), (source, start, end) => out.mapKey(source, start, end));
        write(out);
      }
      out.endMap();
    }),
  );
  return { schema: { type: 'map', optional: false, keys: { type: 'string', optional: false }, values: values.schema }, samples };
}

/** Each has its own name; otherwise nested entries would be one type. */
function intMapOf(values: Shape): Shape {
  const name = `shop.Entry${structs++}`;
  const samples = fc.array(fc.tuple(fc.integer({ min: 0, max: 32767 }), values.samples), { maxLength: 70 }).map((entries) =>
    sample(
      entries.map(([key, { plain }]) => ({ key, value: plain })),
      (out) => {
        out.beginIntMap();
        for (const [key, { write }] of entries) {
          out.intMapKey(key);
          write(out);
        }
        out.endIntMap();
      },
    ),
  );
  return { schema: { type: 'map', optional: false, keys: { type: 'int16', optional: false }, values: values.schema, name }, samples };
}

let structs = 0;

function structOf(members: readonly Shape[], name: string): Shape {
  const fields = members.map(({ schema }, index): StructField => ({ field: `f${index}`, schema }));
  const samples = fc.tuple(...members.map(({ samples: each }) => each)).map((list) =>
    sample(Object.fromEntries(list.map(({ plain }, index) => [`f${index}`, plain])), (out) => {
      out.beginStruct();
      for (const [index, { write }] of list.entries()) {
        out.field(`f${index}`);
        write(out);
      }
      out.endStruct();
    }),
  );
  return { schema: { type: 'struct', optional: false, name, fields }, samples };
}

/** Shapes nested as deep as those of columns, and one level deeper. */
function shapes(depth: number): fc.Arbitrary<Shape> {
  const primitive = fc.constantFrom(...PRIMITIVES);
  if (depth === 0) return fc.oneof(primitive, primitive.map(optional));
  const inner = shapes(depth - 1);
  const containers = fc.oneof(
    inner.map(arrayOf),
    inner.map(mapOf),
    inner.map(intMapOf),
    fc.array(inner, { minLength: 1, maxLength: 4 }).map((members) => structOf(members, `shop.Struct${structs++}`)),
  );
  return fc.oneof(primitive, primitive.map(optional), containers, containers.map(optional));
}

describe('the Avro writer', () => {
  it('writes what avsc writes, for any schema and value', () => {
    fc.assert(
      fc.property(
        shapes(2).chain((shape) => fc.tuple(fc.constant(shape.schema), shape.samples)),
        ([schema, { plain, write }]) => {
          const avro = avroSchema({ type: 'struct', optional: false, name: 'shop.Row', fields: [{ field: 'c', schema }] });
          const out = new ByteWriter(16);
          const values = new AvroValueWriter(out);
          const [node] = avro.node.fields;
          if (node === undefined) throw new Error('the row has a field');
          values.begin(node);
          write(values);
          expect(out.toOwned().toString('hex')).toBe(avscType(avro.text).toBuffer({ c: plain }).toString('hex'));
        },
      ),
      { numRuns: 300 },
    );
  });

  it('forgets what a failed cell left open', () => {
    const out = new ByteWriter(16);
    const values = new AvroValueWriter(out);
    const array = { valueBranch: 2, nullBranch: 0, items: { valueBranch: -1, nullBranch: -1, items: null, fields: [] }, fields: [] };
    values.begin(array);
    values.beginArray();
    values.element();
    expect(() => values.nullValue()).toThrow('null where the schema takes none');
    out.reset();
    values.begin(array);
    values.beginArray();
    values.element();
    values.int32(-1);
    values.endArray();
    expect([...out.toOwned()]).toEqual([2, 2, 1, 0]);
  });

  it.each([
    ['lo\u{1f600}', Buffer.from('lo\u{1f600}').subarray(0, 5), 'lo?'],
    ['é', Buffer.from('é'), 'é'],
    ['a whole character at the end', Buffer.from('x\u{1f600}'), 'x\u{1f600}'],
  ])('writes a question mark for half a surrogate pair: %s', (_, bytes, text) => {
    const out = new ByteWriter(16);
    const values = new AvroValueWriter(out);
    values.begin({ valueBranch: -1, nullBranch: -1, items: null, fields: [] });
    values.utf8(bytes, 0, bytes.length);
    expect(out.toOwned().subarray(1).toString()).toBe(text);
    expect(out.toOwned()[0]).toBe(Buffer.byteLength(text) * 2);
  });

  it('writes longs as the plain arithmetic does', () => {
    const plain = (value: bigint): string => {
      let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
      const bytes: number[] = [];
      for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
      return Buffer.from([...bytes, Number(rest)]).toString('hex');
    };
    const written = (write: (out: ByteWriter) => void): string => {
      const out = new ByteWriter(16);
      write(out);
      return out.toOwned().toString('hex');
    };
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.oneof(LONG, NEAR_LIMBS), fc.nat({ max: 8_000_000_000_000_000 }), (safe, wide, us) => {
        expect(written((out) => writeLong(out, safe))).toBe(plain(BigInt(safe)));
        expect(written((out) => writeWideLong(out, Number(wide >> 32n), Number(wide & 0xffff_ffffn)))).toBe(plain(wide));
        expect(written((out) => writeNanos(out, us))).toBe(plain(BigInt.asIntN(64, BigInt(us) * 1000n)));
      }),
      { numRuns: 1000 },
    );
  });
});
