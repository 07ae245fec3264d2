import { describe, expect, test } from 'vitest';
import type { AvroConverterOptions, ConverterOptions } from '../../core/options.ts';
import type { ConfigEnvironment } from '../environment.ts';
import { formatNotes, type Problem } from '../problems.ts';
import { type ResolveResult, resolveConfig } from './resolve.ts';

const CERTIFICATE = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
const KEY = '-----BEGIN PRIVATE KEY-----\nBBBB\n-----END PRIVATE KEY-----\n';
const FILES: ConfigEnvironment = { variables: {}, readFile: (path) => (path === '/ca.pem' ? CERTIFICATE : CERTIFICATE + KEY) };
const REQUIRED = {
  'database.hostname': 'localhost',
  'database.user': 'u',
  'database.dbname': 'd',
  'topic.prefix': 'srv',
  'bootstrap.servers': 'localhost:9092',
};
const AVRO = 'io.confluent.connect.avro.AvroConverter';
const APICURIO = 'io.apicurio.registry.utils.converter.AvroConverter';

function resolve(converter: Readonly<Record<string, unknown>>): ResolveResult {
  const options = Object.entries(converter).map(([name, value]) => [name === '' ? 'value.converter' : `value.converter.${name}`, value]);
  return resolveConfig({ ...REQUIRED, ...Object.fromEntries(options) }, FILES);
}

function valueConverter(converter: Readonly<Record<string, unknown>>): ConverterOptions {
  const result = resolve(converter);
  if (result.tag === 'refused') throw new Error(JSON.stringify(result.problems));
  return result.options.valueConverter;
}

function avro(converter: Readonly<Record<string, unknown>>): AvroConverterOptions {
  const options = valueConverter(converter);
  if (options.format !== 'avro') throw new Error('not Avro');
  return options;
}

function problems(converter: Readonly<Record<string, unknown>>): readonly Problem[] {
  const result = resolve(converter);
  return result.tag === 'refused' ? result.problems : [];
}

const WITH_URL = { '': AVRO, 'schema.registry.url': 'http://localhost:8081' };

