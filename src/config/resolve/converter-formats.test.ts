/** Converters beside Avro's, which converter.test.ts has. */
import { describe, expect, test } from 'vitest';
import type { ConverterOptions } from '../../core/options.ts';
import { formatNotes, type Problem } from '../problems.ts';
import { type ResolveResult, resolveConfig } from './resolve.ts';

const REQUIRED = {
  'database.hostname': 'localhost',
  'database.user': 'u',
  'database.dbname': 'd',
  'topic.prefix': 'srv',
  'bootstrap.servers': 'localhost:9092',
};
const JSON_SCHEMA = 'io.confluent.connect.json.JsonSchemaConverter';
const STRING = 'org.apache.kafka.connect.storage.StringConverter';

function resolve(converter: Readonly<Record<string, unknown>>, more: Readonly<Record<string, unknown>> = {}): ResolveResult {
  const options = Object.entries(converter).map(([name, value]) => [name === '' ? 'value.converter' : `value.converter.${name}`, value]);
  return resolveConfig({ ...REQUIRED, ...more, ...Object.fromEntries(options) }, { variables: {}, readFile: () => '' });
}

function valueConverter(converter: Readonly<Record<string, unknown>>, more?: Readonly<Record<string, unknown>>): ConverterOptions {
  const result = resolve(converter, more);
  if (result.tag === 'refused') throw new Error(JSON.stringify(result.problems));
  return result.options.valueConverter;
}

function problems(converter: Readonly<Record<string, unknown>>): readonly Problem[] {
  const result = resolve(converter);
  return result.tag === 'refused' ? result.problems : [];
}

const WITH_URL = { '': JSON_SCHEMA, 'schema.registry.url': 'http://localhost:8081' };

describe('a JSON Schema converter', () => {
  test.each([JSON_SCHEMA, 'json-schema'])("by %s has Confluent's defaults", (name) => {
    expect(valueConverter({ ...WITH_URL, '': name })).toMatchObject({
      format: 'json_schema',
      registry: { urls: ['http://localhost:8081'], cacheMax: 1000 },
      autoRegister: true,
      useLatestVersion: false,
      subjectNames: 'topic',
      decimalFormat: 'BASE64',
      additionalProperties: true,
      ignoreDefaults: false,
    });
  });

  test('takes its options', () => {
    const options = { 'decimal.format': 'numeric', 'object.additional.properties': false, 'ignore.default.for.nullables': true };
    const resolved = { decimalFormat: 'NUMERIC', additionalProperties: false, ignoreDefaults: true };
    expect(valueConverter({ ...WITH_URL, ...options })).toMatchObject(resolved);
  });

  test('needs the address of a registry, and names the options that it cannot honour', () => {
    expect(problems({ '': JSON_SCHEMA })).toMatchObject([{ key: 'value.converter.schema.registry.url', kind: 'missing' }]);
    expect(problems({ ...WITH_URL, 'json.fail.invalid.schema': true })).toMatchObject([
      { key: 'value.converter.json.fail.invalid.schema', kind: 'unsupported' },
    ]);
    // It is for reading, so nobody can tell.
    expect(formatNotes(resolve({ ...WITH_URL, 'use.optional.for.nonrequired': true }).notes)).not.toContain('nonrequired');
  });
});

describe('a string converter', () => {
  test.each([STRING, 'string'])('by %s writes UTF-8', (name) => {
    expect(valueConverter({ '': name })).toEqual({ format: 'string', encoding: 'UTF-8' });
  });

  test.each([
    ['UTF8', 'UTF-8'],
    ['iso-8859-1', 'ISO-8859-1'],
    ['UTF-16', 'UTF-16'],
  ])('takes the encoding %s', (name, encoding) => {
    expect(valueConverter({ '': STRING, 'converter.encoding': name })).toEqual({ format: 'string', encoding });
  });

  test('refuses an encoding that it cannot write', () => {
    expect(problems({ '': STRING, 'converter.encoding': 'EBCDIC' })).toMatchObject([
      { key: 'value.converter.converter.encoding', kind: 'invalid' },
    ]);
  });
});

describe('a converter of bytes', () => {
  const ROUTER = { transforms: 'a', 'transforms.a.type': 'io.debezium.transforms.outbox.EventRouter' };
  const BINARY = 'io.debezium.converters.BinaryDataConverter';

  test.each([BINARY, 'io.debezium.converters.ByteBufferConverter', 'org.apache.kafka.connect.converters.ByteArrayConverter'])(
    '%s is taken behind a transform',
    (name) => {
      expect(valueConverter({ '': name }, ROUTER)).toEqual({ format: 'bytes', delegate: undefined });
    },
  );

  test('may leave everything else to another one', () => {
    const options = {
      '': BINARY,
      'delegate.converter.type': 'org.apache.kafka.connect.json.JsonConverter',
      'delegate.converter.type.schemas.enable': false,
    };
    expect(valueConverter(options)).toMatchObject({ format: 'bytes', delegate: { format: 'json', schemasEnable: false } });
    expect(valueConverter({ '': BINARY, 'delegate.converter.type': STRING })).toMatchObject({ delegate: { format: 'string' } });
    expect(problems({ '': BINARY, 'delegate.converter.type': 'com.example.Converter' })).toMatchObject([{ kind: 'unsupported' }]);
  });
});

test.each([
  'org.apache.kafka.connect.converters.ByteArrayConverter',
  'io.debezium.converters.BinaryDataConverter',
  'org.apache.kafka.connect.storage.ByteArrayConverter',
])('%s is told at start to take no events', (name) => {
  const [problem] = problems({ '': name });
  expect(problem).toMatchObject({ key: 'value.converter', kind: 'invalid' });
  expect(JSON.stringify(problem)).toContain('Invalid schema type for ByteArrayConverter');
});
