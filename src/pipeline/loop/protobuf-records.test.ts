/** Whole records in Protobuf: their head, the envelope with each way to write nulls, long rows, and values that Protobuf cannot hold. */

import { describe, expect, it } from 'vitest';
import { tupleOf } from '../../../test/oracles/tuples.ts';
import { controlRecords } from '../../../test/pipeline/control-records.ts';
import { protobufReader } from '../../../test/protobuf/protobuf-decoder.ts';
import { ByteWriter } from '../../core/byte-writer.ts';
import { compileColumnRules } from '../../events/column-rules.ts';
import { DebeziumShapes } from '../../events/debezium-shapes.ts';
import type { Op } from '../../events/envelope.ts';
import { EventView } from '../../events/event-view.ts';
import { compileFilter } from '../../events/filter.ts';
import { fieldNameAdjuster, schemaNameAdjuster } from '../../events/name-adjustment.ts';
import type { RecordShape, ValueShape } from '../../events/record-shape.ts';
import { planRows, type RowPlan } from '../../events/row-plan.ts';
import { SourceInfo } from '../../events/source-info.ts';
import { TransactionOrder } from '../../events/transaction.ts';
import type { RecordView } from '../../kafka/producer/publisher-contract.ts';
import type { TupleView } from '../../pgoutput/tuple.ts';
import { RegisteredHalfSerde } from '../../registry/registered-half.ts';
import type { ConversionFailure } from '../../serde/half-writer.ts';
import { ProtobufFormat, type ProtobufSettings } from '../../serde/protobuf/format.ts';
import type { NullSettings } from '../../serde/protobuf/node.ts';
import { DEFAULT_PROTOBUF_SETTINGS } from '../../serde/protobuf/schema.ts';
import { RecordSerde } from '../../serde/record-serde.ts';
import { DEFAULT_VALUE_MODES, type PgType } from '../../values/pg-type.ts';

const base = (oid: number, name: string): PgType => ({ oid, name, schema: 'pg_catalog', kind: 'base' });
const INT4 = base(23, 'int4');
const TYPES = new Map<number, PgType>(
  [
    INT4,
    base(25, 'text'),
    base(1082, 'date'),
    { oid: 1007, name: '_int4', schema: 'pg_catalog', kind: 'array' as const, element: INT4 },
  ].map((type) => [type.oid, type]),
);
const ALL = {
  schemaInclude: [],
  schemaExclude: [],
  tableInclude: [],
  tableExclude: [],
  columnInclude: [],
  columnExclude: [],
  tableIgnoreBuiltin: true,
};

function planOf(columns: Readonly<Record<string, { readonly typeOid: number; readonly defaultExpression?: string }>>): RowPlan {
  const names = Object.keys(columns);
  return planRows(
    {
      oid: 1,
      schema: 'public',
      table: 'item',
      columns: names.map((name) => ({ name, typeOid: columns[name]?.typeOid ?? 0, typmod: -1, inKey: name === 'id' })),
    },
    {
      primaryKey: ['id'],
      uniqueIndexes: [],
      columns: new Map(names.map((name) => [name, { notNull: name === 'id', defaultExpression: columns[name]?.defaultExpression }])),
    },
    (oid) => TYPES.get(oid) ?? INT4,
    {
      naming: { prefix: 'srv', delimiter: '.' },
      filter: compileFilter(ALL),
      keyColumns: [],
      modes: { ...DEFAULT_VALUE_MODES, time: 'connect' },
      columnRules: compileColumnRules([]),
      adjustSchemaName: schemaNameAdjuster('none'),
      adjustFieldName: fieldNameAdjuster('none'),
    },
  );
}

