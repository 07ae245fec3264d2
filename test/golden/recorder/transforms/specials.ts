/** Owns the cases of transforms for single types, of post-processors, and of converters that a chain is often used with. */
import { chain, debezium, JSON_FORMS, kafka, NO_END_MESSAGE, OUTBOX, type Settings, type TransformCase, UNWRAP } from './chain.ts';
import { FEW, type Statements } from './tables.ts';

const STRING_CONVERTER = 'org.apache.kafka.connect.storage.StringConverter';

const types: readonly TransformCase[] = [
  {
    name: 'transform-swap-coordinates',
    server: 'postgis',
    forms: JSON_FORMS,
    tables: {
      setup: [
        'create extension postgis',
        'create table places (id int primary key, g geometry, a geometry(point, 4326), e geography(point, 4326), p point)',
        "insert into places values (1, 'SRID=3857;LINESTRING(1 2,3 4)', 'SRID=4326;POINT(5 6)', 'SRID=4326;POINT(7 8)', '(9,10)')",
      ],
      steps: [
        [
          "insert into places values (2, 'POINT(1 2)', null, null, null)",
          "insert into places values (3, 'SRID=4326;POINT Z(1 2 3)', null, null, null)",
        ],
        ["update places set g = 'SRID=4326;POLYGON((0 0,0 1,1 1,0 0))' where id = 2"],
        ['delete from places where id = 1'],
      ],
    },
    settings: chain({ swap: { type: debezium('SwapGeometryCoordinates') } }),
  },
  {
    name: 'transform-vector-to-json',
    server: 'pgvector',
    forms: JSON_FORMS,
    tables: {
      setup: [
        'create extension vector',
        'create table items (id int primary key, v vector(3), h halfvec(2), s sparsevec(5) not null)',
        'alter table items replica identity full', // a delete would lack s
        "insert into items values (1, '[1,2.5,-3]', '[0.5,1]', '{1:0.5,5:-2}/5')",
      ],
      steps: [
        ["insert into items values (2, null, null, '{}/5')"],
        ["update items set v = '[0,0,1e-7]' where id = 2"],
        ['delete from items where id = 1'],
      ],
    },
    settings: chain({ vector: { type: debezium('VectorToJsonConverter') } }),
  },
];

/** Rows that stay, so that a look-up finds what the event was made of. */
const LARGE: Statements = {
  setup: [
    'create table large (id int primary key, other int unique, t text, j jsonb, b bytea, n int default 3, fill text)',
    'alter table large alter column t set storage external, alter column j set storage external, alter column b set storage external, alter column fill set storage plain, set (toast_tuple_target = 128)',
  ],
  steps: [
    [
      `insert into large values (1, 1, repeat('t', 150), '{"j": "${'j'.repeat(150)}"}', decode(repeat('00ff', 80), 'hex'), null, repeat('f', 2000))`,
    ],
    ['update large set other = 2 where id = 1'],
  ],
};

function reselect(options: Settings): Settings {
  const own = Object.entries(options).map(([option, value]) => [`post.processors.again.${option}`, value]);
  return {
    'column.exclude.list': 'public.large.fill',
    'post.processors': 'again',
    'post.processors.again.type': 'io.debezium.processors.reselect.ReselectColumnsPostProcessor',
    ...Object.fromEntries(own),
  };
}

const processors: readonly TransformCase[] = [
  { name: 'transform-reselect', forms: JSON_FORMS, tables: LARGE, settings: reselect({}) },
  {
    name: 'transform-reselect-some',
    forms: ['json'],
    tables: LARGE,
    settings: {
      ...reselect({
        'reselect.columns.include.list': 'public.large:(t|n)',
        'reselect.null.values': 'false',
        'reselect.use.event.key': 'true',
      }),
      ...chain({ unwrap: { type: UNWRAP } }),
    },
  },
];

const PAYLOADS: Statements = {
  setup: ['create table outbox (id int primary key, aggregatetype text, aggregateid text, payload text, raw bytea)'],
  steps: [
    ["insert into outbox values (1, 'order', 'a', '{\"a\": 1}', '\\x00ff')", "insert into outbox values (2, 'order', null, null, null)"],
  ],
};

const converters: readonly TransformCase[] = [
  {
    name: 'transform-outbox-string-value',
    forms: ['json'],
    tables: PAYLOADS,
    settings: {
      ...NO_END_MESSAGE,
      'key.converter': STRING_CONVERTER,
      'value.converter': STRING_CONVERTER,
      ...chain({ outbox: { type: OUTBOX, 'route.topic.replacement': '<prefix>.events' } }),
    },
  },
  {
    name: 'transform-outbox-byte-array',
    forms: ['json'],
    tables: PAYLOADS,
    settings: {
      ...NO_END_MESSAGE,
      'key.converter': STRING_CONVERTER,
      'value.converter': 'org.apache.kafka.connect.converters.ByteArrayConverter',
      ...chain({ outbox: { type: OUTBOX, 'table.field.event.payload': 'raw', 'route.topic.replacement': '<prefix>.events' } }),
    },
  },
  {
    name: 'transform-unwrap-string-key',
    forms: ['json'],
    tables: FEW,
    settings: {
      ...NO_END_MESSAGE,
      'key.converter': STRING_CONVERTER,
      ...chain(
        {
          unwrap: { type: UNWRAP, 'delete.tombstone.handling.mode': 'delete-to-tombstone' },
          plain: { type: kafka('ExtractField$Key'), field: 'id', predicate: 'isOrder' },
        },
        { isOrder: { type: kafka('predicates.TopicNameMatches'), pattern: '.*\\.orders' } },
      ),
    },
  },
];

export const SPECIAL_CASES: readonly TransformCase[] = [...types, ...processors, ...converters];
