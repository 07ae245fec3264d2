/** Owns the rows of Debezium's transforms (io.debezium.transforms, Debezium 3.6). Does not own what they do to a record, nor old options: legacy.ts. */

import { BOOLEAN, integer, LIST, oneOf, REGEX } from '../option-spec.ts';
import { replacementProblem } from './java-replacement.ts';
import { problemAt } from './kafka.ts';
import { connectList, filled, filledList, option, type StageClass, type StageValues, stageClass } from './stage-spec.ts';

const D = 'io.debezium.transforms.';
export const UNWRAP = `${D}ExtractNewRecordState`;

const NO_TRACING = 'no tracing spans are sent.';
const ROUTE_REGEX = '(?<routedByValue>.*)';
const ROUTE_REPLACEMENT = 'outbox.event.${routedByValue}';
const PLACES = ['header', 'envelope', 'partition'];
const SCHEMA_CHANGES = ['CREATE', 'ALTER', 'DROP', 'TRUNCATE', 'DATABASE'];
const ADJUSTMENTS = oneOf('none', 'avro', 'avro_unicode');

const SCRIPT_LANGUAGES = ['jsr223.groovy', 'jsr223.graal.js'];

const SCRIPT_OPTIONS = [
  option({ name: 'language', required: true, doc: 'Language of the expression: `jsr223.groovy` or `jsr223.graal.js`.', check: checkLanguage }),
  option({ name: 'topic.regex', kind: REGEX, doc: 'Pattern of the whole topic. Records of other topics pass.' }),
  option({ name: 'null.handling.mode', kind: oneOf('keep', 'drop', 'evaluate'), default: 'keep', doc: 'What becomes of a record whose value is null.' }),
];

