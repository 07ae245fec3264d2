import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkTopics } from '../../src/cli/check/kafka.ts';
import type { ErrorCode } from '../../src/core/errors.ts';
import type { KafkaConnectionOptions, SaslOptions } from '../../src/core/options.ts';
import type { TableDescription } from '../../src/postgres/catalog/catalog.ts';
import { resolved } from '../e2e/agreement.ts';
import { type KafkaCluster, type KafkaListener, startKafka } from '../harness/kafka.ts';
import { removeTemporaryFolder, temporaryFolder } from '../harness/process.ts';
import { uniqueName } from '../harness/shared.ts';
import { connectorConfig } from '../harness/slotline.ts';
import { until } from '../harness/until.ts';
import { type Certificates, KEY_PASSWORD, makeCertificates } from './certificates.ts';
import { openPublishing, recordOf, topicCreation } from './publishing.ts';

const LOGIN_MODULE = 'org.apache.kafka.common.security';
const REAUTHENTICATE_MS = 2_000;

let folder: string;
let certificates: Certificates;
let cluster: KafkaCluster;
let tokenServer: Server;

function listeners(c: Certificates): KafkaListener[] {
  const pem = (identity: { certPem: string; keyPem: string }): Record<string, string> => ({
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.certificate.chain': identity.certPem,
    'ssl.keystore.key': identity.keyPem,
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.certificates': c.caPem,
  });
  const users = 'user_alice="alice-secret" user_bob="bob-secret"';
  return [
    {
      name: 'PLAIN',
      protocol: 'SASL_PLAINTEXT',
      settings: {
        'sasl.enabled.mechanisms': 'PLAIN',
        'plain.sasl.jaas.config': `${LOGIN_MODULE}.plain.PlainLoginModule required ${users};`,
        'plain.connections.max.reauth.ms': String(REAUTHENTICATE_MS),
      },
    },
    {
      name: 'SCRAM',
      protocol: 'SASL_SSL',
      host: 'localhost',
      settings: {
        ...pem(c.server),
        'sasl.enabled.mechanisms': 'SCRAM-SHA-256,SCRAM-SHA-512',
        'scram-sha-256.sasl.jaas.config': `${LOGIN_MODULE}.scram.ScramLoginModule required;`,
        'scram-sha-512.sasl.jaas.config': `${LOGIN_MODULE}.scram.ScramLoginModule required;`,
      },
    },
    {
      name: 'OAUTH',
      protocol: 'SASL_PLAINTEXT',
      settings: {
        'sasl.enabled.mechanisms': 'OAUTHBEARER',
        'oauthbearer.sasl.jaas.config': `${LOGIN_MODULE}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";`,
      },
    },
    { name: 'TLS', protocol: 'SSL', host: 'localhost', settings: { ...pem(c.server), 'ssl.client.auth': 'none' } },
    { name: 'MUTUAL', protocol: 'SSL', host: 'localhost', settings: { ...pem(c.server), 'ssl.client.auth': 'required' } },
    { name: 'OTHERHOST', protocol: 'SSL', host: 'localhost', settings: { ...pem(c.otherHost), 'ssl.client.auth': 'none' } },
  ];
}

beforeAll(async () => {
  folder = temporaryFolder('certificates');
  certificates = makeCertificates(join(folder, 'pem'));
  cluster = await startKafka({
    listeners: listeners(certificates),
    scramCredentials: ['SCRAM-SHA-256=[name=alice,password=alice-secret]', 'SCRAM-SHA-512=[name=alice,password=alice-secret]'],
    settings: {
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      'super.users': 'User:ANONYMOUS;User:alice;User:CN=slotline',
      'auto.create.topics.enable': 'false',
    },
  });
  tokenServer = createServer((request, response) => {
    const granted = request.headers.authorization === `Basic ${Buffer.from('slotline:client-secret').toString('base64')}`;
    response.writeHead(granted ? 200 : 401, { 'content-type': 'application/json' });
    response.end(
      JSON.stringify(
        granted ? { access_token: unsecuredToken('alice'), token_type: 'Bearer', expires_in: 60 } : { error: 'invalid_client' },
      ),
    );
  });
  await new Promise<void>((resolve) => tokenServer.listen(0, '127.0.0.1', resolve));
}, 120_000);

afterAll(async () => {
  tokenServer?.close();
  await cluster?.[Symbol.asyncDispose]();
  await removeTemporaryFolder(folder);
});

