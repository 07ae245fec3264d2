/** Owns the cases of transforms that choose topics, keys' places and which records go out: routers, partitions, filters. */
import { ALL_FORMS, chain, debezium, JSON_FORMS, kafka, NO_END_MESSAGE, type Settings, type TransformCase, UNWRAP } from './chain.ts';
import { FEW, FEW_WITH_SPECIALS, FEW_WITH_TRUNCATE, HEARTBEAT, ROWS, ROWS_SETTINGS, SHARDS, type Statements } from './tables.ts';

const TRUNCATES: Settings = { 'skipped.operations': 'none' };
const TRANSACTIONS: Settings = { 'provide.transaction.metadata': 'true' };
const REGEX_ROUTER = kafka('RegexRouter');
const LOGICAL = debezium('ByLogicalTableRouter');
const OF_TABLE = '<prefix>\\.public\\.(.*)';
const OF_SHARD = '<prefix>\\.public\\.orders_(.*)';
const ALL_SHARDS = { 'topic.regex': OF_SHARD, 'topic.replacement': '<prefix>.all_orders' };

const regexRouters: readonly TransformCase[] = [
  {
    name: 'transform-regex',
    forms: ALL_FORMS,
    tables: FEW_WITH_TRUNCATE,
    settings: { ...TRUNCATES, ...chain({ route: { type: REGEX_ROUTER, regex: OF_TABLE, replacement: '<prefix>.$1' } }) },
  },
  {
    name: 'transform-regex-everything',
    forms: ['json'],
    tables: FEW_WITH_TRUNCATE,
    settings: {
      ...TRUNCATES,
      ...TRANSACTIONS,
      ...chain({ route: { type: REGEX_ROUTER, regex: '.*', replacement: '<prefix>.everything' } }),
    },
  },
  {
    name: 'transform-regex-no-match',
    forms: ['json'],
    tables: FEW_WITH_SPECIALS,
    settings: { ...HEARTBEAT, ...chain({ route: { type: REGEX_ROUTER, regex: 'public\\.(.*)', replacement: 'lost.$1' } }) },
  },
  {
    name: 'transform-chain-unwrap-regex',
    forms: ALL_FORMS,
    tables: ROWS,
    settings: {
      ...ROWS_SETTINGS,
      ...chain({
        unwrap: { type: UNWRAP, 'delete.tombstone.handling.mode': 'rewrite', 'add.fields': 'op,table,source.ts_ms' },
        route: { type: REGEX_ROUTER, regex: '([^.]+)\\.([^.]+)\\.([^.]+)', replacement: '$1.$3' },
      }),
    },
  },
];

function logical(options: Settings): Settings {
  return { ...TRUNCATES, ...chain({ logical: { type: LOGICAL, ...options } }) };
}

const logicalRouters: readonly TransformCase[] = [
  { name: 'transform-logical', forms: ALL_FORMS, tables: SHARDS, settings: logical(ALL_SHARDS) },
  {
    name: 'transform-logical-key-not-unique',
    forms: JSON_FORMS,
    tables: SHARDS,
    settings: logical({ ...ALL_SHARDS, 'key.enforce.uniqueness': 'false' }),
  },
  {
    name: 'transform-logical-key-field',
    forms: ALL_FORMS,
    tables: SHARDS,
    settings: logical({
      ...ALL_SHARDS,
      'key.field.name': 'shard',
      'key.field.regex': '<prefix>\\.public\\.orders_1',
      'key.field.replacement': 'first-$0',
    }),
  },
  {
    name: 'transform-logical-everything',
    forms: JSON_FORMS,
    tables: SHARDS,
    settings: { ...TRANSACTIONS, ...logical({ 'topic.regex': '([^.]+)\\..*', 'topic.replacement': '$1.all-in.one' }) },
  },
  {
    name: 'transform-logical-adjusted',
    forms: ['schemas'],
    tables: SHARDS,
    settings: logical({ 'topic.regex': OF_SHARD, 'topic.replacement': '<prefix>.all-orders', 'schema.name.adjustment.mode': 'avro' }),
  },
  {
    name: 'transform-logical-behind-unwrap',
    forms: ['schemas'],
    tables: SHARDS,
    settings: {
      ...TRUNCATES,
      ...chain({ unwrap: { type: UNWRAP, 'delete.tombstone.handling.mode': 'rewrite' }, logical: { type: LOGICAL, ...ALL_SHARDS } }),
    },
  },
  {
    name: 'transform-chain-logical-unwrap',
    forms: ALL_FORMS,
    tables: SHARDS,
    settings: {
      ...TRUNCATES,
      ...chain({
        logical: { type: LOGICAL, ...ALL_SHARDS },
        unwrap: { type: UNWRAP, 'delete.tombstone.handling.mode': 'rewrite-with-tombstone', 'add.fields': 'op,table,source.ts_ms' },
        origin: { type: kafka('InsertHeader'), header: 'origin', 'value.literal': 'shop' },
        replace: { type: kafka('ReplaceField$Value'), exclude: 'qty', renames: 'ref:reference' },
      }),
    },
  },
];

const THREE_PARTITIONS: Settings = { 'topic.creation.default.partitions': '3', 'topic.creation.default.replication.factor': '1' };

