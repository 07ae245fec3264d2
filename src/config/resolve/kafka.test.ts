import { describe, expect, test } from 'vitest';
import type { ResolvedOptions } from '../../core/options.ts';
import { formatNotes, formatProblems, type Problem } from '../problems.ts';
import { parseJaas } from './jaas.ts';
import { type ResolveResult, resolveConfig } from './resolve.ts';

const CERTIFICATE = '-----BEGIN CERTIFICATE-----\nQQ==\n-----END CERTIFICATE-----';
const KEY = '-----BEGIN ENCRYPTED PRIVATE KEY-----\nQg==\n-----END ENCRYPTED PRIVATE KEY-----';

const FILES: Readonly<Record<string, string>> = {
  '/pem/ca': `issuer\n${CERTIFICATE}\n${CERTIFICATE}\n`,
  '/pem/both': `${KEY}\n${CERTIFICATE}\n`,
  '/pem/store.jks': '\uFFFD\uFFFD\u0002',
  '/pem/store.bin': '0\uFFFD\u0002',
  '/pem/key': KEY,
};

function resolve(more: Readonly<Record<string, unknown>>): ResolveResult {
  const required = {
    'database.hostname': 'h',
    'database.user': 'u',
    'database.dbname': 'd',
    'topic.prefix': 'p',
    'bootstrap.servers': 'k:9092',
  };
  const readFile = (path: string): string => {
    const text = FILES[path];
    if (text === undefined) throw Object.assign(new Error('no'), { code: 'ENOENT' });
    return text;
  };
  return resolveConfig({ ...required, ...more }, { variables: {}, readFile });
}

function resolved(more: Readonly<Record<string, unknown>>): ResolvedOptions {
  const result = resolve(more);
  if (result.tag === 'refused') throw new Error(formatProblems(result.problems));
  return result.options;
}

function problemsOf(more: Readonly<Record<string, unknown>>): readonly Problem[] {
  const result = resolve(more);
  return result.tag === 'refused' ? result.problems : [];
}

describe('producer options', () => {
  test.each(['linger.ms', 'producer.linger.ms', 'producer.override.linger.ms'])('%s is one of three spellings', (key) => {
    expect(resolved({ [key]: '7' }).producer.lingerMs).toBe(7);
  });

  test('an override wins over the spelling of a worker, that over the bare name', () => {
    const all = { 'producer.override.linger.ms': 3, 'linger.ms': 1, 'producer.linger.ms': 2 };
    expect(resolved(all).producer.lingerMs).toBe(3);
    expect(resolved({ 'producer.linger.ms': 2, 'linger.ms': 1 }).producer.lingerMs).toBe(2);
    expect(formatNotes(resolve(all).notes)).toContain('linger.ms: is overridden by producer.override.linger.ms');
  });

  test('acks 0 and 1 lose records, so they must be allowed', () => {
    expect(problemsOf({ 'producer.acks': 1 })).toMatchObject([
      { key: 'producer.acks', reason: expect.stringContaining('slotline.allow.loss') },
    ]);
    expect(resolved({ acks: '0', 'slotline.allow.loss': true }).producer).toMatchObject({
      acks: 0,
      idempotence: false,
      maxInFlightPerConnection: 1,
    });
    expect(resolved({ acks: '-1' }).producer).toMatchObject({ acks: -1, idempotence: true });
  });

  test.each([
    [{ 'enable.idempotence': true, acks: 1, 'slotline.allow.loss': true }, 'enable.idempotence'],
    [{ 'max.in.flight.requests.per.connection': 6 }, 'max.in.flight.requests.per.connection'],
    [
      { 'enable.idempotence': false, 'producer.max.in.flight.requests.per.connection': 2 },
      'producer.max.in.flight.requests.per.connection',
    ],
    [{ 'delivery.timeout.ms': 1000 }, 'delivery.timeout.ms'],
    [{ 'compression.type': 'brotli' }, 'compression.type'],
    [{ 'max.queue.size': 100, 'max.batch.size': 100 }, 'max.queue.size'],
  ])('%j contradicts itself or Kafka: %s', (options, key) => {
    expect(problemsOf(options).map((each) => each.key)).toEqual([key]);
  });

  test('without idempotence one request is in flight; a long request timeout raises the delivery timeout', () => {
    expect(resolved({ 'enable.idempotence': 'false' }).producer.maxInFlightPerConnection).toBe(1);
    expect(resolved({ 'request.timeout.ms': 200_000 }).producer.deliveryTimeoutMs).toBe(200_000);
  });

  test('the smaller bound holds for bytes, and batches fit into requests', () => {
    expect(resolved({ 'max.queue.size.in.bytes': 1000 }).producer.bufferBytesMax).toBe(1000);
    expect(resolved({ 'max.queue.size.in.bytes': 1000, 'buffer.memory': 10 }).producer.bufferBytesMax).toBe(10);
    expect(resolved({ 'max.request.size': 1000 }).producer.batchBytesMax).toBe(1000);
    expect(resolved({ 'max.queue.size': 8192, 'max.batch.size': 2048 }).producer.bufferRecordsMax).toBe(8192);
  });
});

