/** Owns the option rows for what is captured and for the shape of events and values. */

import { regexProblem } from '../resolve/regex-list.ts';
import { HONOURED_VALUES } from './honoured-values.ts';
import { BOOLEAN, CLASS, honoured, integer, LIST, noEffect, notYet, type OptionSpec, oneOf, REGEX, REGEX_LIST } from './option-spec.ts';

const PLAIN_NAME = (value: string): string | undefined => (/^[A-Za-z0-9._-]+$/.test(value) ? undefined : 'may hold only A-Z, a-z, 0-9, ., _ and -');

export const FILTER_OPTIONS: readonly OptionSpec[] = [
  honoured({ name: 'schema.include.list', kind: REGEX_LIST, why: 'Every schema is captured.', doc: 'Schemas to capture. Not together with the exclude list.' }),
  honoured({ name: 'schema.exclude.list', kind: REGEX_LIST, why: 'No schema is left out.', doc: 'Schemas to leave out.' }),
  honoured({ name: 'table.include.list', kind: REGEX_LIST, why: 'Every table is captured.', doc: 'Tables to capture, as `schema.table`. Not together with the exclude list.' }),
  honoured({ name: 'table.exclude.list', kind: REGEX_LIST, why: 'No table is left out.', doc: 'Tables to leave out, as `schema.table`.' }),
  honoured({ name: 'column.include.list', kind: REGEX_LIST, why: 'Every column is captured.', doc: 'Columns to capture, as `schema.table.column`; key columns always stay in the key. Not together with the exclude list.' }),
  honoured({ name: 'column.exclude.list', kind: REGEX_LIST, why: 'No column is left out.', doc: 'Columns to leave out of the value, as `schema.table.column`.' }),
  honoured({ name: 'table.ignore.builtin', kind: BOOLEAN, default: 'true', why: "Debezium's.", doc: 'Leave out pg_catalog, information_schema, pg_temp* and spatial_ref_sys.' }),
  honoured({
    name: 'skipped.operations',
    kind: LIST,
    default: 't',
    why: "Debezium's.",
    doc: 'Operations not to send: c, u, d, t, or `none`. If written, a publication that Slotline creates is limited accordingly.',
    check: checkSkippedOperations,
  }),
  honoured({ name: 'skip.messages.without.change', kind: BOOLEAN, default: 'false', why: "Debezium's.", doc: 'Leave out updates that change no captured column.' }),
  honoured({ name: 'guardrail.collections.max', kind: integer(0), default: '0', why: "Debezium's: any number is fine.", doc: 'Most tables that may be captured; 0: no limit.' }),
  honoured({ name: 'guardrail.collections.limit.action', kind: oneOf('warn', 'fail'), default: 'warn', why: "Debezium's.", doc: 'What to do at start above that limit.' }),
];

