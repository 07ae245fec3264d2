/**
 * What a real Debezium registered and wrote in Avro: the schemas equal those made here from the Connect schemas of the same case
 * recorded in JSON, the values equal the JSON ones, and avsc reads and writes every byte of them.
 */
import { describe, expect, it } from 'vitest';
import { type AvroCase, asJsonRecords, readAvroCases, readJsonTwin, renamed } from '../../test/golden/avro-cases.ts';
import { differences } from '../../test/golden/compare.ts';
import type { FieldSchema } from '../values/schema.ts';
import { avroSchema } from './avro-schema.ts';
import { avscType } from './test-avsc.ts';

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

/** A schema as Kafka's JSON converter prints it. */
function connectSchema(json: SchemaJson, field: (name: string) => string): FieldSchema {
  const { name, version, doc, parameters, items, keys, values, fields } = json;
  const type = TYPE_NAMES[json.type] ?? (json.type as FieldSchema['type']);
  const value = typeof json.default === 'string' && type === 'bytes' ? Buffer.from(json.default, 'base64') : json.default;
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

type ReviveContext = { readonly source?: string };

/** Integers beyond 2^53 keep their digits. */
function exactJson(text: string): { readonly schema: SchemaJson } {
  const revive = (_: string, value: unknown, context?: ReviveContext): unknown =>
    typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(context?.source ?? '')
      ? BigInt(context?.source ?? '')
      : value;
  return JSON.parse(text, revive);
}

/** Debezium makes fields fit for Avro by itself where a converter writes it. */
function fieldOf(golden: AvroCase): (name: string) => string {
  return golden.settings['field.name.adjustment.mode'] === undefined
    ? (name) => name.replace(/[^A-Za-z0-9_]/g, '_').replace(/^(?=[0-9])/, '_')
    : (name) => name;
}

function ownSchemas(golden: AvroCase): Set<string> {
  const twin = readJsonTwin(golden, { schemas: true });
  const prefixes = { from: twin.settings['topic.prefix'] ?? '', to: golden.settings['topic.prefix'] ?? '' };
  const texts = new Set<string>();
  for (const { key, value } of twin.records) {
    for (const half of [key, value]) {
      if (typeof half === 'string') texts.add(avroSchema(connectSchema(exactJson(renamed(half, prefixes)).schema, fieldOf(golden))).text);
    }
  }
  return texts;
}

/** avsc takes no namespace that Java's library takes: the topic prefix and the names of schemas and tables are not adjusted there. */
function isForAvsc(golden: AvroCase): boolean {
  return golden.schemas.every((schema) => /^[\w.]*$/.test(/"namespace":"([^"]*)"/.exec(schema)?.[1] ?? ''));
}

/** What the formats do not hold alike, in lines of the JSON recording. */
const FORMAT_DIFFERENCES: Readonly<Record<string, readonly (readonly [json: string, avro: string])[]>> = {
  // Half a surrogate pair, where text was cut.
  'column-mask': [['lo\\uD83D"', 'lo?"']],
  // Debezium makes fields fit for Avro by itself.
  names: [
    ['"a b":', '"a_b":'],
    ['"x.y":', '"x_y":'],
    ['"1st":', '"_1st":'],
    ['"ünï":', '"_n_":'],
    ['"q\\"uote":', '"q_uote":'],
  ],
};

function adjusted(name: string): (line: string) => string {
  return (line) => (FORMAT_DIFFERENCES[name] ?? []).reduce((text, [json, avro]) => text.replaceAll(json, avro), line);
}

describe.each(CASES)('$name', (golden) => {
  it('has the schemas that were registered', () => {
    const own = ownSchemas(golden);
    for (const schema of golden.schemas) expect(own).toContain(schema);
  });

  it('has the values of the JSON recording', () => {
    const twin = readJsonTwin(golden, { schemas: false });
    const prefixes = { from: twin.settings['topic.prefix'] ?? '', to: golden.settings['topic.prefix'] ?? '' };
    const found = differences({
      group: golden.name,
      expected: { name: 'json', records: renamed(twin.records, prefixes) },
      actual: { name: 'avro', records: asJsonRecords(golden.records, golden.schemas) },
      adjust: adjusted(golden.name),
    });
    expect(found.slice(0, 3).join('\n')).toBe('');
  });

  it.skipIf(!isForAvsc(golden))('is read and written alike by avsc', () => {
    const avro = golden.schemas.map((schema) => avscType(schema));
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
