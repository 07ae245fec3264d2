/**
 * Owns the option rows of key.converter and value.converter: JSON, text, and Avro, JSON Schema and Protobuf through a schema registry by the names
 * of Confluent's converters, for Avro of Apicurio's too where they mean the same. Does not own rules between them: resolve/converter.ts.
 */

import type { TextEncoding } from '../../core/options.ts';
import { BOOLEAN, CLASS, honoured, integer, LIST, noEffect, type OptionSpec, oneOf, SECRET } from './option-spec.ts';
import { PROTOBUF_CONVERTER, protobufRows } from './protobuf.ts';

const JSON_CONVERTER = 'org.apache.kafka.connect.json.JsonConverter';
export const AVRO_CONVERTER = 'io.confluent.connect.avro.AvroConverter';
export const JSON_SCHEMA_CONVERTER = 'io.confluent.connect.json.JsonSchemaConverter';
export const STRING_CONVERTER = 'org.apache.kafka.connect.storage.StringConverter';
/** The class of Connect's converter of bytes, and a wrong name that is often written for it. */
export const BYTE_ARRAY_CONVERTERS: readonly string[] = ['org.apache.kafka.connect.converters.ByteArrayConverter', 'org.apache.kafka.connect.storage.ByteArrayConverter'];
/** Debezium's converter of bytes, by its name of today and those that it had. */
export const BINARY_CONVERTERS: readonly string[] = ['BinaryDataConverter', 'ByteBufferConverter', 'ByteArrayConverter'].map((name) => `io.debezium.converters.${name}`);
export const APICURIO_CONVERTER = 'io.apicurio.registry.utils.converter.AvroConverter';

const SUBJECTS = 'io.confluent.kafka.serializers.subject.';
const ARTIFACTS = 'io.apicurio.registry.serde.';
export const SUBJECT_STRATEGIES: Readonly<Record<string, 'topic' | 'record' | 'topic_record'>> = {
  [`${SUBJECTS}TopicNameStrategy`]: 'topic',
  [`${SUBJECTS}RecordNameStrategy`]: 'record',
  [`${SUBJECTS}TopicRecordNameStrategy`]: 'topic_record',
};
export const ARTIFACT_STRATEGIES: Readonly<Record<string, 'topic' | 'record' | 'topic_record'>> = {
  [`${ARTIFACTS}strategy.TopicIdStrategy`]: 'topic',
  [`${ARTIFACTS}avro.strategy.RecordIdStrategy`]: 'record',
  [`${ARTIFACTS}avro.strategy.TopicRecordIdStrategy`]: 'topic_record',
};

const STORE_TYPES = oneOf('PEM', 'JKS', 'PKCS12');
const NOT_PEM = 'Java key stores are not read: export them as PEM.';
const WIRE_FORMAT = 'Only the wire format of Confluent is written: 0x00 and an id of four bytes.';
const CONFLUENT = "Confluent's.";
const ONE_SHAPE = 'Records always have the shape of their own schema; the latest version is taken only where it has the same.';
const NO_SUCH_SCHEMAS = 'Events have no schemas that it changes.';

export const NO_BYTES = 'can hold no event: events are structures, and this converter takes bytes alone (Connect: "Invalid schema type for ByteArrayConverter"). Take json, avro, json-schema, protobuf or string, or a transform that leaves bytes';
const READ_ONLY = 'It is for reading.';
const NO_JAVA_OBJECTS = 'Schemas come from tables, not from Java classes.';

type Side = 'key' | 'value';