export const EVENT_OPTIONS: readonly OptionSpec[] = [
  honoured({
    name: 'topic.prefix',
    required: true,
    why: 'It names this source for every consumer.',
    doc: 'First part of every topic name and of every schema name; `source.name` of events.',
    check: (value) => PLAIN_NAME(value) ?? (value.length > 200 ? 'must be at most 200 characters: a topic name has at most 249' : undefined),
  }),
  honoured({ name: 'topic.delimiter', default: '.', why: "Debezium's.", doc: 'Joins prefix, schema and table in topic names.', check: PLAIN_NAME }),
  honoured({ name: 'message.key.columns', why: 'The primary key is the key.', doc: 'Keys for tables, `schema.table regex:column,column` separated by semicolons.', check: checkKeyColumns }),
  honoured({ name: 'tombstones.on.delete', kind: BOOLEAN, default: 'true', why: "Debezium's; compaction removes a key only by a tombstone.", doc: 'Send a record without value after each delete.' }),
  honoured({ name: 'extended.headers.enabled', kind: BOOLEAN, default: 'true', why: "Debezium's.", doc: 'Send the `__debezium.context.*` headers.' }),
  honoured({
    name: 'unavailable.value.placeholder',
    default: '__debezium_unavailable_value',
    emptyAllowed: true,
    why: "Debezium's; consumers look for it.",
    doc: 'Stands for a TOASTed value that did not change and was not sent; `hex:` begins a value in hexadecimal.',
    check: (value) => (/^hex:(?!([0-9a-fA-F]{2})*$)/.test(value) ? 'must have two hexadecimal digits per byte after hex:' : undefined),
  }),
  honoured({ name: 'decimal.handling.mode', kind: oneOf('precise', 'double', 'string'), default: 'precise', honouredValues: HONOURED_VALUES['decimal.handling.mode'], why: "Debezium's.", doc: 'How numeric and money are sent: Connect Decimal, double or text.' }),
  honoured({
    name: 'time.precision.mode',
    kind: oneOf('adaptive', 'adaptive_time_microseconds', 'connect', 'isostring', 'microseconds', 'nanoseconds', 'structured'),
    default: 'adaptive',
    honouredValues: HONOURED_VALUES['time.precision.mode'],
    why: "Debezium's.",
    reason: 'The structured form is not written yet.',
    doc: 'How dates and times are sent.',
  }),
  honoured({ name: 'interval.handling.mode', kind: oneOf('numeric', 'string'), default: 'numeric', honouredValues: HONOURED_VALUES['interval.handling.mode'], why: "Debezium's.", doc: 'How intervals are sent: microseconds or ISO 8601 text.' }),
  honoured({ name: 'binary.handling.mode', kind: oneOf('bytes', 'base64', 'base64-url-safe', 'hex'), default: 'bytes', honouredValues: HONOURED_VALUES['binary.handling.mode'], why: "Debezium's.", doc: 'How bytea is sent.' }),
  honoured({ name: 'hstore.handling.mode', kind: oneOf('json', 'map'), default: 'json', honouredValues: HONOURED_VALUES['hstore.handling.mode'], why: "Debezium's.", doc: 'How hstore is sent.' }),
  honoured({ name: 'money.fraction.digits', kind: integer(0, 30), default: '2', why: "Debezium's; true of most currencies.", doc: 'Scale of money in precise mode.' }),
  honoured({ name: 'include.unknown.datatypes', kind: BOOLEAN, default: 'false', honouredValues: HONOURED_VALUES['include.unknown.datatypes'], why: "Debezium's.", doc: 'Send columns of unknown types as bytes.' }),
  honoured({ name: 'include.schema.comments', kind: BOOLEAN, default: 'false', why: "Debezium's.", doc: 'Column comments as `doc` of schemas. Debezium reads none from PostgreSQL, so there are none, as there.' }),
  honoured({ name: 'schema.name.adjustment.mode', kind: oneOf('none', 'avro', 'avro_unicode'), default: 'none', honouredValues: HONOURED_VALUES['schema.name.adjustment.mode'], why: "Debezium's.", doc: 'Adjusts schema names for Avro.' }),
  honoured({ name: 'field.name.adjustment.mode', kind: oneOf('none', 'avro', 'avro_unicode'), default: 'none', honouredValues: HONOURED_VALUES['field.name.adjustment.mode'], why: "Debezium's.", doc: 'Adjusts field names for Avro.' }),
  noEffect({ name: 'schema.refresh.mode', silent: 'always', kind: oneOf('columns_diff', 'columns_diff_exclude_unchanged_toast'), default: 'columns_diff', reason: 'pgoutput says itself when a table changes.', doc: 'When table metadata are read again.' }),
  honoured({ name: 'column.truncate.to.<n>.chars', kind: REGEX_LIST, why: 'Values are sent whole.', doc: 'Columns to cut to n characters: UTF-16 units of what is published as text, bytes of bytea. Keys are left as they are.' }),
  honoured({ name: 'column.mask.with.<n>.chars', kind: REGEX_LIST, why: 'Values are sent as they are.', doc: 'Character columns to replace by n asterisks, nulls too. Keys are left as they are.' }),
  honoured({ name: 'column.mask.hash.<algorithm>.with.salt.<salt>', kind: REGEX_LIST, why: 'Values are sent as they are.', doc: 'Character columns to replace by a salted hash of what Java serialises, cut to the length of the column. Keys are left as they are.' }),
  honoured({ name: 'column.mask.hash.v2.<algorithm>.with.salt.<salt>', kind: REGEX_LIST, why: 'Values are sent as they are.', doc: 'Character columns to replace by a salted hash of their text, cut to the length of the column. Keys are left as they are.' }),
  honoured({ name: 'column.propagate.source.type', kind: REGEX_LIST, why: 'Schemas say nothing of source types.', doc: 'Columns whose source type goes into the schema.' }),
  honoured({ name: 'datatype.propagate.source.type', kind: REGEX_LIST, why: 'Schemas say nothing of source types.', doc: 'Columns by type, as schema.table.type, whose source type goes into the schema.' }),
  notYet({ name: 'converters', kind: LIST, reason: 'Custom converters are Java classes; columns would be sent in the standard form.', doc: 'Names of custom converters.' }),
  notYet({ name: 'post.processors', kind: LIST, reason: 'Post-processors do not run.', doc: 'Names of post-processors, such as the one that reselects unavailable values.' }),
  honoured({
    name: 'event.converting.failure.handling.mode',
    kind: oneOf('skip', 'warn', 'fail'),
    default: 'warn',
    why: "Debezium's: one value that has no Connect form does not stop a table.",
    doc: "A value that cannot be converted: null, or the column's default, with a log line per column (`warn`) or without (`skip`); `fail` stops the connector. A column that is NOT NULL without a default stops it in every mode. Never the whole event.",
  }),
  noEffect({ name: 'event.processing.failure.handling.mode', kind: oneOf('fail', 'warn', 'skip', 'ignore'), default: 'fail', reason: 'No event is ever skipped: the connector stops at it.', doc: 'What to do with an event that cannot be processed.' }),
  notYet({ name: 'sourceinfo.struct.maker', kind: CLASS, default: 'io.debezium.connector.postgresql.PostgresSourceInfoStructMaker', reason: 'The source block has its standard form.', doc: 'Builder of the source block.' }),
  honoured({
    name: 'custom.sanitize.pattern',
    kind: REGEX,
    default: '.*secret$|.*password$|.*sasl\\.jaas\\.config$|.*basic\\.auth\\.user\\.info$|.*registry\\.auth\\.client-secret',
    why: "Debezium's. Names that hold password, secret, token or jaas are masked in any case.",
    doc: 'Names of options whose values are never printed.',
  }),
  noEffect({ name: 'memory.management.schemas.class', kind: CLASS, default: 'io.debezium.relational.ConcurrentMapTableMappingStorage', reason: 'A Java class.', doc: 'Storage of schemas.' }),
  noEffect({ name: 'memory.management.tables.class', kind: CLASS, default: 'io.debezium.relational.ConcurrentMapTableMappingStorage', reason: 'A Java class.', doc: 'Storage of tables.' }),
  honoured({ name: 'provide.transaction.metadata', kind: BOOLEAN, default: 'false', why: "Debezium's.", doc: 'Send transaction boundaries and the `transaction` block.' }),
  notYet({ name: 'transaction.metadata.factory', kind: CLASS, default: 'io.debezium.pipeline.txmetadata.DefaultTransactionMetadataFactory', reason: 'A Java class.', doc: 'Builder of transaction metadata.' }),
  notYet({ name: 'topic.naming.strategy', kind: CLASS, default: 'io.debezium.schema.SchemaTopicNamingStrategy', reason: 'Topics are named prefix, schema, table only.', doc: 'Class that names topics.' }),
  noEffect({ name: 'topic.cache.size', silent: 'always', kind: integer(0), default: '10000', reason: 'A topic name is kept with its table.', doc: 'Bound of the cache of topic names.' }),
  honoured({ name: 'topic.heartbeat.prefix', default: '__debezium-heartbeat', why: "Debezium's.", doc: 'First part of the heartbeat topic; topic.prefix follows.', check: PLAIN_NAME }),
  honoured({ name: 'topic.heartbeat.name', why: 'The name is made of topic.heartbeat.prefix.', doc: 'The whole name of the heartbeat topic.', check: PLAIN_NAME }),
  honoured({ name: 'topic.transaction', default: 'transaction', why: "Debezium's.", doc: 'Last part of the transaction topic.', check: PLAIN_NAME }),
  notYet({ name: 'topic.regex', kind: REGEX, reason: 'Topics are not renamed.', doc: 'Regular expression of the regex naming strategies.' }),
  notYet({ name: 'topic.replacement', reason: 'Topics are not renamed.', doc: 'Replacement of the regex naming strategies.' }),
  noEffect({ name: 'topic.key.enforce.uniqueness', kind: BOOLEAN, default: 'true', reason: 'It belongs to the regex naming strategies.', doc: 'Add the table to keys of merged topics.' }),
  noEffect({ name: 'topic.key.field.name', default: '__dbz__physicalTableIdentifier', reason: 'It belongs to the regex naming strategies.', doc: 'Name of that key field.' }),
  noEffect({ name: 'topic.key.field.regex', kind: REGEX, reason: 'It belongs to the regex naming strategies.', doc: 'Regular expression for that key field.' }),
  noEffect({ name: 'topic.key.field.replacement', reason: 'It belongs to the regex naming strategies.', doc: 'Replacement for that key field.' }),
  honoured({ name: 'heartbeat.interval.ms', kind: integer(0), unit: 'ms', default: '0', why: "Debezium's. The slot of an idle database advances without heartbeats.", doc: 'How often a heartbeat record is sent; 0: never.' }),
  honoured({ name: 'heartbeat.action.query', kind: { tag: 'sql' }, why: 'Nothing is written to the database.', doc: 'SQL run with each heartbeat.' }),
];