function setUp(plan: RowPlan, more: Partial<ProtobufSettings> = {}) {
  const side: ProtobufSettings = { ...DEFAULT_PROTOBUF_SETTINGS, ignoreDefaults: false, ...more };
  const info = new SourceInfo();
  const order = new TransactionOrder({ endBytesMax: 1_000_000 });
  const failures: ConversionFailure[] = [];
  const out = new ByteWriter();
  const format = new ProtobufFormat(side);
  const halfOf = (id: number) => {
    const ids = { idOf: async () => id };
    return new RegisteredHalfSerde(format, { ids, out, onFailure: (failure) => failures.push(failure) });
  };
  const serde = new RecordSerde(out, halfOf(258), halfOf(65_536));
  const event = new EventView(info, order);
  const shapes = new DebeziumShapes({ constants: { version: '1', name: 'srv', db: 'd' }, transactionMetadata: true, binary: 'bytes' });
  const record = serde.compile(shapes.ofTable(plan).row);
  const open = async (): Promise<void> => {
    await record.key?.open(plan.topic);
    await record.value?.open(plan.topic);
  };
  const writeValue = (op: Op, before: TupleView | undefined, after: TupleView | undefined): void => {
    Object.assign(event, { op, before, after });
    record.value?.write(event);
  };
  const rows = { record, event, open, writeValue };
  const schemas = {
    key: plan.keySchema === undefined ? undefined : format.schemaOf(plan.keySchema),
    value: format.schemaOf(plan.envelopeSchema),
  };
  const appended: Buffer[] = [];
  const append = (_topic: unknown, { bytes, keyEnd, valueEnd }: RecordView): void => {
    appended.push(Buffer.from(bytes.subarray(0, keyEnd)), Buffer.from(bytes.subarray(keyEnd, valueEnd)));
  };
  const controls = controlRecords({ serde, shapes, event, publisher: { append } });
  const written = (write: () => void): Buffer => {
    serde.out.reset();
    write();
    return serde.out.toOwned();
  };
  return { info, order, failures, rows, schemas, written, shapes, controls, appended, format };
}

const NULLS: readonly NullSettings[] = [
  { optionalForNullables: false, wrapperForNullables: false },
  { optionalForNullables: true, wrapperForNullables: false },
  { optionalForNullables: false, wrapperForNullables: true },
  { optionalForNullables: true, wrapperForNullables: true },
];

describe('records in Protobuf', () => {
  const PLAN = planOf({ id: { typeOid: 23 }, n: { typeOid: 23 }, note: { typeOid: 25 }, list: { typeOid: 1007 } });

  it('begin with 0x00, the id of the schema in four bytes, and 0x00 for its first message', async () => {
    const { rows, written } = setUp(PLAN);
    await rows.open();
    rows.event.after = tupleOf('7', null, null, null);
    expect([...written(() => rows.record.key?.write(rows.event))]).toEqual([0, 0, 0, 1, 2, 0, 0x08, 7]);
    expect([...written(() => rows.writeValue('c', undefined, undefined)).subarray(0, 6)]).toEqual([0, 0, 1, 0, 0, 0]);
  });

  it.each(NULLS)('hold the whole envelope: %o', (nulls) => {
    const { info, rows, schemas, written } = setUp(PLAN, nulls);
    info.commitTimeUs = 1_700_000_000_000_001;
    info.nowUs = 1_700_000_000_500_000;
    info.xid = 5;
    info.xmin = 4;
    info.setOrigin({ name: 'up', lsn: 9 as never });
    const long = 'x'.repeat(20_000);
    const reader = protobufReader(schemas.value.text);
    // Long and short rows in turn: the space for a message's length is guessed from the message before.
    for (const note of ['', long, 'short', long.slice(0, 200)]) {
      const bytes = written(() => rows.writeValue('u', tupleOf('1', null, note, null), tupleOf('1', '0', null, '{1,-1}')));
      const tellsNulls = nulls.optionalForNullables || nulls.wrapperForNullables;
      expect(reader.read(bytes.subarray(6))).toMatchObject({
        before: { id: 1, n: tellsNulls ? null : 0, note, list: [] },
        after: { id: 1, n: 0, note: tellsNulls ? null : '', list: [1, -1] },
        source: {
          version: '1',
          name: 'srv',
          snapshot: 'false',
          db: 'd',
          sequence: '[null,"0"]',
          ts_ns: 1_700_000_000_000_001_000n,
          xmin: 4n,
          table: 'item',
          origin: 'up',
        },
        transaction: null,
        op: 'u',
        ts_ms: 1_700_000_000_500n,
        ts_ns: 1_700_000_000_500_000_000n,
      });
    }
  });

  it('take the default for a null, unless defaults are ignored', () => {
    const plan = planOf({ id: { typeOid: 23 }, n: { typeOid: 23, defaultExpression: '5' } });
    const nulls = { optionalForNullables: true };
    const row = (more: Partial<ProtobufSettings>): unknown => {
      const { rows, schemas, written } = setUp(plan, { ...nulls, ...more });
      const bytes = written(() => rows.writeValue('c', undefined, tupleOf('1', null)));
      return protobufReader(schemas.value.text).read(bytes.subarray(6))['after'];
    };
    expect(row({})).toEqual({ id: 1, n: 5 });
    expect(row({ ignoreDefaults: true })).toEqual({ id: 1, n: null });
  });

  it.each([
    ['a null in an array', planOf({ id: { typeOid: 23 }, list: { typeOid: 1007 } }), ['1', '{1,NULL}'], 'a null in an array'],
    ['a date before our era', planOf({ id: { typeOid: 23 }, day: { typeOid: 1082 } }), ['1', '0044-03-15 BC'], 'a date before our era'],
    [
      'a default that is such a date',
      planOf({ id: { typeOid: 23 }, day: { typeOid: 1082, defaultExpression: "'0044-03-15 BC'::date" } }),
      ['1', null],
      'a date before our era',
    ],
  ])('are refused with %s, though the column takes nulls', (_, plan, cells, reason) => {
    const { rows, failures, written } = setUp(plan, { optionalForNullables: true });
    written(() => rows.writeValue('c', undefined, tupleOf(...cells)));
    expect(failures).toMatchObject([{ table: 'item', reason: expect.stringContaining(reason), isRequired: true }]);
  });

  it('leave nothing of a failed value behind', () => {
    const { rows, schemas, failures, written } = setUp(PLAN, { optionalForNullables: true });
    const bytes = written(() => rows.writeValue('c', undefined, tupleOf('1', '2', 'a', '{1,2,NULL}')));
    expect(failures).toHaveLength(1);
    expect(protobufReader(schemas.value.text).read(bytes.subarray(6))['after']).toEqual({ id: 1, n: 2, note: 'a', list: [] });
  });
});

