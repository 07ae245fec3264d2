/** Owns the resolved options of key.converter and value.converter: which format, and how its registry is reached. */

import type { AvroConverterOptions, ConverterOptions, RegisteredConverterOptions, RegistryOptions } from '../../core/options.ts';
import type { ConfigEnvironment } from '../environment.ts';
import {
  APICURIO_CONVERTER,
  ARTIFACT_STRATEGIES,
  AVRO_CONVERTER,
  BINARY_CONVERTERS,
  BYTE_ARRAY_CONVERTERS,
  JSON_SCHEMA_CONVERTER,
  NO_BYTES,
  STRING_CONVERTER,
  SUBJECT_STRATEGIES,
  textEncoding,
} from '../table/converters.ts';
import { PROTOBUF_CONVERTER } from '../table/protobuf.ts';
import type { ConfigReport, OptionValues } from './read-values.ts';
import { type PemNames, resolvePem } from './security.ts';

type Side = 'key' | 'value';

/** Less than half of the time after which PostgreSQL gives up a connection. A longer outage ends the attempt, and the next one begins. */
const RETRY_FOR_MS = 20_000;

export function resolveConverter(
  values: OptionValues,
  report: ConfigReport,
  o: { environment: ConfigEnvironment; side: Side },
): ConverterOptions {
  const name = `${o.side}.converter`;
  const converter = values.text(name);
  if (converter === APICURIO_CONVERTER) return resolveApicurio(values, report, o);
  if (converter === AVRO_CONVERTER || converter === 'avro') {
    return { ...schemaOptions(values, name), ...resolveRegistered(values, report, o) };
  }
  if (converter === JSON_SCHEMA_CONVERTER || converter === 'json-schema') {
    return {
      ...resolveRegistered(values, report, o),
      format: 'json_schema',
      decimalFormat: values.oneOf(`${name}.decimal.format`, ['BASE64', 'NUMERIC']),
      additionalProperties: values.flag(`${name}.object.additional.properties`),
      ignoreDefaults: values.flag(`${name}.ignore.default.for.nullables`),
    };
  }
  if (converter === PROTOBUF_CONVERTER || converter === 'protobuf') {
    return {
      ...resolveRegistered(values, report, o),
      format: 'protobuf',
      scrubInvalidNames: values.flag(`${name}.scrub.invalid.names`),
      optionalForNullables: values.flag(`${name}.optional.for.nullables`),
      wrapperForNullables: values.flag(`${name}.wrapper.for.nullables`),
      ignoreDefaults: values.flag(`${name}.ignore.default.for.nullables`),
    };
  }
  if (values.given(`${name}.schema.registry.url`)) {
    report.note(
      `${name}.schema.registry.url`,
      'has no effect: the converter needs no registry (JSON with a schema registry is json-schema)',
    );
  }
  if (BYTE_ARRAY_CONVERTERS.includes(converter) || BINARY_CONVERTERS.includes(converter)) {
    const delegateName = `${name}.delegate.converter.type`;
    const hasDelegate = BINARY_CONVERTERS.includes(converter) && values.given(delegateName);
    if (!hasDelegate && !values.given('transforms')) report.add('invalid', name, NO_BYTES);
    return { format: 'bytes', delegate: hasDelegate ? plainConverter(values, delegateName) : undefined };
  }
  return plainConverter(values, name);
}

/** Text or JSON. */
function plainConverter(values: OptionValues, name: string): Extract<ConverterOptions, { format: 'json' | 'string' }> {
  const converter = values.text(name);
  if (converter === STRING_CONVERTER || converter === 'string') {
    return { format: 'string', encoding: textEncoding(values.text(`${name}.converter.encoding`)) ?? 'UTF-8' };
  }
  return {
    format: 'json',
    schemasEnable: values.flag(`${name}.schemas.enable`),
    replaceNullWithDefault: values.flag(`${name}.replace.null.with.default`),
    decimalFormat: values.oneOf(`${name}.decimal.format`, ['BASE64', 'NUMERIC']),
  };
}

/** Debezium adjusts the names of fields to Avro where one of the two converters writes Avro. */
export function isAvroConverter(converter: string): boolean {
  return converter === APICURIO_CONVERTER || converter === AVRO_CONVERTER || converter === 'avro';
}

