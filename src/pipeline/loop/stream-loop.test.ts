/** Where the loop marks positions among control records; what the events are is in the recorded cases. */
import { describe, expect, it } from 'vitest';
import type { ByteWriter } from '../../core/byte-writer.ts';
import { SILENT_LOG } from '../../core/log.ts';
import { LSN_ZERO, type Lsn } from '../../core/lsn.ts';
import { SYSTEM_CLOCK } from '../../core/time.ts';
import type { RowPlan } from '../../events/row-plan.ts';
import { SourceInfo } from '../../events/source-info.ts';
import { TransactionOrder } from '../../events/transaction.ts';
import type { Publisher, RecordView } from '../../kafka/producer/publisher-contract.ts';
import { JsonSerde } from '../../serde/json/serde.ts';
import type { RowSerializer, SerdeSettings } from '../../serde/serializer.ts';
import type { ValueComparer } from '../../serde/value-comparer.ts';
import { Ledger } from '../positions/ledger.ts';
import { ChangeWriter } from './change-writer.ts';
import { StreamLoop } from './stream-loop.ts';
import { TableOutput } from './table-output.ts';
import type { TablePlan, TablePlans } from './table-plans.ts';
import { TransactionBoundaries } from './transaction-boundaries.ts';

const XID = 77;
const BEGIN_LSN = 0x1000 as Lsn;
const COMMIT_END = 0x1100 as Lsn;

/** 'B' Int64 final LSN, Int64 commit time, Int32 xid. */
function begin(): Buffer {
  const bytes = Buffer.alloc(21);
  bytes.write('B');
  bytes.writeBigInt64BE(BigInt(COMMIT_END - 0x30), 1);
  bytes.writeInt32BE(XID, 17);
  return bytes;
}

/** 'C' Int8 flags, Int64 commit LSN, Int64 end LSN, Int64 time. */
function commit(): Buffer {
  const bytes = Buffer.alloc(26);
  bytes.write('C');
  bytes.writeBigInt64BE(BigInt(COMMIT_END - 0x30), 2);
  bytes.writeBigInt64BE(BigInt(COMMIT_END), 10);
  return bytes;
}

const OID = 5;

/** 'I' Int32 relation, 'N' Int16 count, 't' Int32 length, bytes. */
function insert(text: string): Buffer {
  const bytes = Buffer.alloc(13 + text.length);
  bytes.write('I');
  bytes.writeInt32BE(OID, 1);
  bytes.write('N', 5);
  bytes.writeInt16BE(1, 6);
  bytes.write('t', 8);
  bytes.writeInt32BE(text.length, 9);
  bytes.write(text, 13);
  return bytes;
}

/** 'T' Int32 count, Int8 options, Int32 relation each. */
function truncate(tables: number): Buffer {
  const bytes = Buffer.alloc(6 + 4 * tables);
  bytes.write('T');
  bytes.writeInt32BE(tables, 1);
  for (let i = 0; i < tables; i++) bytes.writeInt32BE(OID + i, 6 + 4 * i);
  return bytes;
}

/** Tables whose topics are open when a test says so; their values are the op and the text of the first cell. */
function waitingTables(out: ByteWriter) {
  const gates: PromiseWithResolvers<void>[] = [];
  const serializer: RowSerializer = {
    writeKey: () => false,
    writeKeyHeader: () => {},
    writeValue: (op, _before, after) => {
      out.text(op);
      if (after !== undefined) out.copy(after.source, after.starts[0] ?? 0, after.ends[0] ?? 0);
    },
  };
  const open = (): Promise<void> => {
    const gate = Promise.withResolvers<void>();
    gates.push(gate);
    return gate.promise;
  };
  const byOid = new Map<number, TablePlan>();
  const get = (oid: number): TablePlan => {
    const plan = { key: [], keySchema: undefined, topic: `t${oid}` } as unknown as RowPlan;
    const openTopic = async (name: string) => ({ name, partitionCount: 1, recordBatchBytesMax: 1_000_000 });
    const deps = { serde: () => ({ serializer, openKey: async () => {}, openValue: open }), openTopic, deadLetters: undefined };
    const keys = undefined as unknown as ValueComparer;
    const made = byOid.get(oid) ?? {
      plan,
      output: new TableOutput(plan, deps, async () => {}),
      keys,
      comparer: undefined,
      collection: plan.topic,
      relationColumns: '',
    };
    byOid.set(oid, made);
    return made;
  };
  return { plans: { get } as unknown as TablePlans, gates };
}

