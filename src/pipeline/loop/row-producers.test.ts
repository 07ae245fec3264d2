/** The stream and a snapshot beside each other: one serde, one output, one publisher, and of each what its own records say. */

import { describe, expect, it } from 'vitest';
import { tupleOf } from '../../../test/oracles/tuples.ts';
import { plansOfA, relation, SNAPSHOT } from '../../../test/pipeline/table-plans.ts';
import { ByteWriter } from '../../core/byte-writer.ts';
import { type Log, type LogFields, SILENT_LOG } from '../../core/log.ts';
import type { Lsn } from '../../core/lsn.ts';
import { DebeziumShapes } from '../../events/debezium-shapes.ts';
import { EventView } from '../../events/event-view.ts';
import { SourceInfo } from '../../events/source-info.ts';
import { TransactionOrder } from '../../events/transaction.ts';
import type { RecordView, TopicHandle } from '../../kafka/producer/publisher-contract.ts';
import type { TupleView } from '../../pgoutput/tuple.ts';
import { JsonHalfSerde } from '../../serde/plain-halves.ts';
import { RecordSerde } from '../../serde/record-serde.ts';
import { ChangeWriter, noChanges } from './change-writer.ts';
import { ConversionFailures } from './conversion-failures.ts';
import { compileTable } from './table-records.ts';

const COLUMNS = ['id', 'n'];
/** One test writes very many. */
const RECORDS_KEPT = 10;

async function setUp() {
  const out = new ByteWriter();
  const warned: LogFields[] = [];
  const log: Log = { ...SILENT_LOG, warn: (_event, fields = {}) => void warned.push(fields) };
  const failures = new ConversionFailures('warn', log);
  const half = new JsonHalfSerde({ schemas: false, nullIsDefault: true, decimals: 'BASE64' }, out, (failure) => failures.report(failure));
  const serde = new RecordSerde(out, half, half);
  const shapes = new DebeziumShapes({ constants: { version: '1', name: 'srv', db: 'd' }, transactionMetadata: true, binary: 'bytes' });
  const plans = plansOfA('public.a', { compile: (plan) => compileTable(plan, shapes, serde) });
  const records: { value: Record<string, unknown>; timestampMs: number }[] = [];
  const append = (_topic: TopicHandle, { bytes, valueStart, valueEnd, timestampMs }: RecordView): void => {
    if (records.length < RECORDS_KEPT)
      records.push({ value: JSON.parse(Buffer.from(bytes.subarray(valueStart, valueEnd)).toString()), timestampMs });
  };
  const counts = noChanges();
  const producer = (order: TransactionOrder | undefined) => {
    const info = new SourceInfo();
    const event = new EventView(info, order);
    const options = { tombstonesOnDelete: true, skippedOperations: new Set<never>() };
    const changes = new ChangeWriter({
      out,
      event,
      publisher: { append },
      failures,
      counts,
      options,
      contextHeaders: [],
      onRefused: () => {},
    });
    return { info, changes };
  };
  const order = new TransactionOrder({ endBytesMax: 1_000 });
  const stream = producer(order);
  const snapshot = producer(undefined);
  stream.info.lsn = 0x200 as Lsn;
  stream.info.nowUs = 9_000;
  stream.info.beginTransaction({ commitTimeUs: 5_000, xid: 7 });
  stream.info.endTransaction(0x100 as Lsn);
  order.begin();
  snapshot.info.lsn = 0x50 as Lsn;
  snapshot.info.nowUs = 8_000;
  snapshot.info.beginTransaction({ commitTimeUs: 3_000, xid: 6 });
  snapshot.info.markSnapshot('true');
  const streamed = await plans.learn(relation('a', COLUMNS));
  const read = await plans.learn(relation('a', COLUMNS), SNAPSHOT);
  if (streamed === null || read === null) throw new Error('the table is captured');
  const insert = (row: TupleView) =>
    stream.changes.writeRow(streamed, { tag: 'insert', relationOid: 1, old: 'none', before: tupleOf(), after: row });
  await insert(tupleOf('1', '1'));
  await snapshot.changes.openRead(read, tupleOf('1', '1'));
  return { insert, read: (row: TupleView) => snapshot.changes.writeRead(read, row), records, counts, warned };
}

describe('two producers of rows', () => {
  it('take turns, and each record says what its own producer knows', async () => {
    const { insert, read, records, counts } = await setUp();
    for (const n of ['1', '2']) {
      insert(tupleOf(n, n));
      read(tupleOf(n, n));
    }
    const ofStream = {
      timestampMs: 9,
      value: {
        op: 'c',
        ts_us: 9_000,
        source: { ts_us: 5_000, txId: 7, lsn: 0x200, snapshot: 'false', sequence: '["256","512"]' },
        transaction: { id: '7:512' },
      },
    };
    const ofSnapshot = {
      timestampMs: 8,
      value: {
        op: 'r',
        ts_us: 8_000,
        source: { ts_us: 3_000, txId: 6, lsn: 0x50, snapshot: 'true', sequence: '[null,"80"]' },
        transaction: null,
      },
    };
    expect(records).toMatchObject([ofStream, ofSnapshot, ofStream, ofSnapshot]);
    expect(records.map(({ value }) => (value.after as { n: number }).n)).toEqual([1, 1, 2, 2]);
    expect(records[2]?.value.transaction).toMatchObject({ total_order: 2, data_collection_order: 2 });
    expect(counts).toMatchObject({ created: 2, read: 2 });
  });

  it('are told from each other where a value does not convert', async () => {
    const { insert, read, warned } = await setUp();
    read(tupleOf('1', 'x'));
    expect(warned).toMatchObject([{ column: 'n', lsn: '0/50' }]);
    for (let i = 2; i < 100_000; i++) read(tupleOf('1', 'x'));
    insert(tupleOf('1', 'x'));
    expect(warned).toMatchObject([{ lsn: '0/50' }, { column: 'n', lsn: '0/200', count: 100_000 }]);
  }, 60_000);
});