function partitions(options: Settings): Settings {
  return {
    ...THREE_PARTITIONS,
    ...TRUNCATES,
    ...chain({
      partition: { type: debezium('partitions.PartitionRouting'), 'partition.topic.num': '3', ...options },
      unwrap: { type: UNWRAP, 'delete.tombstone.handling.mode': 'rewrite-with-tombstone' },
    }),
  };
}

const partitionRouters: readonly TransformCase[] = [
  {
    name: 'transform-partition',
    forms: JSON_FORMS,
    tables: FEW_WITH_SPECIALS,
    settings: partitions({ 'partition.payload.fields': 'change.ref, change.qty,change.nosuch' }),
  },
  {
    name: 'transform-partition-murmur',
    forms: ['json'],
    tables: FEW_WITH_SPECIALS,
    settings: partitions({ 'partition.payload.fields': 'source.table,change.price', 'partition.hash.function': 'murmur' }),
  },
];

const HASHED_TYPES: Readonly<Record<string, readonly string[]>> = {
  int: ['0', '1', '-1', '2147483647', '-2147483648'],
  smallint: ['7', '-7'],
  bigint: ['1', '-1', '4294967296', '9223372036854775807'],
  boolean: ['true', 'false'],
  real: ['0.25', "'-0.0'", "'NaN'"],
  'double precision': ['0.25', '-1e300', "'NaN'"],
  'numeric(10,2)': ['22.50', '-22.50', '0', '12345678.90'],
  text: ["''", "'abc'", "'naïve'", "'sixteen-letters!'", "'sixteen-letters! and more'", "'😀'"],
  bytea: ["'\\x'", "'\\x00ff80'"],
  date: ["'2024-02-29'", "'1969-12-31'"],
  'timestamp(3)': ["'2024-02-29 12:34:56.789'"],
  timestamptz: ["'2024-02-29 12:34:56.789+00'"],
  uuid: ["'00000000-0000-0000-0000-000000000001'"],
  'int[]': ["'{}'", "'{1,2,3}'"],
  'text[]': ["'{a,b}'"],
};

/** A table for each type whose hash places a record. */
const HASHED: Statements = {
  setup: Object.keys(HASHED_TYPES).map((type) => `create table ${hashedTable(type)} (id int primary key, v ${type})`),
  steps: Object.entries(HASHED_TYPES).map(([type, values]) =>
    values.map((value, i) => `insert into ${hashedTable(type)} values (${i + 1}, ${value})`),
  ),
};

function hashedTable(type: string): string {
  return `h_${type.replaceAll(/\W+/g, '_')}`;
}

function hashed(name: string, options: Settings): TransformCase {
  return {
    name,
    forms: ['json'],
    tables: HASHED,
    settings: {
      ...THREE_PARTITIONS,
      'topic.creation.default.partitions': '13',
      ...NO_END_MESSAGE,
      ...chain({
        partition: {
          type: debezium('partitions.PartitionRouting'),
          'partition.topic.num': '13',
          'partition.payload.fields': 'change.v',
          ...options,
        },
        unwrap: { type: UNWRAP },
      }),
    },
  };
}

const IS_TOMBSTONE: Settings = { type: kafka('predicates.RecordIsTombstone') };
const FILTER = kafka('Filter');

const filters: readonly TransformCase[] = [
  {
    name: 'transform-filter',
    forms: ['json'],
    tables: FEW_WITH_SPECIALS,
    settings: {
      ...HEARTBEAT,
      ...chain(
        { first: { type: FILTER, predicate: 'isItem' }, second: { type: FILTER, predicate: 'isTombstone' } },
        { isItem: { type: kafka('predicates.TopicNameMatches'), pattern: '.*\\.items' }, isTombstone: IS_TOMBSTONE, unused: IS_TOMBSTONE },
      ),
    },
  },
  {
    name: 'transform-filter-negated',
    forms: ['json'],
    tables: FEW_WITH_SPECIALS,
    settings: {
      ...NO_END_MESSAGE,
      ...chain(
        { keep: { type: FILTER, predicate: 'hasNewKey', negate: 'TRUE' } },
        { hasNewKey: { type: kafka('predicates.HasHeaderKey'), name: '__debezium.newkey' } },
      ),
    },
  },
  {
    name: 'transform-filter-behind-route',
    forms: ['json'],
    tables: FEW,
    settings: chain(
      {
        route: { type: REGEX_ROUTER, regex: OF_TABLE, replacement: '<prefix>.$1' },
        old: { type: FILTER, predicate: 'isOld' },
        header: { type: kafka('InsertHeader'), header: 'new', 'value.literal': 'yes', predicate: 'isNew' },
      },
      {
        isOld: { type: kafka('predicates.TopicNameMatches'), pattern: '.*\\.public\\..*' },
        isNew: { type: kafka('predicates.TopicNameMatches'), pattern: '<prefix>\\.orders' },
      },
    ),
  },
  {
    name: 'transform-chain-unwrap-filter',
    forms: JSON_FORMS,
    tables: FEW,
    settings: chain({ unwrap: { type: UNWRAP }, drop: { type: FILTER, predicate: 'isTombstone' } }, { isTombstone: IS_TOMBSTONE }),
  },
];

export const ROUTE_CASES: readonly TransformCase[] = [
  ...regexRouters,
  ...logicalRouters,
  ...partitionRouters,
  hashed('transform-partition-types', {}),
  hashed('transform-partition-types-murmur', { 'partition.hash.function': 'murmur' }),
  ...filters,
];
