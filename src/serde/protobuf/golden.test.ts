/** Schemas and bytes that Confluent's own converter wrote (test/protobuf/README.md). Slotline's are the same, to the byte. */

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readJsonTwin } from '../../../test/golden/avro-cases.ts';
import type { ConnectSchema } from '../../../test/golden/corpus-values.ts';
import { type TestValue, writtenStruct } from '../../../test/oracles/protobuf.ts';
import { asFieldSchema, type Half, parseHalf } from '../../../test/protobuf/corpus-in-protobuf.ts';
import { itemAt } from '../../core/byte-reader.ts';
import { SlotlineError } from '../../core/errors.ts';
import type { FieldSchema } from '../../values/schema.ts';
import { DEFAULT_PROTOBUF_SETTINGS, type ProtobufSchemaSettings, protobufSchema, scrubProtobufName } from './schema.ts';

type Recording = {
  /** The case in test/golden/spine, with its record and half. */
  readonly case: string;
  readonly record: number;
  readonly half: 'key' | 'value';
  readonly options: readonly string[];
  readonly text: string;
  readonly bytes: string;
};

const RECORDINGS: readonly Recording[] = JSON.parse(
  readFileSync(new URL('../../../test/protobuf/confluent.json', import.meta.url), 'utf8'),
);
const CASES = new Map(RECORDINGS.map(({ case: name }) => [name, readJsonTwin({ name }, { schemas: true }).records]));

function recordedHalf(recording: Recording): Half {
  const half = itemAt(CASES.get(recording.case) ?? [], recording.record)[recording.half];
  if (typeof half !== 'string') throw new Error(`${recording.case} has no text in record ${recording.record}`);
  return parseHalf(half);
}

/** The value in the form that tests give to the writer. */
function plainValue(json: unknown, schema: ConnectSchema): TestValue {
  if (json === null || json === undefined) return null;
  const { items = schema, keys = schema, values = schema } = schema;
  switch (schema.type) {
    case 'struct': {
      const members = json as { readonly [field: string]: unknown };
      return Object.fromEntries((schema.fields ?? []).map((one) => [one.field ?? '', plainValue(members[one.field ?? ''], one)]));
    }
    case 'array':
      return (json as unknown[]).map((item) => plainValue(item, items));
    case 'map': {
      const entries = Array.isArray(json) ? (json as [unknown, unknown][]) : Object.entries(json as object);
      return new Map(entries.map(([key, item]) => [keys.type === 'string' ? String(key) : BigInt(String(key)), plainValue(item, values)]));
    }
    case 'bytes':
      return Buffer.from(String(json), 'base64');
    case 'float':
    case 'double':
      return Number(json);
    default:
      return json as TestValue;
  }
}

test.each(
  RECORDINGS.map((recording) => ({ ...recording, name: `${recording.case} ${recording.record} ${recording.half} ${recording.options}` })),
)('$name', (recording) => {
  const { schema, payload } = recordedHalf(recording);
  const settings: ProtobufSchemaSettings = {
    ...DEFAULT_PROTOBUF_SETTINGS,
    optionalForNullables: recording.options.includes('optional.for.nullables'),
    wrapperForNullables: recording.options.includes('wrapper.for.nullables'),
  };
  const fieldSchema = asFieldSchema(schema);
  expect(protobufSchema(fieldSchema, settings).text).toBe(recording.text);
  expect(writtenStruct(fieldSchema, plainValue(payload, schema), settings).toString('base64')).toBe(recording.bytes);
});

const TEXT: FieldSchema = { type: 'string', optional: true };

function row(name: string, fields: Readonly<Record<string, FieldSchema>>): FieldSchema {
  return { type: 'struct', optional: false, name, fields: Object.entries(fields).map(([field, schema]) => ({ field, schema })) };
}

test.each<[what: string, schema: FieldSchema, details: object]>([
  ['a field that is no identifier', row('s.public.t.Key', { 'a b': TEXT }), { what: 'field', name: 'a b' }],
  ['a letter outside of ASCII', row('s.public.t.Key', { é: TEXT }), { what: 'field', name: 'é' }],
  ['a message that is no identifier', row('s.public.t.1 Key', { a: TEXT }), { what: 'message', name: '1 Key' }],
  [
    'arrays of arrays',
    row('s.public.t.Key', { a: { type: 'array', optional: true, items: { type: 'array', optional: true, items: TEXT } } }),
    { field: 'a' },
  ],
  [
    'a column that is called as the type of another',
    row('s.public.t.Value', { p: row('io.debezium.data.geometry.Point', {}), Point: TEXT }),
    { name: 'Point' },
  ],
  [
    'a package that hides an import',
    row('s.google.t.Key', { d: { type: 'int32', optional: true, name: 'org.apache.kafka.connect.data.Date' } }),
    { name: 'google' },
  ],
])('%s is refused by a code of its own', (_, schema, details) => {
  const error = ((): unknown => {
    try {
      return protobufSchema(schema);
    } catch (thrown) {
      return thrown;
    }
  })();
  if (!(error instanceof SlotlineError)) throw new Error('it is not refused');
  expect(error.code).toBe('protobuf_schema_invalid');
  expect(error.details).toMatchObject(details);
});

test('a column with the name of its type gets a message of another name', () => {
  const { text } = protobufSchema(
    row('s.public.t.Value', { Point: row('io.debezium.data.geometry.Point', { x: { type: 'float64', optional: false } }) }),
  );
  expect(text).toContain('  PointMessage Point = 1;\n');
  expect(text).toContain('  message PointMessage {\n');
});

test.each([
  ['plain_1', 'plain_1'],
  ['_id', 'x_id'],
  ['1a', 'x1a'],
  ['a b-c', 'a_b_c'],
  ['é', '_C3_A9'],
])('scrub.invalid.names makes %s to %s, as Confluent does', (name, scrubbed) => {
  expect(scrubProtobufName(name)).toBe(scrubbed);
});