export function converterRows(side: Side): OptionSpec[] {
  const name = `${side}.converter`;
  return [
    honoured({
      name,
      kind: CLASS,
      default: JSON_CONVERTER,
      honouredValues: [...[JSON_CONVERTER, 'json', AVRO_CONVERTER, 'avro', APICURIO_CONVERTER], ...[JSON_SCHEMA_CONVERTER, 'json-schema', PROTOBUF_CONVERTER, 'protobuf', STRING_CONVERTER, 'string'], ...BYTE_ARRAY_CONVERTERS, ...BINARY_CONVERTERS],
      why: 'It needs no schema registry.',
      differs: 'Connect has none: each worker names its own.',
      reason: 'Only JSON, Avro, JSON Schema, Protobuf, text and bytes are written.',
      doc: `Serialisation of the ${side}: \`json\`, \`avro\`, \`json-schema\`, \`protobuf\`, \`string\`, or the class name of Kafka's JSON or string converter, of Confluent's Avro, JSON Schema or Protobuf converter, or of Apicurio's Avro converter; with transforms that leave bytes, such as an outbox, of Kafka's ByteArrayConverter or Debezium's BinaryDataConverter (or ByteBufferConverter, its old name).`,
    }),
    honoured({ name: `${name}.schemas.enable`, kind: BOOLEAN, default: 'true', why: "Kafka's JSON converter has it so.", doc: 'JSON: send the schema with every record.' }),
    honoured({ name: `${name}.replace.null.with.default`, kind: BOOLEAN, default: 'true', why: "Kafka's JSON converter has it so.", doc: 'JSON: a null in a field with a default is sent as that default.' }),
    honoured({ name: `${name}.decimal.format`, kind: oneOf('BASE64', 'NUMERIC'), default: 'BASE64', why: "Kafka's JSON converter has it so.", doc: 'JSON and JSON Schema: form of Connect Decimal: base64 of its unscaled value, or a number.' }),
    noEffect({ name: `${name}.schemas.cache.size`, silent: 'always', kind: integer(0), default: '1000', reason: 'Schemas are built once per table.', doc: 'Cache of schemas.' }),
    honoured({ name: `${name}.converter.encoding`, default: 'UTF-8', why: "Kafka's string converter has it so.", doc: 'Text: the character encoding, by its name in Java: UTF-8, UTF-16, UTF-16BE, UTF-16LE, ISO-8859-1 or US-ASCII.', check: checkEncoding }),
    ...registryRows(name),
    ...schemaRows(name, side),
    ...jsonSchemaRows(name),
    ...protobufRows(name),
    ...apicurioRows(name),
    ...delegateRows(`${name}.delegate.converter.type`),
    noEffect({ name: `${name}.<option>`, reason: 'The converters that are written have no such option.', doc: 'Options of other converters.' }),
  ];
}

/** The converter that BinaryDataConverter leaves to what is no bytes, and its options. */
function delegateRows(name: string): OptionSpec[] {
  return [
    honoured({ name, kind: CLASS, honouredValues: [JSON_CONVERTER, STRING_CONVERTER], why: 'Only bytes are written.', reason: 'Only JSON and text are written beside bytes.', doc: "Bytes: the converter of everything else: Kafka's JSON or string converter." }),
    honoured({ name: `${name}.schemas.enable`, kind: BOOLEAN, default: 'true', why: "Kafka's JSON converter has it so.", doc: 'As `schemas.enable`, for that converter.' }),
    honoured({ name: `${name}.replace.null.with.default`, kind: BOOLEAN, default: 'true', why: "Kafka's JSON converter has it so.", doc: 'As `replace.null.with.default`, for that converter.' }),
    honoured({ name: `${name}.decimal.format`, kind: oneOf('BASE64', 'NUMERIC'), default: 'BASE64', why: "Kafka's JSON converter has it so.", doc: 'As `decimal.format`, for that converter.' }),
    honoured({ name: `${name}.converter.encoding`, default: 'UTF-8', why: "Kafka's string converter has it so.", doc: 'As `converter.encoding`, for that converter.', check: checkEncoding }),
  ];
}