describe('control records in Protobuf', () => {
  it.each(NULLS)('are read by their schemas: %o', async (nulls) => {
    const { controls, shapes, format, info, order, appended } = setUp(planOf({ id: { typeOid: 23 } }), nulls);
    info.beginTransaction({ commitTimeUs: 1_700_000_000_000_001, xid: 77 });
    info.nowUs = 1_700_000_000_500_000;
    const read = async ({ key, value }: RecordShape, write: () => undefined | Promise<void>): Promise<unknown[]> => {
      await write();
      write();
      const [keyBytes, valueBytes] = appended.splice(0);
      const readHalf = (half: ValueShape | undefined, bytes: Buffer | undefined): unknown =>
        half && bytes && protobufReader(format.schemaOf(half.schema).text).read(bytes.subarray(6));
      return [readHalf(key, keyBytes), readHalf(value, valueBytes)];
    };
    const content = Buffer.from([0, 255]);
    expect(await read(shapes.message(), () => controls.message({ prefix: 'p', content } as never))).toMatchObject([
      { prefix: 'p' },
      { op: 'm', source: { schema: '', table: '' }, message: { prefix: 'p', content } },
    ]);
    const tellsNulls = nulls.optionalForNullables || nulls.wrapperForNullables;
    expect(await read(shapes.boundary('BEGIN'), () => controls.begin())).toMatchObject([
      { id: '77:0' },
      { status: 'BEGIN', event_count: tellsNulls ? null : 0, data_collections: [] },
    ]);
    expect(await read(shapes.boundary('END'), () => controls.end(3, [{ name: 'public.item', count: 3 }]))).toMatchObject([
      { id: '77:0' },
      {
        status: 'END',
        event_count: 3n,
        data_collections: [{ data_collection: 'public.item', event_count: 3n }],
        ts_ms: 1_700_000_000_000n,
      },
    ]);
    expect(await read(shapes.heartbeat(), () => controls.heartbeat())).toMatchObject([
      { serverName: 'srv' },
      { ts_ms: 1_700_000_000_500n },
    ]);
    expect(order.open).toBe(false);
  });
});
