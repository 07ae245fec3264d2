/** Owns reading the recordings of a real Debezium that wrote Avro, and their records as JSON text. */
import { scrubName } from '../../src/serde/avro/schema.ts';
import { avroReader } from './avro-text.ts';
import { AVRO_FOLDER, caseNames, readCase, SPINE_FOLDER } from './case-store.ts';
import type { CorpusForm } from './corpus-values.ts';
import { type CaseServer, type GoldenCase, type GoldenRecord, type RecordedText, SCHEMAS_SUFFIX } from './replay-cases.ts';

/** Bytes in base64: 0x00, the number of the schema in `schemas` in four bytes, from 1, Avro's binary. */
export type AvroRecord = {
  readonly topic: string;
  readonly partition: number;
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: readonly (readonly [name: string, value: RecordedText])[];
};

export type AvroCase = {
  /** The name of the case in spine/ whose statements these are. */
  readonly name: string;
  readonly server?: CaseServer;
  readonly settings: Readonly<Record<string, string>>;
  readonly setup: readonly string[];
  readonly snapshot?: boolean;
  readonly steps: readonly (readonly string[])[];
  readonly topics?: readonly string[];
  /** By subject the numbers of its versions' schemas; null: one that no record has. */
  readonly subjects: Readonly<Record<string, readonly (number | null)[]>>;
  readonly schemas: readonly string[];
  readonly records: readonly AvroRecord[];
};

const HEAD_BYTES = 5;
const SCRUB = 'scrub.invalid.names';

const JSON_OPTION = "about an option of the JSON converter, which Apicurio's Avro converter has not";
/** Cases of spine/ that are not recorded in Avro, and why. */
export const AVRO_LEFT_OUT: Readonly<Record<string, string>> = {
  'decimal-format-numeric': JSON_OPTION,
  'decimal-format-numeric-everywhere': JSON_OPTION,
  'decimal-format-numeric-in-keys': JSON_OPTION,
  'defaults-no-replace': JSON_OPTION,
  'key-null-with-default': JSON_OPTION,
  'key-null-with-default-replaced': JSON_OPTION,
  'replace-null-false-true': JSON_OPTION,
  'replace-null-true-false': JSON_OPTION,
  'kafka-partitions': "the bytes of a key hold an id of the registry, so a record's partition differs from run to run",
  'column-rules-of-one-kind': "which rule comes first is the order of a hash map of all options, and the converters' own are among them",
  'heartbeat-name': 'its topic does not follow the prefix, so that it would be the one of the JSON case',
  'heartbeat-prefix': 'the same, and only the name of the topic is its theme',
  'ddl-dropped-later': 'a difference on purpose, shown in spine/',
};

export function readAvroCases(): AvroCase[] {
  return caseNames(AVRO_FOLDER).map((name) => readCase<AvroCase>(AVRO_FOLDER, name));
}

/**
 * Cases that Slotline replays in Avro, though what Debezium's converter wrote is not to be compared with; their values are those of the
 * JSON case. With an option of the JSON converter: replace.null.with.default=false is ignore.default.for.nullables in Avro, and decimals
 * have one form. With namespaces that the Confluent API refuses: scrub.invalid.names mends them.
 */
export function readCasesOfJsonAlone(): GoldenCase[] {
  const jsonOptions = Object.keys(AVRO_LEFT_OUT).filter((name) => AVRO_LEFT_OUT[name] === JSON_OPTION);
  // Between two dots that stand together there is nothing to mend.
  const isMended = ({ schemas }: AvroCase): boolean => !schemas.some((schema) => /"namespace":"[^"]*\.\./.test(schema));
  const invalid = readAvroCases().filter((golden) => !hasValidNamespaces(golden) && isMended(golden));
  return [
    ...jsonOptions.map((name) =>
      jsonCase(name, (half, { settings }) => [
        `${half}.ignore.default.for.nullables`,
        String(settings[`${half}.replace.null.with.default`] === 'false'),
      ]),
    ),
    ...invalid.map(({ name }) => jsonCase(name, (half) => [`${half}.${SCRUB}`, 'true'])),
  ];
}

function jsonCase(name: string, setting: (half: string, plain: GoldenCase) => readonly [string, string]): GoldenCase {
  const plain = readJsonTwin({ name }, { schemas: false });
  const own = ['key.converter', 'value.converter'].map((half) => setting(half, plain));
  return { ...plain, settings: { ...avroSettings(plain), ...Object.fromEntries(own) } };
}

