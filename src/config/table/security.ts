/** Owns the option rows for TLS and SASL towards Kafka. Does not own reading certificates and JAAS: config/resolve/security.ts, jaas.ts. */

import { HONOURED_VALUES } from './honoured-values.ts';
import { clientAliases } from './kafka.ts';
import { CLASS, honoured, LIST, noEffect, notYet, type OptionSpec, oneOf, SECRET } from './option-spec.ts';

const STORE_TYPES = oneOf('PEM', 'JKS', 'PKCS12');
const NOT_PEM = 'Java key stores are not read: export them as PEM (keytool -importkeystore to PKCS12, then openssl pkcs12 -nodes).';
const PEM_DIFFERS = 'Kafka: JKS, which only Java reads.';
const JAVA_CLASS = 'A Java class cannot run here.';
const JVM = 'It chooses an implementation inside the JVM.';
const KERBEROS = 'Kerberos (GSSAPI) is not supported.';
const ONE_TOKEN = 'Tokens are fetched from the token endpoint with client credentials, and again before they expire.';
const BROKER_SIDE = 'It validates tokens, which brokers do.';

type Row = Omit<Parameters<typeof honoured>[0], 'aliases'>;

export const SECURITY_OPTIONS: readonly OptionSpec[] = [
  client({ name: 'security.protocol', kind: oneOf('PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'), default: 'PLAINTEXT', why: "Kafka's.", doc: 'Encryption and login towards brokers.' }),
  client({ name: 'ssl.truststore.type', kind: STORE_TYPES, default: 'PEM', honouredValues: ['PEM'], why: 'Every tool reads it.', differs: PEM_DIFFERS, reason: NOT_PEM, doc: 'Form of the trusted certificates.' }),
  client({ name: 'ssl.truststore.location', why: "The system's certificates.", doc: 'Path of the trusted certificates (PEM).' }),
  client({ name: 'ssl.truststore.certificates', why: "The system's certificates.", doc: 'The trusted certificates themselves (PEM text).' }),
  client({ name: 'ssl.keystore.type', kind: STORE_TYPES, default: 'PEM', honouredValues: ['PEM'], why: 'Every tool reads it.', differs: PEM_DIFFERS, reason: NOT_PEM, doc: 'Form of the own certificate and key.' }),
  client({ name: 'ssl.keystore.location', why: 'Needed for mutual TLS only.', doc: 'Path of one file with the own key and its certificates (PEM).' }),
  client({ name: 'ssl.keystore.certificate.chain', why: 'Needed for mutual TLS only.', doc: 'The own certificate and its issuers (PEM text).' }),
  client({ name: 'ssl.keystore.key', kind: SECRET, why: 'Needed for mutual TLS only.', doc: 'The own key (PKCS-8 PEM text).' }),
  client({ name: 'ssl.key.password', kind: SECRET, why: 'Needed for encrypted keys only.', doc: 'Password of the own key.' }),
  client({
    name: 'ssl.endpoint.identification.algorithm',
    default: 'https',
    emptyAllowed: true,
    why: "Kafka's.",
    doc: 'Empty: the host name of a broker is not compared with its certificate.',
    check: (value) => (value === '' || value.toLowerCase() === 'https' ? undefined : 'must be https or empty'),
  }),
  secretUnused('ssl.truststore.password', 'PEM certificates have none.'),
  secretUnused('ssl.keystore.password', 'PEM files have none; see ssl.key.password.'),
  refused({ name: 'ssl.cipher.suites', kind: LIST, reason: "Node's cipher suites are used.", doc: 'Allowed cipher suites.' }),
  refused({
    name: 'ssl.enabled.protocols',
    kind: LIST,
    default: 'TLSv1.2,TLSv1.3',
    honouredValues: ['TLSv1.2,TLSv1.3', 'TLSv1.3,TLSv1.2', 'TLSv1.2, TLSv1.3', 'TLSv1.3, TLSv1.2'],
    reason: 'TLS 1.2 and 1.3 are both used.',
    doc: 'Allowed versions of TLS.',
  }),
  refused({ name: 'ssl.engine.factory.class', kind: CLASS, reason: JAVA_CLASS, doc: 'Class that makes TLS engines.' }),
  unused('ssl.protocol', JVM),
  unused('ssl.provider', JVM),
  unused('ssl.keymanager.algorithm', JVM),
  unused('ssl.trustmanager.algorithm', JVM),
  unused('ssl.secure.random.implementation', JVM),
  unused('security.providers', JVM),
  client({
    name: 'sasl.mechanism',
    kind: oneOf('PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER', 'GSSAPI', 'AWS_MSK_IAM'),
    honouredValues: HONOURED_VALUES['sasl.mechanism'],
    why: 'It must be said which login brokers expect.',
    differs: 'Kafka: GSSAPI, which needs Kerberos.',
    reason: 'Only PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 and OAUTHBEARER are supported.',
    doc: 'Login towards brokers; required with SASL_PLAINTEXT and SASL_SSL.',
  }),
  client({ name: 'sasl.jaas.config', kind: SECRET, why: 'sasl.username and sasl.password do the same.', doc: "Kafka's login line for PlainLoginModule, ScramLoginModule or OAuthBearerLoginModule." }),
  client({ name: 'sasl.username', why: 'sasl.jaas.config may hold it.', doc: 'User for PLAIN and SCRAM.' }),
  client({ name: 'sasl.password', kind: SECRET, why: 'sasl.jaas.config may hold it.', doc: 'Password for PLAIN and SCRAM.' }),
  client({ name: 'sasl.oauthbearer.token.endpoint.url', why: 'A fixed token needs none.', doc: 'Where OAUTHBEARER tokens are fetched (client credentials grant).', check: checkUrl }),
  client({ name: 'sasl.oauthbearer.client.credentials.client.id', why: 'sasl.jaas.config may hold it.', doc: 'Client id for the token endpoint.' }),
  client({ name: 'sasl.oauthbearer.client.credentials.client.secret', kind: SECRET, why: 'sasl.jaas.config may hold it.', doc: 'Client secret for the token endpoint.' }),
  client({ name: 'sasl.oauthbearer.scope', why: 'Most token endpoints need none.', doc: 'Scope asked of the token endpoint.' }),
  refused({ name: 'sasl.login.class', kind: CLASS, reason: JAVA_CLASS, doc: 'Class that logs in.' }),
  refused({
    name: 'sasl.login.callback.handler.class',
    kind: CLASS,
    honouredValues: ['org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler', 'org.apache.kafka.common.security.oauthbearer.secured.OAuthBearerLoginCallbackHandler'],
    reason: JAVA_CLASS,
    doc: "Class that finds credentials; Kafka's own for OAUTHBEARER is understood.",
  }),
  refused({ name: 'sasl.client.callback.handler.class', kind: CLASS, reason: JAVA_CLASS, doc: 'Class that answers login callbacks.' }),
  refused({ name: 'sasl.oauthbearer.jwt.retriever.class', kind: CLASS, default: 'org.apache.kafka.common.security.oauthbearer.DefaultJwtRetriever', honouredValues: ['org.apache.kafka.common.security.oauthbearer.ClientCredentialsJwtRetriever'], reason: JAVA_CLASS, doc: 'Class that fetches tokens.' }),
  notYet({ name: 'sasl.oauthbearer.assertion.<property>', kind: SECRET, aliases: clientAliases('sasl.oauthbearer.assertion.<property>'), reason: ONE_TOKEN, doc: 'Options of the JWT bearer grant.' }),
  ...['clock.skew.seconds', 'expected.audience', 'expected.issuer', 'jwks.endpoint.refresh.ms', 'jwks.endpoint.retry.backoff.max.ms', 'jwks.endpoint.retry.backoff.ms', 'jwks.endpoint.url', 'jwt.validator.class', 'scope.claim.name', 'sub.claim.name'].map((part) =>
    unused(`sasl.oauthbearer.${part}`, BROKER_SIDE, 'always'),
  ),
  unused('sasl.oauthbearer.header.urlencode', 'Client credentials are sent as RFC 6749 says.'),
  ...['connect.timeout.ms', 'read.timeout.ms', 'refresh.buffer.seconds', 'refresh.min.period.seconds', 'refresh.window.factor', 'refresh.window.jitter', 'retry.backoff.max.ms', 'retry.backoff.ms'].map((part) => unused(`sasl.login.${part}`, 'Tokens are renewed well before they expire.', 'always')),
  ...['kinit.cmd', 'min.time.before.relogin', 'service.name', 'ticket.renew.jitter', 'ticket.renew.window.factor'].map((part) => unused(`sasl.kerberos.${part}`, KERBEROS)),
];

function client(row: Row): OptionSpec {
  return honoured({ ...row, aliases: clientAliases(row.name) });
}

function refused(row: Parameters<typeof notYet>[0]): OptionSpec {
  return notYet({ ...row, aliases: clientAliases(row.name) });
}

function unused(name: string, reason: string, silent: 'always' | readonly string[] = []): OptionSpec {
  return noEffect({ name, aliases: clientAliases(name), reason, silent, doc: `Kafka's \`${name}\`.` });
}

function secretUnused(name: string, reason: string): OptionSpec {
  return noEffect({ name, kind: SECRET, aliases: clientAliases(name), reason, doc: `Kafka's \`${name}\`.` });
}

function checkUrl(value: string): string | undefined {
  return /^https?:$/.test(URL.parse(value)?.protocol ?? '') ? undefined : 'must be an http or https URL';
}
