/** Owns the cases of the outbox EventRouter: over a table, and over logical messages. */
import { ALL_FORMS, chain, debezium, JSON_FORMS, kafka, NO_END_MESSAGE, OUTBOX, type Settings, type TransformCase } from './chain.ts';
import type { Statements } from './tables.ts';

const DECODE = 'io.debezium.connector.postgresql.transforms.DecodeLogicalDecodingMessageContent';
const STRING_CONVERTER = 'org.apache.kafka.connect.storage.StringConverter';
/** How Java names a part of a text. */
function java(name: string): string {
  return `\${${name}}`;
}

/** Brokers delete records that are older than a topic keeps. */
const KEPT: Settings = {
  'topic.creation.default.partitions': '1',
  'topic.creation.default.replication.factor': '1',
  'topic.creation.default.retention.ms': '-1',
};
const PREFIXED: Settings = { 'route.topic.replacement': `<prefix>.outbox.${java('routedByValue')}` };

function outbox(options: Settings = {}): Settings {
  return chain({ outbox: { type: OUTBOX, ...options } });
}

function uuid(n: number): string {
  return `'00000000-0000-0000-0000-${String(n).padStart(12, '0')}'`;
}

/** The usual table; its topics are of `kind`. An update and a delete are there too: neither is an event. */
function usualTable(kind: string): Statements {
  const row = (n: number, id: string, payload: string): string =>
    `insert into outbox values (${uuid(n)}, '${kind}_order', ${id}, 'Created', ${payload})`;
  return {
    setup: [
      'create table outbox (id uuid primary key, aggregatetype text not null, aggregateid text, type text not null, payload jsonb)',
      row(1, "'1'", `'{"id": 1, "read": true}'`),
    ],
    steps: [
      [row(2, "'2'", `'{"id": 2, "lines": [{"sku": "a", "n": 1}], "note": null}'`), row(3, 'null', `'{"id": 3}'`), row(4, "'4'", 'null')],
      [`insert into outbox values (${uuid(5)}, '${kind}_customer', 'é "5"', 'Renamed', '"text"')`],
      [`update outbox set type = 'Changed' where id = ${uuid(2)}`],
      [`delete from outbox where id = ${uuid(2)}`],
    ],
  };
}

const EXTRA_COLUMNS =
  'create table outbox (id bigint primary key, aggregatetype text not null, aggregateid text, type text, payload text, tenant text, n int default 5, version int, price numeric(6,2), part int, created timestamp(3), seen timestamp(6))';

function extraRow(n: number, type: string, rest: string): string {
  return `insert into outbox values (${n}, '${type}', 'k${n}', 'Created', 'payload ${n}', ${rest})`;
}

/** With columns for placements, the version, the partition and the timestamp. */
const EXTRA: Statements = {
  setup: [EXTRA_COLUMNS, extraRow(1, 'order', "'acme', 1, 1, 1.50, 0, '2020-01-02 03:04:05.678', '2020-01-02 03:04:05.678901'")],
  steps: [
    [
      extraRow(2, 'order', "'acme', 2, 1, 2.50, 1, '2021-02-03 04:05:06.789', '2021-02-03 04:05:06.789012'"),
      extraRow(3, 'customer', "null, null, 2, null, null, '1999-12-31 23:59:59.999', '1970-01-01 00:00:00.000999'"),
      extraRow(4, 'order', "'emca', 3, 2, 0, 2, '1970-01-01', '2020-01-01'"),
      extraRow(5, 'customer', "'', 0, null, -1.25, 2, '2022-03-04 05:06:07.001', '2022-03-04 05:06:07.001002'"),
    ],
    [
      "insert into outbox (id, aggregatetype, aggregateid, created, seen) values (6, 'order', 'k6', '2023-01-01', '2023-01-01')",
      "insert into outbox (id, aggregatetype, aggregateid, seen) values (7, 'order', 'k7', '2023-01-01')",
    ],
  ],
};