describe('TLS towards Kafka', () => {
  test('certificates come from files or from the config, key and certificates from one file', () => {
    const { kafka } = resolved({
      'security.protocol': 'ssl',
      'ssl.truststore.location': '/pem/ca',
      'ssl.keystore.location': '/pem/both',
      'ssl.key.password': 'x',
    });
    expect(kafka).toMatchObject({
      tls: true,
      tlsVerifyHostname: true,
      tlsCaPem: `${CERTIFICATE}\n${CERTIFICATE}\n`,
      tlsCertPem: `${CERTIFICATE}\n`,
      tlsKeyPem: `${KEY}\n`,
      tlsKeyPassword: 'x',
    });
    const inline = resolved({
      'security.protocol': 'SSL',
      'ssl.truststore.certificates': CERTIFICATE.replaceAll('\n', '\\n'),
      'ssl.keystore.certificate.chain': CERTIFICATE,
      'ssl.keystore.key': KEY,
    });
    expect(inline.kafka).toMatchObject({ tlsCaPem: `${CERTIFICATE}\n`, tlsCertPem: `${CERTIFICATE}\n`, tlsKeyPem: `${KEY}\n` });
  });

  test.each([
    [{ 'ssl.truststore.location': '/pem/none' }, 'ssl.truststore.location', 'ENOENT'],
    [{ 'ssl.truststore.location': '/pem/store.jks' }, 'ssl.truststore.location', 'export it as PEM'],
    [{ 'ssl.truststore.location': '/pem/store.bin' }, 'ssl.truststore.location', 'export it as PEM'],
    [{ 'ssl.truststore.location': '/pem/key' }, 'ssl.truststore.location', 'no certificate'],
    [{ 'ssl.keystore.location': '/pem/key' }, 'ssl.keystore.location', 'no certificate'],
    [{ 'ssl.truststore.type': 'JKS' }, 'ssl.truststore.type', 'PEM'],
    [{ 'ssl.keystore.type': 'PKCS12' }, 'ssl.keystore.type', 'PEM'],
    [{ 'ssl.keystore.key': KEY }, 'ssl.keystore.certificate.chain', 'required'],
    [{ 'ssl.keystore.certificate.chain': CERTIFICATE }, 'ssl.keystore.key', 'required'],
    [{ 'ssl.truststore.location': '/pem/ca', 'ssl.truststore.certificates': CERTIFICATE }, 'ssl.truststore.location', 'already given'],
    [{ 'ssl.endpoint.identification.algorithm': 'none' }, 'ssl.endpoint.identification.algorithm', 'https or empty'],
  ])('%j: %s', (options, key, reason) => {
    expect(problemsOf({ 'security.protocol': 'SSL', ...options })).toMatchObject([{ key, reason: expect.stringContaining(reason) }]);
  });

  test('certificates without TLS are not read, and a note says so', () => {
    const result = resolve({ 'ssl.truststore.location': '/pem/none' });
    expect(result).toMatchObject({ tag: 'resolved', options: { kafka: { tls: false, tlsCaPem: undefined } } });
    expect(formatNotes(result.notes)).toContain('ssl.truststore.location: has no effect');
  });
});

