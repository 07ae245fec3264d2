import { expect, test } from 'vitest';
import type { ConverterOptions } from '../../core/options.ts';
import type { Problem } from '../problems.ts';
import { type ResolveResult, resolveConfig } from './resolve.ts';

const REQUIRED = {
  'database.hostname': 'localhost',
  'database.user': 'u',
  'database.dbname': 'd',
  'topic.prefix': 'srv',
  'bootstrap.servers': 'localhost:9092',
};
const CLASS = 'io.confluent.connect.protobuf.ProtobufConverter';
const WITH_URL = { '': CLASS, 'schema.registry.url': 'http://localhost:8081' };

function resolve(converter: Readonly<Record<string, unknown>>): ResolveResult {
  const options = Object.entries(converter).map(([name, value]) => [name === '' ? 'value.converter' : `value.converter.${name}`, value]);
  return resolveConfig({ ...REQUIRED, ...Object.fromEntries(options) }, { variables: {}, readFile: () => '' });
}

function valueConverter(converter: Readonly<Record<string, unknown>>): ConverterOptions {
  const result = resolve(converter);
  if (result.tag === 'refused') throw new Error(JSON.stringify(result.problems));
  return result.options.valueConverter;
}

function problems(converter: Readonly<Record<string, unknown>>): readonly Problem[] {
  const result = resolve(converter);
  return result.tag === 'refused' ? result.problems : [];
}

test.each([CLASS, 'protobuf'])("a Protobuf converter by %s has Confluent's defaults", (name) => {
  expect(valueConverter({ ...WITH_URL, '': name })).toMatchObject({
    format: 'protobuf',
    registry: { urls: ['http://localhost:8081'] },
    autoRegister: true,
    useLatestVersion: false,
    subjectNames: 'topic',
    optionalForNullables: false,
    wrapperForNullables: false,
    scrubInvalidNames: false,
    ignoreDefaults: false,
  });
});

test('honours the options of the Protobuf converter', () => {
  const own = ['optional.for.nullables', 'wrapper.for.nullables', 'scrub.invalid.names', 'ignore.default.for.nullables'];
  expect(valueConverter({ ...WITH_URL, ...Object.fromEntries(own.map((name) => [name, 'true'])) })).toMatchObject({
    optionalForNullables: true,
    wrapperForNullables: true,
    scrubInvalidNames: true,
    ignoreDefaults: true,
  });
});

test('accepts options that only reading has, without a word', () => {
  const result = resolve({ ...WITH_URL, 'int.for.enums': 'true', 'flatten.unions': 'true' });
  expect(result.tag).toBe('resolved');
  expect(result.notes.map(({ key }) => key).filter((key) => /enums|unions/.test(key))).toEqual([]);
});

test.each([
  ['no address', { '': CLASS }, 'value.converter.schema.registry.url', 'missing'],
  ['imported types to be registered', { ...WITH_URL, 'skip.known.types': 'false' }, 'value.converter.skip.known.types', 'unsupported'],
])('it is refused with %s', (_, converter, key, kind) => {
  expect(problems(converter)).toMatchObject([{ key, kind }]);
});
