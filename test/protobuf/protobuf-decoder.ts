/**
 * Owns reading records in Protobuf with protobufjs, which shares no code with the program, from the text that the registry gives back: into
 * the plain values that test/golden/corpus-values.ts compares. Does not ask a registry.
 * An implicit field that is absent is its zero, an array that is absent is empty: Protobuf knows no more.
 */
import protobuf from 'protobufjs';

/** What schemas import, as Google and Confluent publish it. */
const IMPORTED = [
  'syntax = "proto3"; package confluent.type; message Decimal { bytes value = 1; uint32 precision = 2; int32 scale = 3; }',
  'syntax = "proto3"; package google.type; message Date { int32 year = 1; int32 month = 2; int32 day = 3; }',
  'syntax = "proto3"; package google.type; message TimeOfDay { int32 hours = 1; int32 minutes = 2; int32 seconds = 3; int32 nanos = 4; }',
  'syntax = "proto3"; package google.protobuf; message Timestamp { int64 seconds = 1; int32 nanos = 2; }',
  `syntax = "proto3"; package google.protobuf;
   message DoubleValue { double value = 1; } message FloatValue { float value = 1; } message Int64Value { int64 value = 1; }
   message Int32Value { int32 value = 1; } message BoolValue { bool value = 1; } message StringValue { string value = 1; }
   message BytesValue { bytes value = 1; }`,
];

const MS_PER_DAY = 86_400_000;

export type ProtobufReader = {
  /** Of the payload, without magic byte, id and message indexes. Throws where protobufjs would write other bytes of what it reads. */
  read(payload: Buffer): Readonly<Record<string, unknown>>;
};

export function protobufReader(text: string): ProtobufReader {
  const root = new protobuf.Root();
  for (const imported of IMPORTED) protobuf.parse(imported, root, { keepCase: true });
  // protobufjs takes letters only of ASCII in packages; which package it is says nothing about the bytes.
  const { package: name } = protobuf.parse(text.replace(/^package .*;$/m, 'package tested;'), root, { keepCase: true });
  root.resolveAll();
  const [message] = root.lookup(name ?? '') instanceof protobuf.Namespace ? typesOf(root.lookup(name ?? '')) : [];
  if (message === undefined) throw new Error('the schema has no message');
  return {
    read(payload) {
      const decoded = message.decode(payload);
      if (!Buffer.from(message.encode(decoded).finish()).equals(payload)) throw new Error('protobufjs writes other bytes of what it reads');
      return structOf(message, decoded);
    },
  };
}

function typesOf(space: protobuf.ReflectionObject | null): protobuf.Type[] {
  if (!(space instanceof protobuf.Namespace)) return [];
  return space.nestedArray.filter((nested) => nested instanceof protobuf.Type);
}

function structOf(type: protobuf.Type, decoded: object): Record<string, unknown> {
  const values = new Map<string, unknown>(Object.entries(decoded));
  return Object.fromEntries(type.fieldsArray.map((field) => [field.name, fieldOf(field, values.get(field.name))]));
}

function fieldOf(field: protobuf.Field, value: unknown): unknown {
  if (field.repeated) return Array.isArray(value) ? value.map((item: unknown) => single(field, item)) : [];
  const hasPresence = field.resolvedType !== null || field.partOf !== null;
  if (value === undefined) return hasPresence ? null : zeroOf(field);
  if (!hasPresence && isZero(value)) throw new Error(`${field.name}: a zero is written`);
  return single(field, value);
}

function zeroOf({ type }: protobuf.Field): unknown {
  if (type === 'string') return '';
  if (type === 'bytes') return Buffer.alloc(0);
  if (type === 'bool') return false;
  return 0;
}

function isZero(value: unknown): boolean {
  if (typeof value === 'object' && value !== null && 'length' in value) return value.length === 0;
  return Object.is(value, 0) || value === '' || value === false || (isLong(value) && value.toString() === '0');
}

function single(field: protobuf.Field, value: unknown): unknown {
  if (isLong(value)) return BigInt(value.toString());
  if (field.resolvedType instanceof protobuf.Type && typeof value === 'object' && value !== null)
    return messageOf(field.resolvedType, value);
  return value;
}

/** protobufjs gives int64 so where the package long is there. */
function isLong(value: unknown): value is { toString(): string } {
  return typeof value === 'object' && value !== null && 'high' in value && 'low' in value;
}

function messageOf(type: protobuf.Type, value: object): unknown {
  const fields = structOf(type, value);
  const number = (name: string): number => Number(fields[name] ?? 0);
  switch (type.fullName.slice(1)) {
    case 'confluent.type.Decimal':
      return fields['value'];
    case 'google.type.Date':
      return epochDay(number('year'), number('month'), number('day'));
    case 'google.type.TimeOfDay':
      return ((number('hours') * 60 + number('minutes')) * 60 + number('seconds')) * 1000 + number('nanos') / 1_000_000;
    case 'google.protobuf.Timestamp':
      return number('seconds') * 1000 + number('nanos') / 1_000_000;
    default:
      return type.fullName.startsWith('.google.protobuf.') ? fields['value'] : fields;
  }
}

/** As java.util.GregorianCalendar reads it: by the Julian calendar before 1582-10-15. */
function epochDay(year: number, month: number, day: number): number {
  const isGregorian = year * 10_000 + month * 100 + day >= 1582_10_15;
  if (isGregorian) return new Date(0).setUTCFullYear(year, month - 1, day) / MS_PER_DAY;
  const shifted = month > 2 ? { year, month: month - 3 } : { year: year - 1, month: month + 9 };
  return Math.floor((1461 * (shifted.year + 4800)) / 4) + Math.floor((153 * shifted.month + 2) / 5) + day - 32_083 - 2_440_588;
}
