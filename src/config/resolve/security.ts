/** Owns the resolved TLS and SASL options towards Kafka: PEM texts read, JAAS parsed, contradictions named. */

import type { KafkaConnectionOptions, SaslOptions } from '../../core/options.ts';
import { type ConfigEnvironment, errorName } from '../environment.ts';
import { type Jaas, parseJaas } from './jaas.ts';
import type { ConfigReport, OptionValues } from './read-values.ts';

type TlsOptions = Pick<KafkaConnectionOptions, 'tlsVerifyHostname' | 'tlsCaPem' | 'tlsCertPem' | 'tlsKeyPem' | 'tlsKeyPassword'>;

const CERTIFICATE = /-----BEGIN (?:TRUSTED )?CERTIFICATE-----[\s\S]+?-----END (?:TRUSTED )?CERTIFICATE-----/g;
const KEY = /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]+?-----END [A-Z ]*PRIVATE KEY-----/g;

export function resolveTls(values: OptionValues, report: ConfigReport, environment: ConfigEnvironment): TlsOptions {
  const source = { values, report, environment };
  const used = values.text('security.protocol').endsWith('SSL');
  const ca = used ? readPem(source, { inline: 'ssl.truststore.certificates', location: 'ssl.truststore.location' }) : undefined;
  const store = used ? readPem(source, { inline: 'ssl.keystore.certificate.chain', location: 'ssl.keystore.location' }) : undefined;
  const key = used ? readPem(source, { inline: 'ssl.keystore.key', location: 'ssl.keystore.location' }) : undefined;
  const cert = blocks(source, store, CERTIFICATE, 'certificate');
  const keyPem = blocks(source, key, KEY, 'private key');
  reportHalves(values, report, used);
  return {
    tlsVerifyHostname: values.text('ssl.endpoint.identification.algorithm') !== '',
    tlsCaPem: blocks(source, ca, CERTIFICATE, 'certificate'),
    tlsCertPem: cert,
    tlsKeyPem: keyPem,
    tlsKeyPassword: values.optional('ssl.key.password'),
  };
}

export type PemNames = Readonly<Record<'truststore' | 'chain' | 'key', { readonly inline: string; readonly location: string }>>;

/** PEM texts under other names than Kafka's; undefined where none is given. */
export function resolvePem(
  source: Source,
  names: PemNames,
): { caPem: string | undefined; certPem: string | undefined; keyPem: string | undefined } {
  return {
    caPem: blocks(source, readPem(source, names.truststore), CERTIFICATE, 'certificate'),
    certPem: blocks(source, readPem(source, names.chain), CERTIFICATE, 'certificate'),
    keyPem: blocks(source, readPem(source, names.key), KEY, 'private key'),
  };
}

function reportHalves(values: OptionValues, report: ConfigReport, used: boolean): void {
  const [chain, key] = ['ssl.keystore.certificate.chain', 'ssl.keystore.key'] as const;
  if (!used) {
    const unused = ['ssl.truststore.location', 'ssl.truststore.certificates', 'ssl.keystore.location', chain, key].find((name) =>
      values.given(name),
    );
    if (unused !== undefined) report.note(values.keyOf(unused), 'has no effect: security.protocol is not SSL or SASL_SSL');
    return;
  }
  if (values.given(chain) && !values.given(key)) report.add('missing', key, `is required with ${chain}`);
  if (values.given(key) && !values.given(chain)) report.add('missing', chain, `is required with ${key}`);
}

type Source = { readonly values: OptionValues; readonly report: ConfigReport; readonly environment: ConfigEnvironment };
type Pem = { readonly key: string; readonly text: string };

/** Reads PEM text from the config or from a file. Both together are an error; the inline form is then used. */
function readPem(source: Source, names: { readonly inline: string; readonly location: string }): Pem | undefined {
  const { values, report, environment } = source;
  const inline = values.optional(names.inline);
  const location = values.optional(names.location);
  if (inline !== undefined) {
    if (location !== undefined) report.add('invalid', values.keyOf(names.location), `is already given by ${names.inline}`);
    return { key: names.inline, text: inline.replaceAll('\\n', '\n') };
  }
  if (location === undefined) return undefined;
  try {
    return { key: names.location, text: environment.readFile(location) };
  } catch (error) {
    report.add('invalid', values.keyOf(names.location), `the file cannot be read (${errorName(error)})`);
    return undefined;
  }
}

function blocks(source: Source, pem: Pem | undefined, pattern: RegExp, what: string): string | undefined {
  if (pem === undefined) return undefined;
  const found = pem.text.match(pattern);
  if (found !== null) return `${found.join('\n')}\n`;
  const key = source.values.keyOf(pem.key);
  const javaStore = pem.text.slice(0, 4).includes('\uFFFD') || /\.(jks|p12|pfx|keystore|truststore)$/i.test(source.values.text(pem.key));
  source.report.add('invalid', key, javaStore ? 'is a Java or PKCS12 key store: export it as PEM' : `holds no ${what} in PEM form`);
  return undefined;
}