/** What Kafka's validator for unsecured JSON Web Signatures takes. */
function unsecuredToken(subject: string, lifetimeS = 300): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const nowS = Math.floor(Date.now() / 1000);
  return `${part({ alg: 'none' })}.${part({ sub: subject, iat: nowS, exp: nowS + lifetimeS })}.`;
}

function sasl(settings: Partial<SaslOptions>): SaslOptions {
  return {
    mechanism: 'PLAIN',
    username: undefined,
    password: undefined,
    token: undefined,
    oauthTokenEndpointUrl: undefined,
    oauthClientId: undefined,
    oauthClientSecret: undefined,
    oauthScope: undefined,
    ...settings,
  };
}

const alice = { username: 'alice', password: 'alice-secret' };
const wrong = { username: 'alice', password: 'wrong-secret' };
const tokenUrl = (): string => `http://127.0.0.1:${(tokenServer.address() as AddressInfo).port}/token?never=shown`;
const grant = (secret: string): SaslOptions =>
  sasl({ mechanism: 'OAUTHBEARER', oauthTokenEndpointUrl: tokenUrl(), oauthClientId: 'slotline', oauthClientSecret: secret });

type Settings = Partial<KafkaConnectionOptions>;
type Row = {
  readonly what: string;
  readonly listener: string;
  readonly works: () => Settings;
  readonly fails: () => Settings;
  readonly code: ErrorCode;
};
const withTls = (): Settings => ({ tls: true, tlsCaPem: certificates.caPem });
const mutual = ({ certPem, keyPem }: { certPem: string; keyPem: string }): Settings => ({
  ...withTls(),
  tlsCertPem: certPem,
  tlsKeyPem: keyPem,
});

const ROWS: readonly Row[] = [
  {
    what: 'SASL PLAIN',
    listener: 'PLAIN',
    works: () => ({ sasl: sasl(alice) }),
    fails: () => ({ sasl: sasl(wrong) }),
    code: 'kafka_authentication_failed',
  },
  ...(['SCRAM-SHA-256', 'SCRAM-SHA-512'] as const).map(
    (mechanism): Row => ({
      what: `SASL ${mechanism} over TLS`,
      listener: 'SCRAM',
      works: () => ({ ...withTls(), sasl: sasl({ mechanism, ...alice }) }),
      fails: () => ({ ...withTls(), sasl: sasl({ mechanism, ...wrong }) }),
      code: 'kafka_authentication_failed',
    }),
  ),
  {
    what: 'a SASL mechanism that the broker offers, and one that it does not',
    listener: 'SCRAM',
    works: () => ({ ...withTls(), sasl: sasl({ mechanism: 'SCRAM-SHA-256', ...alice }) }),
    fails: () => ({ ...withTls(), sasl: sasl(alice) }),
    code: 'kafka_authentication_failed',
  },
  {
    what: 'OAUTHBEARER with a token, and with one that has run out',
    listener: 'OAUTH',
    works: () => ({ sasl: sasl({ mechanism: 'OAUTHBEARER', token: unsecuredToken('alice') }) }),
    fails: () => ({ sasl: sasl({ mechanism: 'OAUTHBEARER', token: unsecuredToken('alice', -60) }) }),
    code: 'kafka_authentication_failed',
  },
  {
    what: 'OAUTHBEARER by client credentials, and by wrong ones',
    listener: 'OAUTH',
    works: () => ({ sasl: grant('client-secret') }),
    fails: () => ({ sasl: grant('wrong-secret') }),
    code: 'kafka_authentication_failed',
  },
  {
    what: 'TLS, and an authority that did not sign',
    listener: 'TLS',
    works: withTls,
    fails: () => ({ tls: true, tlsCaPem: certificates.strangerPem }),
    code: 'kafka_tls_failed',
  },
  { what: 'TLS, and none spoken to a TLS port', listener: 'TLS', works: withTls, fails: () => ({}), code: 'kafka_tls_failed' },
  {
    what: 'TLS to a certificate of another host: unverified, and verified',
    listener: 'OTHERHOST',
    works: () => ({ ...withTls(), tlsVerifyHostname: false }),
    fails: withTls,
    code: 'kafka_tls_failed',
  },
  {
    what: 'mutual TLS, and no client certificate',
    listener: 'MUTUAL',
    works: () => mutual(certificates.client),
    fails: withTls,
    code: 'kafka_tls_failed',
  },
  {
    what: 'mutual TLS, and a certificate by a stranger',
    listener: 'MUTUAL',
    works: () => mutual(certificates.client),
    fails: () => mutual(certificates.strangerClient),
    code: 'kafka_tls_failed',
  },
  {
    what: 'mutual TLS with an encrypted key, and a wrong key password',
    listener: 'MUTUAL',
    works: () => ({ ...mutual(certificates.client), tlsKeyPem: certificates.encryptedKeyPem, tlsKeyPassword: KEY_PASSWORD }),
    fails: () => ({ ...mutual(certificates.client), tlsKeyPem: certificates.encryptedKeyPem, tlsKeyPassword: 'wrong-secret' }),
    code: 'kafka_tls_failed',
  },
];

