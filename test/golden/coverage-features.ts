/**
 * Owns the other part of the coverage table: each option and behaviour that changes events, and how a recording is seen to show it.
 * Only what was recorded counts: settings, statements and records, never a case's name.
 */
import type { GoldenCase } from './replay-cases.ts';

type Feature = { readonly title: string; shows(golden: GoldenCase): boolean };
type FeatureSection = { readonly title: string; readonly features: readonly Feature[] };

function setting(name: string, value: string | RegExp = /./): Feature {
  const matches = (given: string): boolean => (typeof value === 'string' ? given === value : value.test(given));
  const title = typeof value === 'string' ? `\`${name}=${value}\`` : `\`${name}\``;
  return { title, shows: ({ settings }) => matches(settings[name] ?? '') };
}

function settingFamily(title: string, name: RegExp): Feature {
  return { title: `\`${title}\``, shows: ({ settings }) => Object.keys(settings).some((key) => name.test(key)) };
}

function statement(title: string, sql: RegExp): Feature {
  return { title, shows: (golden) => [...golden.setup, ...golden.steps.flat()].some((text) => sql.test(text)) };
}

/** While streaming. */
function step(title: string, sql: RegExp): Feature {
  return { title, shows: ({ steps }) => steps.flat().some((text) => sql.test(text)) };
}

function record(title: string, found: (value: string, topic: string) => boolean): Feature {
  const shows: Feature['shows'] = ({ records }) => records.some(({ value, topic }) => typeof value === 'string' && found(value, topic));
  return { title, shows };
}

function both(title: string, ...features: readonly Feature[]): Feature {
  return { title, shows: (golden) => features.every((feature) => feature.shows(golden)) };
}

const DECIMAL_MODES = ['precise', 'double', 'string'];
const IDENTIFIER = '"([^"]|"")*';

