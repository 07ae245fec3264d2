/**
 * What a real Debezium registered and wrote in Avro. Its schemas equal those made here from the Connect schemas of the same case, recorded in
 * JSON; its values equal the JSON ones; and avsc reads and writes every byte of them.
 */

import { describe, expect, it } from 'vitest';
import {
  AVRO_LEFT_OUT,
  type AvroCase,
  asJsonRecords,
  avroForm,
  hasValidNamespaces,
  readAvroCases,
  readJsonTwin,
  withoutNaN,
} from '../../../test/golden/avro-cases.ts';
import { caseNames, SPINE_FOLDER } from '../../../test/golden/case-store.ts';
import { differences } from '../../../test/golden/compare.ts';
import { expectedRecords, RecordSchemas, textRecords, unscaledBytes } from '../../../test/golden/corpus-values.ts';
import { SCHEMAS_SUFFIX } from '../../../test/golden/replay-cases.ts';
import { avscType } from '../../../test/oracles/avsc.ts';
import type { FieldSchema } from '../../values/schema.ts';
import { avroSchema } from './schema.ts';

const CASES = readAvroCases();
const TYPE_NAMES: Readonly<Record<string, FieldSchema['type']>> = { float: 'float32', double: 'float64' };

type SchemaJson = {
  readonly type: string;
  readonly optional?: boolean;
  readonly name?: string;
  readonly version?: number;
  readonly doc?: string;
  readonly field?: string;
  readonly parameters?: Readonly<Record<string, string>>;
  readonly default?: string | number | bigint | boolean;
  readonly items?: SchemaJson;
  readonly keys?: SchemaJson;
  readonly values?: SchemaJson;
  readonly fields?: readonly SchemaJson[];
};

/** A Connect schema, read from what Kafka's JSON converter prints. */
function connectSchema(json: SchemaJson, field: (name: string) => string): FieldSchema {
  const { name, version, doc, parameters, items, keys, values, fields } = json;
  const type = TYPE_NAMES[json.type] ?? (json.type as FieldSchema['type']);
  const value = defaultOf(json, type);
  return {
    type,
    optional: json.optional ?? true,
    ...(name !== undefined && { name }),
    ...(version !== undefined && { version }),
    ...(doc !== undefined && { doc }),
    ...(parameters !== undefined && { parameters: Object.entries(parameters) }),
    ...(value !== undefined && { defaultValue: value }),
    ...(items !== undefined && { items: connectSchema(items, field) }),
    ...(keys !== undefined && { keys: connectSchema(keys, field) }),
    ...(values !== undefined && { values: connectSchema(values, field) }),
    ...(fields !== undefined && { fields: fields.map((one) => ({ field: field(one.field ?? ''), schema: connectSchema(one, field) })) }),
  };
}

/** Reads a default. JSON has text where a number is NaN or infinite. */
function defaultOf(json: SchemaJson, type: FieldSchema['type']): FieldSchema['defaultValue'] {
  if (type === 'bytes') return bytesOf(json);
  if (json.default === undefined || !type.startsWith('float')) return json.default;
  return type === 'float32' ? Math.fround(Number(json.default)) : Number(json.default);
}

/** Reads base64, or a number with the JSON converter's decimal.format=NUMERIC. */
function bytesOf({ default: value, parameters }: SchemaJson): Buffer | undefined {
  if (value === undefined) return undefined;
  return typeof value === 'string' ? Buffer.from(value, 'base64') : unscaledBytes(String(value), Number(parameters?.['scale']));
}

type ReviveContext = { readonly source?: string };

/** Parses JSON so that integers beyond 2^53 keep their digits. */
function exactJson(text: string): { readonly schema: SchemaJson } {
  const revive = (_: string, value: unknown, context?: ReviveContext): unknown =>
    typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(context?.source ?? '')
      ? BigInt(context?.source ?? '')
      : value;
  return JSON.parse(text, revive);
}

function ownSchemas(golden: AvroCase): Set<string> {
  const twin = readJsonTwin(golden, { schemas: true });
  const { field = (name) => name, rename = ({ records }) => records } = avroForm(golden);
  const texts = new Set<string>();
  for (const { key, value } of rename(twin)) {
    for (const half of [key, value]) {
      if (typeof half === 'string') texts.add(avroSchema(connectSchema(exactJson(half).schema, field)).text);
    }
  }
  return texts;
}

it('has every case of the corpus but those that are left out', () => {
  const names = caseNames(SPINE_FOLDER).filter((name) => !name.endsWith(SCHEMAS_SUFFIX));
  expect([...CASES.map(({ name }) => name), ...Object.keys(AVRO_LEFT_OUT)].sort()).toEqual(names.sort());
});

describe.each(CASES)('$name', (golden) => {
  it('names the subject of every record', () => {
    for (const { topic, key, value } of golden.records) {
      if (key !== null) expect(golden.subjects).toHaveProperty([`${topic}-key`]);
      if (value !== null) expect(golden.subjects).toHaveProperty([`${topic}-value`]);
    }
  });

  it('has the schemas that were registered', () => {
    const own = ownSchemas(golden);
    for (const schema of golden.schemas) expect(own).toContain(withoutNaN(schema));
  });

  it('has the values of the JSON recording', () => {
    const twin = readJsonTwin(golden, { schemas: true });
    const form = avroForm(golden);
    const records = textRecords(asJsonRecords(golden.records, golden.schemas), new RecordSchemas(twin, form));
    const found = differences({
      group: golden.name,
      expected: { name: 'json', records: expectedRecords(twin, form, readJsonTwin(golden, { schemas: false })) },
      actual: { name: 'avro', records },
    });
    expect(found.slice(0, 3).join('\n')).toBe('');
  });

  it.skipIf(!hasValidNamespaces(golden))('is read and written alike by avsc', () => {
    const avro = golden.schemas.map((schema) => avscType(schema.replace(/,"default":"(?:NaN|-?Infinity)"/g, '')));
    for (const { key, value } of golden.records) {
      for (const half of [key, value]) {
        if (half === null) continue;
        const bytes = Buffer.from(half, 'base64');
        const type = avro[bytes.readUInt32BE(1) - 1];
        expect(type?.toBuffer(type.fromBuffer(bytes.subarray(5))).equals(bytes.subarray(5))).toBe(true);
      }
    }
  });
});