/** A loop over a publisher that keeps what is appended, and acknowledges what a test says. */
function setUp(o: { metadata: boolean }) {
  const values: string[] = [];
  const confirmed: Lsn[] = [];
  const publisher = {
    appended: 0,
    settled: 0,
    append: (_topic: unknown, record: RecordView) => {
      publisher.appended++;
      values.push(Buffer.from(record.bytes.subarray(record.valueStart, record.valueEnd)).toString());
    },
    flush: () => {},
    hasCapacity: () => true,
    pending: { records: 1, bytes: 1, requestsInFlight: 1 },
    failure: undefined,
    get appendedOrdinal() {
      return publisher.appended;
    },
    get settledOrdinal() {
      return publisher.settled;
    },
  };
  const info = new SourceInfo();
  const order = o.metadata ? new TransactionOrder({ endBytesMax: 1_000_000 }) : undefined;
  const settings: SerdeSettings = {
    keySchemas: false,
    valueSchemas: false,
    replaceNullWithDefault: true,
    replaceNullWithDefaultInKeys: true,
    keyDecimals: 'BASE64',
    valueDecimals: 'BASE64',
    binary: 'bytes',
  };
  const serde = new JsonSerde(settings, { version: '1', name: 'p', db: 'd' }, { info, order }, () => {});
  const { plans, gates } = waitingTables(serde.out);
  const changes = new ChangeWriter({
    out: serde.out,
    info,
    order,
    publisher: publisher as unknown as Publisher,
    failures: { try: (write) => write() },
    options: { tombstonesOnDelete: true, skippedOperations: new Set() },
    contextHeaders: [],
  });
  const topic = { name: 'p.transaction', partitionCount: 1, recordBatchBytesMax: 1_000_000 };
  const loop = new StreamLoop({
    plans,
    changes,
    boundaries: order === undefined ? undefined : new TransactionBoundaries({ order, serde, changes, openTopic: async () => topic }),
    info,
    publisher: publisher as unknown as Publisher,
    ledger: new Ledger(LSN_ZERO),
    clock: SYSTEM_CLOCK,
    log: SILENT_LOG,
    writeMessage: () => 0,
    wantsMessage: () => false,
    openMessageTopic: async () => topic,
    confirm: (lsn) => confirmed.push(lsn),
    untilLsn: undefined,
    onReached: () => {},
  });
  const feed = async (bytes: Buffer, lsn: Lsn): Promise<void> => loop.onFrame(bytes, 0, bytes.length, lsn);
  return { loop, publisher, values, confirmed, feed, gates };
}

describe('the stream loop', () => {
  it('D2: confirms a commit only when the END record of its transaction is acknowledged', async () => {
    const { loop, publisher, values, confirmed, feed } = setUp({ metadata: true });
    await feed(begin(), BEGIN_LSN);
    await feed(commit(), COMMIT_END);
    expect(values.map((value) => JSON.parse(value))).toMatchObject([
      { status: 'BEGIN', id: `${XID}:${BEGIN_LSN}`, event_count: null, data_collections: null },
      { status: 'END', id: `${XID}:${COMMIT_END}`, event_count: 0, data_collections: [] },
    ]);
    publisher.settled = 1;
    loop.release({ urgent: false });
    expect(confirmed).toEqual([]);
    publisher.settled = 2;
    loop.release({ urgent: false });
    expect(confirmed).toEqual([COMMIT_END]);
  });

  it('publishes no boundaries unless asked to', async () => {
    const { loop, values, confirmed, feed } = setUp({ metadata: false });
    await feed(begin(), BEGIN_LSN);
    await feed(commit(), COMMIT_END);
    loop.release({ urgent: false });
    expect(values).toEqual([]);
    expect(confirmed).toEqual([COMMIT_END]);
  });

  it('holds the stream at the first row of a table until that is open, writes this row, and waits for no other', async () => {
    const { loop, publisher, values, confirmed, feed, gates } = setUp({ metadata: false });
    await feed(begin(), BEGIN_LSN);
    const held = feed(insert('first'), BEGIN_LSN);
    await until(() => gates.length === 1);
    expect([publisher.appended, loop.inTransaction, confirmed]).toEqual([0, true, []]);
    loop.release({ urgent: true });
    expect(confirmed).toEqual([LSN_ZERO]);
    gates[0]?.resolve();
    await held;
    const second = insert('second');
    expect(loop.onFrame(second, 0, second.length, BEGIN_LSN)).toBeUndefined();
    await feed(commit(), COMMIT_END);
    expect(values).toEqual(['cfirst', 'csecond']);
    loop.release({ urgent: true });
    expect(confirmed).toEqual([LSN_ZERO, LSN_ZERO]);
    publisher.settled = 2;
    loop.release({ urgent: false });
    expect(confirmed).toEqual([LSN_ZERO, LSN_ZERO, COMMIT_END]);
  });

  it('writes a truncate of several tables to each, once, though each has to be opened', async () => {
    const { values, feed, gates } = setUp({ metadata: false });
    await feed(begin(), BEGIN_LSN);
    const held = feed(truncate(2), BEGIN_LSN);
    await until(() => gates.length === 1);
    gates[0]?.resolve();
    await until(() => gates.length === 2);
    expect(values).toEqual(['t']);
    gates[1]?.resolve();
    await held;
    expect(values).toEqual(['t', 't']);
  });

  it('does not write a row whose table is open only after the end', async () => {
    const { loop, values, feed, gates } = setUp({ metadata: false });
    await feed(begin(), BEGIN_LSN);
    const held = feed(insert('late'), BEGIN_LSN);
    await until(() => gates.length === 1);
    loop.end();
    gates[0]?.resolve();
    await held;
    expect(values).toEqual([]);
  });

  it('ends with what keeps a table from being opened', async () => {
    const { values, feed, gates } = setUp({ metadata: false });
    await feed(begin(), BEGIN_LSN);
    const held = feed(insert('never'), BEGIN_LSN);
    await until(() => gates.length === 1);
    gates[0]?.reject(new Error('refused'));
    await expect(held).rejects.toThrow('refused');
    expect(values).toEqual([]);
  });
});

/** Within the microtasks that it takes. */
async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 100 && !condition(); i++) await Promise.resolve();
  expect(condition()).toBe(true);
}