const EXTREMES: readonly Feature[] = [
  ...DECIMAL_MODES.map((mode) =>
    both(`numeric NaN, \`decimal.handling.mode=${mode}\``, decimalMode(mode), statement('', /'NaN'(::numeric)?/i)),
  ),
  ...DECIMAL_MODES.slice(1).map((mode) =>
    both(`numeric ±Infinity, \`decimal.handling.mode=${mode}\``, decimalMode(mode), statement('', /'-Infinity'/i)),
  ),
  record('float NaN and Infinity', (value) => /"(NaN|Infinity)"/.test(value)),
  statement('numeric of 1000 digits', /repeat\('\d',\s*(1000|[1-9]\d{3,})\)|\d{1000}/),
  statement('date ±infinity', /'-infinity'(::date)?/i),
  statement('timestamp ±infinity', /'-infinity'/),
  statement('interval ±infinity', /interval.*'-?infinity'|'-?infinity'.*interval/i),
  statement('years BC', /\d BC'/),
  statement('24:00', /'24:00/),
  statement('294276 AD', /'294276-/),
  statement('every control character', /generate_series\(1, ?31\)|chr\(1\)|\\x01/i),
  statement('characters outside the BMP', /[\u{10000}-\u{10ffff}]/u),
  statement('a lone surrogate, as json text can hold it', /\\ud[89a-f]/i),
];

function decimalMode(mode: string): Feature {
  return { title: '', shows: ({ settings }) => (settings['decimal.handling.mode'] ?? 'precise') === mode };
}

const SHAPE: readonly Feature[] = [
  setting('message.key.columns'),
  settingFamily('column.mask.with.N.chars', /^column\.mask\.with\.\d+\.chars$/),
  settingFamily('column.mask.hash.ALG.with.salt.SALT', /^column\.mask\.hash\.(?!v2\.)/),
  settingFamily('column.mask.hash.v2.ALG.with.salt.SALT', /^column\.mask\.hash\.v2\./),
  settingFamily('column.truncate.to.N.chars', /^column\.truncate\.to\.\d+\.chars$/),
  setting('column.propagate.source.type'),
  setting('datatype.propagate.source.type'),
  setting('include.schema.comments', 'true'),
  setting('schema.name.adjustment.mode', 'avro'),
  setting('schema.name.adjustment.mode', 'avro_unicode'),
  setting('field.name.adjustment.mode', 'avro'),
  setting('field.name.adjustment.mode', 'avro_unicode'),
  setting('tombstones.on.delete', 'false'),
  setting('skipped.operations', 'none'),
  ...['c', 'u', 'd', 't'].map((op) => ({
    ...setting('skipped.operations', new RegExp(`\\b${op}\\b`)),
    title: `\`skipped.operations\` with ${op}`,
  })),
  setting('skip.messages.without.change', 'true'),
  { ...setting('unavailable.value.placeholder', /^(?!hex:)/), title: '`unavailable.value.placeholder`' },
  { ...setting('unavailable.value.placeholder', /^hex:/), title: '`unavailable.value.placeholder=hex:…`' },
  setting('extended.headers.enabled', 'false'),
  record('default values in schemas', (value) => /"default":(?!"\{)/.test(value.replaceAll('"default":"false","field":"snapshot"', ''))),
  setting('money.fraction.digits'),
  setting('snapshot.select.statement.overrides'),
  setting('snapshot.include.collection.list'),
  setting('table.include.list'),
  setting('table.exclude.list'),
  setting('schema.include.list'),
  setting('schema.exclude.list'),
  setting('column.include.list'),
  setting('column.exclude.list'),
];

const CONTROL: readonly Feature[] = [
  both(
    '`provide.transaction.metadata`: block',
    setting('provide.transaction.metadata', 'true'),
    record('', (value) => value.includes('"total_order":')),
  ),
  both(
    '`provide.transaction.metadata`: topic',
    setting('provide.transaction.metadata', 'true'),
    record('', (value) => value.includes('"status":"END"')),
  ),
  {
    title: 'the transaction topic of a server before 15',
    shows: ({ settings, server }) => server === 14 && settings['provide.transaction.metadata'] === 'true',
  },
  setting('topic.transaction'),
  both(
    '`heartbeat.interval.ms`',
    setting('heartbeat.interval.ms'),
    record('', (value, topic) => /"ts_ms":\d+\}+$/.test(value) && /heartbeat/.test(topic)),
  ),
  setting('heartbeat.action.query'),
  setting('topic.heartbeat.prefix'),
  setting('topic.heartbeat.name'),
  both(
    'logical message in a transaction',
    record('', (value) => value.includes('"op":"m"')),
    step('', /pg_logical_emit_message\(true/),
  ),
  both(
    'logical message outside a transaction',
    record('', (value) => value.includes('"op":"m"')),
    step('', /pg_logical_emit_message\(false/),
  ),
  setting('message.prefix.include.list'),
  setting('message.prefix.exclude.list'),
  record('truncate', (value) => value.includes('"op":"t"')),
];

const SOURCE: readonly Feature[] = [
  {
    title: 'replica identity default',
    shows: ({ setup, steps }) => !/replica identity/i.test(setup.join()) && /\bdelete from\b/i.test(steps.flat().join()),
  },
  ...['full', 'using index', 'nothing'].map((identity) =>
    statement(`replica identity ${identity}`, new RegExp(`replica identity ${identity}`, 'i')),
  ),
  setting('replica.identity.autoset.values'),
  both('partitioned table, by partition', statement('', /partition by/i), {
    title: '',
    shows: ({ settings }) => settings['publish.via.partition.root'] !== 'true',
  }),
  both(
    'partitioned table, `publish.via.partition.root=true`',
    statement('', /partition by/i),
    setting('publish.via.partition.root', 'true'),
  ),
  step('column added while streaming', /alter table .* add (column )?(?!primary|constraint)/i),
  step('column dropped while streaming', /alter table .* drop (column )?(?!constraint)/i),
  step('column renamed while streaming', /alter table .* rename (column )?(?!to)\S+ to/i),
  step('table renamed while streaming', /alter table \S+ rename to/i),
  step('column type changed while streaming', /alter table .* type /i),
  step('key changed while streaming', /alter table .* (add|drop) (primary key|constraint)/i),
  both('table dropped and made again while streaming', step('', /drop table/i), step('', /create table/i)),
  step('enum value added while streaming', /alter type .* add value/i),
  statement('quoted identifier', new RegExp(`create table ${IDENTIFIER}"`, 'i')),
  statement('mixed-case identifier', /create table [^(]*"[^"]*[A-Z][^"]*"/),
  statement('dotted identifier', /create table [^(]*"[^"]*\.[^"]*"/i),
  statement('unicode identifier', /create table [^(]*"[^"]*[^\x20-\x7e][^"]*"/i),
  statement('63-byte identifier', /[a-z_]{63}|repeat\(.*63\)/i),
  statement('generated column, stored', /generated always as .* stored/i),
  statement('generated column, virtual', /generated always as .* virtual/i),
  statement('generated columns published (18)', /publish_generated_columns\s*=\s*stored/i),
  statement('comments', /comment on column/i),
  statement('table without primary key', /^create table (?!.*(primary key|partition of|like)).*$/i),
  statement('unique index as key', /create unique index/i),
  statement('inheritance', /inherits/i),
];

export const FEATURE_SECTIONS: readonly FeatureSection[] = [
  { title: 'Extremes', features: EXTREMES },
  { title: 'Shape', features: SHAPE },
  { title: 'Control events', features: CONTROL },
  { title: 'Source', features: SOURCE },
];
