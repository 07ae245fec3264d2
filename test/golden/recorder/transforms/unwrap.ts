/** Owns the cases of ExtractNewRecordState. */
import { ALL_FORMS, chain, debezium, JSON_FORMS, type Settings, type TransformCase, UNWRAP } from './chain.ts';
import { FEW, FEW_WITH_SPECIALS, FEW_WITH_TRUNCATE, HEARTBEAT, ROWS, ROWS_SETTINGS, routedRows } from './tables.ts';

const MODES = ['drop', 'tombstone', 'rewrite', 'rewrite-with-tombstone', 'delete-to-tombstone'] as const;
type Mode = (typeof MODES)[number];

function unwrap(mode: Mode, options: Settings = {}): Settings {
  return chain({ unwrap: { type: UNWRAP, 'delete.tombstone.handling.mode': mode, ...options } });
}

const TRANSACTIONS: Settings = { 'provide.transaction.metadata': 'true' };
const KEEP_NULLS: Settings = { 'value.converter.replace.null.with.default': 'false' };
const EVERY_FIELD =
  'op,table,lsn,source.ts_ms,ts_ms,source.ts_us,ts_ns,transaction.id,total_order,source.snapshot,source.txId,before.qty,after.qty,nosuch';

const modes: readonly TransformCase[] = MODES.map((mode) => ({
  name: `transform-unwrap-${mode}`,
  forms: mode === 'drop' ? JSON_FORMS : ALL_FORMS,
  tables: ROWS,
  settings: { ...ROWS_SETTINGS, ...unwrap(mode) },
}));

const nulls: readonly TransformCase[] = [
  {
    name: 'transform-unwrap-defaults',
    forms: ALL_FORMS,
    tables: FEW_WITH_SPECIALS,
    settings: { ...HEARTBEAT, ...TRANSACTIONS, ...chain({ unwrap: { type: UNWRAP } }) },
  },
  {
    name: 'transform-unwrap-old-names',
    forms: ['json'],
    tables: FEW,
    settings: {
      'slotline.unwrap.legacy': 'ignore', // Connect does not know it
      ...chain({ unwrap: { type: UNWRAP, 'drop.tombstones': 'false', 'delete.handling.mode': 'rewrite', 'operation.header': 'true' } }),
    },
  },
  {
    name: 'transform-unwrap-nulls-kept',
    forms: JSON_FORMS,
    tables: ROWS,
    settings: { ...ROWS_SETTINGS, ...KEEP_NULLS, ...unwrap('tombstone') },
  },
  {
    name: 'transform-unwrap-nulls-replaced',
    forms: JSON_FORMS,
    tables: ROWS,
    settings: { ...ROWS_SETTINGS, ...KEEP_NULLS, ...unwrap('rewrite') },
  },
  {
    name: 'transform-unwrap-nulls-not-replaced',
    forms: JSON_FORMS,
    tables: ROWS,
    settings: { ...ROWS_SETTINGS, ...KEEP_NULLS, ...unwrap('rewrite-with-tombstone', { 'replace.null.with.default': 'false' }) },
  },
];

const fields: readonly TransformCase[] = [
  {
    name: 'transform-unwrap-add-fields',
    forms: ALL_FORMS,
    tables: FEW,
    settings: { ...TRANSACTIONS, ...unwrap('rewrite', { 'add.fields': EVERY_FIELD }) },
  },
  {
    name: 'transform-unwrap-add-fields-tombstone',
    forms: JSON_FORMS,
    tables: FEW,
    settings: { ...KEEP_NULLS, ...unwrap('tombstone', { 'add.fields': 'op,table,ts_ms,source.ts_ms,snapshot,before.ref' }) },
  },
  {
    name: 'transform-unwrap-add-fields-aliases',
    forms: JSON_FORMS,
    tables: FEW,
    settings: unwrap('rewrite-with-tombstone', {
      'add.fields': 'op:OP, source.table:tab ,source.lsn:my_lsn,ts_ms:my_ts_ms,source.schema.third,before.ref:old_ref,nosuch:x',
      'add.fields.prefix': 'cdc.',
    }),
  },
  {
    name: 'transform-unwrap-add-fields-transaction',
    forms: JSON_FORMS,
    tables: FEW,
    settings: { ...TRANSACTIONS, ...unwrap('rewrite', { 'add.fields': 'id,data_collection_order,transaction.total_order:nth,source.op' }) },
  },
  {
    name: 'transform-unwrap-add-fields-no-prefix',
    forms: JSON_FORMS,
    tables: FEW,
    settings: unwrap('delete-to-tombstone', { 'add.fields': 'op,table,lsn,source.ts_us', 'add.fields.prefix': '' }),
  },
];

const headers: readonly TransformCase[] = [
  {
    name: 'transform-unwrap-add-headers',
    forms: JSON_FORMS,
    tables: FEW_WITH_TRUNCATE,
    settings: { 'skipped.operations': 'none', ...TRANSACTIONS, ...unwrap('tombstone', { 'add.headers': EVERY_FIELD }) },
  },
  {
    name: 'transform-unwrap-add-headers-tombstones',
    forms: JSON_FORMS,
    tables: FEW,
    settings: unwrap('rewrite-with-tombstone', { 'add.headers': 'op,table,source.op,before.op', 'add.fields': 'op' }),
  },
  {
    name: 'transform-unwrap-add-headers-aliases',
    forms: ['json'],
    tables: FEW,
    settings: unwrap('rewrite-with-tombstone', {
      'add.headers': 'op:operation,source.schema:sch,transaction.id,after.price,after.qty',
      'add.headers.prefix': '',
    }),
  },
  {
    name: 'transform-unwrap-add-headers-behind-router',
    forms: ['json'],
    tables: FEW,
    settings: chain({
      logical: { type: debezium('ByLogicalTableRouter'), 'topic.regex': '<prefix>\\.public\\.(.*)', 'topic.replacement': '<prefix>.$1' },
      unwrap: { type: UNWRAP, 'delete.tombstone.handling.mode': 'rewrite-with-tombstone', 'add.headers': 'op,table' },
    }),
  },
];

function routeCase(mode: Mode, options: Settings = {}): TransformCase {
  const name = `transform-unwrap-route-${mode}`;
  const topic = `routed.${mode}`;
  return {
    name,
    forms: JSON_FORMS,
    tables: routedRows(topic),
    settings: unwrap(mode, { 'route.by.field': 'dest', ...options }),
    topics: [`routed\\.${mode}\\..*`],
  };
}

function dropCase(name: string, options: Settings): TransformCase {
  return {
    name: `transform-unwrap-drop-fields${name}`,
    forms: JSON_FORMS,
    tables: FEW,
    settings: chain({
      changed: { type: debezium('ExtractChangedRecordState'), 'header.changed.name': 'Changed', 'header.unchanged.name': 'Unchanged' },
      unwrap: {
        type: UNWRAP,
        'delete.tombstone.handling.mode': 'rewrite-with-tombstone',
        'add.fields': 'op',
        'drop.fields.header.name': 'Unchanged',
        ...options,
      },
    }),
  };
}

export const UNWRAP_CASES: readonly TransformCase[] = [
  ...modes,
  ...nulls,
  ...fields,
  ...headers,
  routeCase('tombstone'),
  routeCase('rewrite'),
  routeCase('rewrite-with-tombstone', { 'replace.null.with.default': 'false' }),
  dropCase('', {}),
  dropCase('-incompatible', { 'drop.fields.keep.schema.compatible': 'false' }),
  dropCase('-from-key', { 'drop.fields.keep.schema.compatible': 'false', 'drop.fields.from.key': 'true' }),
];