/** Payloads of all JSON kinds. What fails when it is expanded is not here. */
const JSON_PAYLOADS: readonly string[] = [
  `'{"s": "t", "i": 1, "l": 3000000000, "d": 1.50, "e": 1e2, "b": false, "n": null, "o": {"p": {"q": "r"}, "empty": {}}, "a": [1, null, 2]}'`,
  `'{"rows": [{"id": 1, "x": "a"}, {"id": 2, "x": "b"}], "nested": [[1], [2, 3]], "none": [], "words": ["a"], "doubles": [0.5, -0.0]}'`,
  `'{"s": "again", "i": 2}'`,
  `'plain text'`,
  `' {"leading": "blank"}'`,
  `'{"not": json'`,
  `'{"mixed": [1, "a"]}'`,
  `'{}'`,
  `'{"twice": 1, "other": 2, "twice": 3}'`,
  'null',
];

const PAYLOADS: Statements = {
  setup: [
    'create table outbox (id int primary key, aggregatetype text, aggregateid text, type text, payload text)',
    `insert into outbox values (100, 'order', 'a', 'Read', '{"read": [true]}')`,
  ],
  steps: [JSON_PAYLOADS.map((payload, i) => `insert into outbox values (${i + 1}, 'order', 'a', 'T', ${payload})`)],
};

const EMPTY_PAYLOADS: Statements = {
  setup: ['create table outbox (id int primary key, aggregatetype text, aggregateid text, type text, payload text)'],
  steps: [['null', "''", "'  '", "'x'"].map((payload, i) => `insert into outbox values (${i + 1}, 'order', 'a${i}', 'T', ${payload})`)],
};

const usual: readonly TransformCase[] = [
  {
    name: 'transform-outbox',
    forms: ALL_FORMS,
    tables: usualTable('usual'),
    settings: outbox(),
    topics: ['outbox\\.event\\.usual_.*'],
  },
  {
    name: 'transform-outbox-route',
    forms: JSON_FORMS,
    tables: {
      setup: ['create table outbox (id int primary key, aggregatetype text, aggregateid text, kind text, payload jsonb)'],
      steps: ['kind_order', 'kind_', 'unkind_x'].map((kind, i) => [
        `insert into outbox values (${i + 1}, 'unused', 'a', '${kind}', '{"i": ${i}}')`,
      ]),
    },
    settings: outbox({
      'route.by.field': 'kind',
      'route.topic.regex': 'kind_(?<what>.*)',
      'route.topic.replacement': `<prefix>.events.${java('what')}.$1`,
    }),
    topics: ['unkind_x'],
  },
  {
    name: 'transform-outbox-renamed',
    forms: ALL_FORMS,
    tables: {
      setup: [
        'create table events (event_id bigint primary key, key int, topic text, body bytea)',
        "insert into events values (1, 10, 'read', '\\x00ff')",
      ],
      steps: [["insert into events values (2, 11, 'made', '\\x')", "insert into events values (3, null, 'made', null)"]],
    },
    settings: outbox({
      'table.field.event.id': 'event_id',
      'table.field.event.key': 'key',
      'table.field.event.payload': 'body',
      'route.by.field': 'topic',
      ...PREFIXED,
    }),
  },
  {
    name: 'transform-outbox-string-key',
    forms: ['json'],
    tables: usualTable('stringkey'),
    settings: {
      ...NO_END_MESSAGE,
      'tombstones.on.delete': 'false',
      'key.converter': STRING_CONVERTER,
      ...outbox({
        'route.topic.replacement': java('routedByValue'),
        'table.expand.json.payload': 'true',
        'table.fields.additional.placement': 'type:header:eventType',
        'table.op.invalid.behavior': 'error',
      }),
    },
    topics: ['stringkey_.*'],
  },
  {
    name: 'transform-outbox-bytes',
    forms: ['json'],
    tables: {
      setup: ['create table outbox (id int primary key, aggregatetype text, aggregateid text, payload bytea)'],
      steps: [["insert into outbox values (1, 'order', 'a', '\\x00ff80')", "insert into outbox values (2, 'order', 'b', 'text')"]],
    },
    settings: {
      ...NO_END_MESSAGE,
      'key.converter': STRING_CONVERTER,
      'value.converter': 'io.debezium.converters.BinaryDataConverter',
      ...outbox(PREFIXED),
    },
  },
];

