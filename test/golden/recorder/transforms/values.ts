/** Owns the cases of transforms that change fields, keys, schemas and headers; those that depend on a column's type are types.ts's. */
import { ALL_FORMS, chain, debezium, JSON_FORMS, kafka, NO_END_MESSAGE, type Settings, type TransformCase, UNWRAP } from './chain.ts';
import { FEW, FEW_WITH_SPECIALS, FEW_WITH_TRUNCATE, HEARTBEAT, ROWS, ROWS_SETTINGS } from './tables.ts';

const REWRITE: Settings = { type: UNWRAP, 'delete.tombstone.handling.mode': 'rewrite' };
const DROP: Settings = { type: UNWRAP, 'delete.tombstone.handling.mode': 'drop' };
/** A message has no such field. */
const NO_MESSAGES: Settings = { 'message.prefix.exclude.list': 'golden_end,app' };
const TRUNCATES: Settings = { 'skipped.operations': 'none' };

const fields: readonly TransformCase[] = [
  {
    name: 'transform-replace-exclude',
    forms: JSON_FORMS,
    tables: FEW,
    settings: chain({ unwrap: { type: UNWRAP }, replace: { type: kafka('ReplaceField$Value'), exclude: 'price, nosuch,n' } }),
  },
  {
    name: 'transform-replace-include',
    forms: JSON_FORMS,
    tables: FEW,
    settings: chain({
      unwrap: REWRITE,
      replace: { type: kafka('ReplaceField$Value'), include: 'id,qty,n,__deleted', renames: 'qty:amount,__deleted:gone,ref:lost' },
    }),
  },
  {
    name: 'transform-replace-envelope',
    forms: JSON_FORMS,
    tables: FEW_WITH_TRUNCATE,
    settings: {
      ...TRUNCATES,
      ...chain({ replace: { type: kafka('ReplaceField$Value'), exclude: 'source,transaction,ts_us,ts_ns', renames: 'op:kind' } }),
    },
  },
  {
    name: 'transform-replace-key',
    forms: ALL_FORMS,
    tables: FEW_WITH_TRUNCATE,
    settings: chain({ replace: { type: kafka('ReplaceField$Key'), exclude: 'line', renames: 'id:orderId,order_id:order' } }),
  },
  {
    name: 'transform-replace-old-names',
    forms: ['json'],
    tables: FEW,
    settings: {
      'slotline.unwrap.legacy': 'ignore', // Connect does not know it
      ...chain({ unwrap: { type: UNWRAP }, replace: { type: kafka('ReplaceField$Value'), blacklist: 'price', whitelist: 'id' } }),
    },
  },
  {
    name: 'transform-insert-field',
    forms: ALL_FORMS,
    tables: FEW_WITH_SPECIALS,
    settings: {
      ...HEARTBEAT,
      ...chain({
        unwrap: REWRITE,
        insert: {
          type: kafka('InsertField$Value'),
          'static.field': 'from!',
          'static.value': 'a b',
          'timestamp.field': 'at',
          'partition.field': 'part?',
          'topic.field': 'topic',
        },
      }),
    },
  },
  {
    name: 'transform-insert-field-envelope',
    forms: JSON_FORMS,
    tables: FEW_WITH_TRUNCATE,
    settings: {
      ...TRUNCATES,
      ...chain({
        key: { type: kafka('InsertField$Key'), 'topic.field': 'topic!' },
        value: { type: kafka('InsertField$Value'), 'static.field': 'from', 'static.value': 'here' },
      }),
    },
  },
  {
    name: 'transform-hoist',
    forms: JSON_FORMS,
    tables: FEW_WITH_TRUNCATE,
    settings: {
      ...TRUNCATES,
      ...chain({ key: { type: kafka('HoistField$Key'), field: 'k' }, value: { type: kafka('HoistField$Value'), field: 'line' } }),
    },
  },
  {
    name: 'transform-hoist-rows',
    forms: ['avro'],
    tables: FEW,
    settings: chain({ unwrap: DROP, value: { type: kafka('HoistField$Value'), field: 'row' } }),
  },
  {
    name: 'transform-extract-after',
    forms: ALL_FORMS,
    tables: ROWS,
    settings: { ...ROWS_SETTINGS, ...NO_MESSAGES, ...chain({ after: { type: kafka('ExtractField$Value'), field: 'after' } }) },
  },
  {
    name: 'transform-extract-nested',
    forms: JSON_FORMS,
    tables: FEW,
    settings: {
      ...NO_END_MESSAGE,
      'value.converter.replace.null.with.default': 'false',
      'table.include.list': 'public.orders',
      ...chain({
        after: {
          type: kafka('ExtractField$Value'),
          field: 'after.qty',
          'field.syntax.version': 'V2',
          'replace.null.with.default': 'false',
        },
        key: { type: kafka('ExtractField$Key'), field: 'id' },
      }),
    },
  },
  {
    name: 'transform-set-schema',
    forms: ['schemas', 'avro'],
    tables: FEW_WITH_TRUNCATE,
    settings: chain({
      unwrap: { type: UNWRAP },
      value: { type: kafka('SetSchemaMetadata$Value'), 'schema.name': 'shop.Row', 'schema.version': '3' },
      key: { type: kafka('SetSchemaMetadata$Key'), 'schema.name': 'shop.Key' },
    }),
  },
  {
    name: 'transform-flatten',
    forms: ALL_FORMS,
    tables: FEW_WITH_TRUNCATE,
    settings: { ...TRUNCATES, ...chain({ flat: { type: kafka('Flatten$Value'), delimiter: '_' } }) },
  },
  {
    name: 'transform-flatten-rows',
    forms: JSON_FORMS,
    tables: {
      setup: [
        'create table places (id int primary key, at point, v numeric, tags text[])',
        "insert into places values (1, '(1,2)', 1.5, '{a}')",
      ],
      steps: [
        ['insert into places values (2, null, null, null)'],
        ["update places set at = '(3,4)', v = 10 where id = 2"],
        ['delete from places where id = 1'],
      ],
    },
    settings: chain({ unwrap: { type: UNWRAP }, flat: { type: kafka('Flatten$Value') }, key: { type: kafka('Flatten$Key') } }),
  },
];

