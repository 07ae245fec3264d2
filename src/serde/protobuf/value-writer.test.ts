/** Tests every byte of the Protobuf writer against protobufjs: any schema that a column may have, any value that fits it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type TestValue, writtenStruct } from '../../../test/oracles/protobuf.ts';
import { protobufReader } from '../../../test/protobuf/protobuf-decoder.ts';
import { ByteWriter } from '../../core/byte-writer.ts';
import type { FieldSchema, SchemaType } from '../../values/schema.ts';
import { DECIMAL_NAME } from '../../values/types/decimal.ts';
import { fieldNode, type NullSettings } from './node.ts';
import { DEFAULT_PROTOBUF_SETTINGS, protobufSchema } from './schema.ts';
import { ProtobufValueWriter } from './value-writer.ts';
import { int64, readDigits, readNanos, writeInteger, writeWide } from './wire.ts';

type Shape = { readonly schema: FieldSchema; readonly values: fc.Arbitrary<TestValue> };

const LONG = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const NEAR_LIMBS = fc
  .tuple(fc.constantFrom(31n, 32n, 52n, 53n, 62n, 63n), fc.bigInt({ min: -3n, max: 3n }), fc.boolean())
  .map(([power, near, negative]) => BigInt.asIntN(64, (negative ? -1n : 1n) * 2n ** power + near));
const BYTES = fc.uint8Array({ maxLength: 300 }).map((value) => Buffer.from(value));
const DECIMALS = fc.uint8Array({ minLength: 1, maxLength: 20 }).map((value) => Buffer.from(value));

const int = (bits: bigint): fc.Arbitrary<TestValue> => fc.bigInt({ min: -(2n ** (bits - 1n)), max: 2n ** (bits - 1n) - 1n });
const shape = (type: SchemaType, values: fc.Arbitrary<TestValue>, more: Partial<FieldSchema> = {}): Shape => ({
  schema: { type, optional: false, ...more },
  values,
});

const SCALARS: readonly Shape[] = [
  shape('boolean', fc.boolean()),
  shape('int8', int(8n)),
  shape('int16', int(16n)),
  shape('int32', int(32n)),
  shape('int64', fc.oneof(LONG, NEAR_LIMBS, fc.constant(0n))),
  shape('float32', fc.float()),
  shape('float64', fc.double()),
  shape('string', fc.string({ unit: 'grapheme', maxLength: 200 })),
  shape('bytes', BYTES),
  shape('bytes', DECIMALS, { name: DECIMAL_NAME, parameters: [['scale', '2']] }),
  shape('bytes', DECIMALS, { name: DECIMAL_NAME, parameters: [['scale', '-3']] }),
  shape('int32', fc.bigInt({ min: -719_164n, max: 3_000_000n }), { name: 'org.apache.kafka.connect.data.Date', version: 1 }),
  shape('int32', fc.bigInt({ min: 0n, max: 86_399_999n }), { name: 'org.apache.kafka.connect.data.Time', version: 1 }),
  shape('int64', fc.bigInt({ min: -62_135_596_800_000n, max: 253_402_300_799_999n }), {
    name: 'org.apache.kafka.connect.data.Timestamp',
    version: 1,
  }),
];

let structs = 0;

function optional({ schema, values }: Shape): Shape {
  return {
    schema: { ...schema, optional: true },
    values: fc.oneof({ weight: 1, arbitrary: fc.constant(null) }, { weight: 3, arbitrary: values }),
  };
}

/** An array as columns have it: its elements are nullable, and none is null. */
function arrayOf({ schema, values }: Shape): Shape {
  return shape('array', fc.array(values, { maxLength: 150, size: '=' }), { items: { ...schema, optional: true } });
}

function mapOf({ schema, values }: Shape, keys: 'string' | 'int16'): Shape {
  const keyValues = keys === 'string' ? fc.string({ maxLength: 5 }) : fc.bigInt({ min: 0n, max: 32_767n });
  const entries = fc.uniqueArray(fc.tuple(keyValues, values), { maxLength: 12, selector: ([key]) => key });
  return shape(
    'map',
    entries.map((list) => new Map(list)),
    { keys: { type: keys, optional: false }, values: schema },
  );
}