/** Debezium's `table:column,column`; blanks around either are taken off afterwards. */
const KEY_COLUMNS = /^([^:]+):([^:,]+(?:,[^:,]+)*)$/;

/** `message.key.columns` in order; undefined where an item cannot be read. */
export function parseKeyColumns(value: string): { table: string; columns: string[] }[] | undefined {
  const items: { table: string; columns: string[] }[] = [];
  for (const part of value.split(';')) {
    if (part.trim() === '') continue;
    const match = KEY_COLUMNS.exec(part);
    if (match?.[1] === undefined || match[2] === undefined) return undefined;
    items.push({ table: lastPattern(match[1]), columns: match[2].split(',').map((each) => each.trim()) });
  }
  return items;
}

/**
 * Debezium appends the column and then splits at commas, so of several tables only the last one gets the column. A blank before the
 * colon becomes part of the pattern.
 */
function lastPattern(tables: string): string {
  return (tables.split(/(?<!\\),/).at(-1) ?? '').trimStart();
}

function checkKeyColumns(value: string): string | undefined {
  const items = parseKeyColumns(value);
  if (items === undefined || items.length === 0) return 'must be table:column,column items separated by semicolons';
  for (const item of items) {
    for (const pattern of [item.table, ...item.columns.map((column) => `${item.table}\\.${column}`)]) {
      const problem = regexProblem(pattern);
      if (problem !== undefined) return `pattern ${JSON.stringify(pattern)} ${problem}`;
    }
  }
  return undefined;
}

function checkSkippedOperations(value: string): string | undefined {
  const operations = value.split(',').map((each) => each.trim());
  const unknown = operations.find((each) => !['c', 'u', 'd', 't', 'r', 'none'].includes(each));
  if (unknown !== undefined) return 'must be a list of c, u, d, t, or none alone';
  return operations.includes('none') && operations.length > 1 ? 'may not combine none with others' : undefined;
}
