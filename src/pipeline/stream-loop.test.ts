/** Where the loop marks positions among control records; what the events are is in the recorded cases. */
import { describe, expect, it } from 'vitest';
import { SILENT_LOG } from '../core/log.ts';
import { LSN_ZERO, type Lsn } from '../core/lsn.ts';
import { SYSTEM_CLOCK } from '../core/time.ts';
import { SourceInfo } from '../events/source-info.ts';
import { TransactionOrder } from '../events/transaction.ts';
import type { Publisher, RecordView } from '../kafka/publisher-contract.ts';
import { JsonSerde } from '../serde/json.ts';
import type { SerdeSettings } from '../serde/serializer.ts';
import { AckTracker } from './ack-tracker.ts';
import { ChangeWriter } from './change-writer.ts';
import { StreamLoop } from './stream-loop.ts';
import type { TablePlans } from './table-plans.ts';
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
  const changes = new ChangeWriter({
    out: serde.out,
    info,
    order,
    publisher: publisher as unknown as Publisher,
    options: { tombstonesOnDelete: true, skippedOperations: new Set() },
    contextHeaders: [],
  });
  const topic = { name: 'p.transaction', partitionCount: 1, recordBatchBytesMax: 1_000_000 };
  const loop = new StreamLoop({
    plans: undefined as unknown as TablePlans,
    changes,
    boundaries: order === undefined ? undefined : new TransactionBoundaries({ order, serde, changes, openTopic: async () => topic }),
    info,
    publisher: publisher as unknown as Publisher,
    tracker: new AckTracker(LSN_ZERO),
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
  return { loop, publisher, values, confirmed, feed };
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
});