/** The settings of a case of spine/ but for those of the JSON converter. */
export function avroSettings({ name, settings }: GoldenCase): Record<string, string> {
  const { 'topic.prefix': prefix = name.replaceAll('-', '_'), 'database.dbname': _, ...rest } = settings;
  const kept = Object.entries(rest).filter(([option]) => !/^(key|value)\.converter\./.test(option));
  return { ...Object.fromEntries(kept), 'topic.prefix': `${prefix}_avro`, 'database.dbname': 'spine' };
}

/** The same statements recorded with the JSON converter. */
export function readJsonTwin(golden: { readonly name: string }, o: { readonly schemas: boolean }): GoldenCase {
  return readCase(SPINE_FOLDER, o.schemas ? golden.name + SCHEMAS_SUFFIX : golden.name);
}

/** The records as the JSON converter would have written them without schemas. */
export function asJsonRecords(records: readonly AvroRecord[], schemas: readonly string[]): GoldenRecord[] {
  const readers = schemas.map((schema) => avroReader(schema));
  const read = (half: string | null): string | null => {
    if (half === null) return null;
    const bytes = Buffer.from(half, 'base64');
    const reader = readers[bytes.readUInt32BE(1) - 1];
    if (bytes[0] !== 0 || reader === undefined) throw new Error('not a record in the Confluent wire format');
    return reader(bytes.subarray(HEAD_BYTES));
  };
  return records.map(({ topic, partition, key, value, headers }) => ({ topic, partition, key: read(key), value: read(value), headers }));
}

/** A prefix stands in topics, schema names (there with its underscores escaped by avro_unicode), the source block and headers. */
function renamed<T>(value: T, { from, to }: { readonly from: string; readonly to: string }): T {
  const places = [
    `(?<![\\w.-])${from}(?=\\.)`,
    `(?<=[nN]ame\\\\*":\\\\*")${from}(?=\\\\*")`,
    `(?<=LogicalName",")${from}(?=")`,
    `(?<=heartbeat\\.)${from}(?=")`,
  ];
  const escaped = (prefix: string): string => `"${prefix.replaceAll('_', '_u005f')}.`;
  const text = JSON.stringify(value).replace(new RegExp(places.join('|'), 'g'), to);
  return JSON.parse(text.replaceAll(escaped(from), escaped(to)));
}

/** What differs between a record of the case in JSON and the same in Avro, before it is compared. */
export function avroForm(golden: { readonly settings: GoldenCase['settings'] }): CorpusForm {
  const { 'topic.prefix': to = '', 'field.name.adjustment.mode': adjustment, [`value.converter.${SCRUB}`]: scrub } = golden.settings;
  const adjust = adjustment === undefined ? fieldNameForAvro : (name: string) => name;
  return {
    field: scrub === 'true' ? (name) => scrubName(adjust(name)) : adjust,
    loneSurrogate: '?',
    rename: ({ settings, records }) => renamed(records, { from: settings['topic.prefix'] ?? '', to }),
  };
}

/** Debezium makes fields fit for Avro by itself where a converter writes it; a digit of any script is kept at the start. */
function fieldNameForAvro(name: string): string {
  const digit = /^\p{Nd}/u.exec(name)?.[0] ?? '';
  const rest = name.slice(digit.length).replace(/[^A-Za-z0-9_]/g, '_');
  return digit === '' ? rest : `_${digit}${rest}`;
}

const NO_NUMBER = '"(?:NaN|-?Infinity)"';
const DEFAULT_OF_TYPE = new RegExp(`,"connect\\.default":${NO_NUMBER}`, 'g');
const OPTIONAL_WITH_DEFAULT = new RegExp(`\\[(\\{"type":"(?:double|float)"[^\\]]*\\}),"null"\\],"default":${NO_NUMBER}`, 'g');
const REQUIRED_WITH_DEFAULT = new RegExp(`(\\{"type":"(?:double|float)"[^\\]]*?\\}),"default":${NO_NUMBER}`, 'g');

/** The schema without defaults that are no numbers: Debezium registers them through an API that does not read them, Slotline leaves them out. */
export function withoutNaN(schema: string): string {
  return schema
    .replace(OPTIONAL_WITH_DEFAULT, '["null",$1],"default":null')
    .replace(REQUIRED_WITH_DEFAULT, '$1')
    .replace(DEFAULT_OF_TYPE, '')
    .replaceAll('{"type":"double"}', '"double"')
    .replaceAll('{"type":"float"}', '"float"');
}

/** What Avro's specification allows, and registries and decoders with it; Java's library takes any namespace. */
export function hasValidNamespaces({ schemas }: AvroCase): boolean {
  const spaces = schemas.flatMap((schema) => [...schema.matchAll(/"namespace":"([^"]*)"/g)].map(([, space = '']) => space));
  return spaces.every((space) => space === '' || space.split('.').every((part) => /^[A-Za-z_]\w*$/.test(part)));
}