function registryRows(name: string): OptionSpec[] {
  const tls = `${name}.schema.registry.ssl`;
  return [
    honoured({ name: `${name}.schema.registry.url`, kind: LIST, why: 'It must be said where the registry is.', doc: 'Registry: addresses of the schema registry, tried in turn; may hold user and password.', check: checkUrls }),
    honoured({
      name: `${name}.basic.auth.credentials.source`,
      kind: oneOf('URL', 'USER_INFO', 'SASL_INHERIT'),
      default: 'URL',
      honouredValues: ['URL', 'USER_INFO'],
      why: CONFLUENT,
      reason: 'Name the credentials by basic.auth.user.info.',
      doc: 'Registry: where user and password for the registry stand: in its address, or in basic.auth.user.info.',
    }),
    honoured({
      name: `${name}.basic.auth.user.info`,
      kind: SECRET,
      aliases: [`${name}.schema.registry.basic.auth.user.info`],
      why: 'Not every registry asks.',
      doc: 'Registry: `user:password` for the registry, with basic.auth.credentials.source=USER_INFO.',
      check: (value) => (value.includes(':') ? undefined : 'must be user:password'),
    }),
    honoured({
      name: `${name}.bearer.auth.credentials.source`,
      kind: oneOf('STATIC_TOKEN', 'OAUTHBEARER', 'SASL_OAUTHBEARER_INHERIT', 'CUSTOM'),
      default: 'STATIC_TOKEN',
      honouredValues: ['STATIC_TOKEN'],
      why: CONFLUENT,
      reason: 'Only a fixed token is sent.',
      doc: 'Registry: where the token for the registry comes from.',
    }),
    honoured({ name: `${name}.bearer.auth.token`, kind: SECRET, why: 'Not every registry asks.', doc: 'Registry: token for the registry.' }),
    honoured({ name: `${tls}.truststore.type`, kind: STORE_TYPES, default: 'PEM', honouredValues: ['PEM'], why: 'Every tool reads it.', differs: 'Confluent: JKS, which only Java reads.', reason: NOT_PEM, doc: "Registry: form of the certificates that the registry's is checked with." }),
    honoured({ name: `${tls}.truststore.location`, why: "The system's certificates.", doc: 'Registry: path of those certificates (PEM).' }),
    honoured({ name: `${tls}.truststore.certificates`, why: "The system's certificates.", doc: 'Registry: those certificates themselves (PEM text).' }),
    honoured({ name: `${tls}.keystore.type`, kind: STORE_TYPES, default: 'PEM', honouredValues: ['PEM'], why: 'Every tool reads it.', differs: 'Confluent: JKS, which only Java reads.', reason: NOT_PEM, doc: 'Registry: form of the own certificate and key for the registry.' }),
    honoured({ name: `${tls}.keystore.location`, why: 'Needed for mutual TLS only.', doc: 'Registry: path of one file with the own key and its certificates (PEM).' }),
    honoured({ name: `${tls}.keystore.certificate.chain`, why: 'Needed for mutual TLS only.', doc: 'Registry: the own certificate and its issuers (PEM text).' }),
    honoured({ name: `${tls}.keystore.key`, kind: SECRET, why: 'Needed for mutual TLS only.', doc: 'Registry: the own key (PKCS-8 PEM text).' }),
    honoured({ name: `${tls}.key.password`, kind: SECRET, why: 'Needed for encrypted keys only.', doc: 'Registry: password of the own key.' }),
    noEffect({ name: `${tls}.truststore.password`, kind: SECRET, reason: 'PEM certificates have none.', doc: 'Registry: password of the trusted certificates.' }),
    noEffect({ name: `${tls}.keystore.password`, kind: SECRET, reason: 'PEM files have none; see key.password.', doc: 'Registry: password of the key store.' }),
    honoured({ name: `${tls}.endpoint.identification.algorithm`, default: 'https', emptyAllowed: true, why: CONFLUENT, doc: "Registry: empty: the registry's host name is not compared with its certificate.", check: (value) => (value === '' || value.toLowerCase() === 'https' ? undefined : 'must be https or empty') }),
    honoured({ name: `${name}.http.read.timeout.ms`, kind: integer(1), unit: 'ms', default: '10000', why: 'Reading pauses while the registry is waited for.', differs: 'Confluent: 60000.', doc: 'Registry: longest wait for one answer of the registry, the connection included.' }),
    noEffect({ name: `${name}.http.connect.timeout.ms`, silent: 'always', kind: integer(1), unit: 'ms', default: '60000', reason: 'http.read.timeout.ms covers the connection.', doc: 'Registry: longest wait for a connection to the registry.' }),
  ];
}