const placements: readonly TransformCase[] = [
  {
    name: 'transform-outbox-headers',
    forms: JSON_FORMS,
    tables: EXTRA,
    settings: outbox({
      ...PREFIXED,
      'table.fields.additional.placement': 'type:header, tenant:header:tenantId,n:HEADER,price:header,created:header:at,part:header',
    }),
  },
  {
    name: 'transform-outbox-envelope',
    forms: ALL_FORMS,
    tables: EXTRA,
    settings: outbox({
      ...PREFIXED,
      'table.fields.additional.placement': 'type:envelope:eventType,n:envelope,price:envelope,type:header,created:envelope:at',
    }),
  },
  {
    name: 'transform-outbox-partition',
    forms: ['json'],
    tables: EXTRA,
    settings: {
      'topic.creation.default.partitions': '3',
      'topic.creation.default.replication.factor': '1',
      ...outbox({ ...PREFIXED, 'table.fields.additional.placement': 'part:partition,tenant:header' }),
    },
  },
  {
    name: 'transform-outbox-missing-column',
    forms: ['json'],
    tables: EXTRA,
    settings: outbox({
      ...PREFIXED,
      'table.fields.additional.placement': 'nosuch:header,nosuch:envelope:no,type:envelope,part:header',
      'table.field.additional.missing': 'ignore',
    }),
  },
  {
    name: 'transform-outbox-version',
    forms: JSON_FORMS,
    tables: EXTRA,
    settings: outbox({
      ...PREFIXED,
      'table.field.event.schema.version': 'version',
      'table.fields.additional.placement': 'type:envelope',
    }),
  },
  {
    name: 'transform-outbox-timestamp',
    forms: JSON_FORMS,
    tables: EXTRA,
    settings: { ...KEPT, ...outbox({ ...PREFIXED, 'table.field.event.timestamp': 'created' }) },
    timestamps: true,
  },
  {
    name: 'transform-outbox-timestamp-micro',
    forms: JSON_FORMS,
    tables: EXTRA,
    settings: {
      ...KEPT,
      ...chain({
        outbox: { type: OUTBOX, ...PREFIXED, 'table.field.event.timestamp': 'seen' },
        stamp: { type: kafka('TimestampRouter'), 'topic.format': `${java('topic')}.${java('timestamp')}`, 'timestamp.format': 'yyyy-MM' },
        insert: { type: kafka('InsertHeader'), header: 'h', 'value.literal': 'x' },
      }),
      ...NO_END_MESSAGE,
    },
    timestamps: true,
  },
];

const payloads: readonly TransformCase[] = [
  {
    name: 'transform-outbox-expand',
    forms: ALL_FORMS,
    tables: PAYLOADS,
    settings: outbox({ ...PREFIXED, 'table.expand.json.payload': 'true' }),
  },
  {
    name: 'transform-outbox-expand-nulls',
    forms: JSON_FORMS,
    tables: PAYLOADS,
    settings: outbox({ ...PREFIXED, 'table.expand.json.payload': 'true', 'table.json.payload.null.behavior': 'optional_bytes' }),
  },
  {
    name: 'transform-outbox-expand-envelope',
    forms: ['schemas'],
    tables: PAYLOADS,
    settings: outbox({
      ...PREFIXED,
      'table.expand.json.payload': 'true',
      'table.fields.additional.placement': 'id:envelope:eventId,type:header',
    }),
  },
  {
    name: 'transform-outbox-empty-payload',
    forms: ALL_FORMS,
    tables: EMPTY_PAYLOADS,
    settings: outbox({ ...PREFIXED, 'route.tombstone.on.empty.payload': 'true', 'table.fields.additional.placement': 'type:envelope' }),
  },
  {
    name: 'transform-outbox-empty-payload-kept',
    forms: JSON_FORMS,
    tables: EMPTY_PAYLOADS,
    settings: outbox(PREFIXED),
  },
];

