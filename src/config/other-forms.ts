/** Owns recognising a connector's config that has another form than Connect's JSON, and what to do about it. Does not read such forms. */

const STRIMZI =
  'is a KafkaConnector of Strimzi: put what stands under spec.config into one JSON object, with spec.class as connector.class';
const DEBEZIUM_SERVER =
  'holds options of Debezium Server: write those that begin with debezium.source. as one JSON object without that prefix, add bootstrap.servers, and debezium.transforms as transforms';

const FORMS: readonly { readonly find: RegExp; readonly what: string }[] = [
  { find: /^[ \t]*(?:-[ \t]+)?(?:kind:[ \t]*["']?KafkaConnector\b|apiVersion:[ \t]*["']?kafka\.strimzi\.io)/m, what: STRIMZI },
  { find: /^[ \t]*(?:%\w+\.)?(?:debezium\.(?:source|sink)\.|quarkus\.)[\w.-]+[ \t]*[=:]/m, what: DEBEZIUM_SERVER },
  { find: /^(?:debezium|quarkus):[ \t]*$/m, what: DEBEZIUM_SERVER },
  {
    find: /^[ \t]*(?:connector\.class|database\.hostname|topic\.prefix)[ \t]*[=:]/m,
    what: 'holds lines of a properties or YAML file: write them as one JSON object, "name": "value", with commas between',
  },
];

/** For a text that is no JSON. */
export function otherForm(text: string): string | undefined {
  return FORMS.find(({ find }) => find.test(text))?.what;
}

/** The same for what JSON may hold. */
export function otherJsonForm(value: Readonly<Record<string, unknown>>): string | undefined {
  if (value['kind'] === 'KafkaConnector') return STRIMZI;
  return Object.keys(value).some((key) => /^debezium\.(source|sink)\./.test(key)) ? DEBEZIUM_SERVER : undefined;
}