const SECRETS = /alice-secret|wrong-secret|client-secret|key-password|never=shown|eyJ|BEGIN/;

describe.each(ROWS)('$what', ({ listener, works, fails, code }) => {
  test('delivers', async () => {
    await using publishing = openPublishing(cluster.listenerServers[listener] ?? '', { connection: works() });
    const { publisher } = publishing;
    const topic = await publisher.openTopic(uniqueName('secure'), AbortSignal.timeout(20_000));
    publisher.append(topic, recordOf('k', 'v'));
    await publisher.drain(AbortSignal.timeout(20_000));
    expect(publisher.acknowledgedOrdinal).toBe(1);
  });

  test(`or ends with ${code}, at once and without a secret`, async () => {
    await using publishing = openPublishing(cluster.listenerServers[listener] ?? '', { connection: fails() });
    const opening = publishing.publisher.openTopic(uniqueName('secure'), AbortSignal.timeout(20_000));
    const error = await opening.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ code });
    expect(String(error)).not.toMatch(SECRETS);
    expect(JSON.stringify(publishing.lines)).not.toMatch(SECRETS);
    await expect(publishing.client.describeCluster()).rejects.toMatchObject({ code });
  });
});

describe('rights', () => {
  const bob = (): Settings => ({ sasl: sasl({ username: 'bob', password: 'bob-secret' }) });

  test('a user without rights on the topic gets kafka_unauthorized, whether it exists or not', async () => {
    await using owner = openPublishing(cluster.bootstrapServers);
    const name = uniqueName('private');
    await owner.publisher.openTopic(name, AbortSignal.timeout(20_000));
    await using publishing = openPublishing(cluster.listenerServers['PLAIN'] ?? '', { connection: bob() });
    for (const topic of [name, uniqueName('absent')]) {
      await expect(publishing.publisher.openTopic(topic, AbortSignal.timeout(20_000))).rejects.toMatchObject({
        code: 'kafka_unauthorized',
      });
    }
    expect((await publishing.client.describeTopic(name)).error?.code).toBe('kafka_unauthorized');
    expect(await owner.client.describeTopic(name)).toMatchObject({ exists: true, mayWrite: true, error: undefined });
  });

  test('Write alone is enough: a limit that may not be asked for is found by cutting, and a right that is taken away is named until it is back', async () => {
    await using owner = openPublishing(cluster.bootstrapServers, { topics: topicCreation(1, 1, [['max.message.bytes', '6000']]) });
    const name = uniqueName('granted');
    await owner.publisher.openTopic(name, AbortSignal.timeout(20_000));
    const admin = new Kafka({ brokers: cluster.bootstrapServers.split(','), logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    await using _ = { [Symbol.asyncDispose]: () => admin.disconnect() };
    // Of kafkajs: topic, literal, write, allow.
    const acl = {
      resourceType: 2,
      resourceName: name,
      resourcePatternType: 3,
      principal: 'User:bob',
      host: '*',
      operation: 4,
      permissionType: 3,
    };
    const outcome = async (records: number): Promise<string> => {
      await using publishing = openPublishing(cluster.listenerServers['PLAIN'] ?? '', { connection: bob() });
      const { publisher } = publishing;
      try {
        const topic = await publisher.openTopic(name, AbortSignal.timeout(20_000));
        for (let i = 0; i < records; i++) publisher.append(topic, recordOf('k', `${i}`.padEnd(500)));
        await publisher.drain(AbortSignal.timeout(20_000));
        return `delivered, cut ${publishing.lines.some(({ event }) => event === 'kafka.batch_split')}`;
      } catch (error) {
        return String(Reflect.get(Object(error), 'code'));
      }
    };
    const becomes = (expected: string): Promise<true> =>
      until(`it is ${expected}`, async () => (await outcome(1)).startsWith(expected), { timeoutMs: 20_000 });

    await admin.createAcls({ acl: [acl] });
    await becomes('delivered');
    expect(await outcome(400)).toBe('delivered, cut true');
    const running = openPublishing(cluster.listenerServers['PLAIN'] ?? '', { connection: bob() });
    const topic = await running.publisher.openTopic(name, AbortSignal.timeout(20_000));
    await admin.deleteAcls({ filters: [{ ...acl }] });
    await until(
      'the running one is refused',
      async () => {
        if (running.publisher.failure === undefined) running.publisher.append(topic, recordOf('k', 'v'));
        return running.failures.length > 0;
      },
      { timeoutMs: 20_000 },
    );
    await running[Symbol.asyncDispose]();
    expect(running.failures).toMatchObject([
      { code: 'kafka_unauthorized', retry: 'manual', details: { topic: name, error: 'TOPIC_AUTHORIZATION_FAILED' } },
    ]);
    await admin.createAcls({ acl: [acl] });
    await becomes('delivered');

    // Gone, and it may not make it again.
    await using left = openPublishing(cluster.listenerServers['PLAIN'] ?? '', { connection: bob() });
    const gone = await left.publisher.openTopic(name, AbortSignal.timeout(20_000));
    await admin.deleteTopics({ topics: [name] });
    await until(
      'that is named',
      async () => {
        if (left.publisher.failure === undefined) left.publisher.append(gone, recordOf('k', 'v'));
        return left.failures.length > 0;
      },
      { timeoutMs: 20_000 },
    );
    expect(left.failures).toMatchObject([{ code: 'kafka_unauthorized', details: { topic: name } }]);
  });

  test('whether brokers create topics is told to those who may ask', async () => {
    await using admin = openPublishing(cluster.bootstrapServers);
    await using other = openPublishing(cluster.listenerServers['PLAIN'] ?? '', { connection: bob() });
    expect([
      await admin.client.brokerSetting('auto.create.topics.enable'),
      await other.client.brokerSetting('auto.create.topics.enable'),
    ]).toEqual(['false', undefined]);
    const server = { host: 'localhost', port: 1, superuser: 'nobody', password: 'none' };
    const name = uniqueName('missing');
    const config = connectorConfig(
      { server, database: 'none', bootstrapServers: cluster.bootstrapServers, name },
      { 'topic.creation.enable': 'false' },
    );
    const options = resolved(config);
    const table = { schema: 'public', table: name } as TableDescription;
    const named = new Map([[`${name}.public.${name}`, [table]]]);
    const judged = await checkTopics(admin.client, options, named, AbortSignal.timeout(20_000));
    expect(judged).toMatchObject([{ check: 'kafka.topics_missing', status: 'fail', code: 'kafka_topic_missing' }]);
  });

  test('a topic that nobody creates is kafka_topic_missing', async () => {
    const topics = { ...topicCreation(1), enable: false };
    await using publishing = openPublishing(cluster.bootstrapServers, { topics });
    await expect(publishing.publisher.openTopic(uniqueName('missing'), AbortSignal.timeout(20_000))).rejects.toMatchObject({
      code: 'kafka_topic_missing',
    });
  });
});

test('a login that runs out is renewed without losing or repeating a record', async () => {
  await using publishing = openPublishing(cluster.listenerServers['PLAIN'] ?? '', { connection: { sasl: sasl(alice) } });
  const { publisher } = publishing;
  const topic = await publisher.openTopic(uniqueName('renewed'), AbortSignal.timeout(20_000));
  const untilMs = performance.now() + 2.5 * REAUTHENTICATE_MS;
  let appended = 0;
  await until(
    'the login has run out twice',
    async () => {
      publisher.append(topic, recordOf('k', `${appended++}`));
      publisher.flush();
      return performance.now() > untilMs;
    },
    { timeoutMs: 20_000 },
  );
  await publisher.drain(AbortSignal.timeout(10_000));
  expect(publisher.acknowledgedOrdinal).toBe(appended);
  expect(publishing.failures).toEqual([]);
  const end = await publishing.client.control((connection) => connection.endOffset(topic.name, 0, 5_000));
  expect(end).toEqual({ errorCode: 0, offset: appended });
  // Renewed in time, so that the broker never had to cut a connection.
  expect(publishing.lines.filter(({ level }) => level === 'warn' || level === 'error')).toEqual([]);
});