const insertBehind: TransformCase = {
  name: 'transform-chain-outbox-insert-field',
  forms: ['schemas'],
  tables: { ...EXTRA, steps: EXTRA.steps.slice(0, 1) }, // without the row whose timestamp is the clock
  settings: {
    ...KEPT,
    'topic.creation.default.partitions': '3',
    ...NO_END_MESSAGE,
    ...chain({
      outbox: {
        type: OUTBOX,
        ...PREFIXED,
        'table.field.event.timestamp': 'created',
        'table.fields.additional.placement': 'type:envelope,part:partition',
      },
      insert: { type: kafka('InsertField$Value'), 'timestamp.field': 'at', 'partition.field': 'part', 'topic.field': 'topic' },
    }),
  },
  timestamps: true,
};

const adjusted: TransformCase = {
  name: 'transform-outbox-expand-adjusted',
  forms: JSON_FORMS,
  tables: {
    setup: ['create table outbox (id int primary key, aggregatetype text, aggregateid text, payload text)'],
    steps: [[`insert into outbox values (1, 'order', 'a', '{"fine": 1, "not-fine": 2, "1st": {"a b": true, "ab": false}}')`]],
  },
  settings: outbox({ ...PREFIXED, 'table.expand.json.payload': 'true', 'field.name.adjustment.mode': 'avro' }),
};

function emit(content: string, prefix = 'outbox'): string {
  return `select pg_logical_emit_message(true, '${prefix}', '${content}')`;
}

const messages: readonly TransformCase[] = [
  {
    name: 'transform-outbox-messages',
    forms: JSON_FORMS,
    tables: {
      setup: ['create table other (id int primary key)'],
      steps: [
        [
          emit('{"id": "a", "aggregatetype": "order", "aggregateid": 7, "payload": {"lines": [{"n": 1}], "ok": true, "none": null}}'),
          emit('{"id": "b", "aggregatetype": "order", "aggregateid": "8", "payload": "text", "type": "T"}'),
        ],
        [emit('{"id": "c", "aggregatetype": "customer", "aggregateid": "9", "payload": {"x": 1.5}}')],
      ],
    },
    settings: {
      'message.prefix.include.list': 'outbox',
      ...chain({ decode: { type: DECODE }, outbox: { type: OUTBOX, ...PREFIXED } }),
    },
  },
  {
    name: 'transform-decode-messages',
    forms: ALL_FORMS,
    tables: {
      setup: ['create table other (id int primary key)', 'insert into other values (1)'],
      steps: [[emit('{"a": 1, "b": {"c": [true, null]}, "n": null}'), 'insert into other values (2)'], [emit('{"a": "text"}')]],
    },
    settings: {
      'message.prefix.include.list': 'outbox',
      ...chain({ decode: { type: DECODE, 'fields.null.include': 'true' } }),
    },
  },
];

const mixed: readonly TransformCase[] = [
  {
    name: 'transform-chain-outbox-beside-table',
    forms: JSON_FORMS,
    tables: {
      setup: ['create table accounts (id int primary key, name text)', ...usualTable('beside').setup],
      steps: [["insert into accounts values (1, 'a')"], ...usualTable('beside').steps, ['delete from accounts']],
    },
    settings: chain(
      {
        outbox: { type: OUTBOX, predicate: 'isOutbox', 'table.expand.json.payload': 'true', ...PREFIXED },
        unwrap: { type: debezium('ExtractNewRecordState'), predicate: 'isOutbox', negate: 'true', 'add.fields': 'op' },
      },
      { isOutbox: { type: kafka('predicates.TopicNameMatches'), pattern: '.*\\.public\\.outbox' } },
    ),
  },
];

export const OUTBOX_CASES: readonly TransformCase[] = [...usual, ...placements, ...payloads, insertBehind, adjusted, ...messages, ...mixed];