function schemaRows(name: string, side: Side): OptionSpec[] {
  return [
    honoured({ name: `${name}.auto.register.schemas`, kind: BOOLEAN, default: 'true', why: CONFLUENT, doc: 'Registry: register schemas that the registry does not have; else they must be there.' }),
    honoured({ name: `${name}.use.latest.version`, kind: BOOLEAN, default: 'false', why: CONFLUENT, doc: "Registry: without auto.register.schemas: take the id of the subject's latest version, which must have the same fields." }),
    noEffect({ name: `${name}.latest.compatibility.strict`, kind: BOOLEAN, default: 'true', reason: ONE_SHAPE, doc: 'Registry: check the latest version.' }),
    honoured({ name: `${name}.normalize.schemas`, kind: BOOLEAN, default: 'false', why: CONFLUENT, doc: 'Registry: let the registry compare schemas in their normal form.' }),
    honoured({ name: `${name}.${side}.subject.name.strategy`, kind: CLASS, default: `${SUBJECTS}TopicNameStrategy`, honouredValues: Object.keys(SUBJECT_STRATEGIES), why: CONFLUENT, reason: 'The strategies by topic, record, and topic and record are known.', doc: 'Registry: what the subject of a schema is named by.' }),
    honoured({ name: `${name}.schemas.cache.config`, kind: integer(1), default: '1000', why: CONFLUENT, aliases: [`${name}.max.schemas.per.subject`], doc: 'Registry: ids that are remembered.' }),
    honoured({ name: `${name}.connect.meta.data`, kind: BOOLEAN, default: 'true', why: CONFLUENT, doc: 'Avro: name, version, parameters and default of Connect schemas as properties of the Avro schema.' }),
    honoured({ name: `${name}.scrub.invalid.names`, kind: BOOLEAN, default: 'false', why: CONFLUENT, doc: 'Avro and Protobuf: characters that the format cannot hold in names become underscores.' }),
    honoured({ name: `${name}.discard.type.doc.default`, kind: BOOLEAN, default: 'false', why: CONFLUENT, doc: 'Avro: docs of Connect schemas become docs of fields.' }),
    honoured({ name: `${name}.ignore.default.for.nullables`, kind: BOOLEAN, default: 'false', why: CONFLUENT, doc: 'Avro, JSON Schema and Protobuf: a null in a field with a default stays null.' }),
    noEffect({ name: `${name}.enhanced.avro.schema.support`, kind: BOOLEAN, default: 'false', reason: NO_SUCH_SCHEMAS, doc: 'Avro: keep enums and packages of schemas that came from Avro.' }),
    noEffect({ name: `${name}.allow.optional.map.keys`, kind: BOOLEAN, default: 'false', reason: NO_SUCH_SCHEMAS, doc: 'Avro: maps with optional keys.' }),
    noEffect({ name: `${name}.generalized.sum.type.support`, kind: BOOLEAN, default: 'false', reason: NO_SUCH_SCHEMAS, doc: 'Registry: unions and enums of any converter.' }),
  ];
}

function jsonSchemaRows(name: string): OptionSpec[] {
  return [
    honoured({ name: `${name}.object.additional.properties`, kind: BOOLEAN, default: 'true', why: CONFLUENT, doc: 'JSON Schema: objects may have members that their schema does not name. A registry then calls a new column incompatible backward; with false it does not.' }),
    honoured({ name: `${name}.json.fail.invalid.schema`, kind: BOOLEAN, default: 'false', honouredValues: ['false'], why: CONFLUENT, reason: 'Records have the shape of their own schema, but for NaN and infinities, which JSON has as texts only.', doc: 'JSON Schema: validate records before they are sent.' }),
    honoured({ name: `${name}.json.indent.output`, kind: BOOLEAN, default: 'false', honouredValues: ['false'], why: CONFLUENT, reason: 'Records are written without spaces.', doc: 'JSON Schema: indented records.' }),
    noEffect({ name: `${name}.use.optional.for.nonrequired`, kind: BOOLEAN, default: 'false', reason: READ_ONLY, silent: 'always', doc: 'JSON Schema: properties that are not required are optional.' }),
    noEffect({ name: `${name}.ignore.modern.dialects`, kind: BOOLEAN, default: 'false', reason: READ_ONLY, silent: 'always', doc: 'JSON Schema: read newer dialects as draft 7.' }),
    noEffect({ name: `${name}.flatten.singleton.unions`, kind: BOOLEAN, default: 'true', reason: READ_ONLY, silent: 'always', doc: 'JSON Schema: read a choice of one as that one.' }),
    noEffect({ name: `${name}.preserve.additional.properties`, kind: BOOLEAN, default: 'false', reason: READ_ONLY, silent: 'always', doc: 'JSON Schema: keep members that the schema does not name.' }),
    noEffect({ name: `${name}.json.fail.unknown.properties`, kind: BOOLEAN, default: 'true', reason: READ_ONLY, silent: 'always', doc: 'JSON Schema: refuse members that the schema does not name.' }),
    noEffect({ name: `${name}.json.schema.spec.version`, default: 'draft_7', reason: NO_JAVA_OBJECTS, silent: 'always', doc: 'JSON Schema: dialect of the schemas of Java classes.' }),
    noEffect({ name: `${name}.json.oneof.for.nullables`, kind: BOOLEAN, default: 'true', reason: NO_JAVA_OBJECTS, silent: 'always', doc: 'JSON Schema: form of nullable fields of Java classes.' }),
    noEffect({ name: `${name}.json.schema.scan.packages`, reason: NO_JAVA_OBJECTS, silent: 'always', doc: 'JSON Schema: packages of Java classes.' }),
    noEffect({ name: `${name}.json.default.property.inclusion`, reason: NO_JAVA_OBJECTS, silent: 'always', doc: 'JSON Schema: which fields of Java objects are written.' }),
    noEffect({ name: `${name}.json.write.dates.iso8601`, kind: BOOLEAN, default: 'false', reason: NO_JAVA_OBJECTS, silent: 'always', doc: 'JSON Schema: form of Java dates.' }),
  ];
}