/** The options that all of Confluent's converters with a registry share. */
function resolveRegistered(
  values: OptionValues,
  report: ConfigReport,
  o: { environment: ConfigEnvironment; side: Side },
): RegisteredConverterOptions {
  const name = `${o.side}.converter`;
  const source = values.text(`${name}.basic.auth.credentials.source`);
  const userInfo = values.optional(`${name}.basic.auth.user.info`);
  if (source === 'USER_INFO' && userInfo === undefined && !values.wrong(`${name}.basic.auth.user.info`)) {
    report.add('missing', `${name}.basic.auth.user.info`, 'is required with basic.auth.credentials.source=USER_INFO');
  }
  if (source === 'URL' && userInfo !== undefined) {
    report.note(values.keyOf(`${name}.basic.auth.user.info`), 'has no effect: basic.auth.credentials.source is not USER_INFO');
  }
  return {
    registry: registryOptions(values, report, {
      ...o,
      urls: requiredUrls(values, report, `${name}.schema.registry.url`),
      basicAuth: source === 'USER_INFO' ? userInfo : undefined,
    }),
    autoRegister: values.flag(`${name}.auto.register.schemas`),
    useLatestVersion: values.flag(`${name}.use.latest.version`),
    subjectNames: SUBJECT_STRATEGIES[values.text(`${name}.${o.side}.subject.name.strategy`)] ?? 'topic',
  };
}

function resolveApicurio(
  values: OptionValues,
  report: ConfigReport,
  o: { environment: ConfigEnvironment; side: Side },
): AvroConverterOptions {
  const name = `${o.side}.converter`;
  const own = `${name}.apicurio.registry`;
  if (!values.flag(`${own}.as-confluent`) && !values.wrong(`${own}.as-confluent`)) {
    report.add('invalid', `${own}.as-confluent`, "must be true: only Confluent's wire format is written");
  }
  const user = values.optional(`${name}.apicurio.auth.username`);
  const password = values.optional(`${name}.apicurio.auth.password`);
  return {
    ...schemaOptions(values, name),
    registry: registryOptions(values, report, {
      ...o,
      urls: requiredUrls(values, report, `${own}.url`).map(confluentApi),
      basicAuth: user === undefined ? undefined : `${user}:${password ?? ''}`,
    }),
    autoRegister: values.flag(`${own}.auto-register`),
    useLatestVersion: values.flag(`${own}.find-latest`),
    subjectNames: ARTIFACT_STRATEGIES[values.text(`${own}.artifact-resolver-strategy`)] ?? 'topic',
  };
}

/** Apicurio serves its own API and its Confluent API under sibling paths; this gives the latter's address. */
function confluentApi(url: string): string {
  return url.replace(/(?<!\/)\/+$/, '').replace(/\/apis\/registry\/v\d+$/, '/apis/ccompat/v7');
}

function requiredUrls(values: OptionValues, report: ConfigReport, name: string): readonly string[] {
  const urls = values.list(name);
  if (urls.length === 0 && !values.wrong(name)) report.add('missing', name, 'is required: the address of the schema registry');
  return urls;
}

function schemaOptions(
  values: OptionValues,
  name: string,
): Pick<AvroConverterOptions, 'format' | 'connectMetaData' | 'scrubInvalidNames' | 'fieldDocs' | 'ignoreDefaults'> {
  return {
    format: 'avro',
    connectMetaData: values.flag(`${name}.connect.meta.data`),
    scrubInvalidNames: values.flag(`${name}.scrub.invalid.names`),
    fieldDocs: values.flag(`${name}.discard.type.doc.default`),
    ignoreDefaults: values.flag(`${name}.ignore.default.for.nullables`),
  };
}

type RegistryPlace = {
  readonly environment: ConfigEnvironment;
  readonly side: Side;
  readonly urls: readonly string[];
  readonly basicAuth: string | undefined;
};

function registryOptions(
  values: OptionValues,
  report: ConfigReport,
  { environment, side, urls, basicAuth }: RegistryPlace,
): RegistryOptions {
  const name = `${side}.converter`;
  const tls = `${name}.schema.registry.ssl`;
  const names: PemNames = {
    truststore: { inline: `${tls}.truststore.certificates`, location: `${tls}.truststore.location` },
    chain: { inline: `${tls}.keystore.certificate.chain`, location: `${tls}.keystore.location` },
    key: { inline: `${tls}.keystore.key`, location: `${tls}.keystore.location` },
  };
  return {
    urls,
    basicAuth,
    bearerToken: values.optional(`${name}.bearer.auth.token`),
    tls: {
      ...resolvePem({ values, report, environment }, names),
      keyPassword: values.optional(`${tls}.key.password`),
      verifyHostname: values.text(`${tls}.endpoint.identification.algorithm`) !== '',
    },
    requestTimeoutMs: values.integer(`${name}.http.read.timeout.ms`),
    retryForMs: RETRY_FOR_MS,
    cacheMax: values.integer(`${name}.schemas.cache.config`),
    normalizeSchemas: values.flag(`${name}.normalize.schemas`),
  };
}
