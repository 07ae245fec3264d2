/**
 * Owns the option rows of key.converter and value.converter: JSON, and Avro through a schema registry by the names of Confluent's
 * converter and of Apicurio's where they mean the same. Does not own rules between them: resolve-converter.ts.
 */

import { BOOLEAN, CLASS, honoured, integer, LIST, noEffect, type OptionSpec, oneOf, SECRET } from './option-spec.ts';

export const JSON_CONVERTER = 'org.apache.kafka.connect.json.JsonConverter';
export const AVRO_CONVERTER = 'io.confluent.connect.avro.AvroConverter';
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

type Side = 'key' | 'value';

export function converterRows(side: Side): OptionSpec[] {
  const name = `${side}.converter`;
  return [
    honoured({
      name,
      kind: CLASS,
      default: JSON_CONVERTER,
      honouredValues: [JSON_CONVERTER, 'json', AVRO_CONVERTER, 'avro', APICURIO_CONVERTER],
      why: 'It needs no schema registry.',
      differs: 'Connect has none: each worker names its own.',
      reason: 'Only JSON and Avro are written.',
      doc: `Serialisation of the ${side}: \`json\`, \`avro\`, or the class name of Kafka's JSON converter, of Confluent's or of Apicurio's Avro converter.`,
    }),
    honoured({ name: `${name}.schemas.enable`, kind: BOOLEAN, default: 'true', why: "Kafka's JSON converter has it so.", doc: 'JSON: send the schema with every record.' }),
    honoured({ name: `${name}.replace.null.with.default`, kind: BOOLEAN, default: 'true', why: "Kafka's JSON converter has it so.", doc: 'JSON: a null in a field with a default is sent as that default.' }),
    honoured({ name: `${name}.decimal.format`, kind: oneOf('BASE64', 'NUMERIC'), default: 'BASE64', why: "Kafka's JSON converter has it so.", doc: 'JSON: form of Connect Decimal: base64 of its unscaled value, or a number.' }),
    noEffect({ name: `${name}.schemas.cache.size`, kind: integer(0), default: '1000', reason: 'Schemas are built once per table.', doc: 'Cache of schemas.' }),
    ...registryRows(name),
    ...schemaRows(name, side),
    ...apicurioRows(name),
    noEffect({ name: `${name}.<option>`, reason: 'The converters that are written have no such option.', doc: 'Options of other converters.' }),
  ];
}

function registryRows(name: string): OptionSpec[] {
  const tls = `${name}.schema.registry.ssl`;
  return [
    honoured({ name: `${name}.schema.registry.url`, kind: LIST, why: 'It must be said where the registry is.', doc: 'Avro: addresses of the schema registry, tried in turn; may hold user and password.', check: checkUrls }),
    honoured({
      name: `${name}.basic.auth.credentials.source`,
      kind: oneOf('URL', 'USER_INFO', 'SASL_INHERIT'),
      default: 'URL',
      honouredValues: ['URL', 'USER_INFO'],
      why: CONFLUENT,
      reason: 'Name the credentials by basic.auth.user.info.',
      doc: 'Avro: where user and password for the registry stand: in its address, or in basic.auth.user.info.',
    }),
    honoured({
      name: `${name}.basic.auth.user.info`,
      kind: SECRET,
      aliases: [`${name}.schema.registry.basic.auth.user.info`],
      why: 'Not every registry asks.',
      doc: 'Avro: `user:password` for the registry, with basic.auth.credentials.source=USER_INFO.',
      check: (value) => (value.includes(':') ? undefined : 'must be user:password'),
    }),
    honoured({ name: `${name}.bearer.auth.credentials.source`, kind: oneOf('STATIC_TOKEN', 'OAUTHBEARER', 'SASL_OAUTHBEARER_INHERIT', 'CUSTOM'), default: 'STATIC_TOKEN', honouredValues: ['STATIC_TOKEN'], why: CONFLUENT, reason: 'Only a fixed token is sent.', doc: 'Avro: where the token for the registry comes from.' }),
    honoured({ name: `${name}.bearer.auth.token`, kind: SECRET, why: 'Not every registry asks.', doc: 'Avro: token for the registry.' }),
    honoured({ name: `${tls}.truststore.type`, kind: STORE_TYPES, default: 'PEM', honouredValues: ['PEM'], why: 'Every tool reads it.', differs: 'Confluent: JKS, which only Java reads.', reason: NOT_PEM, doc: "Avro: form of the certificates that the registry's is checked with." }),
    honoured({ name: `${tls}.truststore.location`, why: "The system's certificates.", doc: 'Avro: path of those certificates (PEM).' }),
    honoured({ name: `${tls}.truststore.certificates`, why: "The system's certificates.", doc: 'Avro: those certificates themselves (PEM text).' }),
    honoured({ name: `${tls}.keystore.type`, kind: STORE_TYPES, default: 'PEM', honouredValues: ['PEM'], why: 'Every tool reads it.', differs: 'Confluent: JKS, which only Java reads.', reason: NOT_PEM, doc: 'Avro: form of the own certificate and key for the registry.' }),
    honoured({ name: `${tls}.keystore.location`, why: 'Needed for mutual TLS only.', doc: 'Avro: path of one file with the own key and its certificates (PEM).' }),
    honoured({ name: `${tls}.keystore.certificate.chain`, why: 'Needed for mutual TLS only.', doc: 'Avro: the own certificate and its issuers (PEM text).' }),
    honoured({ name: `${tls}.keystore.key`, kind: SECRET, why: 'Needed for mutual TLS only.', doc: 'Avro: the own key (PKCS-8 PEM text).' }),
    honoured({ name: `${tls}.key.password`, kind: SECRET, why: 'Needed for encrypted keys only.', doc: 'Avro: password of the own key.' }),
    noEffect({ name: `${tls}.truststore.password`, kind: SECRET, reason: 'PEM certificates have none.', doc: 'Avro: password of the trusted certificates.' }),
    noEffect({ name: `${tls}.keystore.password`, kind: SECRET, reason: 'PEM files have none; see key.password.', doc: 'Avro: password of the key store.' }),
    honoured({ name: `${tls}.endpoint.identification.algorithm`, default: 'https', emptyAllowed: true, why: CONFLUENT, doc: "Avro: empty: the registry's host name is not compared with its certificate.", check: (value) => (value === '' || value.toLowerCase() === 'https' ? undefined : 'must be https or empty') }),
    honoured({ name: `${name}.http.read.timeout.ms`, kind: integer(1), unit: 'ms', default: '10000', why: 'Reading pauses while the registry is waited for.', differs: 'Confluent: 60000.', doc: 'Avro: longest wait for one answer of the registry, the connection included.' }),
    noEffect({ name: `${name}.http.connect.timeout.ms`, kind: integer(1), unit: 'ms', default: '60000', reason: 'http.read.timeout.ms covers the connection.', doc: 'Avro: longest wait for a connection to the registry.' }),
  ];
}

