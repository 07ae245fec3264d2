/** Owns the rows of Kafka's own transforms and predicates (org.apache.kafka.connect.transforms, Kafka 4.3). Does not own what they do to a record. */

import { BOOLEAN, integer, LIST, oneOf, REGEX } from '../option-spec.ts';
import { replacementProblem } from './java-replacement.ts';
import { connectList, distinct, distinctAndFilled, filled, filledList, keyAndValue, option, type StageClass, stageClass } from './stage-spec.ts';

const K = 'org.apache.kafka.connect.transforms.';

const REPLACE_NULL = option({ name: 'replace.null.with.default', kind: BOOLEAN, default: 'true', doc: 'A null in a field with a default is read as that default.' });

const CAST_TYPES = ['int8', 'int16', 'int32', 'int64', 'float32', 'float64', 'boolean', 'string'];

export const KAFKA_TRANSFORMS: readonly StageClass[] = [
  stageClass({
    types: [`${K}RegexRouter`],
    doc: 'Names another topic where the topic matches.',
    options: [option({ name: 'regex', kind: REGEX, required: true, doc: 'Pattern of the whole topic.' }), option({ name: 'replacement', required: true, doc: 'The new topic, with `$1` or `${name}` for groups.' })],
    check: (values) => problemAt('replacement', replacementProblem(values.get('regex') ?? '', values.get('replacement') ?? '')),
  }),
  stageClass({
    types: keyAndValue(`${K}ReplaceField`),
    doc: 'Leaves out and renames fields of the first level.',
    options: [option({ name: 'exclude', kind: LIST, doc: 'Fields to leave out.', check: distinct }), option({ name: 'include', kind: LIST, doc: 'The only fields to keep; empty: all.', check: distinct }), option({ name: 'renames', kind: LIST, doc: 'New names: `old:new`.', check: checkRenames }), REPLACE_NULL],
  }),
  stageClass({
    types: keyAndValue(`${K}InsertField`),
    doc: 'Adds fields. A name may end with `!` (required) or `?` (optional, the default).',
    options: [
      option({ name: 'topic.field', doc: 'Field for the topic.' }),
      option({ name: 'partition.field', doc: 'Field for the partition: null, unless a transform before has chosen one.' }),
      option({ name: 'offset.field', doc: 'Refused: records of a source have no offset yet.', check: () => 'is for sinks: a record that is about to be written has no offset' }),
      option({ name: 'timestamp.field', doc: "Field for the record's timestamp: null, unless a transform before has set one." }),
      option({ name: 'static.field', doc: 'Field for static.value.' }),
      option({ name: 'static.value', doc: 'The text of that field.' }),
      REPLACE_NULL,
    ],
    check: checkInsertField,
  }),
  stageClass({
    types: keyAndValue(`${K}MaskField`),
    doc: 'Puts another value into fields of the first level. Fails at tombstones.',
    options: [option({ name: 'fields', kind: LIST, required: true, doc: 'Fields to mask.', check: distinctAndFilled }), option({ name: 'replacement', doc: 'The value for texts and numbers; without it an empty or zero one of the type.', check: filled }), REPLACE_NULL],
  }),
  stageClass({
    types: keyAndValue(`${K}Cast`),
    doc: 'Gives fields of the first level, or the whole, another type.',
    options: [option({ name: 'spec', kind: LIST, required: true, doc: `\`field:type\`, or one type for the whole: ${CAST_TYPES.map((type) => `\`${type}\``).join(', ')}.`, check: checkCast }), REPLACE_NULL],
  }),
  stageClass({
    types: keyAndValue(`${K}TimestampConverter`),
    doc: 'Gives a time another form.',
    options: [
      option({ name: 'field', default: '', doc: 'Field of the first level; empty: the whole.' }),
      option({ name: 'target.type', kind: oneOf('string', 'unix', 'Date', 'Time', 'Timestamp'), exact: true, required: true, doc: 'The new form.' }),
      option({ name: 'format', default: '', doc: "Pattern of Java's SimpleDateFormat, for text." }),
      option({ name: 'unix.precision', kind: oneOf('seconds', 'milliseconds', 'microseconds', 'nanoseconds'), exact: true, default: 'milliseconds', doc: 'Unit of times that are plain numbers, read and written.' }),
      REPLACE_NULL,
    ],
    check: (values) => (values.get('target.type') === 'string' && (values.get('format') ?? '').trim() === '' ? [{ option: 'format', reason: 'is required with target.type=string' }] : []),
  }),
  stageClass({
    types: keyAndValue(`${K}Flatten`),
    doc: 'Puts the fields of structs at the first level.',
    options: [option({ name: 'delimiter', default: '.', doc: 'Text between the names.' })],
  }),
  stageClass({
    types: keyAndValue(`${K}HoistField`),
    doc: 'Puts the whole into a field.',
    options: [option({ name: 'field', required: true, doc: 'Name of the field.' })],
  }),
  stageClass({
    types: keyAndValue(`${K}ExtractField`),
    doc: 'Puts a field in the place of the whole.',
    options: [option({ name: 'field', required: true, doc: 'Name of the field; a path with V2.' }), option({ name: 'field.syntax.version', kind: oneOf('V1', 'V2'), default: 'V1', doc: '`V2`: dots in the name go into structs.' }), REPLACE_NULL],
  }),
  stageClass({
    types: [`${K}ValueToKey`],
    doc: 'Makes a key of fields of the value. Fails at tombstones.',
    options: [option({ name: 'fields', kind: LIST, required: true, doc: 'Fields of the value, in the order of the key.', check: distinctAndFilled }), REPLACE_NULL],
  }),
  stageClass({
    types: keyAndValue(`${K}SetSchemaMetadata`),
    doc: 'Gives a schema another name or version.',
    options: [option({ name: 'schema.name', doc: 'The new name.' }), option({ name: 'schema.version', kind: integer(-2147483648), doc: 'The new version.' }), REPLACE_NULL],
    check: (values) => (values.has('schema.name') || values.has('schema.version') ? [] : [{ option: 'schema.name', reason: 'is required, or schema.version' }]),
  }),
  stageClass({
    types: keyAndValue(`${K}HeaderFrom`),
    doc: 'Makes headers of fields of the first level. Fails at tombstones.',
    options: [
      option({ name: 'fields', kind: LIST, required: true, doc: 'Fields, one for each header.', check: filledList }),
      option({ name: 'headers', kind: LIST, required: true, doc: 'Names of the headers.', check: filledList }),
      option({ name: 'operation', kind: oneOf('move', 'copy'), exact: true, required: true, doc: '`move` takes the fields out.' }),
      REPLACE_NULL,
    ],
    check: (values) => sameLength(values.get('fields') ?? '', values.get('headers') ?? ''),
  }),
  stageClass({
    types: [`${K}InsertHeader`],
    doc: 'Adds a header.',
    options: [option({ name: 'header', required: true, doc: 'Name of the header.', check: filled }), option({ name: 'value.literal', required: true, doc: 'Its value: a number, a list, a date or a truth value is read as such.', check: filled })],
  }),
  stageClass({
    types: [`${K}DropHeaders`],
    doc: 'Takes headers out.',
    options: [option({ name: 'headers', kind: LIST, required: true, doc: 'Names of the headers.', check: distinctAndFilled })],
  }),
  stageClass({
    types: [`${K}TimestampRouter`],
    doc: "Names the topic by the record's timestamp. Fails where no transform before has set one.",
    options: [option({ name: 'topic.format', default: '${topic}-${timestamp}', doc: 'The new topic.' }), option({ name: 'timestamp.format', default: 'yyyyMMdd', doc: "Pattern of Java's SimpleDateFormat, in UTC." })],
  }),
  stageClass({ types: [`${K}Filter`], doc: 'Drops every record that reaches it: for use with a predicate.', options: [] }),
];

export const KAFKA_PREDICATES: readonly StageClass[] = [
  stageClass({
    types: [`${K}predicates.TopicNameMatches`],
    doc: 'The topic matches, as the transforms before have left it.',
    options: [option({ name: 'pattern', kind: REGEX, required: true, doc: 'Pattern of the whole topic.', check: filled })],
  }),
  stageClass({
    types: [`${K}predicates.HasHeaderKey`],
    doc: 'There is a header of this name.',
    options: [option({ name: 'name', required: true, doc: 'Name of the header.', check: filled })],
  }),
  stageClass({ types: [`${K}predicates.RecordIsTombstone`], doc: 'The value is null, whatever its schema is.', options: [] }),
];

export function problemAt(name: string, reason: string | undefined): { option: string; reason: string }[] {
  return reason === undefined ? [] : [{ option: name, reason }];
}

function checkRenames(value: string): string | undefined {
  return connectList(value).every((each) => /^[^:]+:[^:]+$/.test(each)) ? undefined : 'must be pairs old:new, separated by commas';
}

const INSERTED = ['topic.field', 'partition.field', 'offset.field', 'timestamp.field', 'static.field'];

function checkInsertField(values: ReadonlyMap<string, string>): { option: string; reason: string }[] {
  if (!INSERTED.some((name) => values.has(name))) return [{ option: 'topic.field', reason: `is required, or another one of ${INSERTED.filter((name) => name !== 'offset.field').join(', ')}` }];
  return values.has('static.field') && !values.has('static.value') ? [{ option: 'static.value', reason: 'is required with static.field' }] : [];
}

function checkCast(value: string): string | undefined {
  const entries = connectList(value).map((each) => each.split(':').map((part) => part.trim()));
  if (entries.length === 0) return 'must not be empty';
  if (entries.some((parts) => parts.length > 2 || parts.includes(''))) return 'must be field:type, separated by commas';
  if (entries.length > 1 && entries.some((parts) => parts.length === 1)) return 'must be one type alone for the whole, or field:type for each field';
  const known = entries.every((parts) => CAST_TYPES.includes((parts.at(-1) ?? '').toLowerCase()));
  return known ? undefined : `casts to ${CAST_TYPES.join(', ')} only`;
}

function sameLength(fields: string, headers: string): { option: string; reason: string }[] {
  return connectList(fields).length === connectList(headers).length ? [] : [{ option: 'headers', reason: 'must have as many items as fields' }];
}