/** Apicurio's options: values that mean Confluent's wire format are accepted, others are refused. */
function apicurioRows(name: string): OptionSpec[] {
  const own = `${name}.apicurio.registry`;
  return [
    honoured({ name: `${own}.url`, kind: LIST, why: 'Only with its converter.', doc: "Avro: address of Apicurio's API (`…/apis/registry/v2`); its Confluent API at the same server is used.", check: checkUrls }),
    honoured({ name: `${own}.auto-register`, kind: BOOLEAN, default: 'false', why: "Apicurio's.", doc: 'Avro: as auto.register.schemas.' }),
    honoured({ name: `${own}.find-latest`, kind: BOOLEAN, default: 'false', why: "Apicurio's.", doc: 'Avro: as use.latest.version.' }),
    honoured({ name: `${own}.as-confluent`, kind: BOOLEAN, honouredValues: ['true'], why: 'Must be set to true.', reason: WIRE_FORMAT, doc: "Avro: Confluent's wire format." }),
    honoured({ name: `${own}.headers.enabled`, kind: BOOLEAN, default: 'false', honouredValues: ['false'], why: "Confluent's wire format has none.", reason: WIRE_FORMAT, doc: 'Avro: ids in headers.' }),
    honoured({ name: `${own}.use-id`, kind: oneOf('contentId', 'globalId', 'none'), default: 'contentId', honouredValues: ['contentId'], why: 'The ids of its Confluent API.', reason: WIRE_FORMAT, doc: 'Avro: which id.' }),
    honoured({ name: `${own}.artifact-resolver-strategy`, kind: CLASS, default: `${ARTIFACTS}strategy.TopicIdStrategy`, honouredValues: Object.keys(ARTIFACT_STRATEGIES), why: "Apicurio's.", reason: 'The strategies by topic, record, and topic and record are known.', doc: 'Avro: as the subject name strategy.' }),
    honoured({ name: `${name}.apicurio.auth.username`, why: 'Not every registry asks.', doc: "Avro: user for Apicurio's registry." }),
    honoured({ name: `${name}.apicurio.auth.password`, kind: SECRET, why: 'Not every registry asks.', doc: "Avro: password for Apicurio's registry." }),
  ];
}

function checkUrls(value: string): string | undefined {
  const wrong = value.split(',').find((each) => !isHttpUrl(each.trim()));
  return wrong === undefined ? undefined : 'must be addresses that begin with http:// or https://, separated by commas';
}

function isHttpUrl(text: string): boolean {
  return /^https?:\/\//i.test(text) && URL.canParse(text);
}

function checkEncoding(value: string): string | undefined {
  return textEncoding(value) === undefined ? 'must be UTF-8, UTF-16, UTF-16BE, UTF-16LE, ISO-8859-1 or US-ASCII' : undefined;
}

const ENCODINGS: Readonly<Record<string, TextEncoding>> = {
  'utf-8': 'UTF-8',
  utf8: 'UTF-8',
  'utf-16': 'UTF-16',
  'utf-16be': 'UTF-16BE',
  'utf-16le': 'UTF-16LE',
  'iso-8859-1': 'ISO-8859-1',
  iso8859_1: 'ISO-8859-1',
  latin1: 'ISO-8859-1',
  'us-ascii': 'US-ASCII',
  ascii: 'US-ASCII',
};

/** The encoding that a Java charset name means. */
export function textEncoding(name: string): TextEncoding | undefined {
  return ENCODINGS[name.toLowerCase()];
}