function schemaRows(name: string, side: Side): OptionSpec[] {
  return [
    honoured({ name: `${name}.auto.register.schemas`, kind: BOOLEAN, default: 'true', why: CONFLUENT, doc: 'Avro: register schemas that the registry does not have; else they must be there.' }),
    honoured({ name: `${name}.use.latest.version`, kind: BOOLEAN, default: 'false', why: CONFLUENT, doc: "Avro: without auto.register.schemas: take the id of the subject's latest version, which must have the same fields." }),
    noEffect({ name: `${name}.latest.compatibility.strict`, kind: BOOLEAN, default: 'true', reason: ONE_SHAPE, doc: 'Avro: check the latest version.' }),
    honoured({ name: `${name}.normalize.schemas`, kind: BOOLEAN, default: 'false', why: CONFLUENT, doc: 'Avro: let the registry compare schemas in their normal form.' }),
    honoured({ name: `${name}.${side}.subject.name.strategy`, kind: CLASS, default: `${SUBJECTS}TopicNameStrategy`, honouredValues: Object.keys(SUBJECT_STRATEGIES), why: CONFLUENT, reason: 'The strategies by topic, record, and topic and record are known.', doc: 'Avro: what the subject of a schema is named by.' }),
    honoured({ name: `${name}.schemas.cache.config`, kind: integer(1), default: '1000', why: CONFLUENT, aliases: [`${name}.max.schemas.per.subject`], doc: 'Avro: ids that are remembered.' }),
    honoured({ name: `${name}.connect.meta.data`, kind: BOOLEAN, default: 'true', why: CONFLUENT, doc: 'Avro: name, version, parameters and default of Connect schemas as properties of the Avro schema.' }),
    honoured({ name: `${name}.scrub.invalid.names`, kind: BOOLEAN, default: 'false', why: CONFLUENT, doc: 'Avro: characters that Avro cannot hold in names become underscores.' }),
    honoured({ name: `${name}.discard.type.doc.default`, kind: BOOLEAN, default: 'false', why: CONFLUENT, doc: 'Avro: docs of Connect schemas become docs of fields.' }),
    honoured({ name: `${name}.ignore.default.for.nullables`, kind: BOOLEAN, default: 'false', why: CONFLUENT, doc: 'Avro: a null in a field with a default stays null.' }),
    noEffect({ name: `${name}.enhanced.avro.schema.support`, kind: BOOLEAN, default: 'false', reason: NO_SUCH_SCHEMAS, doc: 'Avro: keep enums and packages of schemas that came from Avro.' }),
    noEffect({ name: `${name}.allow.optional.map.keys`, kind: BOOLEAN, default: 'false', reason: NO_SUCH_SCHEMAS, doc: 'Avro: maps with optional keys.' }),
    noEffect({ name: `${name}.generalized.sum.type.support`, kind: BOOLEAN, default: 'false', reason: NO_SUCH_SCHEMAS, doc: 'Avro: unions and enums of any converter.' }),
  ];
}

/** What means the same wire format; the others are refused by their value. */
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