function structOf(members: readonly Shape[]): Shape {
  const fields = members.map(({ schema }, index) => ({ field: `f${index}`, schema }));
  const values = fc.tuple(...members.map((member) => member.values));
  const named = values.map((list): TestValue => Object.fromEntries(list.map((value, index) => [`f${index}`, value])));
  return shape('struct', named, { name: `shop.Struct${structs++}`, fields });
}

/** Shapes nested as deep as those of columns, and one level deeper. */
function shapes(depth: number): fc.Arbitrary<Shape> {
  const scalar = fc.constantFrom(...SCALARS);
  if (depth === 0) return fc.oneof(scalar, scalar.map(optional));
  const inner = shapes(depth - 1);
  const members = fc.array(inner, { minLength: 1, maxLength: 5 });
  const containers = fc.oneof(
    fc.oneof(scalar, members.map(structOf)).map(arrayOf),
    inner.map((values) => mapOf(values, 'string')),
    inner.map((values) => mapOf(values, 'int16')),
    members.map(structOf),
  );
  return fc.oneof(scalar, scalar.map(optional), containers, containers.map(optional));
}

type Place = { readonly nulls: NullSettings; readonly inEntry: boolean };

/** What a reader gets: an absent array is empty, and a null without presence is a zero. */
function held(value: TestValue, schema: FieldSchema, place: Place): unknown {
  const { type, items, values, fields, name } = schema;
  if (type === 'array') return (Array.isArray(value) ? value : []).map((item: TestValue) => held(item, items ?? schema, place));
  if (type === 'map') {
    const entries = value instanceof Map ? [...value] : [];
    const inner = { ...place, inEntry: true };
    return entries.map(([key, item]) => ({ key, value: held(item, values ?? schema, inner) }));
  }
  if (type === 'struct') {
    if (value === null) return null;
    const members = value as { readonly [field: string]: TestValue };
    const inner = { ...place, inEntry: false };
    return Object.fromEntries((fields ?? []).map((one) => [one.field, held(members[one.field], one.schema, inner)]));
  }
  const hasPresence = name !== undefined || place.nulls.wrapperForNullables || (place.nulls.optionalForNullables && !place.inEntry);
  if (value === null) return hasPresence ? null : ZEROS[type];
  return type === 'float32' ? Math.fround(Number(value)) : value;
}

const ZEROS: Readonly<Partial<Record<SchemaType, unknown>>> = {
  boolean: false,
  float32: 0,
  float64: 0,
  string: '',
  bytes: Buffer.alloc(0),
  int8: 0n,
  int16: 0n,
  int32: 0n,
  int64: 0n,
};

/** Integers as bigints, in whatever form the decoder returns them. */
function comparable(value: unknown, schema: FieldSchema): unknown {
  if (value === null) return null;
  if (schema.type === 'array') return (value as unknown[]).map((item) => comparable(item, schema.items ?? schema));
  if (schema.type === 'map') {
    const entries = value as { readonly key: unknown; readonly value: unknown }[];
    const { keys = schema, values = schema } = schema;
    return entries.map((entry) => ({ key: comparable(entry.key, keys), value: comparable(entry.value, values) }));
  }
  if (schema.type === 'struct') {
    const members = value as { readonly [field: string]: unknown };
    return Object.fromEntries((schema.fields ?? []).map((one) => [one.field, comparable(members[one.field], one.schema)]));
  }
  if (schema.type.startsWith('int')) return BigInt(value as number | bigint);
  return value;
}

const MODES: readonly NullSettings[] = [
  { optionalForNullables: false, wrapperForNullables: false },
  { optionalForNullables: true, wrapperForNullables: false },
  { optionalForNullables: false, wrapperForNullables: true },
];