export const DEBEZIUM_TRANSFORMS: readonly StageClass[] = [
  stageClass({
    types: [UNWRAP],
    doc: 'Puts the row in the place of the event.',
    options: [
      option({
        name: 'delete.tombstone.handling.mode',
        kind: oneOf('drop', 'tombstone', 'rewrite', 'rewrite-with-tombstone', 'delete-to-tombstone', 'tombstone-with-tombstone'),
        default: 'tombstone',
        doc: 'What a delete and its tombstone become. `tombstone-with-tombstone` is no value of Debezium: it is what `delete.handling.mode=none` with `drop.tombstones=false` was.',
      }),
      option({ name: 'add.fields', kind: LIST, doc: 'Fields of the event to add: `op`, `source.ts_ms`, `table:alias`.', check: checkReferences }),
      option({ name: 'add.fields.prefix', default: '__', doc: 'Prefix of their names; may be empty.' }),
      option({ name: 'add.headers', kind: LIST, doc: 'Headers to add, in the same form.', check: checkReferences }),
      option({ name: 'add.headers.prefix', default: '__', doc: 'Prefix of their names; may be empty.' }),
      option({ name: 'route.by.field', default: '', doc: 'Column that holds the topic.' }),
      option({ name: 'drop.fields.header.name', doc: 'Header that lists fields to leave out.' }),
      option({ name: 'drop.fields.from.key', kind: BOOLEAN, default: 'false', doc: 'Leave them out of the key too.' }),
      option({ name: 'drop.fields.keep.schema.compatible', kind: BOOLEAN, default: 'true', doc: 'Leave out optional fields only.' }),
      option({ name: 'replace.null.with.default', kind: BOOLEAN, default: 'true', doc: 'With the rewrite modes: a null in a field with a default is read as that default.' }),
    ],
    advice: {
      'operation.header': 'write add.headers=op',
      'add.source.fields': 'write add.fields=source.ts_ms and the like',
      'array.encoding': 'is an option of ExtractNewDocumentState, for MongoDB',
      'flatten.struct': 'is an option of ExtractNewDocumentState, for MongoDB',
    },
  }),
  stageClass({
    types: [`${D}outbox.EventRouter`],
    doc: 'Makes messages of the rows of an outbox table. Fails at rows of other tables.',
    options: [
      option({ name: 'table.field.event.id', default: 'id', doc: 'Column of the id, which becomes a header.' }),
      option({ name: 'table.field.event.key', default: 'aggregateid', doc: 'Column of the key.' }),
      option({ name: 'table.field.event.type', default: 'type', doc: 'Changes nothing, in Debezium too: table.fields.additional.placement publishes a column.' }),
      option({ name: 'table.field.event.payload', default: 'payload', doc: 'Column of the value.' }),
      option({ name: 'table.field.event.timestamp', doc: "Column of the record's timestamp." }),
      option({ name: 'table.field.event.schema.version', doc: "Column of the version of the value's schema." }),
      option({ name: 'table.fields.additional.placement', kind: LIST, doc: 'More columns: `column:place` or `column:place:alias`, place `header`, `envelope` or `partition`.', check: checkPlacements }),
      option({ name: 'table.field.additional.missing', kind: oneOf('error', 'ignore'), default: 'error', doc: 'What is done where such a column does not exist.' }),
      option({ name: 'table.expand.json.payload', kind: BOOLEAN, default: 'false', doc: 'A payload of JSON text becomes a struct.' }),
      option({ name: 'table.json.payload.null.behavior', kind: oneOf('ignore', 'optional_bytes'), default: 'ignore', doc: 'What a null in such a payload becomes.' }),
      option({ name: 'table.json.payload.empty.array.behavior', kind: oneOf('ignore', 'optional_string'), default: 'ignore', doc: 'What an empty array in such a payload becomes. Debezium has the option from 3.7 on.' }),
      option({ name: 'table.op.invalid.behavior', kind: oneOf('warn', 'error', 'fatal'), default: 'warn', doc: 'What an update of the outbox table is: logged and dropped, or the end of the connector.' }),
      option({ name: 'route.by.field', default: 'aggregatetype', doc: 'Column that the topic is made of.' }),
      option({ name: 'route.topic.regex', kind: REGEX, default: ROUTE_REGEX, doc: 'Pattern of its whole text.' }),
      option({ name: 'route.topic.replacement', default: ROUTE_REPLACEMENT, doc: 'The topic, with `$1` or `${name}` for groups.' }),
      option({ name: 'route.tombstone.on.empty.payload', kind: BOOLEAN, default: 'false', doc: 'An empty payload becomes a tombstone.' }),
      option({ name: 'field.name.adjustment.mode', kind: ADJUSTMENTS, default: 'none', doc: 'Adjustment of the names of fields of expanded payloads.' }),
      option({ name: 'tracing.span.context.field', default: 'tracingspancontext', unused: NO_TRACING, doc: 'Column of the span context.' }),
      option({ name: 'tracing.operation.name', default: 'debezium-read', unused: NO_TRACING, doc: 'Name of the span.' }),
      option({ name: 'tracing.with.context.field.only', kind: BOOLEAN, default: 'false', unused: NO_TRACING, doc: 'Spans for rows with a context only.' }),
    ],
    advice: {
      'debezium.expand.json.payload': 'write table.expand.json.payload',
      'expand.json.payload': 'write table.expand.json.payload',
      'route.by.id': 'the key is table.field.event.key',
      'table.field.schema.version': 'write table.field.event.schema.version',
      'table.field.payload.id': 'the key is table.field.event.key',
      'table.field.payload': 'write table.field.event.payload',
      'debezium.op.invalid.behavior': 'write table.op.invalid.behavior',
      'event.timestamp': 'write table.field.event.timestamp',
    },
    check: checkEventRouter,
  }),
  stageClass({
    types: [`${D}ByLogicalTableRouter`],
    doc: 'Brings several tables into one topic: topic, names of schemas, and a field in the key that tells the tables apart.',
    options: [
      option({ name: 'topic.regex', kind: REGEX, required: true, doc: 'Pattern of the whole topic.' }),
      option({ name: 'topic.replacement', required: true, doc: 'The new topic, with `$1` or `${name}` for groups.' }),
      option({ name: 'key.enforce.uniqueness', kind: BOOLEAN, default: 'true', doc: 'Add the field to the key.' }),
      option({ name: 'key.field.name', default: '__dbz__physicalTableIdentifier', doc: 'Its name.' }),
      option({ name: 'key.field.regex', kind: REGEX, doc: 'Pattern of the old topic, which the field holds.' }),
      option({ name: 'key.field.replacement', doc: 'What the field holds instead where the pattern matches.' }),
      option({ name: 'schema.name.adjustment.mode', kind: ADJUSTMENTS, default: 'none', doc: 'Adjustment of the new names of schemas.' }),
      option({ name: 'logical.table.cache.size', kind: integer(1), default: '16', doc: 'Size of a cache. Changes nothing.' }),
    ],
    check: checkTableRouter,
  }),
  stageClass({
    types: [`${D}partitions.PartitionRouting`],
    doc: 'Chooses the partition by fields of the event.',
    options: [
      option({ name: 'partition.payload.fields', kind: LIST, required: true, doc: 'Paths in the event: `change.name`, `after.name`, `source.table`.', check: filledList }),
      option({ name: 'partition.topic.num', kind: integer(1), required: true, doc: 'Number of partitions of the topic.' }),
      option({ name: 'partition.hash.function', default: 'java', doc: '`java` or `murmur`; any other text is `java`.' }),
    ],
  }),
  stageClass({
    types: [`${D}ExtractChangedRecordState`],
    doc: 'Lists the names of changed and unchanged fields in headers.',
    options: [option({ name: 'header.changed.name', doc: 'Header of changed fields; none: no such header.' }), option({ name: 'header.unchanged.name', doc: 'Header of unchanged fields; none: no such header.' })],
  }),
  stageClass({
    types: [`${D}HeaderToValue`],
    doc: 'Puts headers into the value, as fields.',
    options: [
      option({ name: 'headers', kind: LIST, required: true, doc: 'Names of headers.', check: checkNames }),
      option({ name: 'fields', kind: LIST, required: true, doc: 'Fields in the same order; `a.b` is a field of the struct `a`.', check: checkNames }),
      option({ name: 'operation', kind: oneOf('move', 'copy'), required: true, doc: 'Whether the headers go or stay.' }),
    ],
    check: checkHeaderToValue,
  }),
  stageClass({
    types: [`${D}TimezoneConverter`],
    doc: 'Moves times of rows to a time zone.',
    options: [
      option({ name: 'converted.timezone', required: true, doc: 'An offset, `+08:00`, or a name, `America/Los_Angeles`.' }),
      option({ name: 'include.list', kind: LIST, doc: 'What is converted: `source:table`, `source:table:field`, `topic:name:field`, `name:field`.' }),
      option({ name: 'exclude.list', kind: LIST, doc: 'What is left alone, in the same form.' }),
    ],
  }),
  stageClass({
    types: [`${D}ExtractSchemaToNewRecord`],
    doc: 'Puts names and types of the columns into the value. Needs `column.propagate.source.type=.*`.',
    options: [option({ name: 'schema.name.adjustment.mode', kind: ADJUSTMENTS, default: 'none', unused: 'the names need no adjustment.', doc: 'Adjustment of the names of schemas.' })],
  }),
  stageClass({ types: [`${D}VectorToJsonConverter`], doc: 'Makes JSON text of vectors.', options: [] }),
  stageClass({
    types: [`${D}SwapGeometryCoordinates`],
    doc: 'Swaps x and y of geometries.',
    options: [option({ name: 'srids', kind: LIST, default: '4326,3857,4269', doc: 'Reference systems whose geometries are swapped.' })],
  }),
  stageClass({
    types: [`${D}SchemaChangeEventFilter`],
    doc: 'Drops events of schema changes, which the PostgreSQL connector does not send: it changes nothing.',
    options: [option({ name: 'schema.change.event.exclude.list', kind: LIST, required: true, doc: `Kinds of changes: ${SCHEMA_CHANGES.map((kind) => `\`${kind}\``).join(', ')}.`, check: checkSchemaChanges })],
    note: 'changes nothing: the PostgreSQL connector sends no schema changes',
  }),
  stageClass({
    types: ['io.debezium.connector.postgresql.transforms.DecodeLogicalDecodingMessageContent'],
    doc: 'Makes events like inserts of logical messages whose content is a JSON object. Fails at other messages, and at tombstones.',
    options: [option({ name: 'fields.null.include', kind: BOOLEAN, default: 'false', doc: 'Members that are null become fields.' })],
  }),
  stageClass({
    types: [`${D}Filter`],
    doc: 'Keeps the records of which the condition is true. What Groovy and JavaScript have in common is understood: paths, comparisons, `&&`, `||`, `!`, `?:`, `in`, `==~` and some methods of texts. Anything else is refused by its column.',
    options: [...SCRIPT_OPTIONS, option({ name: 'condition', required: true, doc: "The condition: `value.op == 'u' && value.after.id > 2`.", check: filled })],
  }),
  stageClass({
    types: [`${D}ContentBasedRouter`],
    doc: 'Names the topic by an expression, which is written as for Filter. Where it gives null the topic stays.',
    options: [...SCRIPT_OPTIONS, option({ name: 'topic.expression', required: true, doc: "The expression: `value.after.vip ? 'vips' : null`.", check: filled })],
  }),
];

function checkLanguage(value: string): string | undefined {
  return SCRIPT_LANGUAGES.includes(value) ? undefined : `must be one of ${SCRIPT_LANGUAGES.join(', ')}: no other language runs here`;
}

/** As Debezium reads a list of fields: split at commas, each trimmed, each with one alias at most. */
function checkReferences(value: string): string | undefined {
  const entries = value.split(',').map((each) => each.trim());
  if (entries.some((each) => each.split(':').length > 2)) return 'must be field or field:alias, separated by commas';
  const whole = entries.find((each) => ['before', 'after', 'source'].includes(each.split(':')[0] ?? ''));
  return whole === undefined ? undefined : `names the whole struct ${whole}, which cannot be added: name its fields, as in source.ts_ms`;
}

function checkPlacements(value: string): string | undefined {
  for (const entry of connectList(value)) {
    const parts = entry.split(':').map((part) => part.trim());
    if (parts.length < 2 || parts.length > 3 || parts.includes('')) return 'must be column:place or column:place:alias, separated by commas';
    if (!PLACES.includes((parts[1] ?? '').toLowerCase())) return `must have as place one of ${PLACES.join(', ')}`;
  }
  return undefined;
}

function checkNames(value: string): string | undefined {
  const names = connectList(value);
  return names.length === 0 || names.some((name) => name === '' || name.includes(' ')) ? 'must be names without blanks, separated by commas' : undefined;
}

function checkHeaderToValue(values: StageValues): { option: string; reason: string }[] {
  const [headers, fields] = ['headers', 'fields'].map((name) => connectList(values.get(name) ?? '').length);
  return headers === fields ? [] : [{ option: 'fields', reason: 'must have as many elements as headers' }];
}

function checkEventRouter(values: StageValues): { option: string; reason: string }[] {
  const regex = values.get('route.topic.regex') ?? ROUTE_REGEX;
  return problemAt('route.topic.replacement', replacementProblem(regex, values.get('route.topic.replacement') ?? ROUTE_REPLACEMENT));
}

function checkTableRouter(values: StageValues): { option: string; reason: string }[] {
  const problems = problemAt('topic.replacement', replacementProblem(values.get('topic.regex') ?? '', values.get('topic.replacement') ?? ''));
  const regex = values.get('key.field.regex');
  if (regex === undefined || regex === '') return problems;
  const replacement = values.get('key.field.replacement') ?? '';
  if (replacement === '') return [...problems, { option: 'key.field.replacement', reason: 'is required with key.field.regex' }];
  return [...problems, ...problemAt('key.field.replacement', replacementProblem(regex, replacement))];
}

function checkSchemaChanges(value: string): string | undefined {
  const items = connectList(value);
  return items.length > 0 && items.every((each) => SCHEMA_CHANGES.includes(each)) ? undefined : `must be a list of ${SCHEMA_CHANGES.join(', ')}`;
}