const MODULES: Readonly<Record<string, readonly string[]>> = {
  PlainLoginModule: ['PLAIN'],
  ScramLoginModule: ['SCRAM-SHA-256', 'SCRAM-SHA-512'],
  OAuthBearerLoginModule: ['OAUTHBEARER'],
};

export function resolveSasl(values: OptionValues, report: ConfigReport): SaslOptions | undefined {
  if (!values.text('security.protocol').startsWith('SASL')) {
    const unused = ['sasl.mechanism', 'sasl.jaas.config', 'sasl.username', 'sasl.password'].find((name) => values.given(name));
    if (unused !== undefined) report.note(values.keyOf(unused), 'has no effect: security.protocol is not SASL_PLAINTEXT or SASL_SSL');
    return undefined;
  }
  if (values.optional('sasl.mechanism') === undefined) {
    if (!values.wrong('sasl.mechanism'))
      report.add(
        'missing',
        'sasl.mechanism',
        'is required with SASL_PLAINTEXT and SASL_SSL: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER',
      );
    return undefined;
  }
  const mechanism = values.oneOf('sasl.mechanism', ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER'] as const);
  const jaas = resolveJaas(values, report, mechanism);
  const sasl = combine(values, mechanism, jaas);
  reportCredentials(values, report, { sasl, jaas });
  return sasl;
}

function resolveJaas(values: OptionValues, report: ConfigReport, mechanism: string): Jaas | undefined {
  const text = values.optional('sasl.jaas.config');
  if (text === undefined) return undefined;
  const key = values.keyOf('sasl.jaas.config');
  const parsed = parseJaas(text);
  if (parsed.tag === 'wrong') {
    report.add('invalid', key, parsed.reason);
    return undefined;
  }
  const mechanisms = MODULES[parsed.jaas.module];
  if (mechanisms === undefined) {
    report.add('unsupported', key, `names a login module that is not one of ${Object.keys(MODULES).join(', ')}`);
    return undefined;
  }
  if (mechanisms.includes(mechanism)) return parsed.jaas;
  report.add('invalid', key, `is of ${parsed.jaas.module}, but sasl.mechanism is ${mechanism}`);
  return undefined;
}

/** Options with names of their own win over what the JAAS line says. */
function combine(values: OptionValues, mechanism: SaslOptions['mechanism'], jaas: Jaas | undefined): SaslOptions {
  const fromJaas = (name: string): string | undefined => jaas?.options.get(name);
  return {
    mechanism,
    username: values.optional('sasl.username') ?? fromJaas('username'),
    password: values.optional('sasl.password') ?? fromJaas('password'),
    token: values.optional('slotline.sasl.oauthbearer.token'),
    oauthTokenEndpointUrl: values.optional('sasl.oauthbearer.token.endpoint.url'),
    oauthClientId: values.optional('sasl.oauthbearer.client.credentials.client.id') ?? fromJaas('clientId'),
    oauthClientSecret: values.optional('sasl.oauthbearer.client.credentials.client.secret') ?? fromJaas('clientSecret'),
    oauthScope: values.optional('sasl.oauthbearer.scope') ?? fromJaas('scope'),
  };
}

function reportCredentials(
  values: OptionValues,
  report: ConfigReport,
  found: { readonly sasl: SaslOptions; readonly jaas: Jaas | undefined },
): void {
  const { sasl, jaas } = found;
  if (values.given('sasl.jaas.config') && jaas === undefined) return;
  if (sasl.mechanism === 'OAUTHBEARER') {
    reportOauth(values, report, found);
    return;
  }
  if (sasl.username === undefined)
    report.add('missing', 'sasl.username', `is required for ${sasl.mechanism}, here or as username in sasl.jaas.config`);
  if (sasl.password === undefined)
    report.add('missing', 'sasl.password', `is required for ${sasl.mechanism}, here or as password in sasl.jaas.config`);
}

function reportOauth(
  values: OptionValues,
  report: ConfigReport,
  found: { readonly sasl: SaslOptions; readonly jaas: Jaas | undefined },
): void {
  const { sasl, jaas } = found;
  if (sasl.token !== undefined) return;
  const unsecured = [...(jaas?.options.keys() ?? [])].some((name) => name.startsWith('unsecured'));
  if (sasl.oauthTokenEndpointUrl === undefined) {
    const reason = 'is required for OAUTHBEARER, unless slotline.sasl.oauthbearer.token holds a fixed token';
    if (unsecured)
      report.add(
        'unsupported',
        values.keyOf('sasl.jaas.config'),
        'asks for unsecured tokens, which are for tests of Kafka only: use a token endpoint or slotline.sasl.oauthbearer.token',
      );
    else report.add('missing', 'sasl.oauthbearer.token.endpoint.url', reason);
    return;
  }
  if (sasl.oauthClientId === undefined)
    report.add(
      'missing',
      'sasl.oauthbearer.client.credentials.client.id',
      'is required with a token endpoint, here or as clientId in sasl.jaas.config',
    );
  if (sasl.oauthClientSecret === undefined)
    report.add(
      'missing',
      'sasl.oauthbearer.client.credentials.client.secret',
      'is required with a token endpoint, here or as clientSecret in sasl.jaas.config',
    );
}