const keys: readonly TransformCase[] = [
  {
    name: 'transform-chain-value-to-key',
    forms: ALL_FORMS,
    tables: FEW,
    settings: {
      ...NO_END_MESSAGE,
      'table.include.list': 'public.orders',
      ...chain({ unwrap: REWRITE, toKey: { type: kafka('ValueToKey'), fields: 'ref,id' } }),
    },
  },
  {
    name: 'transform-chain-plain-key',
    forms: ALL_FORMS,
    tables: FEW,
    settings: {
      ...NO_END_MESSAGE,
      'table.include.list': 'public.orders',
      ...chain({
        unwrap: REWRITE,
        toKey: { type: kafka('ValueToKey'), fields: 'ref' },
        plain: { type: kafka('ExtractField$Key'), field: 'ref' },
      }),
    },
  },
  {
    name: 'transform-errors-tolerated',
    forms: ['json'],
    tables: FEW,
    settings: {
      ...NO_END_MESSAGE,
      'errors.tolerance': 'all',
      ...chain({
        unwrap: { type: UNWRAP, 'delete.tombstone.handling.mode': 'rewrite-with-tombstone' },
        toKey: { type: kafka('ValueToKey'), fields: 'ref' },
        plain: { type: kafka('ExtractField$Key'), field: 'ref' },
      }),
    },
  },
  {
    name: 'transform-plain-key-in-partitions',
    forms: ['json'],
    tables: FEW,
    settings: {
      ...NO_END_MESSAGE,
      'table.include.list': 'public.orders',
      'topic.creation.default.partitions': '3',
      'topic.creation.default.replication.factor': '1',
      ...chain({
        unwrap: { type: UNWRAP, 'delete.tombstone.handling.mode': 'delete-to-tombstone' },
        plain: { type: kafka('ExtractField$Key'), field: 'id' },
      }),
    },
  },
];