describe('the Protobuf writer', () => {
  it.each(MODES)('writes what protobufjs reads and writes again, for any schema and value: %o', (nulls) => {
    fc.assert(
      fc.property(
        fc
          .array(shapes(2), { minLength: 1, maxLength: 18 })
          .map(structOf)
          .chain((row) => fc.tuple(fc.constant(row.schema), row.values)),
        ([schema, value]) => {
          const reader = protobufReader(protobufSchema(schema, { ...DEFAULT_PROTOBUF_SETTINGS, ...nulls }).text);
          const read = reader.read(writtenStruct(schema, value, nulls));
          expect(comparable(read, schema)).toEqual(comparable(held(value, schema, { nulls, inEntry: false }), schema));
        },
      ),
      { numRuns: 40 },
    );
  });

  it('forgets what a failed cell left open', () => {
    const out = new ByteWriter(16);
    const values = new ProtobufValueWriter(out);
    const node = fieldNode(
      { type: 'array', optional: true, items: { type: 'int32', optional: true } },
      2,
      MODES[0] ?? DEFAULT_PROTOBUF_SETTINGS,
    );
    const write = (item: () => void): void => {
      values.begin(node);
      values.beginArray();
      values.element();
      item();
      values.endArray();
    };
    expect(() => write(() => values.nullValue())).toThrow('a null in an array');
    out.reset();
    write(() => values.int32(-1));
    expect([...out.toOwned()]).toEqual([0x12, 10, ...Array.from({ length: 9 }, () => 0xff), 1]);
  });

  it.each([
    ['lo\u{1f600}', Buffer.from('lo\u{1f600}').subarray(0, 5), 'lo?'],
    ['é', Buffer.from('é'), 'é'],
    ['a whole character at the end', Buffer.from('x\u{1f600}'), 'x\u{1f600}'],
  ])('writes a question mark for half a surrogate pair: %s', (_, bytes, text) => {
    const out = new ByteWriter(16);
    const values = new ProtobufValueWriter(out);
    values.begin(fieldNode({ type: 'string', optional: false }, 1, DEFAULT_PROTOBUF_SETTINGS));
    values.utf8(bytes, 0, bytes.length);
    expect(out.toOwned().subarray(2).toString()).toBe(text);
    expect([...out.toOwned().subarray(0, 2)]).toEqual([0x0a, Buffer.byteLength(text)]);
  });

  it.each<[what: string, name: string, type: SchemaType, value: number]>([
    ['a date before our era', 'org.apache.kafka.connect.data.Date', 'int32', -719_165],
    ['a time before midnight', 'org.apache.kafka.connect.data.Time', 'int32', -1],
    ['a time after the day', 'org.apache.kafka.connect.data.Time', 'int32', 86_400_001],
    ['a timestamp before the year 1', 'org.apache.kafka.connect.data.Timestamp', 'int64', -62_135_596_800_001],
    ['a timestamp after the year 9999', 'org.apache.kafka.connect.data.Timestamp', 'int64', 253_402_300_800_000],
  ])('refuses %s, as the messages of Google have none', (_, name, type, value) => {
    const values = new ProtobufValueWriter(new ByteWriter(16));
    values.begin(fieldNode({ type, optional: true, name, version: 1 }, 1, DEFAULT_PROTOBUF_SETTINGS));
    expect(() => values.int64(value)).toThrow(/date|time/);
  });

  it('shows the end of a day as its beginning, as Confluent has it', () => {
    const out = new ByteWriter(16);
    const values = new ProtobufValueWriter(out);
    values.begin(fieldNode({ type: 'int32', optional: true, name: 'org.apache.kafka.connect.data.Time' }, 1, DEFAULT_PROTOBUF_SETTINGS));
    values.int32(86_400_000);
    expect([...out.toOwned()]).toEqual([0x0a, 0]);
  });

  it('writes varints as the plain arithmetic does', () => {
    const plain = (value: bigint): string => {
      let rest = BigInt.asUintN(64, value);
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
        expect(written((out) => writeInteger(out, safe))).toBe(plain(BigInt(safe)));
        const digits = Buffer.from(`x${wide}x`);
        readDigits(digits, 1, digits.length - 1);
        expect(written((out) => writeWide(out, int64.high, int64.low))).toBe(plain(wide));
        readNanos(us);
        expect(written((out) => writeWide(out, int64.high, int64.low))).toBe(plain(BigInt.asIntN(64, BigInt(us) * 1000n)));
      }),
      { numRuns: 1000 },
    );
  });
});