describe('SASL towards Kafka', () => {
  const SASL = { 'security.protocol': 'SASL_PLAINTEXT' };
  const line = (module: string, options: string): string => `org.apache.kafka.common.security.${module} required ${options};`;

  test('reads user and password from options of their own or from the JAAS line', () => {
    const own = resolved({ ...SASL, 'sasl.mechanism': 'scram-sha-256', 'sasl.username': 'a', 'sasl.password': ' b ' });
    expect(own.kafka).toMatchObject({ tls: false, sasl: { mechanism: 'SCRAM-SHA-256', username: 'a', password: ' b ' } });
    const jaas = resolved({
      ...SASL,
      'sasl.mechanism': 'PLAIN',
      'producer.override.sasl.jaas.config': line('plain.PlainLoginModule', 'username="a" password="b\\";c"'),
    });
    expect(jaas.kafka.sasl).toMatchObject({ mechanism: 'PLAIN', username: 'a', password: 'b";c' });
  });

  test('OAUTHBEARER takes a fixed token or the client credentials grant', () => {
    expect(resolved({ ...SASL, 'sasl.mechanism': 'OAUTHBEARER', 'slotline.sasl.oauthbearer.token': 't' }).kafka.sasl?.token).toBe('t');
    const granted = resolved({
      ...SASL,
      'sasl.mechanism': 'OAUTHBEARER',
      'sasl.oauthbearer.token.endpoint.url': 'https://login/token',
      'sasl.login.callback.handler.class': 'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler',
      'sasl.jaas.config': line('oauthbearer.OAuthBearerLoginModule', 'clientId="id" clientSecret="s" scope="x y"'),
    });
    expect(granted.kafka.sasl).toMatchObject({
      oauthClientId: 'id',
      oauthClientSecret: 's',
      oauthScope: 'x y',
      oauthTokenEndpointUrl: 'https://login/token',
    });
  });

  test.each([
    [{}, ['sasl.mechanism']],
    [{ 'sasl.mechanism': 'GSSAPI' }, ['sasl.mechanism']],
    [{ 'sasl.mechanism': 'PLAIN' }, ['sasl.username', 'sasl.password']],
    [{ 'sasl.mechanism': 'PLAIN', 'sasl.username': 'a' }, ['sasl.password']],
    [{ 'sasl.mechanism': 'PLAIN', 'sasl.jaas.config': line('scram.ScramLoginModule', 'username="a" password="b"') }, ['sasl.jaas.config']],
    [{ 'sasl.mechanism': 'PLAIN', 'sasl.jaas.config': line('x.OtherModule', 'username="a" password="b"') }, ['sasl.jaas.config']],
    [{ 'sasl.mechanism': 'PLAIN', 'sasl.jaas.config': line('plain.PlainLoginModule', 'username="a') }, ['sasl.jaas.config']],
    [{ 'sasl.mechanism': 'OAUTHBEARER' }, ['sasl.oauthbearer.token.endpoint.url']],
    [
      {
        'sasl.mechanism': 'OAUTHBEARER',
        'sasl.jaas.config': line('oauthbearer.OAuthBearerLoginModule', 'unsecuredLoginStringClaim_sub="x"'),
      },
      ['sasl.jaas.config'],
    ],
    [
      { 'sasl.mechanism': 'OAUTHBEARER', 'sasl.oauthbearer.token.endpoint.url': 'http://x/' },
      ['sasl.oauthbearer.client.credentials.client.id', 'sasl.oauthbearer.client.credentials.client.secret'],
    ],
    [
      { 'sasl.mechanism': 'OAUTHBEARER', 'slotline.sasl.oauthbearer.token': 't', 'sasl.oauthbearer.token.endpoint.url': 'ftp://x/' },
      ['sasl.oauthbearer.token.endpoint.url'],
    ],
  ])('%j is incomplete or wrong: %j', (options, keys) => {
    expect(problemsOf({ ...SASL, ...options }).map((each) => each.key)).toEqual(keys);
  });

  test('credentials without SASL have no effect, and a note says so', () => {
    const result = resolve({ 'sasl.username': 'a' });
    expect(result).toMatchObject({ tag: 'resolved', options: { kafka: { sasl: undefined } } });
    expect(formatNotes(result.notes)).toContain('sasl.username: has no effect');
  });

  test.each([
    '',
    'x',
    'x required',
    'x required a="b"',
    'x required a="b"; y required;',
    'x required a b;',
    'x maybe a="b";',
    'x required a=;',
    'x required a="b',
  ])('JAAS line %j is wrong and nothing of it is quoted', (text) => {
    const parsed = parseJaas(text);
    expect(parsed.tag).toBe('wrong');
    expect(JSON.stringify(parsed)).not.toContain('a=');
  });
});

describe('topic creation', () => {
  test('reads groups with rules of their own, in order, beside the default', () => {
    const { topicCreation } = resolved({
      'topic.creation.enable': 'true',
      'topic.creation.default.partitions': -1,
      'topic.creation.default.replication.factor': 3,
      'topic.creation.default.cleanup.policy': 'compact',
      'topic.creation.groups': 'big, log',
      'topic.creation.big.include': 'p\\.a,p\\.b',
      'topic.creation.big.exclude': 'p\\.b',
      'topic.creation.big.partitions': 12,
      'topic.creation.log.include': '.*',
      'topic.creation.log.some.new.config': 'x',
    });
    expect(topicCreation).toEqual({
      enable: true,
      default: {
        name: 'default',
        include: [],
        exclude: [],
        partitions: -1,
        replicationFactor: 3,
        configs: [['cleanup.policy', 'compact']],
      },
      groups: [
        { name: 'big', include: ['p\\.a', 'p\\.b'], exclude: ['p\\.b'], partitions: 12, replicationFactor: undefined, configs: [] },
        {
          name: 'log',
          include: ['.*'],
          exclude: [],
          partitions: undefined,
          replicationFactor: undefined,
          configs: [['some.new.config', 'x']],
        },
      ],
    });
  });

  test.each([
    [{ 'topic.creation.default.partitions': 0 }, ['topic.creation.default.partitions']],
    [{ 'topic.creation.default.replication.factor': 'x' }, ['topic.creation.default.replication.factor']],
    [{ 'topic.creation.default.include': 'a' }, ['topic.creation.default.include']],
    [{ 'topic.creation.groups': 'a' }, ['topic.creation.a.include']],
    [{ 'topic.creation.groups': 'a', 'topic.creation.a.include': '(' }, ['topic.creation.a.include']],
    [{ 'topic.creation.groups': 'default' }, ['topic.creation.groups']],
    [{ 'topic.creation.groups': 'a,a', 'topic.creation.a.include': 'x' }, ['topic.creation.groups', 'topic.creation.a.include']],
    [{ 'topic.creation.other.partitions': 1 }, ['topic.creation.other.partitions']],
  ])('%j is wrong: %j', (options, keys) => {
    expect(problemsOf(options).map((each) => each.key)).toEqual(keys);
  });
});