const LITERALS: Readonly<Record<string, string>> = {
  number: '08',
  fraction: '2.50',
  power: '2e2',
  yes: 'true',
  none: 'null',
  list: '[3, "x"]',
  map: '{"a": 1, "b": [true, null]}',
  text: 'plain text',
  quoted: '"in quotes"',
  day: '2024-02-29',
  instant: '2024-02-29T12:34:56.789Z',
  large: '12345678901234567890',
  pairs: '{"a": 1, "b": 2}',
  texts: '["a", "b c"]',
  nothing: '[]',
  time: '12:34:56.789Z',
  double: '1e400',
};

const headers: readonly TransformCase[] = [
  {
    name: 'transform-insert-header',
    forms: JSON_FORMS,
    tables: FEW_WITH_SPECIALS,
    settings: {
      ...HEARTBEAT,
      'provide.transaction.metadata': 'true',
      ...chain(
        Object.fromEntries(
          Object.entries(LITERALS).map(([name, literal]) => [
            name,
            { type: kafka('InsertHeader'), header: `h-${name}`, 'value.literal': literal },
          ]),
        ),
      ),
    },
  },
  {
    name: 'transform-drop-headers',
    forms: JSON_FORMS,
    tables: FEW,
    settings: chain({
      drop: { type: kafka('DropHeaders'), headers: '__debezium.context.connectorName,__debezium.context.taskId,nosuch' },
      twice: { type: kafka('InsertHeader'), header: '__debezium.context.connectorLogicalName', 'value.literal': '7' },
    }),
  },
  {
    name: 'transform-header-from',
    forms: JSON_FORMS,
    tables: FEW,
    settings: {
      ...NO_END_MESSAGE,
      'table.include.list': 'public.orders',
      ...chain({
        unwrap: REWRITE,
        copy: { type: kafka('HeaderFrom$Value'), fields: 'ref,price', headers: 'h-ref,h-price', operation: 'copy' },
        move: { type: kafka('HeaderFrom$Value'), fields: 'qty,__deleted', headers: 'h-qty,h-deleted', operation: 'move' },
        key: { type: kafka('HeaderFrom$Key'), fields: 'id', headers: 'h-id', operation: 'copy' },
      }),
    },
  },
  {
    name: 'transform-header-from-envelope',
    forms: ['json'],
    tables: FEW,
    settings: {
      ...NO_END_MESSAGE,
      'table.include.list': 'public.orders',
      ...chain(
        {
          copy: {
            type: kafka('HeaderFrom$Value'),
            fields: 'op,before,after',
            headers: 'h-op,h-before,h-after',
            operation: 'copy',
            predicate: 'gone',
            negate: 'true',
          },
        },
        { gone: { type: kafka('predicates.RecordIsTombstone') } },
      ),
    },
  },
  {
    name: 'transform-changed-fields',
    forms: JSON_FORMS,
    tables: FEW_WITH_TRUNCATE,
    settings: {
      ...TRUNCATES,
      ...chain({
        changed: { type: debezium('ExtractChangedRecordState'), 'header.changed.name': 'Changed', 'header.unchanged.name': 'Unchanged' },
      }),
    },
  },
  {
    name: 'transform-chain-changed-fields-to-value',
    forms: JSON_FORMS,
    tables: FEW,
    settings: chain({
      changed: { type: debezium('ExtractChangedRecordState'), 'header.changed.name': 'Changed' },
      toValue: { type: debezium('HeaderToValue'), headers: 'Changed', fields: 'changed_fields', operation: 'move' },
      unwrap: { ...REWRITE, 'add.fields': 'op,changed_fields' },
    }),
  },
  {
    name: 'transform-header-to-value',
    forms: JSON_FORMS,
    tables: FEW,
    settings: chain({
      insert: { type: kafka('InsertHeader'), header: 'h', 'value.literal': '42' },
      toValue: { type: debezium('HeaderToValue'), headers: 'h,nosuch', fields: 'meta.number,never', operation: 'copy' },
    }),
  },
];

export const VALUE_CASES: readonly TransformCase[] = [...fields, ...keys, ...headers];