describe('an Avro converter', () => {
  test.each([AVRO, 'avro'])("by %s has Confluent's defaults", (name) => {
    expect(avro({ '': name, 'schema.registry.url': 'http://a:8081, http://b:8081/' })).toEqual({
      format: 'avro',
      registry: {
        urls: ['http://a:8081', 'http://b:8081/'],
        basicAuth: undefined,
        bearerToken: undefined,
        tls: { caPem: undefined, certPem: undefined, keyPem: undefined, keyPassword: undefined, verifyHostname: true },
        requestTimeoutMs: 10_000,
        retryForMs: 20_000,
        cacheMax: 1000,
        normalizeSchemas: false,
      },
      autoRegister: true,
      useLatestVersion: false,
      subjectNames: 'topic',
      connectMetaData: true,
      scrubInvalidNames: false,
      fieldDocs: false,
      ignoreDefaults: false,
    });
  });

  test('takes its options, and leaves those of the key alone', () => {
    const options = {
      ...WITH_URL,
      'auto.register.schemas': false,
      'use.latest.version': true,
      'value.subject.name.strategy': 'io.confluent.kafka.serializers.subject.TopicRecordNameStrategy',
      'connect.meta.data': 'false',
      'scrub.invalid.names': true,
      'normalize.schemas': true,
      'bearer.auth.credentials.source': 'STATIC_TOKEN',
      'bearer.auth.token': 't0ken',
      'schema.registry.ssl.truststore.location': '/ca.pem',
      'schema.registry.ssl.keystore.location': '/own.pem',
      'schema.registry.ssl.endpoint.identification.algorithm': '',
    };
    expect(avro(options)).toMatchObject({
      autoRegister: false,
      useLatestVersion: true,
      subjectNames: 'topic_record',
      connectMetaData: false,
      scrubInvalidNames: true,
      registry: {
        bearerToken: 't0ken',
        normalizeSchemas: true,
        tls: { caPem: CERTIFICATE, certPem: CERTIFICATE, keyPem: KEY, verifyHostname: false },
      },
    });
    const result = resolve(options);
    expect(result.tag === 'resolved' && result.options.keyConverter.format).toBe('json');
  });

  test('uses basic.auth.user.info only where basic.auth.credentials.source says so', () => {
    const user = { ...WITH_URL, 'basic.auth.user.info': 'anna:secret' };
    expect(avro({ ...user, 'basic.auth.credentials.source': 'USER_INFO' }).registry.basicAuth).toBe('anna:secret');
    expect(avro(user).registry.basicAuth).toBeUndefined();
    expect(formatNotes(resolve(user).notes)).toContain('basic.auth.credentials.source is not USER_INFO');
    expect(formatNotes(resolve(user).notes)).not.toContain('secret');
    expect(problems({ ...WITH_URL, 'basic.auth.credentials.source': 'USER_INFO' })).toMatchObject([
      { key: 'value.converter.basic.auth.user.info', kind: 'missing' },
    ]);
  });

  test('makes names of fields fit for Avro, as Debezium does, unless another adjustment is asked for', () => {
    const adjustment = (more: Readonly<Record<string, unknown>>): unknown => {
      const result = resolveConfig({ ...REQUIRED, ...more }, FILES);
      return result.tag === 'resolved' && [result.options.events.fieldNameAdjustment, result.options.events.schemaNameAdjustment];
    };
    const avroKeys = { 'key.converter': AVRO, 'key.converter.schema.registry.url': 'http://localhost:8081' };
    expect(adjustment({})).toEqual(['none', 'none']);
    expect(adjustment(avroKeys)).toEqual(['avro', 'none']);
    expect(adjustment({ ...avroKeys, 'field.name.adjustment.mode': 'avro_unicode' })).toEqual(['avro_unicode', 'none']);
  });

  test.each([
    ['no address', { '': AVRO }, 'value.converter.schema.registry.url', 'missing'],
    ['an address that is none', { ...WITH_URL, 'schema.registry.url': 'localhost:8081' }, 'value.converter.schema.registry.url', 'invalid'],
    [
      'a Java key store',
      { ...WITH_URL, 'schema.registry.ssl.truststore.type': 'JKS' },
      'value.converter.schema.registry.ssl.truststore.type',
      'unsupported',
    ],
    [
      'another strategy',
      { ...WITH_URL, 'value.subject.name.strategy': 'com.example.Mine' },
      'value.converter.value.subject.name.strategy',
      'unsupported',
    ],
    ['a converter that nobody knows', { '': 'com.example.MyConverter' }, 'value.converter', 'unsupported'],
    ['credentials without a colon', { ...WITH_URL, 'basic.auth.user.info': 'anna' }, 'value.converter.basic.auth.user.info', 'invalid'],
    [
      "Apicurio's own wire format",
      { '': APICURIO, 'apicurio.registry.url': 'http://a/apis/registry/v2' },
      'value.converter.apicurio.registry.as-confluent',
      'invalid',
    ],
  ])('is refused with %s', (_, converter, key, kind) => {
    expect(problems(converter)).toMatchObject([{ key, kind }]);
  });
});

describe("Apicurio's converter", () => {
  test('is mapped where its settings mean the same wire format', () => {
    const options = {
      '': APICURIO,
      'apicurio.registry.url': 'http://127.0.0.1:8081/apis/registry/v2/',
      'apicurio.registry.auto-register': true,
      'apicurio.registry.as-confluent': true,
      'apicurio.registry.headers.enabled': false,
      'apicurio.registry.use-id': 'contentId',
      'apicurio.auth.username': 'anna',
      'apicurio.auth.password': 'secret',
    };
    expect(avro(options)).toMatchObject({
      autoRegister: true,
      useLatestVersion: false,
      subjectNames: 'topic',
      registry: { urls: ['http://127.0.0.1:8081/apis/ccompat/v7'], basicAuth: 'anna:secret' },
    });
    expect(problems({ ...options, 'apicurio.registry.use-id': 'globalId' })).toMatchObject([
      { key: 'value.converter.apicurio.registry.use-id', kind: 'unsupported' },
    ]);
    expect(problems({ ...options, 'apicurio.registry.headers.enabled': true })).toHaveLength(1);
  });
});
